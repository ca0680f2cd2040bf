"""What the map shows of a latent space of more than two dimensions, and the controls for that."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer import session

VIEWS = ("Two dimensions", "PCA", "t-SNE")


def chosen(name: str) -> session.View:
    """What the map shows: the only plane there is for two dimensions, a chosen one for more.

    Read from the controls' state, before they are drawn in this run.
    """
    info = session.info(name)
    if len(info.order) == 2:
        return session.view(name, VIEWS[0], (min(info.order), max(info.order)))
    kind = st.session_state.get(f"view-{name}") or VIEWS[1]
    return session.view(name, kind, plane_dims(name))


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


def choose(name: str, on_change: Callable[[], None]) -> None:
    """The controls, where there is a choice: in two dimensions there is none."""
    info = session.info(name)
    if len(info.order) == 2:
        return
    flat = session.encodings(name).tsne is not None
    with st.container(horizontal=True, vertical_alignment="bottom", key="views"):
        kind = st.segmented_control(
            "Map",
            VIEWS if flat else VIEWS[:2],
            default=VIEWS[1],
            key=f"view-{name}",
            label_visibility="collapsed",
            on_change=on_change,
        )
        if kind == VIEWS[0]:
            pick = {"label_visibility": "collapsed", "width": 90, "on_change": on_change}
            x = st.selectbox("x", info.order, 0, lambda d: f"z{d + 1}", key=f"x-{name}", **pick)
            rest = [d for d in info.order if d != x]
            st.selectbox("y", rest, 0, lambda d: f"z{d + 1}", key=f"y-{name}", **pick)
