"""A minimal app with sliders and a map that shows the code as text: the reference for a click.

It is served like the app, so that the two differ in the model, the picture and the other parts of
the page.

`/?map` has a map of four points beside two sliders, so that a press is on empty space; `/` has the
sliders alone.
"""

from __future__ import annotations

import gc

import numpy as np
import streamlit as st

from explorer import assets
from explorer.components import latent_map, latent_sliders

CORNERS = np.array([[-3, -3], [-3, 3], [3, -3], [3, 3]], np.float32)
COLOURS = ("#3f90da",)


@st.fragment(key="sliders")
def show_sliders() -> None:
    """The app's own sliders, and the code as text instead of a picture."""
    state = st.session_state
    state.setdefault("place", [0.0, 0.0])
    state.setdefault("revision", 0)
    place = state["place"] = latent_sliders.slider_values(
        "sliders", state["place"], state["revision"]
    )
    code = ",".join(f"{value:.4f}" for value in place)
    st.html(f'<div class="decoded-sample" data-code="{code}">{code}</div>')
    latent_sliders.mount(
        ["z1", "z2"],
        place,
        key="sliders",
        ranges=[(-3.0, 3.0)] * 2,
        revision=state["revision"],
    )


@st.fragment(key="map")
def show_map() -> None:
    """The app's own map, without points where the pointer presses."""
    latent_map.mount(
        CORNERS,
        np.zeros(len(CORNERS), np.uint8),
        tuple(st.session_state.get("place", (0.0, 0.0))),
        axes=("z1", "z2"),
        colours=COLOURS,
        key="map",
        on_click=_on_click,
        on_drag=_on_drag,
    )


def _move(x: float, y: float) -> None:
    st.session_state["place"] = [round(x, 4), round(y, 4)]
    st.session_state["revision"] += 1


def _on_drag() -> None:
    xy = latent_map.pending_drag("map")
    if xy is not None:
        _move(*xy)
        st.rerun(["sliders", "map"])


def _on_click() -> None:
    click = latent_map.pending_click("map")
    if click is not None:
        _move(click.x, click.y)
        st.rerun(["sliders", "map"])


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    if "map" in st.query_params:
        left, right = st.columns([1.5, 1], gap="large")
        with left:
            show_map()
        with right:
            show_sliders()
    else:
        show_sliders()
    gc.freeze()
else:
    assets.disable_nagle()
    app = st.App(__file__, routes=assets.routes())
