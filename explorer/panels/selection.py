"""The samples selected on the map by a box or a lasso: their number by class, and a sheet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, decoded_code, fragments, originals, session, text
from explorer.components import sample_sheet
from explorer.session import CheckpointError
from vae.dataspec import DataSpec

MAX_TILES = 200  # of the sheet
MAX_COUNTED = 26  # classes whose numbers are shown


@dataclass(frozen=True)
class Selection:
    """Test samples of one model, and those of them that the sheet shows."""

    samples: np.ndarray  # [N], indices into the test set
    shown: np.ndarray  # [at most MAX_TILES], sorted by class
    # the shape drawn around them [K, 2], and the axes of the map that it was drawn on
    drawn: tuple[tuple[str, str], np.ndarray] | None = None


def pick(
    name: str, samples: np.ndarray, drawn: tuple[tuple[str, str], np.ndarray] | None = None
) -> None:
    """Select these test samples [N] of the model, possibly none; `drawn` as in Selection."""
    labels = session.encodings(name).labels
    ordered = samples[np.argsort(labels[samples], kind="stable")]
    # evenly spaced among those sorted by class, so that each class keeps its share
    steps = np.linspace(0, len(ordered) - 1, min(MAX_TILES, len(ordered)))
    shown = ordered[np.rint(steps).astype(int)]
    st.session_state[f"selection-{name}"] = Selection(samples, shown, drawn)


def _selected(name: str) -> Selection | None:
    found = st.session_state.get(f"selection-{name}")
    return found if isinstance(found, Selection) else None


def picked(name: str) -> np.ndarray | None:
    """The selected test samples [N] of the model; None where nothing was selected."""
    found = _selected(name)
    return found.samples if found else None


def outline(name: str, axes: tuple[str, str]) -> np.ndarray | None:
    """The shape [K, 2] that was drawn around the selected samples, on the map of these axes."""
    found = _selected(name)
    if not found or found.drawn is None:
        return None
    return found.drawn[1] if found.drawn[0] == axes else None


def pictures(name: str, samples: np.ndarray) -> tuple[np.ndarray, str]:
    """Pictures of test samples [N], uint8, and their kind: "originals" where these are
    available, else "reconstructions", or "samples" of the prior. Raises as `session.model`."""
    if (test := originals.originals(name)) is not None:
        return test.samples[samples], "originals"
    decoded = session.model(name).pictures(session.encodings(name).mean[samples])
    return decoded, "reconstructions" if session.info(name).encodes else "samples"


def sheet(name: str) -> None:
    """The number of selected samples of each class, and a sheet of them; nothing where nothing was
    selected."""
    found = _selected(name)
    if not found:
        return
    labels, spec = session.encodings(name).labels, session.info(name).spec
    with st.container(horizontal=True, vertical_alignment="center", key="selection-head"):
        st.html(tally(labels[found.samples], spec), width="content")
        st.button("Clear", on_click=_clear, args=(name,), type="tertiary", key=f"clear-{name}")
    if not len(found.samples):
        return
    try:
        images, kind = pictures(name, found.shown)
    except CheckpointError:  # reported by the panel of the current code
        return
    key = f"sheet-{name}"
    sample_sheet.mount(
        images,
        [decoded_code.caption(name, int(index)) for index in found.shown],
        key=key,
        on_click=partial(_take_click, name, key),
    )
    part = "" if len(found.shown) == len(found.samples) else f"{len(found.shown)} of "
    every = ", evenly picked" if part else ""
    st.caption(f"{part}{len(found.samples):,} {kind}{every}. Click one to set the code to it.")


def tally(labels: np.ndarray, spec: DataSpec) -> str:
    """HTML: the number of labels [N] of each class, the unlabelled ones last; of more than
    MAX_COUNTED classes the most frequent ones; of unlabelled data only their sum."""
    if not len(labels):
        return (
            f'<div class="tally">No {text.html(spec.noun)} on the map is within this shape.</div>'
        )
    found, counts = np.unique(labels, return_counts=True)
    frequent = set(found[np.argsort(-counts, kind="stable")][:MAX_COUNTED].tolist())
    in_order = sorted(frequent, key=lambda label: (label == text.UNLABELLED, label))
    number = dict(zip(found.tolist(), counts.tolist(), strict=True))
    each = "".join(_count(label, number[label], spec) for label in in_order if spec.classes)
    noun = text.html(spec.noun if len(labels) == 1 else spec.nouns)
    rest = len(found) - len(frequent)
    more = f"<span>and {rest} more {'class' if rest == 1 else 'classes'}</span>" if rest else ""
    return f'<div class="tally"><strong>{len(labels):,} {noun} selected</strong>{each}{more}</div>'


def _count(label: int, number: int, spec: DataSpec) -> str:
    colour = controls.colour(label, len(spec.classes))
    return (
        f'<span><i style="background:{colour}"></i>'
        f"<strong>{text.html(text.class_name(label, spec))}</strong><b>{number:,}</b></span>"
    )


def _clear(name: str) -> None:
    st.session_state.pop(f"selection-{name}", None)


def _take_click(name: str, key: str) -> None:
    place, found = sample_sheet.pending_click(key), _selected(name)
    if place is None or not found or place >= len(found.shown):
        return
    session.visit(name).move(*session.sample_place(name, int(found.shown[place])))
    fragments.after_code_change()
