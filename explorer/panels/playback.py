"""The training of a model, played back: the sheet and the losses of each epoch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer import generate_html, plots, session, text
from explorer.fragments import Fragment
from explorer.panels import draw_form

EPOCH_TIME = 0.4  # s for which each epoch is shown during the playback


def is_recorded(name: str) -> bool:
    """Whether there is a record of a model's training, be it a damaged one."""
    try:
        return len(session.history(name).sheets) > 0
    except ValueError:
        return True


def show(name: str) -> None:
    """The Training mode of the Generate page."""
    try:
        session.history(name)
    except ValueError as error:
        reason = text.quoted(str(error), text.SENTENCE)
        st.error(f"The record of the training cannot be read: {reason}")
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
        # the codes of a conditional model's sheet have one class each
        asked = session.info(name).class_dims is not None
        labels = np.arange(len(samples)) if asked else None
        palette = draw_form.palette(name)
        st.html(generate_html.sheet(samples, labels, now, palette, (5, 5), large=True))
        st.caption(
            f"The same {len(samples)} codes after epoch {epoch} of {last}{_agreement(labels, now)}."
        )
    with right:
        figure = plots.losses(panels(history.curves), epoch)
        st.plotly_chart(figure, config={"displayModeBar": False}, key="losses")
        if {"belief_real", "belief_drawn"} <= set(history.curves):
            st.caption(
                "The aims of generator and discriminator are opposite: neither loss has to fall. "
                "The discriminator gives each sample a probability of being real: the lines are "
                "its mean over real and over drawn samples, and how often it is right. Dotted "
                "lines are those of validation."
            )


def _agreement(labels: np.ndarray | None, probabilities: np.ndarray | None) -> str:
    """How many samples are classified as requested, for the caption; "" where no class was."""
    if labels is None or probabilities is None:
        return ""
    right = int((probabilities.argmax(axis=1) == labels).sum())
    return f"; {right} of {len(labels)} are classified as requested"


class Chart(NamedTuple):
    """A chart of the record: the curves that each of its lines is the sum of, by its name."""

    title: str
    lines: dict[str, tuple[str, ...]]
    is_log: bool = True
    range: tuple[float, float] | None = None
    level: tuple[float, str] | None = None


CHARTS = (
    Chart("Bound (nats)", {"": ("cross_entropy", "kl")}),
    Chart("Classification (nats)", {"": ("classification",)}),
    Chart(
        "Loss",
        {"generator": ("generator_loss",), "discriminator": ("discriminator_loss",)},
        is_log=False,
    ),
    Chart(
        "Discriminator's belief",
        {
            "real samples": ("belief_real",),
            "drawn samples": ("belief_drawn",),
            "accuracy": ("accuracy",),
        },
        is_log=False,
        range=(0, 1),
        level=(0.5, "cannot tell"),
    ),
)
LOSS = Chart("Loss", {"": ("loss",)})  # where none of these was recorded
COLOURS = (plots.ACCENT, plots.SECOND, plots.MUTED)


def panels(curves: dict[str, np.ndarray]) -> list[plots.Panel]:
    """The charts of which all training curves were recorded, with the validation curves that were
    recorded."""
    found = [_panel(chart, curves) for chart in CHARTS if _is_recorded(chart, curves)]
    return found or [_panel(chart, curves) for chart in (LOSS,) if _is_recorded(chart, curves)]


def _is_recorded(chart: Chart, curves: dict[str, np.ndarray]) -> bool:
    return all(part in curves for parts in chart.lines.values() for part in parts)


def _panel(chart: Chart, curves: dict[str, np.ndarray]) -> plots.Panel:
    """A single quantity has a line for training and one for validation; of several, each has a
    colour, and its validation is dotted."""
    lines = []
    for (name, parts), colour in zip(chart.lines.items(), COLOURS, strict=False):
        for before in ("", "validation_"):
            if not all(f"{before}{part}" in curves for part in parts):
                continue
            values = np.sum([curves[f"{before}{part}"] for part in parts], axis=0)
            run = "validation" if before else "training"
            if not name:
                lines.append(plots.Line(run, values, plots.ACCENT if before else plots.MUTED))
            else:
                whole = f"{name}, {run}" if before else name
                lines.append(plots.Line(whole, values, colour, is_dotted=bool(before)))
    return plots.Panel(chart.title, lines, chart.is_log, chart.range, chart.level)
