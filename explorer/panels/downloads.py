"""Download buttons for generated samples, and Python code that generates them again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.generation import Drawn
from explorer.renderers import Download

SHORT = 400  # characters of Python that are shown without an expander


def buttons(
    drawn: Drawn, stem: str, files: Sequence[Download], lines: str, key: str, nouns: str
) -> None:
    """Downloads, made on a click: `files` and the arrays; and the Python code `lines`."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"downloads-{key}"):
        for file in files:
            st.download_button(
                file.label,
                file.make,
                f"{stem}.{file.suffix}",
                file.media_type,
                key=f"{file.suffix}-{key}",
                on_click="ignore",
                help=f"All {len(drawn.images):,} {nouns} in one file",
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
