"""Explore: the map, the sliders and the digit that the current code decodes to."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, gallery, images, session
from explorer.components import (
    drag_serial,
    latent_map,
    latent_sliders,
    pending_click,
    pending_drag,
    slider_values,
)
from explorer.panels import mapviews
from explorer.session import Visit
from vae import latent

MAP, HAND, UNUSED = "map", "sliders", "unused-sliders"
STEPS, SHEET = 13, 20  # tiles of a traversal; tiles a side of the manifold
NEIGHBOURS = 25
# the picture's place while torch is imported
FRAME = '<div class="stage-digit"><div class="digit-frame"></div></div>'


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    info = session.info(name)
    if not info.abilities >= {"encodes", "decodes"}:
        st.info(f"{info.title} does not both encode and decode, so it has no map to explore.")
        return
    session.visit(name)
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        _map(name)
    with right:
        hand = st.container()
        _moves(name)
    with hand:
        _hand(name)  # after all others, for the first one waits for torch
    st.caption(info.description)
    _sheets(name)
    controls.mnist_line()


def _rerun() -> None:
    """The code has moved by other than the sliders, or has come to rest: all parts follow."""
    st.rerun(["hand", "map", "moves", "sheets"])


# --- the map ------------------------------------------------------------------------------------


@st.fragment(key="map")
def _map(name: str) -> None:
    """The encoded digits. The sliders move the cursor in the browser, so this part rests then."""
    now = session.visit(name)
    codes = session.encodings(name)
    view = mapviews.chosen(name)
    mapviews.choose(name, _rerun)
    latent_map(
        view.points,
        codes.labels,
        view.cursor(now.z),
        axes=view.axes,
        colours=controls.DIGIT_COLOURS,
        height=560 if len(session.info(name).order) == 2 else 510,
        selected=now.place.digit,
        sheets=gallery.sheets(name),
        key=f"{MAP}-{name}",
        on_click=partial(_take_click, name),
        on_drag=partial(_take_drag, name),
    )


def _take_drag(name: str) -> None:
    """The code under the pointer: only the picture and the sliders follow until it is let go."""
    spot = pending_drag(f"{MAP}-{name}")
    if spot is None:
        return
    now = session.visit(name)
    now.move(mapviews.chosen(name).place(now.z, spot).z)
    st.rerun(["hand"])


def _take_click(name: str) -> None:
    click = pending_click(f"{MAP}-{name}")
    if click is None:
        return
    now = session.visit(name)
    if click.index is not None:
        now.go(*session.digit_place(name, click.index))
    else:
        now.go(*mapviews.chosen(name).place(now.z, (click.x, click.y)))
    _rerun()


# --- the digit and its code ---------------------------------------------------------------------


@st.fragment(key="hand")
def _hand(name: str) -> None:
    """The picture and the sliders, and nothing else: this is what runs while a hand moves."""
    now = session.visit(name)
    used, unused = _dims(name)
    _take_hand(now, used, unused)
    ready = session.is_ready(name)
    # st.empty only where the frame will be replaced, for it clears its place in every run
    place = st if ready else st.empty()
    place.html(_picture(now) if ready else FRAME)
    # after the picture, for mounting the sliders lets the next move through, which ends this run
    _sliders(now, used, unused)
    if not ready:
        place.html(_picture(now))


def _dims(name: str) -> tuple[list[int], list[int]]:
    """The dimensions in use and those that are not, each in the order of what they carry."""
    info = session.info(name)
    return (
        [d for d in info.order if info.active[d]],
        [d for d in info.order if not info.active[d]],
    )


def _picture(now: Visit) -> str:
    """HTML of the decoded digit and the facts beside it."""
    model = session.model(now.model)
    start = time.perf_counter()
    image = model.decode(now.z[None])[0]
    took = (time.perf_counter() - start) * 1e3
    judge = session.judge() if session.info(now.model).digit else None
    title = "What a judge sees" if judge else "What lies near"
    shares = judge.classify(image[None])[0] if judge else _neighbours(now)
    bars = "".join(
        f'<div class="bar"><span>{digit}</span><i style="width:{100 * share:.0f}%;'
        f'background:{controls.DIGIT_COLOURS[digit]}"></i></div>'
        for digit, share in enumerate(shares)
    )
    distance = float(np.linalg.norm(now.z[list(session.info(now.model).order)]))
    return (
        '<div class="stage-digit">'
        + images.html(image, 252, "the decoded digit", _origin(now))
        + f'<div class="facts"><h4>{title}</h4>{bars}'
        f"<p>{distance:.2f} from the centre<br>decoded in {took:.1f} ms on {model.device}</p></div>"
        "</div>"
    )


def _origin(now: Visit) -> str:
    if now.place.digit is None:
        return "decoded from the sliders"
    label = session.encodings(now.model).labels[now.place.digit]
    return f"test digit {now.place.digit:,}, a {label}"


def _neighbours(now: Visit) -> np.ndarray:
    """Share of each digit among the test digits whose codes lie nearest, [10]."""
    codes = session.encodings(now.model)
    distances = np.square(codes.mean - now.z).sum(axis=1)
    nearest = np.argpartition(distances, NEIGHBOURS)[:NEIGHBOURS]
    return np.bincount(codes.labels[nearest], minlength=10) / NEIGHBOURS


def _take_hand(now: Visit, used: list[int], unused: list[int]) -> None:
    z = now.z.astype(float).tolist()
    for key, dims in ((HAND, used), (UNUSED, unused)):
        values = slider_values(f"{key}-{now.model}", [z[d] for d in dims], now.revision)
        for dim, value in zip(dims, values, strict=True):
            z[dim] = value
    now.follow(z)


def _rest(name: str) -> None:
    now = session.visit(name)
    _take_hand(now, *_dims(name))
    now.rest()
    _rerun()


def _sliders(now: Visit, used: list[int], unused: list[int]) -> None:
    info = session.info(now.model)
    most = max(*info.kl, 1e-6)
    cursor = mapviews.chosen(now.model).cursor(now.z)

    def bank(key: str, dims: list[int], height: int) -> None:
        latent_sliders(
            [f"z{d + 1}" for d in dims],
            [now.place.z[d] for d in dims],
            key=f"{key}-{now.model}",
            revision=now.revision,
            notes=[f"{info.kl[d]:.1f} nats" for d in dims] if any(info.kl) else [],
            weights=[info.kl[d] / most for d in dims] if any(info.kl) else [],
            max_height=height,
            cursor=cursor,
            selected=now.place.digit,
            answered=drag_serial(f"{MAP}-{now.model}"),
            on_rest=partial(_rest, now.model),
        )

    bank(HAND, used, 300)
    if unused:
        words = "dimension is" if len(unused) == 1 else "dimensions are"
        with st.expander(f"{len(unused)} {words} not in use"):
            bank(UNUSED, unused, 150)


@st.fragment(key="moves")
def _moves(name: str) -> None:
    """The buttons that move the code."""
    now = session.visit(name)
    info = session.info(name)
    rng = np.random.default_rng()

    def move(place: tuple, digit: int | None = None) -> None:
        now.go(place, digit)
        _rerun()

    def undo() -> None:
        now.undo()
        _rerun()

    def random() -> None:
        move(tuple(latent.sample_prior(info.blocks, 1, int(rng.integers(2**31)))[0]))

    def choose() -> None:
        code = now.z
        code[info.digit] = np.eye(10)[st.session_state[f"digit-{name}"]]
        move(tuple(code))

    def reset() -> None:
        code = latent.origin(info.blocks)
        if info.digit:
            code[info.digit] = now.z[info.digit]  # in the middle of the prior, the same digit
        move(tuple(code))

    def test_digit() -> None:
        move(*session.digit_place(name, int(rng.integers(len(session.encodings(name).labels)))))

    if info.digit:
        st.session_state[f"digit-{name}"] = int(now.z[info.digit].argmax())
        st.segmented_control(
            "Digit",
            range(10),
            key=f"digit-{name}",
            on_change=choose,
            required=True,
            label_visibility="collapsed",
        )
    with st.container(horizontal=True, key="moves"):
        st.button("Reset", on_click=reset, help="All dimensions to 0")
        st.button("Random", on_click=random, help="A code drawn from the prior")
        st.button("Test digit", on_click=test_digit, help="The code of a test digit, at random")
        st.button("Undo", on_click=undo, disabled=not now.past, help="Back to the code before")


# --- below: what surrounds the code -------------------------------------------------------------


@st.fragment(key="sheets")
def _sheets(name: str) -> None:
    """Traversals and manifold around the code. They follow when the hand rests, not while it moves:
    they hold hundreds of digits where the picture holds one."""
    now = session.visit(name)
    info = session.info(name)
    controls.loading(name)
    model = session.model(name)
    strips, sheet = st.columns([1.5, 1], gap="large")
    dims = [d for d in info.order if info.active[d]]
    with strips:
        st.html(
            "<h3>Traversals</h3><p>Each row sweeps one dimension from -3 to 3 around the code.</p>"
        )
        sweeps = latent.traversals(now.z, dims, steps=STEPS)
        decoded = model.decode(sweeps.reshape(-1, info.dims)).reshape(len(dims), STEPS, 28, 28)
        rows = [
            f'<div class="strip"><span>z{dim + 1}</span>'
            f'<img src="{images.data_uri(images.tile(row, STEPS))}" alt="z{dim + 1} from -3 to 3">'
            f'<b style="left:calc(2.6rem + (100% - 2.6rem) * {_along(now.z[dim]):.4f})"></b></div>'
            for dim, row in zip(dims, decoded, strict=True)
        ]
        st.html(f'<div class="strips">{"".join(rows)}</div>')
    with sheet:
        x, y = mapviews.plane_dims(name)
        st.html(f"<h3>Manifold</h3><p>z{x + 1} to the right, z{y + 1} upwards, -3 to 3.</p>")
        codes = latent.grid(now.z, (x, y), SHEET)
        whole = images.tile(model.decode(codes), SHEET)
        st.html(f'<img class="sheet" src="{images.data_uri(whole)}" alt="the decoded manifold">')
    session.write_link(now)


def _along(value: float) -> float:
    """Where a value stands on a strip, 0 to 1; its tiles are centred on -3 to 3."""
    step = 6 / (STEPS - 1)
    return float(np.clip((value + 3 + step / 2) / (6 + step), 0, 1))
