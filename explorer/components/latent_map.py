"""The map of a latent space: the encoded digits, a cursor at the current code, clicks anywhere.

A component that owns its Plotly plot, not st.plotly_chart: that one's identity is a hash of its
whole figure, so each move of a marker would send all the points again and reset the zoom, and a
click on empty space would never reach Python.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer import web
from explorer.components.assets import nothing, register, sent

# Plotly puts its style into the document's head, where a shadow root would not see it.
_mount = register("latent_map", "latent_map_figure.js", isolate_styles=False)


@dataclass(frozen=True, slots=True)
class MapClick:
    """A press on the map, or a step of its cursor by an arrow key."""

    x: float
    y: float
    index: int | None  # the point that was pressed, None on empty space
    serial: int  # differs from click to click


def pending_click(key: str) -> MapClick | None:
    """The click on the map `key` that Python has not seen yet, None when there is none.

    Each click is returned once, however often the script runs for other reasons. Call it before the
    map is mounted, so that the map is mounted with the answer; `latent_map` then returns None.
    """
    click = _last_click(key)
    seen = f"{key}:seen"
    if click is None or st.session_state.get(seen) == click.serial:
        return None
    st.session_state[seen] = click.serial
    return click


def pending_drag(key: str) -> tuple[float, float] | None:
    """Where a drag on the map `key` has taken the code since Python last asked, None if nowhere."""
    raw = sent(key, "drag")
    x, y, serial = (raw.get(name) for name in ("x", "y", "serial"))
    seen = f"{key}:dragged"
    if serial is None or st.session_state.get(seen) == serial:
        return None
    st.session_state[seen] = serial
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    return (float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None


def drag_serial(key: str) -> int | None:
    """The newest drag of the map `key`: what `latent_sliders` answers when it is mounted."""
    return sent(key, "drag").get("serial")


def _last_click(key: str) -> MapClick | None:
    raw = sent(key, "click")
    x, y, index, serial = (raw.get(name) for name in ("x", "y", "index", "serial"))
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    point = int(index) if isinstance(index, int | float) else None
    return MapClick(float(x), float(y), point, int(serial or 0))


def latent_map(
    points: NDArray[np.float32],
    labels: NDArray[np.integer],
    cursor: tuple[float, float],
    *,
    axes: tuple[str, str],
    colours: Sequence[str],
    key: str,
    height: int = 560,
    selected: int | None = None,
    backdrop: bytes | None = None,
    backdrop_range: tuple[float, float, float, float] = (-3.0, 3.0, -3.0, 3.0),
    ellipse: tuple[float, float, float, float] | None = None,
    noun: str = "test digit",
    sheets: Mapping[str, str] | None = None,
    on_click: Callable[[], None] | None = None,
    on_drag: Callable[[], None] | None = None,
) -> MapClick | None:
    """Mount the map and return a click that is new, None otherwise.

    `points` [N, 2] are plotted in the colour of their `labels` [N] (an index of `colours`), the
    cursor at `cursor`, in the points' units. `selected` is the point to mark, `backdrop` a PNG
    laid under the points over `backdrop_range` (x0, x1, y0, y1), `ellipse` (centre x, centre y,
    radius x, radius y) the posterior of a digit. `sheets` are URLs of pictures of all points in
    their order, tiles of 28 pixels, 100 a row, each under the word for what it shows: a point under
    the pointer shows its own. `height` is in pixels, the legend included. Zoom,
    pan and the legend's filter belong to the visitor: no run changes them while points and axes
    stay. With `on_drag`, a press that moves takes the code along (with shift it moves the map); the
    callback asks `pending_drag` where to, and its drop is a click. The map itself need not run for
    that: `latent_sliders` answers with `drag_serial`.

    Raises ValueError for points, labels or a `selected` that do not fit together.
    """
    _check(points, labels, colours, selected)
    content = np.ascontiguousarray(points, np.float32).tobytes() + labels.astype(np.uint8).tobytes()
    url = web.publish(content, "points.bin", place=f"{key}/points")
    if st.session_state.get(f"{key}:range", (None,))[0] != url:
        st.session_state[f"{key}:range"] = url, _range(points)  # as dear as all the rest together
    data: dict[str, Any] = {
        "points": url,
        "plotly": web.plotly_url(),
        "count": len(points),
        "range": st.session_state[f"{key}:range"][1],
        "cursor": [float(value) for value in cursor],
        "axes": list(axes),
        "colours": list(colours),
        "height": height,
        "selected": None if selected is None else int(selected),
        "backdrop": backdrop and web.publish(backdrop, "backdrop.png", place=f"{key}/backdrop"),
        "backdrop_range": [float(value) for value in backdrop_range],
        "ellipse": ellipse and [float(value) for value in ellipse],
        "noun": noun,
        "sheets": [[words, url] for words, url in (sheets or {}).items()],
        "label": f"Map of {len(points)} points over {axes[0]} and {axes[1]}",
        "draggable": on_drag is not None,
        "ack": sent(key, "click").get("serial"),
    }
    _mount(
        key=key,
        data=data,
        on_click_change=on_click or nothing,
        on_drag_change=on_drag or nothing,
    )
    return pending_click(key)


def _range(points: NDArray[np.float32]) -> list[float]:
    """x0, x1, y0, y1 that hold all but one point in 1,000 a side, with a margin of 6 percent."""
    if not len(points):
        return [-3.0, 3.0, -3.0, 3.0]
    low, high = np.percentile(points, [0.1, 99.9], axis=0)
    margin = np.maximum(0.06 * (high - low), 1e-3)
    (x0, y0), (x1, y1) = low - margin, high + margin
    return [round(float(value), 4) for value in (x0, x1, y0, y1)]


def _check(
    points: NDArray[np.float32],
    labels: NDArray[np.integer],
    colours: Sequence[str],
    selected: int | None,
) -> None:
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points have the shape {points.shape}, not [N, 2]")
    if labels.shape != (len(points),):
        raise ValueError(f"{len(points)} points but labels of the shape {labels.shape}")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(colours):
        raise ValueError(f"labels {labels.min()} to {labels.max()} for {len(colours)} colours")
    if selected is not None and not 0 <= selected < len(points):
        raise ValueError(f"selected = {selected} is not one of {len(points)} points")
