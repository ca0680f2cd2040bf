"""The decoded digit and the sliders: what follows a hand, and nothing else."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from explorer import controls, decoded_code, session
from explorer.components import decoded_view, latent_map, latent_sliders
from explorer.panels import maps
from explorer.session import Visit

HAND, UNUSED = "sliders", "unused-sliders"
# s before torch is imported, which lets no other thread run for long: in this time the browser gets
# the page and fetches the scripts that it will be busy with meanwhile
SETTLE = 0.1
LEAVE = 0.03  # s in which the first picture leaves before hundreds of others are decoded
TALL = 315  # px of the sliders at the most: a row that is cut in its middle says that more follow
ELLIPSES = "ellipses: 1 and 2 deviations"


@st.fragment(key="hand")
def panel(name: str) -> None:
    """The picture and the sliders: where no live channel is open, this runs while a hand moves."""
    now = session.visit(name)
    used, unused = banks(name)
    _take_hand(now, used, unused)
    if session.is_ready(name):
        _picture(now)
        # after the picture, for mounting the sliders lets the next move through, ending this run
        _sliders(now, used, unused)
        return
    place = st.empty()
    with place:
        decoded_view.placeholder(f"decoded-view-frame-{name}")
    _sliders(now, used, unused)
    time.sleep(SETTLE)
    session.model(name)
    with place:
        _picture(now)
    time.sleep(LEAVE)


def banks(name: str) -> tuple[list[int], list[int]]:
    """The dimensions in use and those that are not, each in the order of what they carry."""
    info = session.info(name)
    return (
        [d for d in info.order if info.active[d]],
        [d for d in info.order if not info.active[d]],
    )


def _picture(now: Visit) -> None:
    """The decoded digit and the facts beside it. All is known before the first part is drawn, for
    drawing ends a run that a newer move has overtaken."""
    found = decoded_code.decode(now.model, now.z)
    engine = found.engine
    kind, dims = maps.kind(now.model)
    decoded_view.mount(
        found.picture,
        now.place.z,
        key=f"decoded-view-{now.model}",
        model=now.model,
        view=(kind, *dims),
        caption=decoded_code.caption(now.model, now.place.digit),
        note=ELLIPSES if _posterior_is_drawn(now) else "",
        title=decoded_code.title(now.model),
        shares=found.shares.tolist(),
        colours=controls.DIGIT_COLOURS,
        distance=found.distance,
        engine=decoded_view.EngineLine(engine.device, engine.decode_ms, engine.cache.hit_rate),
        cursor=maps.chosen(now.model).cursor(now.z),
        digit=now.place.digit,
        answered=latent_map.drag_serial(maps.map_key(now.model)),
        revision=now.revision,
    )


def _posterior_is_drawn(now: Visit) -> bool:
    digit = now.place.digit
    return digit is not None and maps.chosen(now.model).ellipse(digit) is not None


def _take_hand(now: Visit, used: list[int], unused: list[int]) -> None:
    z = now.z.astype(float).tolist()
    for key, dims in ((HAND, used), (UNUSED, unused)):
        values = latent_sliders.slider_values(
            f"{key}-{now.model}", [z[d] for d in dims], now.revision
        )
        for dim, value in zip(dims, values, strict=True):
            z[dim] = value
    now.follow(z)


def _rest(name: str) -> None:
    now = session.visit(name)
    _take_hand(now, *banks(name))
    now.rest()
    controls.follow()


def _sliders(now: Visit, used: list[int], unused: list[int]) -> None:
    def bank(key: str, dims: list[int], height: int) -> None:
        latent_sliders.mount(
            [f"z{d + 1}" for d in dims],
            [now.place.z[d] for d in dims],
            key=f"{key}-{now.model}",
            revision=now.revision,
            **controls.kl_beside(now.model, dims),
            max_height=height,
            model=now.model,
            dims=dims,
            on_release=partial(_rest, now.model),
        )

    bank(HAND, used, TALL)
    if unused:
        words = "dimension is" if len(unused) == 1 else "dimensions are"
        with st.expander(f"{len(unused)} {words} not in use"):
            bank(UNUSED, unused, TALL // 2)
