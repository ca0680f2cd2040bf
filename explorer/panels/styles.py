"""Samples of each class in each of several styles, taken from the prior, sliders, test samples or
the visitor's own."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer import (
    controls,
    fragments,
    generate_html,
    generation,
    originals,
    session,
    text,
)
from explorer.components import drawing, latent_sliders
from explorer.fragments import Fragment
from explorer.generate_html import Source
from explorer.generation import Drawn, SliderValues
from explorer.panels import downloads, draw_form, uploads
from explorer.panels.uploads import Upload
from explorer.renderers import renderer
from vae import latent

ROWS, MAX_ROWS = 8, 40  # styles at once: 40 rows of ten are the 400 samples that are shown


def choose(name: str) -> None:
    """The controls that choose the source of the styles, which `show` reads, and the classes where
    the model has many."""
    spec = session.info(name).spec
    ways = [way for way in WAYS if _is_offered(way, name)]
    st.segmented_control(
        "Style from",
        ways,
        format_func=lambda way: f"Test {spec.nouns}" if way == "Test" else way,
        default=controls.keep_valid("style-way", ways),
        key="style-way",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    if len(spec.classes) > generation.MAX_CLASSES:
        names = text.class_names(spec)
        st.multiselect(
            f"Classes, at most {generation.MAX_CLASSES}",
            range(len(names)),
            default=list(range(generation.MAX_CLASSES)),
            format_func=lambda label: names[label],
            max_selections=generation.MAX_CLASSES,
            key=_classes_key(name),
            persist_state="session",
        )


def _is_offered(way: str, name: str) -> bool:
    info = session.info(name)
    if way in ("Test", "Draw", "Upload") and "encodes" not in info.abilities:
        return False
    entries = renderer(info.spec).entries(info.spec)
    return {"Draw": "draw" in entries, "Upload": "upload" in entries}.get(way, True)


def _classes_key(name: str) -> str:
    return f"style-classes-{name}"


def _classes(name: str) -> list[int]:
    """The classes that are shown in each style."""
    every = list(range(min(generation.MAX_CLASSES, len(session.info(name).spec.classes))))
    return sorted(st.session_state.get(_classes_key(name)) or every)


def _every(name: str) -> str:
    """The classes that are shown, for a sentence."""
    spec = session.info(name).spec
    return "all ten digits" if text.names_digits(spec) else "all classes"


def show(name: str) -> None:
    """The Style mode of the Generate page."""
    info = session.info(name)
    if not info.encodes:
        st.caption(f"This model has no encoder, so it takes no style from a {info.spec.noun}.")
    WAYS[st.session_state.get("style-way") or "Prior"](name)


def _drawn(name: str, styles: np.ndarray) -> Drawn:
    """A sample of each class in each of the styles [S, Z]."""
    classes = _classes(name)
    labels = np.tile(classes, len(styles))
    return draw_form.draw(name, labels, styles.repeat(len(classes), axis=0))


def _sheet(name: str, drawn: Drawn, sources: list[Source]) -> str:
    """A row for each style, preceded by its source; a single style is enlarged."""
    palette, classes = draw_form.palette(name), _classes(name)
    if len(drawn.labels) > len(classes):
        return generate_html.styles(drawn.images, classes, drawn.probabilities, palette, sources)
    heads = not text.names_digits(palette.spec)
    return generate_html.sheet(
        drawn.images, drawn.labels, drawn.probabilities, palette, (5, 5), heads=heads, large=True
    )


def _downloads(name: str, drawn: Drawn, styles: np.ndarray, stem: str) -> None:
    spec, classes = session.info(name).spec, _classes(name)
    downloads.buttons(
        drawn,
        f"{name}-{stem}",
        renderer(spec).downloads(drawn.images, len(classes)),
        generation.by_styles(name, classes, styles),
        stem,
        spec.nouns,
    )


def _rows(
    name: str, parts: draw_form.Layout, styles: np.ndarray, sources: list[Source], stem: str
) -> None:
    """The sheet, the agreement and the downloads of styles [S, Z]."""
    styles = generation.rounded(styles)
    drawn = _drawn(name, styles)
    with parts.sheet:
        st.html(_sheet(name, drawn, sources))
    with parts.outcome:
        if sources and len(styles) == 1:
            st.html(generate_html.single_source(sources[0], draw_form.palette(name)))
        draw_form.agreement(name, drawn)
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


def _style_dims(name: str) -> list[int]:
    """The dimensions of the code that are part of a style."""
    return draw_form.style_part(name, np.arange(session.info(name).dims)[None])[0].tolist()


def _slider_style(name: str) -> tuple[SliderValues, list[int], list[int]]:
    """The style on the sliders, the dimensions of the code that they change, and the indices of
    these dimensions in the style."""
    info, rest = session.info(name), _style_dims(name)
    first = draw_form.style_part(name, latent.first_code(info.blocks)[None])[0]
    start = SliderValues(first)
    style = st.session_state.setdefault(f"style-values-{name}", start)
    dims = [d for d in info.order if info.active[d]]
    places = [rest.index(d) for d in dims]
    style.z[places] = latent_sliders.slider_values(
        f"style-{name}", style.z[places].tolist(), style.revision
    )
    return style, dims, places


@st.fragment(key=Fragment.STYLE)
def _style(name: str) -> None:
    """The samples and the sliders. It has no other parts, because it runs during a drag."""
    info = session.info(name)
    style, dims, places = _slider_style(name)
    noise = [_style_dims(name).index(d) for d in latent.noise_dims(info.blocks)]
    drawn = _drawn(name, generation.rounded(style.z[None]))
    with st.container(key="sheet"):
        st.html(_sheet(name, drawn, []))

    def move(z: np.ndarray) -> None:
        style.set(z)
        fragments.after_style_change()

    def drawn_style() -> np.ndarray:
        codes = latent.sample_prior(info.blocks, 1, int(np.random.default_rng().integers(2**31)))
        return draw_form.style_part(name, codes)[0]

    def with_noise_of(noisy: np.ndarray, z: np.ndarray) -> np.ndarray:
        z = z.copy()
        z[noise] = noisy[noise]
        return z

    def reset() -> None:
        mean = draw_form.style_part(name, latent.origin(info.blocks)[None])[0]
        move(with_noise_of(style.z, mean))

    def random() -> None:
        move(drawn_style())

    def new_noise() -> None:
        move(with_noise_of(drawn_style(), style.z))

    with st.container(key="request"):
        # after the picture: once the sliders are mounted they send the next values
        latent_sliders.mount(
            [controls.dim_names(name)[d] for d in dims],
            style.z[places].tolist(),
            key=f"style-{name}",
            revision=style.revision,
            ranges=controls.ranges(name, dims),
            **controls.kl_notes(name, dims),
            max_height=300,
            on_release=fragments.after_style_change,
        )
        with st.container(horizontal=True, key="style-buttons"):
            st.button("Reset", on_click=reset, key="style-reset", help="All sliders to the middle")
            st.button("Random", on_click=random, key="style-random", help="A draw from the prior")
            if noise:
                what = controls.noise_help(len(noise))
                st.button("New noise", on_click=new_noise, key="style-noise", help=what)
        draw_form.agreement(name, drawn)


@st.fragment(key=Fragment.STYLE_DOWNLOADS)
def _style_downloads(name: str) -> None:
    """The downloads, which rerun when a drag ends."""
    styles = generation.rounded(_slider_style(name)[0].z[None])
    with st.container(key="outcome"):
        _downloads(name, _drawn(name, styles), styles, "sliders")


# --- from test samples --------------------------------------------------------------------------


def _test_samples(name: str) -> None:
    state, parts, spec = st.session_state, draw_form.layout(), session.info(name).spec
    own = originals.dataset(name)
    found = own or originals.stand_ins(name)
    if found is None:
        with parts.sheet:
            controls.model(name)
            controls.originals_line(name)
        return
    count = len(found)
    state["style-index"] = min(state.get("style-index", 0), count - 1)

    def show_from(start: int) -> None:
        state["style-index"] = start

    def jump() -> None:
        show_from(int(np.random.default_rng().integers(max(1, count - ROWS))))

    with parts.request, st.container(horizontal=True, vertical_alignment="bottom"):
        first = int(
            st.number_input(
                f"First test {spec.noun}", 0, count - 1, key="style-index", persist_state="session"
            )
        )
        controls.pager(first, ROWS, count, show_from, "style")
        st.button("At random", on_click=jump, key="style-random-index")
    with parts.sheet:
        controls.model(name)
    shown = slice(first, first + ROWS)
    pictures = found.samples[shown] / np.float32(255)
    kind = "test" if own else "bundled"
    sources = [
        Source(picture, originals.numbered(kind, found, index))
        for index, picture in enumerate(pictures, first)
    ]
    mean, _ = controls.model(name).encode(pictures)
    _rows(name, parts, draw_form.style_part(name, mean), sources, f"test-{spec.nouns}")
    controls.originals_line(name)


# --- from the visitor's images ------------------------------------------------------------------


@st.fragment(key=Fragment.STYLE_DRAWING)
def _draw(name: str) -> None:
    parts = draw_form.layout()
    spec = session.info(name).spec
    with parts.request, st.container(width=280):
        png = drawing.mount(key="style-ink", noun=spec.noun)
    with parts.sheet:
        controls.model(name)
        if png is None:
            drawn = text.with_article(spec.noun)
            st.caption(f"Draw {drawn}: after each stroke, {_every(name)} are drawn in its style.")
            return
    _own(name, parts, [Upload("your drawing", png)], False, "drawing")


def _upload(name: str) -> None:
    parts, spec = draw_form.layout(), session.info(name).spec
    with parts.request:
        what = "Images" if spec.noun == "image" else f"Images of one {spec.noun} each"
        label = f"{what}, up to {ROWS}: {uploads.LIMITS}"
        files = uploads.uploads(label, "style-files", several=True)
        if len(files) > ROWS:
            st.error(f"{len(files)} images are too many: the first {ROWS} are used.")
    with parts.sheet:
        controls.model(name)
        if not files:
            st.caption(f"Each image becomes a row: the image, then {_every(name)} in its style.")
            return
    _own(name, parts, files[:ROWS], "auto", "upload")


def _own(
    name: str, parts: draw_form.Layout, files: list[Upload], invert: str | bool, stem: str
) -> None:
    """Rows in the styles of the visitor's images, those that can be read."""
    spec = session.info(name).spec
    with parts.sheet:
        tried = [(file.name, uploads.entered(file, spec, invert)) for file in files]
    found = [(title, entered.sample) for title, entered in tried if entered]
    if not found:
        return
    mean, _ = controls.model(name).encode(np.stack([picture for _, picture in found]))
    taken = mean[:, session.info(name).class_dims].argmax(axis=1)
    sources = [
        Source(picture, f"{text.inert(title)}, encoded as {text.phrase(int(label), spec)}")
        for (title, picture), label in zip(found, taken, strict=True)
    ]
    _rows(name, parts, draw_form.style_part(name, mean), sources, stem)


WAYS = {
    "Prior": _prior,
    "Sliders": _sliders,
    "Test": _test_samples,
    "Draw": _draw,
    "Upload": _upload,
}
