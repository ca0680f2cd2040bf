"""Widgets and small pieces that several pages share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from explorer import mnist_download, session

# Petroff's ten (arXiv 2107.02270): told apart with every kind of colour vision
DIGIT_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)


def follow() -> None:
    """In a callback on Explore: the code has moved by other than the sliders, or has come to rest,
    and all parts of the page follow."""
    rerun("hand", "map", "moves", "sheets")


def rerun(*fragments: str) -> None:
    """In a callback: run these fragments. A component outlives its page by a moment, and what it
    tells then finds none of them: there is nothing to run."""
    with suppress(StreamlitAPIException):
        st.rerun(list(fragments))


def kl_beside(name: str, dims: Sequence[int]) -> dict[str, Any]:
    """What stands beside the sliders of these dimensions: how much each carries; nothing for a
    model without a KL. For `latent_sliders`."""
    kl = session.info(name).kl
    if not any(kl):
        return {}
    return {
        "notes": [f"{kl[dim]:.1f} nats" for dim in dims],
        "weights": [kl[dim] / max(kl) for dim in dims],
    }


def loading(name: str) -> None:
    """Load the model, with a word on what is happening where that takes a while."""
    if not session.is_ready(name):
        with st.spinner(f"Loading {session.info(name).title} ..."):
            session.model(name)


@st.fragment(run_every=0.5)
def _download_progress() -> None:
    download, visitor = mnist_download.shared(), mnist_download.visitor()
    if not download.is_watched_by(visitor):
        st.rerun()
    share = download.done / download.total if download.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, f"MNIST's test digits are on their way: {download.done / 1e6:.1f} MB")
        st.button("Stop", on_click=download.stop, args=(visitor,), key="stop-mnist")


def mnist_line() -> None:
    """One line while MNIST's images are downloaded or cannot be had; nothing once they are here."""
    if mnist_download.digits() is not None:
        return
    download, visitor = mnist_download.shared(), mnist_download.visitor()
    if download.is_watched_by(visitor):
        _download_progress()
        return
    with st.container(horizontal=True, vertical_alignment="center", key="offline"):
        st.caption(
            "MNIST's images are not here, so originals come from scikit-learn's digits; the map "
            "and every control work all the same. To have them: go online and fetch, or set "
            "`LATENT_DATA` to a folder that holds the four files.",
            help=download.error or mnist_download.STOPPED,
        )
        st.button("Fetch MNIST", on_click=mnist_download.fetch, type="tertiary", key="fetch-mnist")
    if visitor.attempts and download.error and not visitor.stopped:
        # the number makes a second failure look different from the first
        st.warning(f"MNIST could not be fetched (attempt {visitor.attempts}): {download.error}")
