"""The decoded image and the facts beside it, painted as fast as they arrive.

A component, not st.image or st.html: the grey levels are painted on a canvas, where an image
element would have to be sanitised, decoded and replaced for each of sixty pictures a second.
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
    """Figures of the decoding; the browser adds the round trip and the pictures a second."""

    device: str
    decode_ms: float | None  # of one code; None before the first
    hit_rate: float  # share of the pictures that came from the cache, 0 to 1


def placeholder(key: str) -> None:
    """An empty view while the model is loaded: the layout does not shift when the picture arrives,
    and the browser has loaded the modules by then."""
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
    """Show `picture`, uint8 [28, 28], which `code` decodes to with `model`.

    Beside it stand `title`, a bar for each of `shares` (0 to 1) in the colour of the same index,
    the code's `distance` from the centre and a `note`; below it the figures of the decoding.

    A `latent_map` of this model on the page moves its cursor to `cursor` and marks the point
    `digit`, without a run of its own; `answered` is the newest of its drags (`drag_serial`) that
    the code takes into account.

    During a drag the pictures come through the live channel, and those passed here are ignored;
    `view` is what the map shows then: its kind and its two dimensions. `revision` grows whenever
    Python moves the code itself: that picture is shown even during a drag.

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
        **images.painted(picture, shares, distance, engine.decode_ms, engine.hit_rate),
    }
    _component(key=key, data=data)
