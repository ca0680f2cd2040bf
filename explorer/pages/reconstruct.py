"""Reconstruct: originals beside their reconstructions, and the posterior between the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import (
    controls,
    link,
    originals,
    reconstruct_html,
    reconstruction_metrics,
    session,
    text,
)
from explorer.components import drawing
from explorer.fragments import Fragment
from explorer.panels import detail, uploads
from explorer.panels.detail import Subject
from explorer.reconstruction_metrics import Figures, Way
from explorer.renderers import Entered, renderer
from vae.dataspec import Dataset, DataSpec

STYLE = Path(__file__).with_suffix(".css")
COLUMNS = 8  # test samples at once
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
    followed: int | None = None  # the visit's test sample that the columns last moved to


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    st.html(STYLE)
    info = session.info(name)
    link.write(session.visit(name))
    if not info.abilities >= {"encodes", "decodes"}:
        title = text.quoted(info.title)
        st.info(f"{title} does not both encode and decode, so it reconstructs nothing.")
        return
    entries = renderer(info.spec).entries(info.spec)
    sources = [source for source in SOURCES if source == "Test" or source.lower() in entries]
    source = st.segmented_control(
        "Source",
        sources,
        format_func=lambda source: f"Test {info.spec.nouns}" if source == "Test" else source,
        default=controls.keep_valid("source", sources),
        key="source",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    SOURCES[source or "Test"](name)


# --- test samples -------------------------------------------------------------------------------


def _test_samples(name: str) -> None:
    choice = st.session_state.setdefault("reconstruct", Choice())
    own = originals.originals(name)
    found = own or originals.stand_ins(name)
    if found is None:
        controls.originals_line(name)
        return
    way, label = _order(choice, found, session.visit(name) if own else None)
    left, right = st.columns(SIDES, gap="large")
    with left:
        controls.model(name)
        codes = session.encodings(name)
        figures = Figures(codes.mean, codes.logvar, codes.cross_entropy, codes.kl)
        if not own:
            figures = _bundled_figures(name)
        ranked = reconstruction_metrics.order(way, found.labels, figures, label, choice.seed)
        shown = ranked[choice.start : choice.start + COLUMNS]
        if not len(shown):
            named = text.phrase(label, found.spec)
            st.caption(f"None of the {len(found):,} {found.spec.nouns} is {named}.")
            return
        _columns(name, found, shown, figures)
        index = int(shown[choice.pick])
        subject = Subject(
            originals.numbered("test" if own else "bundled", found, index),
            found.samples[index] / np.float32(255),
            figures.one(index),
            index if own else None,
        )
        detail.samples(name, subject)
    with right:
        if detail.panel(name, subject):
            choice.followed = subject.row
            detail.explore(name, subject)
    controls.originals_line(name)


def _order(choice: Choice, found: Dataset, now: session.Visit | None) -> tuple[Way, int]:
    """The controls that choose and order the test samples; returns the order, and the class for
    "By class"."""
    if now and now.place.sample not in (None, choice.followed):
        choice.start, choice.pick, choice.followed = now.place.sample, 0, now.place.sample
        st.session_state["way"] = "By index"

    def restart() -> None:
        choice.start = choice.pick = 0
        choice.seed += 1

    def show_from(start: int) -> None:
        choice.start, choice.pick = start, 0

    labels, sort = found.labels, text.class_noun(found.spec)
    # "By class" needs labels
    ways = [w for w in reconstruction_metrics.WAYS if w != "By class" or (labels >= 0).any()]
    with st.container(horizontal=True, vertical_alignment="center", key="order"):
        if st.session_state.get("way") not in ways:
            st.session_state["way"] = "By index"
        way = st.segmented_control(
            "Order",
            ways,
            format_func=lambda way: f"By {sort}" if way == "By class" else way,
            key="way",
            required=True,
            on_change=restart,
            label_visibility="collapsed",
            persist_state="session",
        )
        way, label, count = cast("Way", way or "By index"), 0, len(labels)
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
        if way == "By class":
            label = _class_choice(found.spec, restart)
            count = int((labels == label).sum())
        choice.start = min(choice.start, max(0, count - 1))
        if way == "At random":
            st.button("Draw others", on_click=restart)
        else:
            controls.pager(choice.start, COLUMNS, count, show_from, "test-samples")
    return way, label


def _class_choice(spec: DataSpec, restart: Callable[[], None]) -> int:
    names = text.class_names(spec)
    state = st.session_state
    state["class"] = min(state.get("class", 0), len(names) - 1)  # another model has fewer
    return st.selectbox(
        text.class_noun(spec).capitalize(),
        range(len(names)),
        format_func=lambda label: names[label],
        key="class",
        on_change=restart,
        label_visibility="collapsed",
        width=70 if text.are_short(names) else 220,
        persist_state="session",
    )


@st.cache_resource(show_spinner="Encoding the bundled digits ...", max_entries=16)
def _bundled_figures(name: str) -> Figures:
    return reconstruction_metrics.measure(
        session.model(name), originals.bundled().samples / np.float32(255)
    )


def _columns(name: str, found: Dataset, shown: np.ndarray, figures: Figures) -> None:
    """A column for each of the chosen samples; a click on one shows it in detail."""
    choice: Choice = st.session_state["reconstruct"]
    choice.pick = min(choice.pick, len(shown) - 1)
    decoded = controls.model(name).decode(figures.mean[shown])
    spec = found.spec

    def pick(place: int) -> None:
        choice.pick = place

    with st.container(key="columns"):
        for place, (index, copy) in enumerate(zip(shown, decoded, strict=True)):
            kl = None if figures.deterministic else float(figures.kl[index])
            numbers = reconstruct_html.figure_rows(float(figures.cross_entropy[index]), kl)
            title = originals.numbered("", found, int(index)).strip()
            original = found.samples[index] / np.float32(255)
            pictures = renderer(spec).comparison(original, copy, title)
            if not place:
                rows, figure_names = [row for row, _ in pictures], [row for row, _ in numbers]
                top = f"<b>{spec.noun}</b> index" if text.names_digits(spec) else "index"
                st.html(reconstruct_html.row_heads(top, rows, figure_names))
            head = _head(int(found.labels[index]), int(index), spec)
            with st.container(key=f"column-{place}"):
                tiles = [tile for _, tile in pictures]
                st.html(reconstruct_html.column(head, tiles, numbers, place == choice.pick))
                label = f"Show {text.widget_label(title)}"
                st.button(label, key=f"pick-{place}", on_click=pick, args=(place,))


def _head(label: int, index: int, spec: DataSpec) -> str:
    """The head of a column: the class, as its name or its colour, and the index."""
    if not spec.classes:
        return str(index)
    name = "?" if label == text.UNLABELLED else text.class_name(label, spec)
    if text.are_short([name]):
        return f"<b>{text.html(name)}</b> {index}"
    colour = controls.colour(label, len(spec.classes))
    return f'<i style="background:{colour}" title="{text.html(name)}"></i>{index}'


# --- the visitor's own samples ------------------------------------------------------------------


def _steps(entered: Entered) -> None:
    st.html(f"<h3>{entered.heading}</h3>" + reconstruct_html.steps(entered.steps))


def _own(name: str, title: str, entered: Entered, column: DeltaGenerator) -> None:
    """The draws of the visitor's sample, and its detail in `column`."""
    figures = reconstruction_metrics.measure(controls.model(name), entered.sample[None])
    subject = Subject(title, entered.sample, figures)
    detail.samples(name, subject)
    with column:
        if detail.panel(name, subject):
            detail.explore(name, subject)


@st.fragment(key=Fragment.DRAWING)
def _draw(name: str) -> None:
    spec = session.info(name).spec
    left, right = st.columns(SIDES, gap="large")
    with left:
        with st.container(horizontal=True, gap="medium", key="drawing-and-steps"):
            with st.container(width=280, key="canvas"):
                png = drawing.mount(key="ink", noun=spec.noun)
            with st.container():
                if png is None:
                    what = text.with_article(spec.noun)
                    st.caption(f"Draw {what}: it is encoded and decoded again after each stroke.")
                    return
                try:
                    shown = renderer(spec)
                    entered = shown.prepare(shown.read(png), spec, invert=False)
                except ValueError as error:
                    st.error(f"The drawing cannot be used: {error}.")
                    return
                _steps(entered)
        _own(name, "your drawing", entered, right)


def _upload(name: str) -> None:
    spec = session.info(name).spec
    left, right = st.columns(SIDES, gap="large")
    with left:
        what = "An image" if spec.noun == "image" else f"An image of one {spec.noun}"
        files = uploads.uploads(f"{what}: {uploads.LIMITS}", "file")
        ink, advice = "auto", ""
        if spec.prepare == "mnist":
            ink = st.segmented_control(
                "Ink", INKS, default="auto", key="ink-kind", required=True, persist_state="session"
            )
            advice = ", or set Ink above"
        else:
            st.caption(renderer(spec).how_prepared(spec))
        if not files:
            return
        entered = uploads.entered(files[0], spec, INKS[ink or "auto"], advice)
        if entered is None:
            return
        _steps(entered)
        _own(name, "your image", entered, right)


SOURCES = {"Test": _test_samples, "Draw": _draw, "Upload": _upload}
