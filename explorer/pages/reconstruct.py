"""Reconstruct: originals beside their reconstructions, and the posterior between the two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import (
    controls,
    link,
    reconstruct_html,
    reconstruction_metrics,
    session,
    text,
    thumbnails,
)
from explorer.components import drawing
from explorer.fragments import Fragment
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
    """The originals that a visitor has chosen."""

    start: int = 0  # of the columns shown, within the order
    pick: int = 0  # the column shown in detail
    seed: int = 0  # of the random order
    followed: int | None = None  # the visit's test digit that the columns last moved to


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    st.html(STYLE)
    info = session.info(name)
    link.write(session.visit(name))
    if not info.abilities >= {"encodes", "decodes"}:
        title = text.quoted(info.title)
        st.info(f"{title} does not both encode and decode, so it reconstructs nothing.")
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
    way, digit = _order(choice, digits.labels, session.visit(name) if ours else None)
    left, right = st.columns(SIDES, gap="large")
    with left:
        controls.model(name)
        figures = Figures(codes.mean, codes.logvar, codes.cross_entropy, codes.kl)
        if not ours:
            figures = _bundled_figures(name)
        ranked = reconstruction_metrics.order(way, digits.labels, figures, digit, choice.seed)
        shown = ranked[choice.start : choice.start + COLUMNS]
        if not len(shown):
            named = text.with_article(text.class_name(digit))
            st.caption(f"None of the {len(digits.labels):,} digits is {named}.")
            return
        _columns(name, digits.samples[shown] / np.float32(255), shown, digits.labels, figures)
        index = int(shown[choice.pick])
        subject = Subject(
            text.numbered(f"{'test' if ours else 'bundled'} digit", index, digits.labels[index]),
            digits.samples[index] / np.float32(255),
            figures.one(index),
            index if ours else None,
        )
        detail.samples(name, subject)
    with right:
        if detail.panel(name, subject):
            choice.followed = subject.digit
            detail.explore(name, subject)
    controls.mnist_line()


def _order(choice: Choice, labels: np.ndarray, now: session.Visit | None) -> tuple[Way, int]:
    """The controls that choose and order the test digits; returns the order, and the class for
    "By digit"."""
    if now and now.place.digit not in (None, choice.followed):
        choice.start, choice.pick, choice.followed = now.place.digit, 0, now.place.digit
        st.session_state["way"] = "By index"

    def restart() -> None:
        choice.start = choice.pick = 0
        choice.seed += 1

    def show_from(start: int) -> None:
        choice.start, choice.pick = start, 0

    # "By digit" needs labels
    ways = [w for w in reconstruction_metrics.WAYS if w != "By digit" or (labels >= 0).any()]
    with st.container(horizontal=True, vertical_alignment="center", key="order"):
        if st.session_state.get("way") not in ways:
            st.session_state["way"] = "By index"
        way = st.segmented_control(
            "Order",
            ways,
            key="way",
            required=True,
            on_change=restart,
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
                on_change=lambda: show_from(st.session_state["index"]),
                label_visibility="collapsed",
                width=130,
            )
        if way == "By digit":
            digit = st.selectbox(
                "Digit",
                range(10),
                key="digit",
                on_change=restart,
                label_visibility="collapsed",
                width=70,
                persist_state="session",
            )
            count = int((labels == digit).sum())
        choice.start = min(choice.start, max(0, count - 1))
        if way == "At random":
            st.button("Draw others", on_click=restart)
        else:
            controls.pager(choice.start, COLUMNS, count, show_from, "test-digits")
    return way, digit


@st.cache_resource(show_spinner="Encoding the bundled digits ...", max_entries=16)
def _bundled_figures(name: str) -> Figures:
    return reconstruction_metrics.measure(
        session.model(name), session.bundled().samples / np.float32(255)
    )


def _columns(
    name: str, originals: np.ndarray, shown: np.ndarray, labels: np.ndarray, figures: Figures
) -> None:
    """A column for each of the chosen digits; a click on one shows it in detail."""
    choice: Choice = st.session_state["reconstruct"]
    choice.pick = min(choice.pick, len(shown) - 1)
    decoded = controls.model(name).decode(figures.mean[shown])

    def pick(place: int) -> None:
        choice.pick = place

    with st.container(key="columns"):
        for place, (index, original, copy) in enumerate(
            zip(shown, originals, decoded, strict=True)
        ):
            kl = None if figures.deterministic else float(figures.kl[index])
            numbers = reconstruct_html.figure_rows(float(figures.cross_entropy[index]), kl)
            if not place:
                st.html(reconstruct_html.row_heads([figure for figure, _ in numbers]))
            label = int(labels[index])
            title = text.numbered("digit", index, label)
            head = f"<b>{'?' if label == text.UNLABELLED else text.class_name(label)}</b> {index}"
            pictures = reconstruct_html.trio(original, copy, title)
            with st.container(key=f"column-{place}"):
                st.html(reconstruct_html.column(head, pictures, numbers, place == choice.pick))
                st.button(f"Show {title}", key=f"pick-{place}", on_click=pick, args=(place,))


# --- the visitor's images -----------------------------------------------------------------------


def _steps(steps: prepare.Prepared) -> None:
    st.html("<h3>Prepared as MNIST was</h3>" + reconstruct_html.steps(steps.steps()))


def _own(name: str, title: str, steps: prepare.Prepared, column: DeltaGenerator) -> None:
    """The samples of the visitor's prepared image, and its detail in `column`."""
    image = steps.final / np.float32(255)
    figures = reconstruction_metrics.measure(controls.model(name), image[None])
    subject = Subject(title, image, figures)
    detail.samples(name, subject)
    with column:
        if detail.panel(name, subject):
            detail.explore(name, subject)


@st.fragment(key=Fragment.DRAWING)
def _draw(name: str) -> None:
    left, right = st.columns(SIDES, gap="large")
    with left:
        with st.container(horizontal=True, gap="medium", key="drawing-and-steps"):
            with st.container(width=280, key="canvas"):
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
        advice = ", or set Ink above"
        steps = uploads.digit(files[0], INKS[ink or "auto"], advice)
        if steps is None:
            return
        _steps(steps)
        _own(name, "your image", steps, right)


SOURCES = {"Test digits": _test_digits, "Draw": _draw, "Upload": _upload}
