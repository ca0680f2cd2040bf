"""The training of a model, played back: the sheet and the losses of each epoch."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import generate_html, plots, session, text
from explorer.fragments import Fragment
from explorer.panels import draw_form

EPOCH_TIME = 0.4  # s for which each epoch is shown during the playback


def show(name: str) -> None:
    """The Training mode of the Generate page."""
    try:
        kept = len(session.history(name).sheets)
    except ValueError as error:
        reason = text.quoted(str(error), text.SENTENCE)
        st.error(f"The record of the training cannot be read: {reason}")
        return
    if not kept:
        title = text.quoted(session.info(name).title)
        st.info(f"{title} has no record of its training.")
        return
    playing = st.session_state.get("playing", False)
    st.fragment(_playback, key=Fragment.PLAYBACK, run_every=EPOCH_TIME if playing else None)(name)


@st.cache_resource(show_spinner=False, max_entries=8)
def _probabilities(name: str, has_classifier: bool) -> np.ndarray | None:
    """The classifier's probabilities for the sheets, [epochs, samples, classes]."""
    del has_classifier  # in the cache's key: a damaged classifier may be restored
    classifier, sheets = session.classifier(name), session.history(name).sheets
    if classifier is None:
        return None
    epochs, count, *shape = sheets.shape
    probabilities = classifier.classify(sheets.reshape(-1, *shape) / np.float32(255))
    return probabilities.reshape(epochs, count, -1)


def _playback(name: str) -> None:
    state, history = st.session_state, session.history(name)
    last, key = len(history.sheets), f"epoch-{name}"
    state.setdefault(key, last)
    if state.get("playing") and not state.get("from-start"):
        # The slider's value comes from the browser, and a busy browser may send an old one again,
        # so the playback ends when the browser shows the last epoch, not when Python has sent it.
        if state[key] < last:
            state[key] += 1
        else:
            state["playing"] = False
            st.rerun()
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom", key="player"):
            if st.button("Stop" if state.get("playing") else "Play", key="play"):
                state["playing"] = not state.get("playing")
                if state["playing"] and state[key] == last:
                    state["from-start"] = True
                st.rerun()
            if state.pop("from-start", False):
                state[key] = 1
            epoch = st.slider("Epoch", 1, last, key=key, persist_state="session")
        probabilities = _probabilities(name, session.has_classifier(name))
        now = None if probabilities is None else probabilities[epoch - 1]
        samples = history.sheets[epoch - 1]
        labels = np.arange(len(samples))  # the codes of the sheet have one class each
        palette = draw_form.palette(name)
        st.html(generate_html.sheet(samples, labels, now, palette, (5, 5), large=True))
        right_ones = 0 if now is None else int((now.argmax(axis=1) == labels).sum())
        of_all = f"{right_ones} of {len(labels)} are classified as requested"
        share_text = "" if now is None else f"; {of_all}"
        st.caption(f"The same {len(samples)} codes after epoch {epoch} of {last}{share_text}.")
    with right:
        figure = plots.losses(panels(history.curves), epoch)
        st.plotly_chart(figure, config={"displayModeBar": False}, key="losses")


def panels(curves: dict[str, np.ndarray]) -> list[plots.Panel]:
    """The two losses with their training and validation curves, where these were recorded."""
    found = []
    for title, parts in (
        ("Bound (nats)", ("cross_entropy", "kl")),
        ("Classification (nats)", ("classification",)),
    ):
        if all(part in curves for part in parts):
            both = [
                np.sum([curves[f"{before}{part}"] for part in parts], axis=0)
                for before in ("", "validation_")
                if all(f"{before}{part}" in curves for part in parts)
            ]
            found.append(plots.Panel(title, both[0], both[1] if len(both) > 1 else None))
    return found
