"""The map of the test digits: what it shows of the latent space, and what a hand does on it."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from explorer import controls, images, projections, session, thumbnails
from explorer.components import latent_map
from explorer.panels import selection

TILE = 29  # px of the screen for a digit of the backdrop, half an octave more or less
MOST = 1500  # digits of a backdrop, whatever the shape of the map
DIMMED = 0.2  # what is left of digits that are not selected, beside those that are
CLEAR = 0.6  # how strongly those that are selected are painted at least, however far away


def chosen(name: str) -> projections.Projection:
    """What the map shows: the only plane there is for two dimensions, a chosen one for more.

    Read from the controls' state, before they are drawn in this run.
    """
    return projections.projection(name, *kind(name))


def kind(name: str) -> tuple[str, tuple[int, int]]:
    """Which of projections.KINDS the map shows, and the two dimensions where it is of two."""
    info = session.info(name)
    if len(info.order) == 2:
        return projections.KINDS[0], (min(info.order), max(info.order))
    return st.session_state.get(f"view-{name}") or projections.KINDS[1], plane_dims(name)


def plane_dims(name: str) -> tuple[int, int]:
    """Two dimensions: those chosen for the map, else the two that carry most."""
    order = session.info(name).order
    state = st.session_state
    if state.get(f"view-{name}") != projections.KINDS[0]:
        return min(order[:2]), max(order[:2])
    return state.get(f"x-{name}", order[0]), state.get(f"y-{name}", order[1])


def _choose(name: str) -> None:
    """The controls, where there is a choice: in two dimensions there is none."""
    info = session.info(name)
    if len(info.order) == 2:
        return
    flat = session.encodings(name).tsne is not None
    keep: dict[str, Any] = {"label_visibility": "collapsed", "persist_state": "session"}
    with st.container(horizontal=True, vertical_alignment="center", key="views"):
        shown = st.segmented_control(
            "Map",
            projections.KINDS if flat else projections.KINDS[:2],
            default=projections.KINDS[1],
            key=f"view-{name}",
            required=True,
            on_change=controls.follow,
            **keep,
        )
        if shown == projections.KINDS[0]:
            dims = st.session_state[f"axes-{name}"] = plane_dims(name)
            for axis, dim in zip("xy", dims, strict=True):
                st.session_state.setdefault(f"{axis}-{name}", dim)
                st.selectbox(
                    axis,
                    info.order,
                    format_func=lambda d: f"z{d + 1}",
                    key=f"{axis}-{name}",
                    width=90,
                    on_change=partial(_turn, name),
                    **keep,
                )


def _turn(name: str) -> None:
    """Another axis has been chosen: where it is the other one's, the two change places."""
    state, keys = st.session_state, (f"x-{name}", f"y-{name}")
    x, y = state[f"axes-{name}"]
    if state[keys[0]] == state[keys[1]]:
        state[keys[0]], state[keys[1]] = y, x
    controls.follow()


def map_key(name: str) -> str:
    """The key of a model's map: `drag_serial` asks by it."""
    return f"map-{name}"


@st.fragment(key="map")
def panel(name: str) -> None:
    """The encoded digits. The sliders move the cursor in the browser, so this part rests then."""
    now = session.visit(name)
    codes = session.encodings(name)
    view = chosen(name)
    weights, words = _weights(name, view, now.z)
    digit = now.place.digit
    latent_map.mount(
        view.points,
        codes.labels,
        view.cursor(now.z),
        axes=view.axes,
        colours=controls.DIGIT_COLOURS,
        height=560,
        selected=digit,
        weights=weights,
        backdrop=_backdrop(name, view, now.z),
        backdrop_label="Manifold" if view.plane is not None else None,
        backdrop_on=bool(st.session_state.get("manifold-behind")),
        ellipse=None if digit is None else view.ellipse(digit),
        outline=selection.outline(name, view.axes),
        sheets=thumbnails.sheets(name),
        key=map_key(name),
        model=name,
        on_click=partial(_take_click, name),
        on_drag=partial(_take_drag, name),
        on_view=partial(_take_view, name),
        on_shape=partial(_take_shape, name),
    )
    _choose(name)  # below the map, which so lies in the same place for every model
    if words:
        st.caption(words)
    selection.sheet(name)


def _weights(
    name: str, view: projections.Projection, z: np.ndarray
) -> tuple[np.ndarray | None, str]:
    """How strongly each digit is painted, and what the map says of itself below it."""
    weights, words = None, ""
    distances = view.distances(z)
    if distances is not None:
        weights, near, far = projections.fade(distances)
        share = f"{100 * view.share:.0f}\u00a0%"
        words = (
            f"{view.axes[0]} and {view.axes[1]} through the current code, where a drag stays: "
            f"{share} of the variance. Digits fade with distance from this plane, "
            f"{near:.1f} to {far:.1f}."
        )
    elif view.plane is None:
        words = "t-SNE keeps neighbours, not distances: a press takes the nearest digit's code."
    picked = selection.picked(name)
    if picked is not None and len(picked):
        whole = np.ones(len(view.points)) if weights is None else weights
        weights = DIMMED * whole
        weights[picked] = np.maximum(whole[picked], CLEAR)
    return weights, words


def _backdrop(
    name: str, view: projections.Projection, z: np.ndarray
) -> tuple[bytes, tuple[float, float, float, float]] | None:
    """The decoded plane through the code under what is seen of the map, where that is wanted."""
    seen = latent_map.map_view(map_key(name), view.axes)
    if view.plane is None or seen is None or not seen.backdrop_on:
        return None
    left, right, bottom, top = seen.range
    # a lattice that depends on the zoom in steps and not on the pan: digits stay where they are
    pitch = 2 ** (round(2 * math.log2((right - left) * TILE / seen.width)) / 2)
    columns = range(math.floor(left / pitch), math.ceil(right / pitch))
    rows = range(math.floor(bottom / pitch), math.ceil(top / pitch))
    if not 0 < len(columns) * len(rows) <= MOST:
        return None
    foot = np.round(view.plane.move(z, np.zeros(2)), 4)  # what the plane hides of the code
    cells = columns.start, columns.stop, rows.start, rows.stop
    png = _sheet(name, *kind(name), tuple(foot.tolist()), pitch, cells)
    return png, (pitch * cells[0], pitch * cells[1], pitch * cells[2], pitch * cells[3])


@st.cache_resource(show_spinner=False, max_entries=64)
def _sheet(
    name: str,
    kind: str,
    dims: tuple[int, int],
    foot: tuple[float, ...],
    pitch: float,
    cells: tuple[int, int, int, int],
) -> bytes:
    """PNG of a plane's digits, each decoded from the code in the middle of its cell. `cells` are
    the first column and the one after the last, and the rows' from below, all `pitch` wide."""
    plane = projections.projection(name, kind, dims).plane
    assert plane is not None
    x = pitch * (np.arange(cells[0], cells[1]) + 0.5)
    y = pitch * (np.arange(cells[3] - 1, cells[2] - 1, -1) + 0.5)
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    codes = plane.move(np.array(foot, np.float32), places)
    return images.png(images.tile(session.model(name).pictures(codes), len(x)))


def _take_drag(name: str) -> None:
    """The code under the pointer: only the picture and the sliders follow until it is let go."""
    spot = latent_map.pending_drag(map_key(name))
    if spot is None:
        return
    now = session.visit(name)
    now.move(chosen(name).place(now.z, spot).z)
    controls.rerun("hand")


def _take_click(name: str) -> None:
    click = latent_map.pending_click(map_key(name))
    if click is None:
        return
    now, state = session.visit(name), st.session_state
    pressed, before = state.get("pressed", (None, None))  # the last press, where the code was
    if click.back:
        while pressed == click.press and before in now.past and now.place != before:
            now.undo()
    else:
        if click.press != pressed:
            state["pressed"] = click.press, now.rested
        if click.index is not None:
            now.go(*session.digit_place(name, click.index))
        else:
            now.go(*chosen(name).place(now.z, (click.x, click.y)))
    controls.follow()


def _take_view(name: str) -> None:
    """What is seen of the map has changed, or the backdrop's switch: the map runs, no more."""
    seen = latent_map.map_view(map_key(name), chosen(name).axes)
    if seen is not None:
        st.session_state["manifold-behind"] = seen.backdrop_on


def _take_shape(name: str) -> None:
    shape = latent_map.pending_shape(map_key(name))
    if shape is not None:
        view = chosen(name)
        digits = shape.holds(view.points, session.encodings(name).labels)
        selection.pick(name, digits, (view.axes, shape.polygon))
