"""A sheet of digits of which each can be pressed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer import assets, images
from explorer.components.registration import news, nothing, register

_component = register("digit_sheet", "urls.js")

COLUMNS = 20  # of the picture that the tiles are cut from


def mount(
    pictures: NDArray[np.uint8],
    names: Sequence[str],
    *,
    key: str,
    on_press: Callable[[], None] | None = None,
) -> None:
    """Lay `pictures` [N, 28, 28] out in rows as wide as the page has room for, each a button that
    is called by its one of `names`. The callback `on_press` asks `pending_press` which it was.

    Raises ValueError for no picture, and for another number of names.
    """
    if not len(pictures) or len(pictures) != len(names):
        raise ValueError(f"{len(pictures)} pictures but {len(names)} names")
    content = images.png(images.tile(pictures, COLUMNS))
    data: dict[str, Any] = {
        "sheet": assets.publish(content, "sheet.png", place=f"{key}/sheet"),
        "columns": COLUMNS,
        "names": list(names),
    }
    _component(key=key, data=data, on_press_change=on_press or nothing)


def pending_press(key: str) -> int | None:
    """Which digit of the sheet `key` was pressed since Python last asked, from 0; None if none."""
    place = news(key, "press").get("place")
    return place if isinstance(place, int) and place >= 0 else None
