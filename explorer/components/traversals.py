"""The latent dimensions swept one by one: a strip of digits each, to look at and to press.

The strips lie behind the sliders of the same model too: `latent_sliders` finds them on the page.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from explorer import assets
from explorer.components.registration import news, nothing, register, sent

_component = register("traversals", "urls.js", "live.js", "strips.js", isolate_styles=False)


class TilePress(NamedTuple):
    """A tile that was pressed: the dimension of the code, and its value there."""

    dim: int
    value: float


def pending_tile(key: str) -> TilePress | None:
    """The press on the traversals `key` that Python has not seen yet, None when there is none."""
    raw = news(key, "press")
    dim, value = raw.get("dim"), raw.get("value")
    if not isinstance(dim, int) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return TilePress(dim, float(value))


def mount(
    sheet: bytes,
    steps: int,
    dims: Sequence[int],
    values: Sequence[float],
    *,
    key: str,
    model: str,
    low: float,
    high: float,
    on_press: Callable[[], None] | None = None,
) -> None:
    """Show the strips of `sheet`, a PNG of square tiles: a row for each of `dims`, `steps` tiles
    from `low` to `high`.

    `values` are where the code stands in these dimensions; a mark on each strip shows it, and
    follows the hand that moves the code of `model`. A press on a tile calls `on_press`, which asks
    `pending_tile` for it. Raises ValueError where dims and values differ in number and for fewer
    than two steps.
    """
    if len(dims) != len(values) or steps < 2:
        raise ValueError(f"{len(dims)} dims, {len(values)} values, {steps} steps")
    data: dict[str, Any] = {
        "sheet": assets.publish(sheet, "traversals.png", place=f"{key}/sheet"),
        "steps": steps,
        "dims": list(dims),
        "values": [round(float(value), 4) for value in values],
        "low": low,
        "high": high,
        "model": model,
        "ack": sent(key, "press").get("serial"),
    }
    _component(key=key, data=data, on_press_change=on_press or nothing)
