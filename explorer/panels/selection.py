"""The digits selected on the map by a box or a lasso: how many of each, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, session, thumbnails
from explorer.components import digit_sheet

MOST = 200  # tiles shown


@dataclass(frozen=True)
class Selection:
    """Test digits of one model, and those of them that the sheet shows."""

    digits: np.ndarray  # [N], indices into the test set
    counts: np.ndarray  # [10], how many of each digit
    shown: np.ndarray  # [at most MOST], sorted by digit
    pictures: np.ndarray  # uint8 [at most MOST, 28, 28]
    words: str  # what the pictures are
    # the shape drawn around them [K, 2], and the axes of the map that it was drawn on
    drawn: tuple[tuple[str, str], np.ndarray] | None = None


def pick(
    name: str, digits: np.ndarray, drawn: tuple[tuple[str, str], np.ndarray] | None = None
) -> None:
    """Select these test digits [N] of the model, an empty array included; `drawn` as Selection
    has it."""
    labels = session.encodings(name).labels
    ordered = digits[np.argsort(labels[digits], kind="stable")]
    # evenly through the ordered ones, so that the sheet has of each digit its share
    steps = np.linspace(0, len(ordered) - 1, min(MOST, len(ordered)))
    shown = ordered[np.rint(steps).astype(int)]
    pictures, words = np.empty((0, 28, 28), np.uint8), "originals"
    if len(shown) and (test := thumbnails.originals(name)) is not None:
        pictures = test.images[shown]
    elif len(shown):
        pictures = session.model(name).pictures(session.encodings(name).mean[shown])
        words = "reconstructions"
    counts = np.bincount(labels[digits], minlength=10)
    found = Selection(digits, counts, shown, pictures, words, drawn)
    st.session_state[f"selection-{name}"] = found


def picked(name: str) -> np.ndarray | None:
    """The selected test digits [N] of the model; None where nothing was selected."""
    found = st.session_state.get(f"selection-{name}")
    return found.digits if isinstance(found, Selection) else None


def outline(name: str, axes: tuple[str, str]) -> np.ndarray | None:
    """The shape [K, 2] that was drawn around the selected digits, on the map of these axes."""
    found = st.session_state.get(f"selection-{name}")
    if not isinstance(found, Selection) or found.drawn is None:
        return None
    return found.drawn[1] if found.drawn[0] == axes else None


def sheet(name: str) -> None:
    """The selected digits by number, and a sheet of them; nothing where nothing was selected."""
    found = st.session_state.get(f"selection-{name}")
    if not isinstance(found, Selection):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="selection-head"):
        st.html(_tally(found.counts), width="content")
        st.button("Clear", on_click=_clear, args=(name,), type="tertiary", key=f"clear-{name}")
    if not len(found.digits):
        return
    labels = session.encodings(name).labels
    key = f"sheet-{name}"
    digit_sheet.mount(
        found.pictures,
        [f"test digit {digit:,}, a {labels[digit]}" for digit in found.shown],
        key=key,
        on_press=partial(_go, name, key),
    )
    part = "" if len(found.shown) == len(found.digits) else f"{len(found.shown)} of "
    every = ", evenly picked" if part else ""
    st.caption(f"{part}{len(found.digits):,} {found.words}{every}. Press one to go to its code.")


def _tally(counts: np.ndarray) -> str:
    """HTML: how many there are of each digit."""
    total = int(counts.sum())
    if not total:
        return '<div class="tally">No digit that is shown lies within this shape.</div>'
    words = "digit" if total == 1 else "digits"
    each = "".join(
        f'<span><i style="background:{controls.DIGIT_COLOURS[digit]}"></i>'
        f"<strong>{digit}</strong><b>{count:,}</b></span>"
        for digit, count in enumerate(counts)
        if count
    )
    return f'<div class="tally"><strong>{total:,} {words} selected</strong>{each}</div>'


def _clear(name: str) -> None:
    st.session_state.pop(f"selection-{name}", None)


def _go(name: str, key: str) -> None:
    place = digit_sheet.pending_press(key)
    found = st.session_state.get(f"selection-{name}")
    if place is None or not isinstance(found, Selection) or place >= len(found.shown):
        return
    session.visit(name).go(*session.digit_place(name, int(found.shown[place])))
    controls.follow()
