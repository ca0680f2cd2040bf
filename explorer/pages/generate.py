"""Generate: digits on request, sheets of them and numbers in one hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer import controls, generate_html, generation, session
from explorer.components import latent_sliders
from explorer.generation import Drawn, Hand
from explorer.panels import downloads, draw_form, playback, prior_samples, styles
from vae import latent

STYLE = Path(__file__).with_suffix(".css")
FIRST_NUMBER = "2026-11"


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    st.html(STYLE)
    session.write_link(session.visit(name))
    if "conditions" not in session.info(name).abilities:
        prior_samples.show(name)
        return
    with st.container(horizontal=True, gap="large", key="modes"):
        mode = st.segmented_control(
            "What to generate",
            MODES,
            default="Digits",
            key="generate-mode",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        if mode == "Style":
            styles.choose()
    MODES[mode or "Digits"](name)


# --- digits -------------------------------------------------------------------------------------


def _digits(name: str) -> None:
    desk = draw_form.layout()
    with desk.ask:
        fault, request = _request(name)
    digits, count, *_ = request
    shown = min(count, generation.SHOWN)
    across = generation.columns(len(digits), count)

    def sheet(pictures: np.ndarray, read: np.ndarray | None) -> str:
        labels, heads = generation.in_turn(digits, shown), len(digits) > 1
        return generate_html.sheet(
            pictures, labels, read, controls.DIGIT_COLOURS, across, heads=heads
        )

    with desk.sheet:
        if fault:
            st.error(fault)
        drawn = draw_form.sheet(name, shown, sheet, partial(_in_turn, name, *request))
        if shown < count:
            st.caption(f"The first {shown} are shown; the downloads hold all {count:,}.")
    with desk.outcome:
        draw_form.agreement(drawn)
        downloads.buttons(
            drawn,
            f"{name}-digits",
            lambda: generation.sheet(drawn.images, across[0]),
            generation.by_seed(name, *request),
            "digits",
        )


Request = tuple[tuple[int, ...], int, int, float]  # digits, count, seed, temperature


def _request(name: str) -> tuple[str, Request]:
    """What is asked for; where that is impossible, a sentence and what was asked for before."""
    state = st.session_state
    state.setdefault("asked-digits", list(range(10)))
    state.setdefault("asked-count", 100)

    digits = st.pills(
        "Digits",
        range(10),
        selection_mode="multi",
        key="asked-digits",
        format_func=str,
        persist_state="session",
    )
    how_many = partial(
        st.number_input, "How many", step=10, key="asked-count", persist_state="session"
    )
    count, seed, temperature = draw_form.prior_controls("asked", how_many, "again")
    request = (tuple(sorted(digits)), count, seed, temperature)
    try:
        generation.in_turn(*request[:2])
    except ValueError as error:
        more = f" For more than that: `python -m vae generate {name} --count 60000`."
        return f"{error}{more if count > generation.MOST else ''}", state.get("request", _DEFAULT)
    state["request"] = request
    return "", request


_DEFAULT: Request = (tuple(range(10)), 100, 0, 1.0)


@st.cache_resource(show_spinner=False, max_entries=8)  # 9 MB each at the most
def _in_turn(
    name: str, digits: tuple[int, ...], count: int, seed: int, temperature: float
) -> Drawn:
    """Digits in turn with styles drawn from the prior."""
    model, labels = session.model(name), generation.in_turn(digits, count)
    codes = model.codes(labels, seed=seed, temperature=temperature)
    return draw_form.finish(model.decode(codes), labels, codes)


# --- a number in one hand -----------------------------------------------------------------------


def _number(name: str) -> None:
    with st.container(key="pad"):
        controls.loading(name)
        _write(name)
        _written(name)


class Writing(NamedTuple):
    """A number as it is written at the moment."""

    fault: str  # why the text is none, and the last number stands
    digits: list[int]
    spaces: list[int]
    style: np.ndarray  # float32 [1, S]
    drawn: Drawn


def _writing(name: str) -> tuple[Hand, Writing]:
    """The number, once its field is drawn, and the hand, before its slider is."""
    state, fault = st.session_state, ""
    text = state.get("number-text", FIRST_NUMBER) or ""
    hand = state.setdefault(f"hand-{name}", Hand(np.zeros(1, np.float32)))
    try:
        state["number"] = generation.digits_of(text)
    except ValueError as error:
        fault = str(error)
    digits, spaces = state.setdefault("number", generation.digits_of(FIRST_NUMBER))
    hand.z[:] = latent_sliders.slider_values(f"turn-{name}", hand.z.tolist(), hand.revision)
    codes = latent.sample_prior(session.info(name).blocks, 2, hand.revision)
    pair = draw_form.style_part(name, codes)
    style = generation.exact(generation.around(pair, float(hand.z[0]))[None])
    drawn = draw_form.draw(name, np.array(digits), style.repeat(len(digits), axis=0))
    return hand, Writing(fault, digits, spaces, style, drawn)


@st.fragment(key="number")
def _write(name: str) -> None:
    """The number and its hand, and nothing else: this is what runs while a hand moves."""
    with st.container(key="page"):
        # its first value is given here, not put into the state: there it would replace what was
        # typed when a browser comes back to a server that was started again
        st.text_input(
            f"A number of up to {generation.LONGEST} digits; all that is no digit is a space",
            FIRST_NUMBER,
            key="number-text",
            live=True,
            on_change=partial(st.rerun, ["number", "number-kept"]),
            persist_state="session",
        )
        hand, now = _writing(name)
        if now.fault:
            st.error(now.fault)
        letters = generation.letters(now.drawn.images)
        colours = controls.DIGIT_COLOURS
        st.html(generate_html.number(letters, now.digits, now.spaces, now.drawn.read, colours))

    def another() -> None:
        hand.go(np.zeros(1))
        controls.rerun("number", "number-kept")

    with st.container(key="hand"):
        latent_sliders.mount(
            ["hand"],
            hand.z.tolist(),
            key=f"turn-{name}",
            revision=hand.revision,
            low=0,
            high=360,
            step=1,
            noun="degrees",
            on_release=partial(controls.rerun, "number", "number-kept"),
        )
        st.caption("A round trip through the styles, in degrees: each stop is as likely.")
        st.button("Another hand", on_click=another, key="another-hand")


@st.fragment(key="number-kept")
def _written(name: str) -> None:
    """How the number reads and what is to be taken home, once the hand rests."""
    _, now = _writing(name)
    with st.container(key="home"):
        draw_form.agreement(now.drawn)
        downloads.buttons(
            now.drawn,
            f"{name}-number",
            lambda: generation.enlarged(generation.written(now.drawn.images, now.spaces), 6),
            generation.by_styles(name, now.digits, now.style),
            "number",
        )


MODES = {"Digits": _digits, "Style": styles.show, "Number": _number, "Training": playback.show}
