"""A canvas for drawing a digit by hand."""

import base64
import binascii
from collections.abc import Callable

from explorer.components.assets import nothing, register, sent

_mount = register("drawing")

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def drawn(key: str, clear_revision: int = 0) -> bytes | None:
    """The PNG that `drawing` will return, before it is mounted in this run."""
    ink = sent(key, "ink")
    text = ink.get("png")
    if not isinstance(text, str) or ink.get("revision", clear_revision) != clear_revision:
        return None
    try:
        png = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return png if png.startswith(PNG_SIGNATURE) else None


def drawing(
    *,
    key: str,
    size: int = 280,
    pen: int = 20,
    clear_revision: int = 0,
    on_change: Callable[[], None] | None = None,
) -> bytes | None:
    """A square canvas with Undo and Clear; returns the drawing as PNG, None while it is empty.

    `size` and the `pen`'s width are in pixels: 20 on 280 is a stroke of two MNIST pixels. The image
    is white on near black, `size` x `size`, sent after each stroke. It stays over the runs of the
    script; a `clear_revision` that differs from the one before wipes it from Python.

    Raises ValueError when the size or the pen is not positive.
    """
    if size <= 0 or pen <= 0:
        raise ValueError(f"size = {size} and pen = {pen} must be positive")
    data = {
        "size": size,
        "pen": pen,
        "clear_revision": clear_revision,
        "ack": sent(key, "ink").get("serial"),
    }
    _mount(key=key, data=data, on_ink_change=on_change or nothing)
    return drawn(key, clear_revision)
