"""The decoded image and the facts beside it, updated at the rate of the replies.

A component, because st.image or st.html would sanitise, decode and replace an image element for
each of sixty pictures per second; the component paints the grey levels on a canvas.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer import assets, images
from explorer.components.registration import register

_component = register("decoded_view", isolate_styles=False)  # the page's style draws the bars


@dataclass(frozen=True, slots=True)
class EngineLine:
    """Device and speed of the decoding; the browser adds round trip and pictures per second."""

    device: str
    decode_ms: float | None  # of one code; None before the first
    hit_rate: float  # share of the pictures that came from the cache, 0 to 1


def placeholder(key: str) -> None:
    """Mount an empty view while the model is loaded, which reserves the space of the picture and
    makes the browser load the modules meanwhile."""
    _component(key=key, data={"waiting": True})


def mount(
    picture: np.ndarray,
    code: Sequence[float],
    *,
    key: str,
    model: str,
    view: tuple[str, int, int],
    caption: str,
    title: str,
    shares: Sequence[float],
    colours: Sequence[str],
    distance: float,
    engine: EngineLine,
    cursor: tuple[float, float],
    digit: int | None = None,
    answered: int | None = None,
    note: str = "",
    revision: int = 0,
) -> None:
    """Show `picture`, uint8 [28, 28], which `model` decodes from `code`.

    Beside it are shown `title`, a bar for each of `shares` (0 to 1) in the colour of the same
    index, the code's `distance` from the prior's centre and a `note`; below it the figures of
    `engine`.

    A `latent_map` of this model on the page moves its cursor to `cursor` and marks the point
    `digit`, without a rerun; `answered` is the newest of its drags (`drag_serial`) that the code
    includes.

    During a drag the pictures come from the live channel, and those passed here are ignored; `view`
    is the kind and the two dimensions of the map. `revision` grows whenever Python sets the code:
    that picture is shown even during a drag.

    Raises ValueError for a picture of another shape or type and where shares and colours differ in
    number.
    """
    if len(shares) != len(colours):
        raise ValueError(f"{len(shares)} shares but {len(colours)} colours")
    data: dict[str, Any] = {
        "code": images.rounded(code),
        "size": list(picture.shape),
        "cursor": [float(value) for value in cursor],
        "digit": digit,
        "answered": answered,
        "caption": caption,
        "note": note,
        "title": title,
        "colours": list(colours),
        "device": engine.device,
        "model": model,
        "view": list(view),
        "live": assets.live_url(),
        "revision": revision,
        **images.decoded_json(picture, shares, distance, engine.decode_ms, engine.hit_rate),
    }
    _component(key=key, data=data)
