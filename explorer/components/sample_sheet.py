"""A sheet of samples that can be clicked."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer import assets, images
from explorer.components.registration import ignore, new_message, register

_component = register("sample_sheet")

COLUMNS = 20  # of the sprite sheet of the images
SMALLEST, LARGEST = 28, 64  # px of a tile's longer side on the page


def mount(
    pictures: NDArray[np.uint8],
    names: Sequence[str],
    *,
    key: str,
    on_click: Callable[[], None] | None = None,
) -> None:
    """Show `pictures` [N, H, W] or [N, H, W, 3] in rows as wide as the page allows, each a button
    with the name of the same index. The callback `on_click` reads `pending_click`.

    Raises ValueError for no picture, and for another number of names.
    """
    if not len(pictures) or len(pictures) != len(names):
        raise ValueError(f"{len(pictures)} pictures but {len(names)} names")
    content = images.png(images.tile(pictures, COLUMNS))
    data: dict[str, Any] = {
        "sheet": assets.publish(content, "sheet.png", place=f"{key}/sheet"),
        "tile": tile_size(*pictures.shape[1:3]),
        "columns": COLUMNS,
        "rows": -(-len(pictures) // COLUMNS),
        "names": list(names),
    }
    _component(key=key, data=data, on_click_change=on_click or ignore)


def tile_size(height: int, width: int) -> tuple[int, int]:
    """Width and height of a tile on the page, px: small images are enlarged by a whole factor,
    large ones reduced."""
    longer = max(height, width)
    factor = -(-SMALLEST // longer) if longer < SMALLEST else min(1.0, LARGEST / longer)
    return max(1, round(width * factor)), max(1, round(height * factor))


def pending_click(key: str) -> int | None:
    """The index of the image of the sheet `key` that was clicked since the last call, else None."""
    place = new_message(key, "click").get("place")
    return place if isinstance(place, int) and place >= 0 else None
