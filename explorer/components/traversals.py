"""Traversals: a strip of decoded samples for each latent dimension, with clickable tiles; or a
sheet whose rows are the values of a categorical block and vary one dimension.

The sliders of the same model on the page show the strips of the first kind behind their rails.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from explorer import assets
from explorer.components.registration import ignore, last_message, new_message, register

_component = register("traversals", isolate_styles=False)


class TileClick(NamedTuple):
    """A click on a tile: its row, the dimension of the code, and its value there."""

    row: int
    dim: int
    value: float


class Choice(NamedTuple):
    """A categorical block whose values are the rows: the dimensions of its one-hot vector, and the
    row of the current code."""

    dims: Sequence[int]
    row: int


def pending_tile(key: str) -> TileClick | None:
    """The click on the traversals `key` since the last call, None where there is none."""
    raw = new_message(key, "click")
    row, dim, value = raw.get("row"), raw.get("dim"), raw.get("value")
    if not isinstance(dim, int) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return TileClick(row, dim, float(value)) if isinstance(row, int) else None


def mount(
    sheet: bytes,
    steps: int,
    dims: Sequence[int],
    values: Sequence[float],
    *,
    names: Sequence[str],
    key: str,
    model: str,
    ranges: Sequence[tuple[float, float]],
    aspect: float = 1.0,
    choice: Choice | None = None,
    column: str = "",
    on_click: Callable[[], None] | None = None,
) -> None:
    """Show the strips of `sheet`, a PNG: a row for each of `dims`, `steps` tiles from the lowest to
    the highest value of its range. `names` are those of the rows; `aspect` is the width of a tile
    over its height.

    `values` are those of the current code in these dimensions: a mark on each strip shows them, and
    moves with the code of `model`. With a `choice` the rows are the values of its block, all vary
    the dimension called `column`, and only the row of the code's value has a mark.

    A click on a tile calls `on_click`, which reads `pending_tile`. Raises ValueError where the rows
    have different numbers of dims, values, ranges and names, and for fewer than two steps.
    """
    parts = {"dims": dims, "values": values, "ranges": ranges, "names": names}
    if choice:
        parts["values of the block"] = choice.dims
    if len({len(part) for part in parts.values()}) != 1 or steps < 2:
        counts = ", ".join(f"{len(part)} {what}" for what, part in parts.items())
        raise ValueError(f"{counts}, {steps} steps")
    data: dict[str, Any] = {
        "sheet": assets.publish(sheet, "traversals.png", place=f"{key}/sheet"),
        "steps": steps,
        "names": list(names),
        "dims": list(dims),
        "values": [round(float(value), 4) for value in values],
        "ranges": [(float(low), float(high)) for low, high in ranges],
        "aspect": aspect,
        "choice": list(choice.dims) if choice else [],
        "row": choice.row if choice else None,
        "column": column,
        "model": model,
        "ack": last_message(key, "click").get("serial"),
    }
    _component(key=key, data=data, on_click_change=on_click or ignore)
