"""The digits selected on the map by a box or a lasso: their number by class, and a sheet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, fragments, session, text, thumbnails
from explorer.components import digit_sheet
from explorer.session import CheckpointError

MAX_TILES = 200  # of the sheet


@dataclass(frozen=True)
class Selection:
    """Test digits of one model, and those of them that the sheet shows."""

    digits: np.ndarray  # [N], indices into the test set
    shown: np.ndarray  # [at most MAX_TILES], sorted by class
    # the shape drawn around them [K, 2], and the axes of the map that it was drawn on
    drawn: tuple[tuple[str, str], np.ndarray] | None = None


def pick(
    name: str, digits: np.ndarray, drawn: tuple[tuple[str, str], np.ndarray] | None = None
) -> None:
    """Select these test digits [N] of the model, possibly none; `drawn` as in Selection."""
    labels = session.encodings(name).labels
    ordered = digits[np.argsort(labels[digits], kind="stable")]
    # evenly spaced among those sorted by class, so that each class keeps its share
    steps = np.linspace(0, len(ordered) - 1, min(MAX_TILES, len(ordered)))
    shown = ordered[np.rint(steps).astype(int)]
    st.session_state[f"selection-{name}"] = Selection(digits, shown, drawn)


def _selected(name: str) -> Selection | None:
    found = st.session_state.get(f"selection-{name}")
    return found if isinstance(found, Selection) else None


def picked(name: str) -> np.ndarray | None:
    """The selected test digits [N] of the model; None where nothing was selected."""
    found = _selected(name)
    return found.digits if found else None


def outline(name: str, axes: tuple[str, str]) -> np.ndarray | None:
    """The shape [K, 2] that was drawn around the selected digits, on the map of these axes."""
    found = _selected(name)
    if not found or found.drawn is None:
        return None
    return found.drawn[1] if found.drawn[0] == axes else None


def pictures(name: str, digits: np.ndarray) -> tuple[np.ndarray, str]:
    """Pictures of test digits [N], uint8 [N, 28, 28], and their kind: "originals" where these are
    available, else "reconstructions". Raises as `session.model`."""
    if (test := thumbnails.originals(name)) is not None:
        return test.samples[digits], "originals"
    return session.model(name).pictures(session.encodings(name).mean[digits]), "reconstructions"


def sheet(name: str) -> None:
    """The number of selected digits of each class, and a sheet of them; nothing where nothing was
    selected."""
    found = _selected(name)
    if not found:
        return
    labels = session.encodings(name).labels
    with st.container(horizontal=True, vertical_alignment="center", key="selection-head"):
        st.html(tally(labels[found.digits]), width="content")
        st.button("Clear", on_click=_clear, args=(name,), type="tertiary", key=f"clear-{name}")
    if not len(found.digits):
        return
    try:
        images, kind = pictures(name, found.shown)
    except CheckpointError:  # reported by the panel of the current code
        return
    key = f"sheet-{name}"
    digit_sheet.mount(
        images,
        [text.numbered("test digit", digit, int(labels[digit])) for digit in found.shown],
        key=key,
        on_click=partial(_take_click, name, key),
    )
    part = "" if len(found.shown) == len(found.digits) else f"{len(found.shown)} of "
    every = ", evenly picked" if part else ""
    st.caption(f"{part}{len(found.digits):,} {kind}{every}. Click one to set the code to it.")


def tally(labels: np.ndarray) -> str:
    """HTML: the number of labels [N] of each class, the unlabelled ones last."""
    if not len(labels):
        return '<div class="tally">No digit on the map is within this shape.</div>'
    counts = {digit: int((labels == digit).sum()) for digit in (*range(10), text.UNLABELLED)}
    noun = "digit" if len(labels) == 1 else "digits"
    each = "".join(
        f'<span><i style="background:{controls.colour(digit)}"></i>'
        f"<strong>{text.class_name(digit)}</strong><b>{count:,}</b></span>"
        for digit, count in counts.items()
        if count
    )
    return f'<div class="tally"><strong>{len(labels):,} {noun} selected</strong>{each}</div>'


def _clear(name: str) -> None:
    st.session_state.pop(f"selection-{name}", None)


def _take_click(name: str, key: str) -> None:
    place, found = digit_sheet.pending_click(key), _selected(name)
    if place is None or not found or place >= len(found.shown):
        return
    session.visit(name).move(*session.digit_place(name, int(found.shown[place])))
    fragments.after_code_change()
