"""The map of a latent space: encoded samples, a cursor at the current code, clicks anywhere.

A component that owns its Plotly plot. st.plotly_chart is identified by a hash of its whole figure,
so each move of a marker would send all points again and reset the zoom, and a click on empty space
would not reach Python.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer import assets, text
from explorer.components.registration import ignore, last_message, new_message, register
from vae.dataspec import MNIST, DataSpec

MAX_CORNERS = 500  # of a shape; the browser sends fewer
ONLY_COLOUR = "#3f90da"  # of points without classes
# Plotly puts its style into the document's head, which does not apply within a shadow root.
_component = register("latent_map", isolate_styles=False)


@dataclass(frozen=True, slots=True)
class MapClick:
    """A click on the map, or the end of a drag or of a move by arrow keys.

    A double click resets the zoom and undoes the effect of its first press.
    """

    x: float
    y: float
    index: int | None  # of the point that was clicked, None on empty space
    press: int | None = None  # number of the press, the same for both presses of a double click
    back: bool = False  # whether that press is undone; x, y, index are those before it


def pending_click(key: str) -> MapClick | None:
    """The click on the map `key` since the last call, None where there is none.

    Each click is returned once, however often the script runs for other reasons. Call it before the
    map is mounted, so that the map is mounted with the new code; `mount` then returns None.
    """
    raw = new_message(key, "click")
    spot, index = _numbers([raw.get("x"), raw.get("y")], 2), raw.get("index")
    if spot is None:
        return None
    point, press = (
        int(value) if isinstance(value, int | float) else None
        for value in (index, raw.get("press"))
    )
    return MapClick(spot[0], spot[1], point, press, bool(raw.get("back")))


def pending_drag(key: str) -> tuple[float, float] | None:
    """The last position of a drag on the map `key` since the last call, None where there is
    none."""
    raw = new_message(key, "drag")
    spot = _numbers([raw.get("x"), raw.get("y")], 2)
    return None if spot is None else (spot[0], spot[1])


def drag_serial(key: str) -> int | None:
    """The serial of the newest drag of the map `key`, which `decoded_view` acknowledges."""
    return last_message(key, "drag").get("serial")


@dataclass(frozen=True, slots=True)
class MapView:
    """The visible part of the map."""

    range: tuple[float, float, float, float]  # of the data: x0, x1, y0, y1
    width: float  # px from left to right
    backdrop_on: bool  # whether the backdrop is switched on


def map_view(key: str, axes: tuple[str, str]) -> MapView | None:
    """The visible part of the map `key` over these axes.

    None before the map is drawn, and until the backdrop is switched on.
    """
    raw = last_message(key, "view")
    ends, width = _numbers(raw.get("range"), 4), _numbers([raw.get("width")], 1)
    if ends is None or width is None or raw.get("axes") != list(axes):
        return None
    x0, x1, y0, y1 = ends
    if not (x0 < x1 and y0 < y1 and width[0] > 0):
        return None
    return MapView((x0, x1, y0, y1), width[0], bool(raw.get("backdrop_on")))


@dataclass(frozen=True, slots=True)
class MapShape:
    """A box or a lasso drawn on the map."""

    polygon: NDArray[np.float64]  # [K, 2], in the points' units
    hidden: tuple[int, ...]  # labels that the legend hides

    def holds(
        self, points: NDArray[np.float32], labels: NDArray[np.integer]
    ) -> NDArray[np.integer]:
        """The indices of the visible points within the polygon.

        A point is within where a ray to the right crosses an odd number of edges. 70,000 points
        take some 10 ms.
        """
        low, high = self.polygon.min(axis=0), self.polygon.max(axis=0)
        near = ((points >= low) & (points <= high)).all(axis=1) & ~np.isin(labels, self.hidden)
        found = np.flatnonzero(near)
        x, y = points[found].T.astype(np.float64)
        inside = np.zeros(len(found), bool)
        for (x0, y0), (x1, y1) in zip(self.polygon, np.roll(self.polygon, -1, axis=0), strict=True):
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / ((y1 - y0) or 1.0))
        return found[inside]


def pending_shape(key: str) -> MapShape | None:
    """The shape drawn on the map `key` since the last call, None where there is none."""
    raw = new_message(key, "shape")
    polygon = raw.get("polygon")
    corners = [_numbers(corner, 2) for corner in polygon] if isinstance(polygon, list) else []
    if not 3 <= len(corners) <= MAX_CORNERS or None in corners:
        return None
    hidden = tuple(int(label) for label in raw.get("hidden", ()) if isinstance(label, int))
    return MapShape(np.array(corners, np.float64), hidden)


def _numbers(values: Any, count: int) -> list[float] | None:
    """`count` finite numbers from the browser, None for anything else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        return None
    return [float(value) for value in values]


class Column(NamedTuple):
    """Values that the points can be coloured by."""

    values: NDArray[np.float32]  # [N], NaN where unknown
    unit: str = ""
    help: str = ""  # what they are, without a full stop


def mount(
    points: NDArray[np.float32],
    labels: NDArray[np.integer],
    cursor: tuple[float, float],
    *,
    axes: tuple[str, str],
    colours: Sequence[str],
    spec: DataSpec = MNIST,
    columns: Mapping[str, Column] | None = None,
    names: Sequence[str] = (),
    key: str,
    model: str | None = None,
    height: int = 560,
    selected: int | None = None,
    weights: NDArray[np.floating] | None = None,
    backdrop: tuple[bytes, tuple[float, float, float, float]] | None = None,
    backdrop_label: str | None = None,
    backdrop_on: bool = False,
    ellipse: tuple[float, float, float, float, float] | None = None,
    outline: NDArray[np.floating] | None = None,
    noun: str | None = None,
    sheets: Mapping[str, Sequence[str]] | None = None,
    sheet_size: tuple[int, int] = (100, 10_000),
    tile: tuple[int, int] = (56, 56),
    on_click: Callable[[], None] | None = None,
    on_drag: Callable[[], None] | None = None,
    on_view: Callable[[], None] | None = None,
    on_shape: Callable[[], None] | None = None,
) -> MapClick | None:
    """Mount the map and return a click that is new, None otherwise.

    `points` [N, 2] are painted with the opacity `weights` [N], 0 to 1. `cursor` is in their units.
    `selected` is the index of the point to mark, and `ellipse` its posterior: centre x and y, two
    semi-axes at one deviation, the angle of the first (radians, anticlockwise).

    `labels` [N] are indices of the classes of `spec`, -1 for none. `colours`, each "#rrggbb", are
    those of the classes; those that share one differ by glyph. Where there are fewer, the visitor
    chooses the classes that have them, and the others are grey. A visitor can also colour the
    points by one of `columns`, by their names; without classes the first one is shown at first.
    Choosing, filtering and colouring take place in the browser. Hovering shows a point's name in
    `names` [N], or else `noun` ("test digit" unless given), number and class.

    `outline` [K, 2] is the shape around the selected points; a shape that the visitor draws
    replaces it until another outline is passed.

    `backdrop` is a PNG and the range x0, x1, y0, y1 that it covers, under the points. With
    `backdrop_label` there is a switch of that name, initially in the state `backdrop_on`; while it
    is on, `on_view` is called whenever the visible part of the map has changed (see `map_view`).
    The old backdrop is shown until the new one is loaded.

    `sheets` are URLs of sprite sheets of all points in their order by the caption of the thumbnail:
    hovering over a point shows its tiles, in `tile` pixels (width and height). `sheet_size` is the
    number of tiles in a row and in a sheet. `height` is in pixels and includes the legend. No run
    changes the visitor's zoom, filter and drag mode while points and axes stay the same.

    With `on_drag`, a drag moves the code (with shift it pans the map). The callback reads
    `pending_drag`; the end of a drag is a click. `decoded_view` acknowledges drags, so the map need
    not rerun for them. With `model`, whose code a `decoded_view` on the page shows, a drag uses the
    live channel instead, and Python receives only its end. With `on_shape`, boxes and lassos can be
    drawn around points; the callback reads `pending_shape`.

    Raises ValueError for points, labels, weights, columns, names or a `selected` that do not fit
    together.
    """
    columns = columns or {}
    classes, colours = list(range(len(spec.classes))), list(colours)
    _check(points, labels, len(classes), selected)
    _check_lengths(len(points), weights, columns, names)
    if len(labels) and labels.min() == text.UNLABELLED:  # painted as one more class, the last
        labels = np.where(labels == text.UNLABELLED, len(classes), labels)
        if len(colours) == len(classes):
            colours.append(text.UNLABELLED_COLOUR if classes else ONLY_COLOUR)
        classes.append(text.UNLABELLED)
    content = np.ascontiguousarray(points, "<f4").tobytes() + labels.astype("<u2").tobytes()
    url = assets.publish(content, "points.bin", place=f"{key}/points")
    if st.session_state.get(f"{key}:range", (None,))[0] != url:
        st.session_state[f"{key}:range"] = url, _range(points)  # takes half the time of a run
    data: dict[str, Any] = {
        "points": url,
        "plotly": assets.plotly_url(),
        "count": len(points),
        "range": st.session_state[f"{key}:range"][1],
        "cursor": [float(value) for value in cursor],
        "axes": list(axes),
        "colours": colours,
        "classes": [text.described(label, spec) for label in classes],
        "columns": _published_columns(columns, key),
        "names": _published_names(names, key),
        "height": height,
        "selected": None if selected is None else int(selected),
        "weights": _published_weights(weights, key),
        "backdrop": _published_backdrop(backdrop, key),
        "backdrop_label": backdrop_label,
        "backdrop_on": backdrop_on,
        "outline": None if outline is None else outline.tolist(),
        "ellipse": ellipse and [float(value) for value in ellipse],
        "noun": noun or f"test {spec.noun}",
        "nouns": spec.nouns,
        "sheets": [(label, list(urls)) for label, urls in (sheets or {}).items()],
        "tile": list(tile),
        "sheet_size": dict(zip(("columns", "tiles"), sheet_size, strict=True)),
        "label": f"Map of {len(points)} points over {axes[0]} and {axes[1]}",
        "draggable": on_drag is not None,
        "live": assets.live_url() if model else "",
        "model": model,
        "selectable": on_shape is not None,
        "ack": last_message(key, "click").get("serial"),
        "drag_ack": drag_serial(key),
    }
    _component(
        key=key,
        data=data,
        on_click_change=on_click or ignore,
        on_drag_change=on_drag or ignore,
        on_view_change=on_view or ignore,
        on_shape_change=on_shape or ignore,
    )
    return pending_click(key)


def _published_weights(weights: NDArray[np.floating] | None, key: str) -> str | None:
    if weights is None:
        return None
    levels = np.rint(255 * np.clip(weights, 0, 1)).astype(np.uint8)
    return assets.publish(levels.tobytes(), "weights.bin", place=f"{key}/weights")


def _published_columns(columns: Mapping[str, Column], key: str) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "unit": column.unit,
            "help": column.help,
            "url": assets.publish(
                column.values.astype("<f4").tobytes(), "column.bin", place=f"{key}/column/{name}"
            ),
        }
        for name, column in columns.items()
    ]


def _published_names(names: Sequence[str], key: str) -> str | None:
    if not len(names):
        return None
    content = json.dumps(list(names), ensure_ascii=False).encode()
    return assets.publish(content, "names.bin", place=f"{key}/names")


def _published_backdrop(
    backdrop: tuple[bytes, tuple[float, float, float, float]] | None, key: str
) -> dict[str, Any] | None:
    if backdrop is None:
        return None
    content, ends = backdrop
    url = assets.publish(content, "backdrop.png", place=f"{key}/backdrop")
    return {"url": url, "range": [float(end) for end in ends]}


def _range(points: NDArray[np.float32]) -> list[float]:
    """x0, x1, y0, y1 from the 0.1th to the 99.9th percentile, with a margin of 6 percent."""
    if not len(points):
        return [-3.0, 3.0, -3.0, 3.0]
    low, high = np.percentile(points, [0.1, 99.9], axis=0)
    margin = np.maximum(0.06 * (high - low), 1e-3)
    (x0, y0), (x1, y1) = low - margin, high + margin
    return [round(float(value), 4) for value in (x0, x1, y0, y1)]


def _check(
    points: NDArray[np.float32], labels: NDArray[np.integer], classes: int, selected: int | None
) -> None:
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points have the shape {points.shape}, not [N, 2]")
    if labels.shape != (len(points),):
        raise ValueError(f"{len(points)} points but labels of the shape {labels.shape}")
    if len(labels) and not text.UNLABELLED <= int(labels.min()) <= int(labels.max()) < classes:
        raise ValueError(f"labels {labels.min()} to {labels.max()} for {classes} classes")
    if selected is not None and not 0 <= selected < len(points):
        raise ValueError(f"selected = {selected} is not one of {len(points)} points")


def _check_lengths(
    count: int,
    weights: NDArray[np.floating] | None,
    columns: Mapping[str, Column],
    names: Sequence[str],
) -> None:
    if weights is not None and weights.shape != (count,):
        raise ValueError(f"{count} points but weights of the shape {weights.shape}")
    for name, column in columns.items():
        if column.values.shape != (count,):
            raise ValueError(f"{count} points but {name} of the shape {column.values.shape}")
    if len(names) not in (0, count):
        raise ValueError(f"{count} points but {len(names)} names")
