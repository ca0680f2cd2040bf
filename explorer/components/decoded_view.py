"""The decoded sample and the facts beside it, updated at the rate of the replies.

A component, because st.image or st.html would sanitise, decode and replace an image element for
each of sixty pictures per second; the component paints the values on a canvas.
"""

from collections.abc import Sequence
from typing import Any

from explorer import assets
from explorer.components.registration import register
from explorer.visit import rounded

_component = register("decoded_view", isolate_styles=False)  # the page's style draws the bars


def placeholder(key: str) -> None:
    """Mount an empty view while the model is loaded, which reserves the space of the picture and
    makes the browser load the modules meanwhile."""
    _component(key=key, data={"waiting": True})


def mount(
    decoded: dict[str, Any],
    code: Sequence[float],
    *,
    key: str,
    model: str,
    view: tuple[str, int, int],
    caption: str,
    title: str,
    names: Sequence[str],
    colours: Sequence[str],
    device: str,
    cursor: tuple[float, float],
    sample: int | None = None,
    answered: int | None = None,
    note: str = "",
    revision: int = 0,
) -> None:
    """Show the sample that `model` decodes from `code`: `decoded_code.DecodedCode.as_json`.

    Beside it are shown `title`, a bar for each class in `names` with the colour of the same index,
    the code's distance from the prior's centre and a `note`; below it the figures of the decoding
    on `device`. Without shares there are no bars.

    A `latent_map` of this model on the page moves its cursor to `cursor` and marks the point
    `sample`, without a rerun; `answered` is the newest of its drags (`drag_serial`) that the code
    includes.

    During a drag the pictures come from the live channel, and those passed here are ignored; `view`
    is the kind and the two dimensions of the map. `revision` grows whenever Python sets the code:
    that picture is shown even during a drag.

    Raises ValueError where shares, names and colours differ in number.
    """
    if not len(decoded["shares"]) == len(names) == len(colours):
        raise ValueError(
            f"{len(decoded['shares'])} shares but {len(names)} names and {len(colours)} colours"
        )
    data: dict[str, Any] = {
        "code": rounded(code),
        "cursor": [float(value) for value in cursor],
        "sample": sample,
        "answered": answered,
        "caption": caption,
        "note": note,
        "title": title,
        "names": list(names),
        "colours": list(colours),
        "device": device,
        "model": model,
        "view": list(view),
        "live": assets.live_url(),
        "revision": revision,
        **decoded,
    }
    _component(key=key, data=data)
