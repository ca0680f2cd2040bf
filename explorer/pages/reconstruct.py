"""Reconstruct: originals beside what the model makes of them, and the posterior in between."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import controls, reconstruct_html, reconstruction_metrics, session, thumbnails
from explorer.components import drawing
from explorer.panels import detail, uploads
from explorer.panels.detail import Subject
from explorer.reconstruction_metrics import Figures, Way
from vae import image_file, prepare

STYLE = Path(__file__).with_suffix(".css")
COLUMNS = 8  # test digits at once
SIDES = [1.5, 1]  # widths of the page's two columns
INKS: dict[str, Literal["auto"] | bool] = {
    "auto": "auto",
    "dark on light": True,
    "light on dark": False,
}


@dataclass
class Choice:
    """What a visitor looks at among the originals."""

    start: int = 0  # of the columns shown, within the order
    pick: int = 0  # the column looked at closely
    seed: int = 0  # of the random order
    followed: int | None = None  # the visit's test digit when the page last took notice of it


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    st.html(STYLE)
    info = session.info(name)
    session.write_link(session.visit(name))
    if not info.abilities >= {"encodes", "decodes"}:
        st.info(f"{info.title} does not encode images, so there is nothing to reconstruct.")
        return
    source = st.segmented_control(
        "Source",
        SOURCES,
        default=next(iter(SOURCES)),
        key="source",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    SOURCES[source or "Test digits"](name)


# --- test digits --------------------------------------------------------------------------------


def _test_digits(name: str) -> None:
    choice = st.session_state.setdefault("reconstruct", Choice())
    codes = session.encodings(name)
    mnist = thumbnails.originals(name)
    ours, digits = mnist is not None, mnist or session.bundled()
    way, digit = _ways(choice, digits.labels, session.visit(name) if ours else None)
    left, right = st.columns(SIDES, gap="large")
    with left:
        controls.loading(name)
        figures = Figures(codes.mean, codes.logvar, codes.cross_entropy, codes.kl)
        if not ours:
            figures = _bundled_figures(name)
        ranked = reconstruction_metrics.order(way, digits.labels, figures, digit, choice.seed)
        shown = ranked[choice.start : choice.start + COLUMNS]
        if not len(shown):
            st.caption(f"None of the {len(digits.labels):,} digits is a {digit}.")
            return
        _columns(name, digits.images[shown] / np.float32(255), shown, digits.labels, figures)
        index = int(shown[choice.pick])
        subject = Subject(
            f"{'test' if ours else 'bundled'} digit {index:,}, a {digits.labels[index]}",
            digits.images[index] / np.float32(255),
            figures.one(index),
            index if ours else None,
        )
        detail.samples(name, subject)
    with right:
        if detail.panel(name, subject):
            choice.followed = subject.digit
            detail.explore(name, subject)
    controls.mnist_line()


def _ways(choice: Choice, labels: np.ndarray, now: session.Visit | None) -> tuple[Way, int]:
    """The controls that choose and order the test digits."""
    if now and now.place.digit not in (None, choice.followed):
        choice.start, choice.pick, choice.followed = now.place.digit, 0, now.place.digit
        st.session_state["way"] = "By index"

    def afresh() -> None:
        choice.start = choice.pick = 0
        choice.seed += 1

    def move(step: int) -> None:
        choice.start, choice.pick = max(0, choice.start + step), 0

    def jump() -> None:
        choice.start, choice.pick = st.session_state["index"], 0

    with st.container(horizontal=True, vertical_alignment="center", key="ways"):
        st.session_state.setdefault("way", "By index")
        way = st.segmented_control(
            "Order",
            reconstruction_metrics.WAYS,
            key="way",
            required=True,
            on_change=afresh,
            label_visibility="collapsed",
            persist_state="session",
        )
        way, digit, count = cast("Way", way or "By index"), 0, len(labels)
        if way == "By index":
            st.session_state["index"] = choice.start = min(choice.start, count - 1)
            st.number_input(
                "Index",
                0,
                count - 1,
                key="index",
                on_change=jump,
                label_visibility="collapsed",
                width=130,
            )
        if way == "By digit":
            digit = st.selectbox(
                "Digit",
                range(10),
                key="digit",
                on_change=afresh,
                label_visibility="collapsed",
                width=70,
                persist_state="session",
            )
            count = int((labels == digit).sum())
        choice.start = min(choice.start, max(0, count - 1))
        if way == "At random":
            st.button("Draw others", on_click=afresh)
        else:
            last = choice.start + COLUMNS >= count
            st.button("Previous", on_click=move, args=(-COLUMNS,), disabled=not choice.start)
            st.button("Next", on_click=move, args=(COLUMNS,), disabled=last)
    return way, digit


@st.cache_resource(show_spinner="Encoding the bundled digits ...")
def _bundled_figures(name: str) -> Figures:
    return reconstruction_metrics.measure(
        session.model(name), session.bundled().images / np.float32(255)
    )


def _columns(
    name: str, originals: np.ndarray, shown: np.ndarray, labels: np.ndarray, figures: Figures
) -> None:
    """The chosen digits, a column each; a press on one looks at it closely."""
    choice: Choice = st.session_state["reconstruct"]
    choice.pick = min(choice.pick, len(shown) - 1)
    decoded = session.model(name).decode(figures.mean[shown])

    def look(place: int) -> None:
        choice.pick = place

    with st.container(key="digits"):
        for place, (index, original, copy) in enumerate(
            zip(shown, originals, decoded, strict=True)
        ):
            kl = None if figures.deterministic else float(figures.kl[index])
            numbers = reconstruct_html.figure_rows(float(figures.cross_entropy[index]), kl)
            if not place:
                st.html(reconstruct_html.row_heads([word for word, _ in numbers]))
            words = f"digit {index:,}, a {labels[index]}"
            head = f"<b>{labels[index]}</b> {index}"
            pictures = reconstruct_html.trio(original, copy, words)
            with st.container(key=f"column-{place}"):
                st.html(reconstruct_html.column(head, pictures, numbers, place == choice.pick))
                st.button(f"Look at {words}", key=f"look-{place}", on_click=look, args=(place,))


# --- the visitor's own --------------------------------------------------------------------------


def _steps(steps: prepare.Prepared) -> None:
    st.html("<h3>Made like MNIST</h3>" + reconstruct_html.steps(steps.steps()))


def _own(name: str, words: str, steps: prepare.Prepared, where: DeltaGenerator) -> None:
    """Samples here, the close-up in the column `where`, of the visitor's prepared image."""
    controls.loading(name)
    image = steps.final / np.float32(255)
    subject = Subject(
        words, image, reconstruction_metrics.measure(session.model(name), image[None])
    )
    detail.samples(name, subject)
    with where:
        if detail.panel(name, subject):
            detail.explore(name, subject)


@st.fragment(key="draw")
def _draw(name: str) -> None:
    left, right = st.columns(SIDES, gap="large")
    with left:
        with st.container(horizontal=True, gap="medium", key="easel"):
            with st.container(width=280, key="paper"):
                png = drawing.mount(key="ink")
            with st.container():
                if png is None:
                    st.caption("Draw a digit: it is encoded and decoded again after each stroke.")
                    return
                try:
                    steps = prepare.prepare(image_file.read_image(png), invert=False)
                except ValueError as error:
                    st.error(f"The drawing cannot be used: {error}.")
                    return
                _steps(steps)
        _own(name, "your drawing", steps, right)


def _upload(name: str) -> None:
    left, right = st.columns(SIDES, gap="large")
    with left:
        files = uploads.uploads(f"An image of one digit: {uploads.LIMITS}", "file")
        ink = st.segmented_control(
            "Ink", INKS, default="auto", key="ink-kind", required=True, persist_state="session"
        )
        if not files:
            return
        advice = ", or say which way round its ink is"
        steps = uploads.digit(files[0], INKS[ink or "auto"], advice)
        if steps is None:
            return
        _steps(steps)
        _own(name, "your image", steps, right)


SOURCES = {"Test digits": _test_digits, "Draw": _draw, "Upload": _upload}
