"""The least that sliders and a map can do: say what they were told. A yardstick, served as the app
is, so that what is left between the two is the model, the picture and all else on the page.

`/` has two sliders, `/?map` a map of four points beside them, so that a press hits empty space.
"""

from __future__ import annotations

import gc

import numpy as np
import streamlit as st

from explorer import assets
from explorer.components import latent_map, latent_sliders

CORNERS = np.array([[-3, -3], [-3, 3], [3, -3], [3, 3]], np.float32)
COLOURS = ("#3f90da",)


@st.fragment(key="hand")
def hand() -> None:
    """The app's own sliders, and the position as text instead of a picture."""
    state = st.session_state
    state.setdefault("place", [0.0, 0.0])
    state.setdefault("revision", 0)
    place = state["place"] = latent_sliders.slider_values(
        "sliders", state["place"], state["revision"]
    )
    code = ",".join(f"{value:.4f}" for value in place)
    st.html(f'<div class="decoded-digit" data-code="{code}">{code}</div>')
    latent_sliders.mount(
        ["z1", "z2"],
        place,
        key="sliders",
        revision=state["revision"],
    )


@st.fragment(key="map")
def plane() -> None:
    """The app's own map, without points where a hand would be."""
    latent_map.mount(
        CORNERS,
        np.zeros(len(CORNERS), np.uint8),
        tuple(st.session_state.get("place", (0.0, 0.0))),
        axes=("z1", "z2"),
        colours=COLOURS,
        key="map",
        on_click=_take_click,
        on_drag=_take_drag,
    )


def _go(x: float, y: float) -> None:
    st.session_state["place"] = [round(x, 4), round(y, 4)]
    st.session_state["revision"] += 1


def _take_drag() -> None:
    spot = latent_map.pending_drag("map")
    if spot is not None:
        _go(*spot)
        st.rerun(["hand", "map"])


def _take_click() -> None:
    click = latent_map.pending_click("map")
    if click is not None:
        _go(click.x, click.y)
        st.rerun(["hand", "map"])


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    if "map" in st.query_params:
        left, right = st.columns([1.5, 1], gap="large")
        with left:
            plane()
        with right:
            hand()
    else:
        hand()
    gc.freeze()
else:
    assets.send_at_once()
    app = st.App(__file__, routes=assets.routes())
