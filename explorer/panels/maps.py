"""The map of the test digits: what it shows of the latent space, and what a hand does on it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from explorer import controls, gallery, session
from explorer.components import latent_map, pending_click, pending_drag

VIEWS = ("Two dimensions", "PCA", "t-SNE")


def chosen(name: str) -> session.View:
    """What the map shows: the only plane there is for two dimensions, a chosen one for more.

    Read from the controls' state, before they are drawn in this run.
    """
    return session.view(name, *kind(name))


def kind(name: str) -> tuple[str, tuple[int, int]]:
    """Which of VIEWS the map shows, and the two dimensions where it is of two."""
    info = session.info(name)
    if len(info.order) == 2:
        return VIEWS[0], (min(info.order), max(info.order))
    return st.session_state.get(f"view-{name}") or VIEWS[1], plane_dims(name)


def plane_dims(name: str) -> tuple[int, int]:
    """Two dimensions: those chosen for the map, else the two that carry most."""
    order = session.info(name).order
    state = st.session_state
    if state.get(f"view-{name}") != VIEWS[0]:
        return min(order[:2]), max(order[:2])
    x = state.get(f"x-{name}", order[0])
    rest = [d for d in order if d != x]
    y = state.get(f"y-{name}")
    return x, y if y in rest else rest[0]


def _choose(name: str) -> None:
    """The controls, where there is a choice: in two dimensions there is none."""
    info = session.info(name)
    if len(info.order) == 2:
        return
    flat = session.encodings(name).tsne is not None
    with st.container(horizontal=True, vertical_alignment="bottom", key="views"):
        shown = st.segmented_control(
            "Map",
            VIEWS if flat else VIEWS[:2],
            default=VIEWS[1],
            key=f"view-{name}",
            label_visibility="collapsed",
            on_change=controls.follow,
        )
        if shown == VIEWS[0]:
            pick = {"label_visibility": "collapsed", "width": 90, "on_change": controls.follow}
            x = st.selectbox("x", info.order, 0, lambda d: f"z{d + 1}", key=f"x-{name}", **pick)
            rest = [d for d in info.order if d != x]
            st.selectbox("y", rest, 0, lambda d: f"z{d + 1}", key=f"y-{name}", **pick)


def map_key(name: str) -> str:
    """The key of a model's map: `drag_serial` asks by it."""
    return f"map-{name}"


@st.fragment(key="map")
def panel(name: str) -> None:
    """The encoded digits. The sliders move the cursor in the browser, so this part rests then."""
    now = session.visit(name)
    codes = session.encodings(name)
    view = chosen(name)
    _choose(name)
    latent_map(
        view.points,
        codes.labels,
        view.cursor(now.z),
        axes=view.axes,
        colours=controls.DIGIT_COLOURS,
        height=560 if len(session.info(name).order) == 2 else 510,
        selected=now.place.digit,
        sheets=gallery.sheets(name),
        key=map_key(name),
        on_click=partial(_take_click, name),
        on_drag=partial(_take_drag, name),
    )


def _take_drag(name: str) -> None:
    """The code under the pointer: only the picture and the sliders follow until it is let go."""
    spot = pending_drag(map_key(name))
    if spot is None:
        return
    now = session.visit(name)
    now.move(chosen(name).place(now.z, spot).z)
    st.rerun(["hand"])


def _take_click(name: str) -> None:
    click = pending_click(map_key(name))
    if click is None:
        return
    now = session.visit(name)
    if click.index is not None:
        now.go(*session.digit_place(name, click.index))
    else:
        now.go(*chosen(name).place(now.z, (click.x, click.y)))
    controls.follow()
