"""Generate: samples by class, in chosen styles, as a number in one style, and during training."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from explorer import controls, fragments, generate_html, generation, images, link, session, text
from explorer.components import latent_sliders
from explorer.fragments import Fragment
from explorer.generation import Drawn, SliderValues
from explorer.panels import downloads, draw_form, playback, prior_samples, styles
from explorer.renderers import Download, renderer
from vae import latent
from vae.dataspec import DataSpec

STYLE = Path(__file__).with_suffix(".css")
FIRST_NUMBER = "2026-11"
MAX_PILLS = 26  # classes that are shown as buttons; more are a list


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    st.html(STYLE)
    link.write(session.visit(name))
    spec, modes = session.info(name).spec, _modes(name)
    if len(modes) == 1:
        MODES["Samples"](name)
        return
    with st.container(horizontal=True, gap="large", key="generate-modes"):
        mode = st.segmented_control(
            "What to generate",
            modes,
            format_func=lambda mode: spec.nouns.capitalize() if mode == "Samples" else mode,
            default=controls.keep_valid("generate-mode", modes),
            key="generate-mode",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        if mode == "Style":
            styles.choose(name)
    MODES[mode or "Samples"](name)


def _modes(name: str) -> list[str]:
    """The modes that the page offers for a model: those of MODES that it is capable of."""
    info = session.info(name)
    conditions = "conditions" in info.abilities
    offered = {
        "Samples": True,
        "Style": conditions,
        "Number": conditions and text.names_digits(info.spec),
        "Training": playback.is_recorded(name),
    }
    return [mode for mode in MODES if offered[mode]]


# --- samples ------------------------------------------------------------------------------------


def _samples(name: str) -> None:
    if "conditions" in session.info(name).abilities:
        _by_class(name)
    else:
        prior_samples.show(name)


def _by_class(name: str) -> None:
    parts, spec = draw_form.layout(), session.info(name).spec
    with parts.request:
        fault, request = _request(name)
    classes, count, *_ = request
    shown = min(count, draw_form.most_shown(name))
    across = generation.columns(len(classes), count)

    def sheet(pictures: np.ndarray, probabilities: np.ndarray | None) -> str:
        labels, heads = generation.in_turn(classes, shown), len(classes) > 1
        return generate_html.sheet(
            pictures, labels, probabilities, draw_form.palette(name), across, heads=heads
        )

    with parts.sheet:
        if fault:
            st.error(fault)
        # asked for the classifier after the model, for it is loaded too
        drawn = draw_form.sheet(
            name, shown, sheet, lambda: _in_turn(name, *request, session.has_classifier(name))
        )
        if shown < count:
            st.caption(f"The first {shown} are shown; the downloads hold all {count:,}.")
    with parts.outcome:
        draw_form.agreement(name, drawn)
        downloads.buttons(
            drawn,
            f"{name}-{spec.nouns}",
            renderer(spec).downloads(drawn.images, across[0]),
            generation.by_seed(name, *request),
            "samples",
            spec.nouns,
        )


Request = tuple[tuple[int, ...], int, int, float]  # classes, count, seed, temperature


def _request(name: str) -> tuple[str, Request]:
    """The reason why the request is invalid, "" for a valid one, and the last valid request."""
    state, spec, limit = st.session_state, session.info(name).spec, draw_form.most(name)
    state.setdefault("asked-count", min(100, limit))
    classes = _classes(spec)
    how_many = partial(
        st.number_input, "How many", step=10, key="asked-count", persist_state="session"
    )
    count, seed, temperature = draw_form.prior_controls("asked", how_many)
    request = (tuple(sorted(classes)), count, seed, temperature)
    try:
        generation.check_request(request[0], count, spec, limit)
    except ValueError as error:
        more = f" For more, run `python -m vae generate {text.inert(name)} --count 60000`."
        advice = more if count > limit else ""
        return f"{error}{advice}", state.get(f"request-{name}", _default(spec, limit))
    state[f"request-{name}"] = request
    return "", request


def _default(spec: DataSpec, limit: int) -> Request:
    return tuple(range(min(10, len(spec.classes)))), min(100, limit), 0, 1.0


def _classes(spec: DataSpec) -> list[int]:
    """The control that chooses the classes; those chosen."""
    state, key = st.session_state, "asked-classes"
    if state.get("asked-of") != spec.classes:  # another model's choice
        state["asked-of"], state[key] = spec.classes, list(_default(spec, 1)[0])
    names = text.class_names(spec)
    few = len(names) <= MAX_PILLS
    label = spec.nouns.capitalize() if text.names_digits(spec) else "Classes"
    options: dict[str, Any] = {
        "label": label,
        "options": range(len(names)),
        # pills read Markdown, a list does not
        "format_func": lambda label: text.widget_label(names[label]) if few else names[label],
        "key": key,
        "persist_state": "session",
    }
    if few:
        return st.pills(**options, selection_mode="multi")
    return st.multiselect(**options)


@st.cache_resource(show_spinner=False, max_entries=8)  # at most 9 MB each
def _in_turn(
    name: str,
    classes: tuple[int, ...],
    count: int,
    seed: int,
    temperature: float,
    has_classifier: bool,
) -> Drawn:
    """Samples of the classes in turn with styles drawn from the prior."""
    del has_classifier  # in the cache's key: a damaged classifier may be restored
    model, labels = session.model(name), generation.in_turn(classes, count)
    codes = model.codes(labels, seed=seed, temperature=temperature)
    return draw_form.classified(name, model.decode(codes), labels, codes)


# --- a number in one style ----------------------------------------------------------------------


def _number(name: str) -> None:
    with st.container(key="number-layout"):
        controls.model(name)
        _number_and_style(name)
        _number_downloads(name)


class Number(NamedTuple):
    """The number that is shown."""

    fault: str  # why the text is invalid, so that the last number stays; "" where it is valid
    digits: list[int]
    spaces: list[int]
    style: np.ndarray  # float32 [1, S]
    drawn: Drawn


def _current_number(name: str) -> tuple[SliderValues, Number]:
    """The style's slider and the number. Call it after the text field is drawn and before the
    slider is."""
    state, fault = st.session_state, ""
    typed = state.get("number-text", FIRST_NUMBER) or ""
    angle = state.setdefault(f"number-angle-{name}", SliderValues(np.zeros(1, np.float32)))
    try:
        state["number"] = generation.digits_of(typed)
    except ValueError as error:
        fault = str(error)
    digits, spaces = state.setdefault("number", generation.digits_of(FIRST_NUMBER))
    angle.z[:] = latent_sliders.slider_values(f"angle-{name}", angle.z.tolist(), angle.revision)
    codes = latent.sample_prior(session.info(name).blocks, 2, angle.revision)
    pair, blocks = draw_form.style_part(name, codes), draw_form.style_blocks(name)
    style = generation.style_at_angle(pair, float(angle.z[0]), blocks)
    style = generation.rounded(style[None])
    drawn = draw_form.draw(name, np.array(digits), style.repeat(len(digits), axis=0))
    return angle, Number(fault, digits, spaces, style, drawn)


@st.fragment(key=Fragment.NUMBER)
def _number_and_style(name: str) -> None:
    """The number and the slider of its style. It has no other parts, because it runs during a
    drag."""
    with st.container(key="number"):
        # The initial value is an argument: in the session's state it would replace the typed text
        # when a browser reconnects to a restarted server.
        st.text_input(
            f"A number of up to {generation.MAX_NUMBER} digits; other characters become spaces",
            FIRST_NUMBER,
            key="number-text",
            live=True,
            on_change=fragments.after_number_change,
            persist_state="session",
        )
        angle, now = _current_number(name)
        if now.fault:
            st.error(now.fault)
        digits = generation.cropped(now.drawn.images)
        palette, probabilities = draw_form.palette(name), now.drawn.probabilities
        st.html(generate_html.number(digits, now.digits, now.spaces, probabilities, palette))

    def other_style() -> None:
        angle.set(np.zeros(1))
        fragments.after_number_change()

    with st.container(key="number-style"):
        latent_sliders.mount(
            ["style"],
            angle.z.tolist(),
            key=f"angle-{name}",
            revision=angle.revision,
            ranges=[(0, 360)],
            step=1,
            noun="degrees",
            on_release=fragments.after_number_change,
        )
        st.caption("A circle of styles, in degrees: all are equally likely, and 360 is 0 again.")
        st.button("Another style", on_click=other_style, key="another-style")


@st.fragment(key=Fragment.NUMBER_DOWNLOADS)
def _number_downloads(name: str) -> None:
    """The agreement and the downloads of the number, which rerun when a drag ends."""
    _, now = _current_number(name)

    def png() -> bytes:
        return images.enlarged(generation.number_picture(now.drawn.images, now.spaces), 6)

    with st.container(key="number-outcome"):
        draw_form.agreement(name, now.drawn)
        downloads.buttons(
            now.drawn,
            f"{name}-number",
            [Download("PNG", "png", "image/png", png)],
            generation.by_styles(name, now.digits, now.style),
            "number",
            session.info(name).spec.nouns,
        )


MODES = {"Samples": _samples, "Style": styles.show, "Number": _number, "Training": playback.show}
