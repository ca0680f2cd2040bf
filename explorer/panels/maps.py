"""The map of the encoded samples: what it shows of the latent space, and its clicks and drags."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from explorer import controls, fragments, images, projections, session, text, thumbnails
from explorer.components import latent_map
from explorer.fragments import Fragment
from explorer.panels import selection
from explorer.renderers import renderer
from explorer.session import CheckpointError
from vae import attributes
from vae.dataspec import DataSpec

TILE = 29  # px per side of a sample of the backdrop, within a factor of 2 ** 0.25
THUMBNAIL = 56  # px of the longer side of a thumbnail, roughly
LEAST_SCALE = 0.45  # px on the page per pixel of a sample of the backdrop, at the least
MAX_TILES = 1500  # samples of a backdrop
MAX_VALUES = 10_000_000  # of all its samples
DIMMED = 0.2  # factor on the opacity of samples that are not selected
MIN_SELECTED = 0.6  # least opacity of selected samples, however far from the plane


def chosen(name: str) -> projections.Projection:
    """The projection on the map, from the state of its controls, which are drawn below it."""
    return projections.projection(name, *kind(name))


def kind(name: str) -> tuple[str, tuple[int, int]]:
    """Which of projections.KINDS the map shows, and the two dimensions for the first of them."""
    info = session.info(name)
    if len(info.order) == 2:
        return projections.KINDS[0], (min(info.order), max(info.order))
    return st.session_state.get(f"view-{name}") or _first_kind(name), plane_dims(name)


def _kinds(name: str) -> list[str]:
    """The kinds of maps of a model, without t-SNE where it was not computed. Codes drawn from a
    prior have no principal components."""
    kinds = projections.KINDS if session.info(name).encodes else projections.KINDS[::2]
    return [k for k in kinds if k != "t-SNE" or session.encodings(name).tsne is not None]


def _first_kind(name: str) -> str:
    """The kind of the map that is shown first: PCA, or t-SNE of a prior's samples if there is one,
    as the coordinates of independent draws have no structure."""
    kinds = _kinds(name)
    return kinds[1] if session.info(name).encodes else kinds[-1]


def plane_dims(name: str) -> tuple[int, int]:
    """Two dimensions: those chosen for the map, else the two of the largest KL."""
    order = session.info(name).order
    state = st.session_state
    if state.get(f"view-{name}") != projections.KINDS[0]:
        return min(order[:2]), max(order[:2])
    return state.get(f"x-{name}", order[0]), state.get(f"y-{name}", order[1])


def _choose(name: str) -> None:
    """The controls of the projection; none for a latent space of two dimensions."""
    info = session.info(name)
    if len(info.order) == 2:
        return
    keep: dict[str, Any] = {"label_visibility": "collapsed", "persist_state": "session"}
    with st.container(horizontal=True, vertical_alignment="center", key="projection"):
        shown = st.segmented_control(
            "Map",
            _kinds(name),
            default=_first_kind(name),
            key=f"view-{name}",
            required=True,
            on_change=fragments.after_code_change,
            **keep,
        )
        if shown == projections.KINDS[0]:
            names = controls.dim_names(name)
            dims = st.session_state[f"axes-{name}"] = plane_dims(name)
            for axis, dim in zip("xy", dims, strict=True):
                st.session_state.setdefault(f"{axis}-{name}", dim)
                st.selectbox(
                    axis,
                    info.order,
                    format_func=names.__getitem__,
                    key=f"{axis}-{name}",
                    width=90,
                    on_change=partial(_swap_axes, name),
                    **keep,
                )


def _swap_axes(name: str) -> None:
    """In a callback of an axis's select box: swap the axes where both have the same dimension."""
    state, keys = st.session_state, (f"x-{name}", f"y-{name}")
    x, y = state[f"axes-{name}"]
    if state[keys[0]] == state[keys[1]]:
        state[keys[0]], state[keys[1]] = y, x
    fragments.after_code_change()


def map_key(name: str) -> str:
    """The key of a model's map component."""
    return f"map-{name}"


@st.fragment(key=Fragment.MAP)
def panel(name: str) -> None:
    """The map of the encoded samples. The sliders move its cursor in the browser, not by a run."""
    now = session.visit(name)
    codes, info = session.encodings(name), session.info(name)
    view = chosen(name)
    weights, note = _weights(name, view, now.z)
    sample = now.place.sample
    latent_map.mount(
        view.points,
        codes.labels,
        view.cursor(now.z),
        axes=view.axes,
        colours=controls.map_colours(len(info.spec.classes)),
        spec=info.spec,
        columns=columns(name),
        names=codes.names,
        noun=info.code_noun,
        height=560,
        selected=sample,
        weights=weights,
        backdrop=_backdrop(name, view, now.z),
        backdrop_label="Manifold" if view.plane is not None else None,
        backdrop_on=bool(st.session_state.get("manifold-behind")),
        ellipse=None if sample is None else view.ellipse(sample),
        outline=selection.outline(name, view.axes),
        sheets=thumbnails.sheets(name),
        sheet_size=thumbnails.sheet_size(name),
        tile=_thumbnail_tile(info.spec),
        key=map_key(name),
        model=name,
        on_click=partial(_take_click, name),
        on_drag=partial(_take_drag, name),
        on_view=partial(_take_view, name),
        on_shape=partial(_take_shape, name),
    )
    _choose(name)  # below the map, so that the map is in the same place for every model
    if note:
        st.caption(note)
    selection.sheet(name)


def columns(name: str) -> dict[str, latent_map.Column]:
    """What the points can be coloured by, besides their class: attributes of the samples, and the
    terms of their ELBO where these differ from one another."""
    codes = session.encodings(name)
    found = {}
    for label, values in codes.attributes.items():
        known = attributes.MEASURES.get(label)
        found[label] = latent_map.Column(values, *known[1:] if known else ())
    terms = {
        "KL": latent_map.Column(codes.kl, "nats", "KL of the posterior to the prior"),
        "reconstruction error": latent_map.Column(
            codes.cross_entropy, "nats", "Expected -log p(x | z) under the posterior"
        ),
    }
    found |= {label: term for label, term in terms.items() if np.ptp(term.values) > 0}
    return {label[:1].upper() + label[1:]: column for label, column in found.items()}


def _weights(
    name: str, view: projections.Projection, z: np.ndarray
) -> tuple[np.ndarray | None, str]:
    """The opacity of each sample, 0 to 1 (None: all 1), and the caption of the map."""
    weights, spec = None, session.info(name).spec
    distances = view.distances(z)
    if distances is not None:
        weights, near, far = projections.fade(distances)
        note = _about_plane(name, view, near, far)
    elif not session.info(name).encodes:
        note = _about_prior_samples(name, view)
    elif view.plane is None:
        note = (
            "t-SNE keeps neighbours, not distances: a click selects the code of the nearest "
            f"{spec.noun}."
        )
    else:
        note = ""
    picked = selection.picked(name)
    if picked is not None and len(picked):
        whole = np.ones(len(view.points)) if weights is None else weights
        weights = DIMMED * whole
        weights[picked] = np.maximum(whole[picked], MIN_SELECTED)
    return weights, note


def _about_plane(name: str, view: projections.Projection, near: float, far: float) -> str:
    """What fades on a map that hides dimensions."""
    info, share = session.info(name), f"{100 * view.share:.0f}\u00a0%"
    if len(info.order) == 2:  # all that is hidden is the value of a categorical block
        return f"{info.spec.nouns.capitalize()} fade that have another {_categorical(name)}."
    return (
        f"The plane of {view.axes[0]} and {view.axes[1]} through the current code: {share} of "
        f"the variance. A drag stays in it; {info.spec.nouns} fade with distance from it, "
        f"{near:.1f} to {far:.1f}."
    )


def _categorical(name: str) -> str:
    """What the categorical block of a code is called."""
    info = session.info(name)
    found = next(block for block in info.blocks if not block.is_continuous)
    return text.class_noun(info.spec) if found.role == "class" else text.inert(found.name)


def _about_prior_samples(name: str, view: projections.Projection) -> str:
    """What the points of the map are for a model without an encoder."""
    info, labels = session.info(name), session.encodings(name).labels
    colours = ""
    if (labels != text.UNLABELLED).any():
        by = "the class asked for" if info.class_dims else "an independent classifier"
        colours = f", coloured by {by}"
    points = f"the points are {len(labels):,} samples of its own prior{colours}"
    here = "A drag moves the code in the plane of the map."
    if view.plane is None:
        here = (
            "t-SNE keeps neighbours, not distances: a click selects the nearest sample, and the "
            "cursor is at the sample with the nearest code."
        )
    return f"This model has no encoder: {points}. {here}"


def _thumbnail_tile(spec: DataSpec) -> tuple[int, int]:
    """Width and height of a thumbnail, px on the page: whole multiples of a small sample's."""
    aspect = renderer(spec).aspect(spec)
    longest = max(spec.array_shape[:2])
    scale = max(1, round(THUMBNAIL / longest)) if longest <= 1.5 * THUMBNAIL else 0
    side = scale * longest or THUMBNAIL
    return round(side * min(1, aspect)), round(side / max(1, aspect))


class Cells(NamedTuple):
    """Cells of a grid on the map, counted from its origin to the right and upwards."""

    width: float  # of a cell, in units of the map
    height: float
    columns: tuple[int, int]  # first, end
    rows: tuple[int, int]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        (left, right), (bottom, top) = self.columns, self.rows
        return self.width * left, self.width * right, self.height * bottom, self.height * top

    @property
    def middles(self) -> np.ndarray:
        """The middle of each cell, [N, 2]: row by row, the top row first."""
        x = self.width * (np.arange(*self.columns) + 0.5)
        y = self.height * (np.arange(*self.rows)[::-1] + 0.5)
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _cells(seen: latent_map.MapView, spec: DataSpec) -> Cells | None:
    """The cells of the backdrop, of the samples' proportions; None where there would be too many.

    The grid depends on the zoom in steps and not on the pan, so that samples keep their positions.
    """
    left, right, bottom, top = seen.range
    aspect = renderer(spec).aspect(spec)
    side = max(TILE, LEAST_SCALE * max(spec.array_shape[:2]))  # px on the page
    pitch = 2 ** (round(2 * math.log2((right - left) * side / seen.width)) / 2)
    width, height = pitch * min(1, aspect), pitch / max(1, aspect)
    most = min(MAX_TILES, MAX_VALUES // renderer(spec).size(spec))
    if (right - left) * (top - bottom) / (width * height) > most:  # before a range overflows
        return None
    columns = math.floor(left / width), math.ceil(right / width)
    rows = math.floor(bottom / height), math.ceil(top / height)
    count = (columns[1] - columns[0]) * (rows[1] - rows[0])
    return Cells(width, height, columns, rows) if 0 < count <= most else None


def _backdrop(
    name: str, view: projections.Projection, z: np.ndarray
) -> tuple[bytes, tuple[float, float, float, float]] | None:
    """The decoded plane under the visible part of the map, as PNG and its range (left, right,
    bottom, top); None where it is switched off, not a plane, or of too many samples."""
    seen = latent_map.map_view(map_key(name), view.axes)
    if view.plane is None or seen is None or not seen.backdrop_on:
        return None
    cells = _cells(seen, session.info(name).spec)
    if cells is None:
        return None
    foot = np.round(view.plane.move(z, np.zeros(2)), 4)  # the code's part outside the plane
    try:
        return _sheet(name, *kind(name), tuple(foot.tolist()), cells), cells.extent
    except CheckpointError:  # reported by the panel of the current code
        return None


@st.cache_resource(show_spinner=False, max_entries=64)
def _sheet(
    name: str, kind: str, dims: tuple[int, int], foot: tuple[float, ...], cells: Cells
) -> bytes:
    """PNG of a plane's samples, each decoded from the code in the middle of its cell."""
    plane = projections.projection(name, kind, dims).plane
    assert plane is not None
    codes = plane.move(np.array(foot, np.float32), cells.middles)
    columns = cells.columns[1] - cells.columns[0]
    return images.png(
        renderer(session.info(name).spec).sheet(session.model(name).pictures(codes), columns)
    )


def _take_drag(name: str) -> None:
    """Move the code to the pointer; only the picture and the sliders rerun before the release."""
    spot = latent_map.pending_drag(map_key(name))
    if spot is None:
        return
    now = session.visit(name)
    now.drag(chosen(name).place(now.z, spot).z)
    fragments.during_map_drag()


def _take_click(name: str) -> None:
    click = latent_map.pending_click(map_key(name))
    if click is None:
        return
    now, state = session.visit(name), st.session_state
    pressed, before = state.get("pressed", (None, None))  # the last press, the place before it
    if click.back:
        while pressed == click.press and before in now.past and now.place != before:
            now.undo()
    else:
        if click.press != pressed:
            state["pressed"] = click.press, now.committed
        if click.index is not None:
            now.move(*session.sample_place(name, click.index))
        else:
            now.move(*chosen(name).place(now.z, (click.x, click.y)))
    fragments.after_code_change()


def _take_view(name: str) -> None:
    """The visible part of the map or the backdrop's switch has changed: only the map reruns."""
    seen = latent_map.map_view(map_key(name), chosen(name).axes)
    if seen is not None:
        st.session_state["manifold-behind"] = seen.backdrop_on


def _take_shape(name: str) -> None:
    shape = latent_map.pending_shape(map_key(name))
    if shape is not None:
        view = chosen(name)
        samples = shape.holds(view.points, session.encodings(name).labels)
        selection.pick(name, samples, (view.axes, shape.polygon))
