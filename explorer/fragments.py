"""The fragments of the pages, and which of them rerun after a change.

Streamlit reruns a fragment by the key that it was declared with.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

import streamlit as st
from streamlit.errors import StreamlitAPIException


class Fragment(StrEnum):
    """Keys of the fragments."""

    # Explore
    CODE = "current-code"  # the decoded sample and the sliders
    MAP = "map"
    MOVES = "code-buttons"
    TRAVERSALS = "traversals"
    # Reconstruct
    DRAWING = "drawing"
    # Generate
    STYLE = "style"
    STYLE_DOWNLOADS = "style-downloads"
    STYLE_DRAWING = "style-drawing"
    NUMBER = "number"
    NUMBER_DOWNLOADS = "number-downloads"
    PLAYBACK = "playback"


def rerun(*fragments: Fragment) -> None:
    """In a callback: rerun these fragments.

    A component may send a last value just after its page was left. Streamlit then raises, because
    the page has no such fragment, and nothing needs to rerun.
    """
    with suppress(StreamlitAPIException):
        st.rerun([str(fragment) for fragment in fragments])


def after_code_change() -> None:
    """In a callback on Explore: Python has changed the code, or a drag has ended."""
    rerun(Fragment.CODE, Fragment.MAP, Fragment.MOVES, Fragment.TRAVERSALS)


def during_map_drag() -> None:
    """In a callback on Explore: a drag on the map is in progress; the rest reruns when it ends."""
    rerun(Fragment.CODE)


def after_style_change() -> None:
    """In a callback on Generate: a button has changed the style, or a drag has ended."""
    rerun(Fragment.STYLE, Fragment.STYLE_DOWNLOADS)


def after_number_change() -> None:
    """In a callback on Generate: the number or its style has changed."""
    rerun(Fragment.NUMBER, Fragment.NUMBER_DOWNLOADS)
