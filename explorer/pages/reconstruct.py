"""Reconstruct: originals beside their reconstructions, and the posterior between the two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, cast

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import (
    controls,
    inversions,
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
from vae.attributes import SQUARED_ERROR
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
    if not (info.inverts or info.abilities >= {"encodes", "decodes"}):
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
    choice, inverts = _choice(), session.info(name).inverts
    own = originals.reconstructed(name)
    found = own or originals.stand_ins(name)
    if found is None:
        controls.originals_line(name, inverted=inverts)
        return
    # the sample of a visit is one of the encodings, which are no test samples of such a model
    linked = session.visit(name) if own and not inverts else None
    way, label = _order(choice, found, linked, inverts)
    left, right = st.columns(SIDES, gap="large")
    with left:
        controls.model(name)
        figures = None if inverts else _test_figures(name) if own else _bundled_figures(name)
        ranked = reconstruction_metrics.order(way, found.labels, figures, label, choice.seed)
        shown = ranked[choice.start : choice.start + COLUMNS]
        if not len(shown):
            named = text.phrase(label, found.spec)
            st.caption(f"None of the {len(found):,} {found.spec.nouns} is {named}.")
            return
        choice.pick = min(choice.pick, len(shown) - 1)
        page = Page(found, shown, "test" if own else "bundled")
        subject = _encoded(name, page, figures) if figures else _inverted(name, page)
    if subject:
        with right:
            if detail.panel(name, subject):
                choice.followed = subject.row
                detail.explore(name, subject)
    controls.originals_line(name, inverted=inverts)


def _choice() -> Choice:
    return st.session_state.setdefault("reconstruct", Choice())


class Page(NamedTuple):
    """The test samples that are shown."""

    found: Dataset
    shown: np.ndarray  # their indices [N]
    kind: str  # "test" or "bundled"

    @property
    def samples(self) -> np.ndarray:
        """Float32 [N, ...], images in [0, 1]."""
        return self.found.samples[self.shown] / np.float32(255)

    def subject(self, place: int, figures: Figures) -> Subject:
        """One of them, with its figures."""
        index = int(self.shown[place])
        return Subject(
            originals.numbered(self.kind, self.found, index), self.samples[place], figures
        )


def _encoded(name: str, page: Page, figures: Figures) -> Subject:
    """The columns of samples that an encoder has encoded; returns the one to show in detail."""
    shown = [figures.one(int(index)) for index in page.shown]
    _columns(name, page, shown)
    pick = _choice().pick
    row = int(page.shown[pick]) if page.kind == "test" else None
    subject = page.subject(pick, shown[pick])._replace(row=row)
    detail.samples(name, subject)
    return subject


def _inverted(name: str, page: Page) -> Subject | None:
    """The columns of samples that are inverted; returns the one to show in detail, None before a
    code is known."""
    inverting = inversions.of(controls.model(name), page.samples)

    def columns() -> None:
        figures = [codes and detail.inverted(codes) for codes in inverting.found]
        _columns(name, page, figures)

    if not detail.inversion(name, inverting, columns):
        return None
    columns()
    codes = inverting.found[_choice().pick]
    if codes is None:
        return None
    subject = page.subject(_choice().pick, detail.inverted(codes))
    detail.found_codes(name, subject.title, codes)
    return subject


def _order(
    choice: Choice, found: Dataset, now: session.Visit | None, inverts: bool
) -> tuple[Way, int]:
    """The controls that choose and order the test samples; returns the order, and the class for
    "By class". "Worst first" is not for samples of which each takes an inversion."""
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
    usable = {"By class": bool((labels >= 0).any()), "Worst first": not inverts}
    ways = [w for w in reconstruction_metrics.WAYS if usable.get(w, True)]
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


def _test_figures(name: str) -> Figures:
    codes = session.encodings(name)
    figures = Figures(codes.mean, codes.logvar, codes.cross_entropy, codes.kl)
    if not session.info(name).implicit:
        return figures
    unknown = np.full(len(codes.mean), np.nan)
    return figures._replace(squared_error=codes.attributes.get(SQUARED_ERROR, unknown))


@st.cache_resource(show_spinner="Encoding the bundled digits ...", max_entries=16)
def _bundled_figures(name: str) -> Figures:
    return reconstruction_metrics.measure(
        session.model(name), originals.bundled().samples / np.float32(255)
    )


def _columns(name: str, page: Page, figures: Sequence[Figures | None]) -> None:
    """A column for each of the samples, with its figures once these are known; a click on one
    shows it in detail."""
    choice, (found, shown, _), spec = _choice(), page, page.found.spec
    known = [one.mean for one in figures if one is not None]
    decoded = iter(controls.model(name).decode(np.concatenate(known)) if known else ())

    def pick(place: int) -> None:
        choice.pick = place

    with st.container(key="columns"):
        for place, (index, original, one) in enumerate(
            zip(shown, page.samples, figures, strict=True)
        ):
            title = originals.numbered("", found, int(index)).strip()
            copy = original if one is None else next(decoded)
            pictures = renderer(spec).comparison(original, copy, title)
            if one is None:  # only the original is known
                pictures = [(row, tile * (not n)) for n, (row, tile) in enumerate(pictures)]
            numbers = detail.numbers_of(name, one) if one else [("squared error", "")]
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
    """The visitor's sample: its draws or the codes found for it, and its detail in `column`."""
    model = controls.model(name)
    if session.info(name).inverts:
        subject = _own_inverted(name, title, entered.sample, column)
    else:
        figures = reconstruction_metrics.measure(model, entered.sample[None])
        subject = Subject(title, entered.sample, figures)
        detail.samples(name, subject)
    if subject:
        with column:
            if detail.panel(name, subject):
                detail.explore(name, subject)


def _own_inverted(
    name: str, title: str, sample: np.ndarray, column: DeltaGenerator
) -> Subject | None:
    """As `_own`, of a model that inverts; returns the sample with what was found, once the search
    has ended."""
    inverting = inversions.of(controls.model(name), sample[None])

    def so_far() -> None:
        if codes := inverting.found[0]:
            detail.pictures(name, Subject(title, sample, detail.inverted(codes)))

    with column:
        ended = detail.inversion(name, inverting, so_far)
    codes = inverting.found[0]
    if not ended or codes is None:
        return None
    detail.found_codes(name, title, codes)
    return Subject(title, sample, detail.inverted(codes))


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
                    inverts = session.info(name).inverts
                    done = "inverted" if inverts else "encoded and decoded again"
                    st.caption(f"Draw {what}: it is {done} after each stroke.")
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
