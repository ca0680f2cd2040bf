"""The decoded sample and the sliders of the current code."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from explorer import controls, decoded_code, fragments, session, text
from explorer.components import decoded_view, latent_map, latent_sliders
from explorer.fragments import Fragment
from explorer.panels import maps
from explorer.visit import Visit

ACTIVE, INACTIVE = "sliders", "inactive-sliders"  # keys of the two lists of sliders, without model
# s before torch is imported, which holds the GIL for long: meanwhile the browser receives the page
# and fetches the components' scripts
IMPORT_DELAY = 0.1
SEND_DELAY = 0.03  # s in which the first picture is sent before hundreds of others are decoded
MAX_HEIGHT = 315  # px of the sliders: cuts a row in half, a hint that the list scrolls
ELLIPSES = "ellipses: 1 and 2 deviations"


@st.fragment(key=Fragment.CODE)
def panel(name: str) -> None:
    """The decoded sample and the sliders; runs during a drag where no live channel is open."""
    now = session.visit(name)
    active, inactive = banks(name)
    _read_sliders(now, active, inactive)
    if session.is_ready(name):
        _picture(now)
        # after the picture: once the sliders are mounted they send the next values, whose run ends
        # this one
        _sliders(now, active, inactive)
        return
    place = st.empty()
    with place:
        decoded_view.placeholder(f"decoded-view-frame-{name}")
    _sliders(now, active, inactive)
    time.sleep(IMPORT_DELAY)
    with place:
        controls.model(name, spinner=False)
        _picture(now)
    time.sleep(SEND_DELAY)


def banks(name: str) -> tuple[list[int], list[int]]:
    """The dimensions in use and those that are not, each in descending order of their KL."""
    info = session.info(name)
    return (
        [d for d in info.order if info.active[d]],
        [d for d in info.order if not info.active[d]],
    )


def _picture(now: Visit) -> None:
    """The decoded sample and the facts beside it.

    All is computed before the first element is drawn, because Streamlit ends a run at its next
    element once a newer run has been requested.
    """
    found = decoded_code.decode(now.model, now.z)
    kind, dims = maps.kind(now.model)
    count = len(found.shares)
    decoded_view.mount(
        found.as_json(now.model),
        now.place.z,
        key=f"decoded-view-{now.model}",
        model=now.model,
        view=(kind, *dims),
        caption=decoded_code.caption(now.model, now.place.sample),
        note=ELLIPSES if _posterior_is_drawn(now) else "",
        title=decoded_code.title(now.model),
        names=text.class_names(session.info(now.model).spec)[:count],
        colours=controls.class_colours(count),
        device=found.engine.device,
        cursor=maps.chosen(now.model).cursor(now.z),
        sample=now.place.sample,
        answered=latent_map.drag_serial(maps.map_key(now.model)),
        revision=now.revision,
    )


def _posterior_is_drawn(now: Visit) -> bool:
    sample = now.place.sample
    return sample is not None and maps.chosen(now.model).ellipse(sample) is not None


def _read_sliders(now: Visit, active: list[int], inactive: list[int]) -> None:
    z = now.z.astype(float).tolist()
    for key, dims in ((ACTIVE, active), (INACTIVE, inactive)):
        values = latent_sliders.slider_values(
            f"{key}-{now.model}", [z[d] for d in dims], now.revision
        )
        for dim, value in zip(dims, values, strict=True):
            z[dim] = value
    now.slide(z)


def take_sliders(name: str) -> None:
    """In a callback of another control: take over values of the sliders that came with it, as a
    browser may send a release and a click at once."""
    _read_sliders(session.visit(name), *banks(name))


def _take_release(name: str) -> None:
    now = session.visit(name)
    _read_sliders(now, *banks(name))
    now.release()
    fragments.after_code_change()


def _sliders(now: Visit, active: list[int], inactive: list[int]) -> None:
    names = controls.dim_names(now.model)

    def bank(key: str, dims: list[int], height: int) -> None:
        latent_sliders.mount(
            [names[d] for d in dims],
            [now.place.z[d] for d in dims],
            key=f"{key}-{now.model}",
            revision=now.revision,
            ranges=controls.ranges(now.model, dims),
            **controls.kl_notes(now.model, dims),
            max_height=height,
            model=now.model,
            dims=dims,
            on_release=partial(_take_release, now.model),
        )

    bank(ACTIVE, active, MAX_HEIGHT)
    if inactive:
        noun = "dimension is" if len(inactive) == 1 else "dimensions are"
        with st.expander(f"{len(inactive)} {noun} not in use"):
            bank(INACTIVE, inactive, MAX_HEIGHT // 2)
