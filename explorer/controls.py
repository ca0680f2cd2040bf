"""Widgets that several pages share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from explorer import mnist_download, session, text

# Petroff's ten (arXiv 2107.02270), which can be told apart with every kind of colour vision
CLASS_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
GREYISH = ("#94a4a2", "#717581")
MOST_COLOURED = 26  # classes; beyond, each colour would belong to too many


def class_colours(count: int) -> list[str]:
    """The colours of `count` classes in their order.

    Beyond ten they repeat, and on the map those that share one have different glyphs; beyond
    MOST_COLOURED all are neutral.
    """
    if count > MOST_COLOURED:
        return [text.UNLABELLED_COLOUR] * count
    return [CLASS_COLOURS[label % len(CLASS_COLOURS)] for label in range(count)]


def map_colours(count: int) -> list[str]:
    """The colours of `count` classes on the map; beyond MOST_COLOURED those that a visitor gives to
    classes of choice, among grey ones."""
    if count <= MOST_COLOURED:
        return class_colours(count)
    return [colour for colour in CLASS_COLOURS if colour not in GREYISH]


def colour(label: int, count: int = 10) -> str:
    """The colour of one of `count` classes; a neutral one for samples without a label."""
    return text.UNLABELLED_COLOUR if label == text.UNLABELLED else class_colours(count)[label]


DIGIT_COLOURS = class_colours(10)


def model(name: str, *, spinner: bool = True) -> session.Model:
    """The model, with a spinner while it is loaded.

    Where its checkpoint cannot be read, the reason is shown and the run ends. What is drawn already
    stays, including the choice of another model.
    """
    try:
        if session.is_ready(name) or not spinner:
            return session.model(name)
        with st.spinner(f"Loading {text.quoted(session.info(name).title)} ..."):
            return session.model(name)
    except ValueError as error:
        st.error(f"This model cannot be used: {text.quoted(str(error), text.SENTENCE)}")
        st.stop()


def kl_notes(name: str, dims: Sequence[int]) -> dict[str, Any]:
    """The `notes` and `weights` of `latent_sliders` for these dimensions: the KL of each in nats,
    and its share of the largest. Empty for a model without a KL."""
    kl = session.info(name).kl
    if not any(kl):
        return {}
    return {
        "notes": [f"{kl[dim]:.1f} nats" for dim in dims],
        "weights": [kl[dim] / max(kl) for dim in dims],
    }


def pager(start: int, step: int, count: int, move: Callable[[int], None], key: str) -> None:
    """Buttons that page through `count` items by `step`; `move` is called with the index of the
    first item of the new page."""
    last = start + step >= count
    back, forth = max(0, start - step), min(start + step, max(0, count - 1))
    st.button("Previous", on_click=move, args=(back,), disabled=start <= 0, key=f"{key}-previous")
    st.button("Next", on_click=move, args=(forth,), disabled=last, key=f"{key}-next")


@st.fragment(run_every=0.5)
def _download_progress() -> None:
    download, visitor = mnist_download.shared(), mnist_download.visitor()
    if not download.is_watched_by(visitor):
        st.rerun()
    share = download.done / download.total if download.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(
            share, f"MNIST's test digits are being downloaded: {download.done / 1e6:.1f} MB"
        )
        st.button("Stop", on_click=download.stop, args=(visitor,), key="stop-mnist")


def mnist_line() -> None:
    """One line while MNIST's images are downloaded or unavailable; nothing once they are loaded."""
    if mnist_download.digits() is not None:
        return
    download, visitor = mnist_download.shared(), mnist_download.visitor()
    if download.is_watched_by(visitor):
        _download_progress()
        return
    with st.container(horizontal=True, vertical_alignment="center", key="offline"):
        st.caption(
            "MNIST's images are missing, so scikit-learn's digits are shown as originals; the map "
            "and every control work without them. To load MNIST, go online and click Fetch MNIST, "
            "or set `LATENT_DATA` to a folder that holds the four files.",
            help=text.quoted(download.error or mnist_download.STOPPED, text.SENTENCE),
        )
        st.button("Fetch MNIST", on_click=mnist_download.fetch, type="tertiary", key="fetch-mnist")
    if visitor.attempts and download.error and not visitor.stopped:
        # the number distinguishes a second failure from the first
        st.warning(f"MNIST could not be fetched (attempt {visitor.attempts}): {download.error}")
