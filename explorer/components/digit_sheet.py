"""A sheet of images that can be clicked."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer import assets, images
from explorer.components.registration import ignore, new_message, register

_component = register("digit_sheet")

COLUMNS = 20  # of the sprite sheet of the images


def mount(
    pictures: NDArray[np.uint8],
    names: Sequence[str],
    *,
    key: str,
    on_click: Callable[[], None] | None = None,
) -> None:
    """Show square `pictures` [N, H, H] in rows as wide as the page allows, each a button with the
    name of the same index. The callback `on_click` reads `pending_click`.

    Raises ValueError for no picture, and for another number of names.
    """
    if not len(pictures) or len(pictures) != len(names):
        raise ValueError(f"{len(pictures)} pictures but {len(names)} names")
    content = images.png(images.tile(pictures, COLUMNS))
    data: dict[str, Any] = {
        "sheet": assets.publish(content, "sheet.png", place=f"{key}/sheet"),
        "side": pictures.shape[1],
        "columns": COLUMNS,
        "names": list(names),
    }
    _component(key=key, data=data, on_click_change=on_click or ignore)


def pending_click(key: str) -> int | None:
    """The index of the image of the sheet `key` that was clicked since the last call, else None."""
    place = new_message(key, "click").get("place")
    return place if isinstance(place, int) and place >= 0 else None
