"""A canvas to draw on."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.components.registration import last_message, register

_component = register("drawing")

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def drawn(key: str, clear_revision: int = 0) -> bytes | None:
    """The PNG that `mount` will return, before the canvas is mounted in this run."""
    text = _ink(key, clear_revision).get("png")
    if not isinstance(text, str):
        return None
    try:
        png = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return png if png.startswith(PNG_SIGNATURE) else None


def _ink(key: str, clear_revision: int) -> dict[str, Any]:
    """The last drawing, unless Python has cleared it since."""
    ink = last_message(key, "ink") or st.session_state.get(f"{key}:kept", {})
    return ink if ink.get("revision", clear_revision) == clear_revision else {}


def mount(
    *,
    key: str,
    noun: str = "digit",
    size: int = 280,
    pen: int = 20,
    clear_revision: int = 0,
    on_change: Callable[[], None] | None = None,
) -> bytes | None:
    """A square canvas with Undo and Clear; returns the drawing as PNG, None while it is empty.

    The empty canvas asks for a `noun`. `size` and the width of the `pen` are in pixels: 20 on 280
    is a stroke of two MNIST pixels. The image is white on near black, `size` x `size`, sent after
    each stroke. It is kept for the session, also while other pages are shown; a new value of
    `clear_revision` clears it.

    Raises ValueError when the size or the pen is not positive.
    """
    if size <= 0 or pen <= 0:
        raise ValueError(f"size = {size} and pen = {pen} must be positive")
    data = {
        "noun": noun,
        "size": size,
        "pen": pen,
        "clear_revision": clear_revision,
        "strokes": _ink(key, clear_revision).get("strokes", []),
        "ack": last_message(key, "ink").get("serial"),
    }

    def keep() -> None:
        # Streamlit drops the state of a component that is no longer on the page
        st.session_state[f"{key}:kept"] = last_message(key, "ink")
        if on_change:
            on_change()

    _component(key=key, data=data, on_ink_change=keep)
    return drawn(key, clear_revision)
