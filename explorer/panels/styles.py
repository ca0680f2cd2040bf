"""All ten digits in each of several styles, taken from the prior, sliders, test digits or the
visitor's images."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer import (
    controls,
    fragments,
    generate_html,
    generation,
    mnist_download,
    session,
    text,
)
from explorer.components import drawing, latent_sliders
from explorer.fragments import Fragment
from explorer.generate_html import Source
from explorer.generation import Drawn, SliderValues
from explorer.panels import downloads, draw_form, uploads
from explorer.panels.uploads import Upload
from vae import latent

ROWS, MAX_ROWS = 8, 40  # styles at once: 40 rows of ten are the 400 digits that are shown
TEN = list(range(10))


def choose() -> None:
    """The control that chooses the source of the styles, which `show` reads."""
    st.segmented_control(
        "Style from",
        WAYS,
        default="Prior",
        key="style-way",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )


def show(name: str) -> None:
    """The Style mode of the Generate page."""
    WAYS[st.session_state.get("style-way") or "Prior"](name)


def _drawn(name: str, styles: np.ndarray) -> Drawn:
    """All ten digits in each of the styles [S, Z]."""
    return draw_form.draw(name, np.tile(TEN, len(styles)), styles.repeat(10, axis=0))


def _sheet(drawn: Drawn, sources: list[Source]) -> str:
    """A row for each style, preceded by its source; a single style is enlarged."""
    colours = controls.DIGIT_COLOURS
    if len(drawn.labels) > 10:
        return generate_html.styles(drawn.images, TEN, drawn.probabilities, colours, sources)
    return generate_html.sheet(
        drawn.images, drawn.labels, drawn.probabilities, colours, (5, 5), large=True
    )


def _downloads(name: str, drawn: Drawn, styles: np.ndarray, stem: str) -> None:
    downloads.buttons(
        drawn,
        f"{name}-{stem}",
        lambda: generation.sheet(drawn.images, 10),
        generation.by_styles(name, TEN, styles),
        stem,
    )


def _rows(
    name: str, parts: draw_form.Layout, styles: np.ndarray, sources: list[Source], stem: str
) -> None:
    """The sheet, the agreement and the downloads of styles [S, Z]."""
    styles = generation.rounded(styles)
    drawn = _drawn(name, styles)
    with parts.sheet:
        st.html(_sheet(drawn, sources))
    with parts.outcome:
        if sources and len(styles) == 1:
            st.html(generate_html.single_source(sources[0]))
        draw_form.agreement(drawn)
        _downloads(name, drawn, styles, stem)


# --- from the prior -----------------------------------------------------------------------------


def _prior(name: str) -> None:
    parts = draw_form.layout()
    st.session_state.setdefault("style-count", ROWS)
    how_many = partial(
        st.number_input, "Styles", 1, MAX_ROWS, key="style-count", persist_state="session"
    )
    with parts.request:
        count, seed, temperature = draw_form.prior_controls("style", how_many)
    with parts.sheet:
        controls.model(name)
    codes = latent.sample_prior(session.info(name).blocks, count, seed, temperature)
    _rows(name, parts, draw_form.style_part(name, codes), [], "styles")


# --- from the sliders ---------------------------------------------------------------------------


def _sliders(name: str) -> None:
    with st.container(key="generate-layout"):
        controls.model(name)
        _style(name)
        _style_downloads(name)


def _slider_style(name: str) -> tuple[SliderValues, list[int], list[int]]:
    """The style on the sliders, the dimensions of the code that they change, and the indices of
    these dimensions in the style."""
    info = session.info(name)
    rest = draw_form.style_part(name, np.arange(info.dims)[None])[0].tolist()
    start = SliderValues(np.zeros(len(rest), np.float32))
    style = st.session_state.setdefault(f"style-values-{name}", start)
    dims = [d for d in info.order if info.active[d]]
    places = [rest.index(d) for d in dims]
    style.z[places] = latent_sliders.slider_values(
        f"style-{name}", style.z[places].tolist(), style.revision
    )
    return style, dims, places


@st.fragment(key=Fragment.STYLE)
def _style(name: str) -> None:
    """The digits and the sliders. It has no other parts, because it runs during a drag."""
    info = session.info(name)
    style, dims, places = _slider_style(name)
    drawn = _drawn(name, generation.rounded(style.z[None]))
    with st.container(key="sheet"):
        st.html(_sheet(drawn, []))

    def move(z: np.ndarray) -> None:
        style.set(z)
        fragments.after_style_change()

    def random() -> None:
        codes = latent.sample_prior(info.blocks, 1, int(np.random.default_rng().integers(2**31)))
        move(draw_form.style_part(name, codes)[0])

    with st.container(key="request"):
        # after the picture: once the sliders are mounted they send the next values
        latent_sliders.mount(
            [f"z{d + 1}" for d in dims],
            style.z[places].tolist(),
            key=f"style-{name}",
            revision=style.revision,
            **controls.kl_notes(name, dims),
            max_height=300,
            on_release=fragments.after_style_change,
        )
        with st.container(horizontal=True, key="style-buttons"):
            zero = np.zeros_like(style.z)
            st.button("Reset", on_click=move, args=(zero,), key="style-reset", help="All to 0")
            st.button("Random", on_click=random, key="style-random", help="A draw from the prior")
        draw_form.agreement(drawn)


@st.fragment(key=Fragment.STYLE_DOWNLOADS)
def _style_downloads(name: str) -> None:
    """The downloads, which rerun when a drag ends."""
    styles = generation.rounded(_slider_style(name)[0].z[None])
    with st.container(key="outcome"):
        _downloads(name, _drawn(name, styles), styles, "sliders")


# --- from test digits ---------------------------------------------------------------------------


def _test_digits(name: str) -> None:
    state, parts, mnist = st.session_state, draw_form.layout(), mnist_download.digits()
    digits = mnist or session.bundled()
    count = len(digits.labels)
    state["style-index"] = min(state.get("style-index", 0), count - 1)

    def show_from(start: int) -> None:
        state["style-index"] = start

    def jump() -> None:
        show_from(int(np.random.default_rng().integers(max(1, count - ROWS))))

    with parts.request, st.container(horizontal=True, vertical_alignment="bottom"):
        first = int(
            st.number_input(
                "First test digit", 0, count - 1, key="style-index", persist_state="session"
            )
        )
        controls.pager(first, ROWS, count, show_from, "style")
        st.button("At random", on_click=jump, key="style-random-index")
    with parts.sheet:
        controls.model(name)
    shown = slice(first, first + ROWS)
    pictures, labels = digits.samples[shown] / np.float32(255), digits.labels[shown]
    kind = "test" if mnist else "bundled"
    sources = [
        Source(picture, text.numbered(f"{kind} digit", index, label))
        for index, (picture, label) in enumerate(zip(pictures, labels, strict=True), first)
    ]
    mean, _ = controls.model(name).encode(pictures)
    _rows(name, parts, draw_form.style_part(name, mean), sources, "test-digits")
    controls.mnist_line()


# --- from the visitor's images ------------------------------------------------------------------


@st.fragment(key=Fragment.STYLE_DRAWING)
def _draw(name: str) -> None:
    parts = draw_form.layout()
    with parts.request, st.container(width=280):
        png = drawing.mount(key="style-ink")
    with parts.sheet:
        controls.model(name)
        if png is None:
            st.caption("Draw a digit: after each stroke, all ten digits are drawn in its style.")
            return
    _own(name, parts, [Upload("your drawing", png)], False, "drawing")


def _upload(name: str) -> None:
    parts = draw_form.layout()
    with parts.request:
        label = f"Images of one digit each, up to {ROWS}: {uploads.LIMITS}"
        files = uploads.uploads(label, "style-files", several=True)
        if len(files) > ROWS:
            st.error(f"{len(files)} images are too many: the first {ROWS} are used.")
    with parts.sheet:
        controls.model(name)
        if not files:
            st.caption("Each image becomes a row: its digit, then all ten in its style.")
            return
    _own(name, parts, files[:ROWS], "auto", "upload")


def _own(
    name: str, parts: draw_form.Layout, files: list[Upload], invert: str | bool, stem: str
) -> None:
    """Rows in the styles of the visitor's images, those that can be read."""
    with parts.sheet:
        tried = [(file.name, uploads.digit(file, invert)) for file in files]
    found = [(title, steps.final / np.float32(255)) for title, steps in tried if steps]
    if not found:
        return
    mean, _ = controls.model(name).encode(np.stack([picture for _, picture in found]))
    taken = mean[:, session.info(name).class_dims].argmax(axis=1)
    sources = [
        Source(picture, f"{text.inert(title)}, encoded as {text.with_article(str(digit))}")
        for (title, picture), digit in zip(found, taken, strict=True)
    ]
    _rows(name, parts, draw_form.style_part(name, mean), sources, stem)


WAYS = {
    "Prior": _prior,
    "Sliders": _sliders,
    "Test digits": _test_digits,
    "Draw": _draw,
    "Upload": _upload,
}
