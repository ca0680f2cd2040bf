"""Styles, a row each, and all ten digits in them: from the prior, the sliders, a test digit, the
visitor's own hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, generate_html, generation, session
from explorer.components import drawing, latent_sliders
from explorer.generate_html import Source
from explorer.generation import Drawn, Hand
from explorer.panels import downloads, draw_form, uploads
from explorer.panels.uploads import Upload
from vae import latent

ROWS, MOST_ROWS = 8, 40  # styles at once; the classifier reads 400 digits at the most
TEN = list(range(10))


def choose() -> None:
    """The control that says where the styles come from; `show` obeys it."""
    st.segmented_control(
        "Style from",
        WAYS,
        default="Prior",
        key="style-way",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )


def show(name: str) -> None:
    """The Style mode of the Generate page."""
    WAYS[st.session_state.get("style-way") or "Prior"](name)


def _drawn(name: str, styles: np.ndarray) -> Drawn:
    """Each style [S, Z] as all ten digits."""
    return draw_form.draw(name, np.tile(TEN, len(styles)), styles.repeat(10, axis=0))


def _sheet(drawn: Drawn, sources: list[Source]) -> str:
    """A row for each style, its source before it; a single one at large."""
    colours = controls.DIGIT_COLOURS
    if len(drawn.labels) > 10:
        return generate_html.styles(drawn.images, TEN, drawn.read, colours, sources)
    return generate_html.sheet(drawn.images, drawn.labels, drawn.read, colours, (5, 5), large=True)


def _take_home(name: str, drawn: Drawn, styles: np.ndarray, stem: str) -> None:
    downloads.buttons(
        drawn,
        f"{name}-{stem}",
        lambda: generation.sheet(drawn.images, 10),
        generation.by_styles(name, TEN, styles),
        stem,
    )


def _rows(
    name: str, desk: draw_form.Layout, styles: np.ndarray, sources: list[Source], stem: str
) -> None:
    """All that a page shows of styles [S, Z]."""
    styles = generation.exact(styles)
    drawn = _drawn(name, styles)
    with desk.sheet:
        st.html(_sheet(drawn, sources))
    with desk.outcome:
        if sources and len(styles) == 1:
            st.html(generate_html.seen(sources[0]))
        draw_form.agreement(drawn)
        _take_home(name, drawn, styles, stem)


# --- from the prior -----------------------------------------------------------------------------


def _prior(name: str) -> None:
    desk = draw_form.layout()
    st.session_state.setdefault("style-count", ROWS)
    how_many = partial(
        st.number_input, "Styles", 1, MOST_ROWS, key="style-count", persist_state="session"
    )
    with desk.ask:
        count, seed, temperature = draw_form.prior_controls("style", how_many, "style-again")
    with desk.sheet:
        controls.loading(name)
    codes = latent.sample_prior(session.info(name).blocks, count, seed, temperature)
    _rows(name, desk, draw_form.style_part(name, codes), [], "styles")


# --- from the sliders ---------------------------------------------------------------------------


def _sliders(name: str) -> None:
    with st.container(key="desk"):
        controls.loading(name)
        _steer(name)
        _kept(name)


def _follow(name: str) -> tuple[Hand, list[int], list[int]]:
    """The style as the sliders have it, the dimensions of the code that they move, and where in the
    style those stand."""
    info = session.info(name)
    rest = draw_form.style_part(name, np.arange(info.dims)[None])[0].tolist()
    start = Hand(np.zeros(len(rest), np.float32))
    hand = st.session_state.setdefault(f"style-hand-{name}", start)
    free = [d for d in info.order if info.active[d]]
    spots = [rest.index(d) for d in free]
    hand.z[spots] = latent_sliders.slider_values(
        f"style-{name}", hand.z[spots].tolist(), hand.revision
    )
    return hand, free, spots


@st.fragment(key="style-hand")
def _steer(name: str) -> None:
    """The digits and the sliders, and nothing else: this is what runs while a hand moves."""
    info = session.info(name)
    hand, free, spots = _follow(name)
    drawn = _drawn(name, generation.exact(hand.z[None]))
    with st.container(key="sheet"):
        st.html(_sheet(drawn, []))

    def move(z: np.ndarray) -> None:
        hand.go(z)
        controls.rerun("style-hand", "style-kept")

    def random() -> None:
        codes = latent.sample_prior(info.blocks, 1, int(np.random.default_rng().integers(2**31)))
        move(draw_form.style_part(name, codes)[0])

    with st.container(key="ask"):
        # after the picture, for mounting the sliders lets the next move through
        latent_sliders.mount(
            [f"z{d + 1}" for d in free],
            hand.z[spots].tolist(),
            key=f"style-{name}",
            revision=hand.revision,
            **controls.kl_beside(name, free),
            max_height=300,
            on_release=partial(controls.rerun, "style-hand", "style-kept"),
        )
        with st.container(horizontal=True, key="style-moves"):
            still = np.zeros_like(hand.z)
            st.button("Reset", on_click=move, args=(still,), key="style-reset", help="All to 0")
            st.button("Random", on_click=random, key="style-random", help="A draw from the prior")
        draw_form.agreement(drawn)


@st.fragment(key="style-kept")
def _kept(name: str) -> None:
    """What is to be taken home, once the hand rests."""
    styles = generation.exact(_follow(name)[0].z[None])
    with st.container(key="outcome"):
        _take_home(name, _drawn(name, styles), styles, "sliders")


# --- from test digits ---------------------------------------------------------------------------


def _test_digits(name: str) -> None:
    state, desk, arrival = st.session_state, draw_form.layout(), session.mnist()
    arrival.wait(0.2)
    arrived = arrival.digits  # once, for it may come meanwhile
    digits = arrived or session.bundled()
    count = len(digits.labels)
    state["style-index"] = min(state.get("style-index", 0), count - 1)

    def jump() -> None:
        state["style-index"] = int(np.random.default_rng().integers(count - ROWS))

    def move(step: int) -> None:
        state["style-index"] = int(np.clip(state["style-index"] + step, 0, count - 1))

    with desk.ask, st.container(horizontal=True, vertical_alignment="bottom"):
        first = int(
            st.number_input(
                "First test digit", 0, count - 1, key="style-index", persist_state="session"
            )
        )
        last = first + ROWS >= count
        st.button("Previous", on_click=move, args=(-ROWS,), disabled=not first, key="style-back")
        st.button("Next", on_click=move, args=(ROWS,), disabled=last, key="style-next")
        st.button("At random", on_click=jump, key="style-jump")
    with desk.sheet:
        controls.loading(name)
    shown = slice(first, first + ROWS)
    pictures, labels = digits.images[shown] / np.float32(255), digits.labels[shown]
    kind = "test" if arrived else "bundled"
    sources = [
        Source(picture, f"{kind} digit {index:,}, a {label}")
        for index, (picture, label) in enumerate(zip(pictures, labels, strict=True), first)
    ]
    mean, _ = session.model(name).encode(pictures)
    _rows(name, desk, draw_form.style_part(name, mean), sources, "test-digits")
    controls.mnist_line()


# --- from the visitor's own hand ----------------------------------------------------------------


@st.fragment(key="style-draw")
def _draw(name: str) -> None:
    desk = draw_form.layout()
    with desk.ask, st.container(width=280):
        png = drawing.mount(key="style-ink")
    with desk.sheet:
        controls.loading(name)
        if png is None:
            st.caption("Draw a digit: after each stroke it is written as every digit.")
            return
    _own(name, desk, [Upload("your drawing", png)], False, "drawing")


def _upload(name: str) -> None:
    desk = draw_form.layout()
    with desk.ask:
        label = f"Images of one digit each, up to {ROWS}: {uploads.LIMITS}"
        files = uploads.uploads(label, "style-files", several=True)
        if len(files) > ROWS:
            st.error(f"{len(files)} images are too many at once: the first {ROWS} are taken.")
    with desk.sheet:
        controls.loading(name)
        if not files:
            st.caption("Each image becomes a row: its digit, then all ten in its style.")
            return
    _own(name, desk, files[:ROWS], "auto", "upload")


def _own(
    name: str, desk: draw_form.Layout, files: list[Upload], invert: str | bool, stem: str
) -> None:
    """Rows in the hand of the visitor's images, of those that can be read."""
    with desk.sheet:
        tried = [(file.name, uploads.digit(file, invert)) for file in files]
    found = [(words, steps.final / np.float32(255)) for words, steps in tried if steps]
    if not found:
        return
    mean, _ = session.model(name).encode(np.stack([picture for _, picture in found]))
    taken = mean[:, session.info(name).digit].argmax(axis=1)
    sources = [
        Source(picture, f"{words}, taken for a {digit}")
        for (words, picture), digit in zip(found, taken, strict=True)
    ]
    _rows(name, desk, draw_form.style_part(name, mean), sources, stem)


WAYS = {
    "Prior": _prior,
    "Sliders": _sliders,
    "Test digits": _test_digits,
    "Draw": _draw,
    "Upload": _upload,
}
