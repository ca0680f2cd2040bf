"""The decoded digit and the facts beside it, painted as they come.

A component, not st.image or st.html: 784 bytes go straight on to a canvas. An image element would
have to be sanitised, decoded and swapped by the browser for each of sixty pictures a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer import assets, images
from explorer.components.registration import register

_component = register(
    "decoded_view", "urls.js", "live.js", isolate_styles=False
)  # the page's own style draws the bars


@dataclass(frozen=True, slots=True)
class EngineLine:
    """What the server knows of its decoding; the browser adds round trip and pictures a second."""

    device: str
    decode_ms: float | None  # one code; None before the first
    hit_rate: float  # share of the pictures that needed no decode, 0 to 1


def placeholder(key: str) -> None:
    """The stage without a picture, while the model is on its way: nothing jumps when it comes, and
    the browser has the stage's script by then."""
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
    note: str = "",
    revision: int = 0,
) -> None:
    """Show `picture`, uint8 [28, 28], which `code` decodes to with `model`.

    Beside it stand `title`, a bar for each of `shares` (0 to 1) in the colour of the same place in
    `colours`, the code's `distance` from the centre and a `note`; below it the engine's figures.
    While a hand moves, the pictures come through the live channel, and those of this command wait;
    `view` is what the map shows then: its kind and its two dimensions. `revision` grows whenever
    Python moves the code itself: then this picture is the newer one, hand or no hand. Raises
    ValueError for a picture of another shape or type and where shares and colours differ in number.
    """
    if len(shares) != len(colours):
        raise ValueError(f"{len(shares)} shares but {len(colours)} colours")
    data: dict[str, Any] = {
        "code": images.rounded(code),
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
