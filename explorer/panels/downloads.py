"""Download buttons for generated digits, and Python code that generates them again."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.generation import Drawn

SHORT = 400  # characters of Python that are shown without an expander


def buttons(drawn: Drawn, stem: str, picture: Callable[[], bytes], lines: str, key: str) -> None:
    """Downloads, made on a click, and the Python code `lines`."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"downloads-{key}"):
        st.download_button(
            "PNG",
            picture,
            f"{stem}.png",
            "image/png",
            key=f"png-{key}",
            on_click="ignore",
            help=f"A picture of all {len(drawn.images):,} digits",
        )
        st.download_button(
            "NPZ",
            drawn.npz,
            f"{stem}.npz",
            "application/octet-stream",
            key=f"npz-{key}",
            on_click="ignore",
            help=f"Images, {'labels ' * bool(len(drawn.labels))}and codes, for NumPy",
        )
    if len(lines) <= SHORT:
        st.code(lines, language="python", wrap_lines=True)
        return
    with st.expander("The same in Python"):
        st.code(lines, language="python", wrap_lines=True, height=240)
