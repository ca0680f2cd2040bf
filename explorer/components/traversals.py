"""Traversals: a strip of decoded samples for each latent dimension, with clickable tiles.

The sliders of the same model on the page show the strips behind their rails.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from explorer import assets
from explorer.components.registration import ignore, last_message, new_message, register

_component = register("traversals", isolate_styles=False)


class TileClick(NamedTuple):
    """A click on a tile: the dimension of the code, and its value there."""

    dim: int
    value: float


def pending_tile(key: str) -> TileClick | None:
    """The click on the traversals `key` since the last call, None where there is none."""
    raw = new_message(key, "click")
    dim, value = raw.get("dim"), raw.get("value")
    if not isinstance(dim, int) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return TileClick(dim, float(value))


def mount(
    sheet: bytes,
    steps: int,
    dims: Sequence[int],
    values: Sequence[float],
    *,
    key: str,
    model: str,
    ranges: Sequence[tuple[float, float]],
    aspect: float = 1.0,
    on_click: Callable[[], None] | None = None,
) -> None:
    """Show the strips of `sheet`, a PNG: a row for each of `dims`, `steps` tiles from the lowest to
    the highest value of its range. `aspect` is the width of a tile over its height.

    `values` are those of the current code in these dimensions: a mark on each strip shows them, and
    moves with the code of `model`. A click on a tile calls `on_click`, which reads `pending_tile`.
    Raises ValueError where dims, values and ranges differ in number and for fewer than two steps.
    """
    if not len(dims) == len(values) == len(ranges) or steps < 2:
        raise ValueError(
            f"{len(dims)} dims, {len(values)} values, {len(ranges)} ranges, {steps} steps"
        )
    data: dict[str, Any] = {
        "sheet": assets.publish(sheet, "traversals.png", place=f"{key}/sheet"),
        "steps": steps,
        "dims": list(dims),
        "values": [round(float(value), 4) for value in values],
        "ranges": [(float(low), float(high)) for low, high in ranges],
        "aspect": aspect,
        "model": model,
        "ack": last_message(key, "click").get("serial"),
    }
    _component(key=key, data=data, on_click_change=on_click or ignore)
