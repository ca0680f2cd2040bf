"""The form that asks for digits, the sheet of them, and how many are read as asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import generate_html, generation, images, session
from explorer.generation import Drawn

NO_CLASSIFIER = (
    '<p class="agreement">No classifier is shipped, so nothing says what these read as.</p>'
)


class Layout(NamedTuple):
    """The three parts of a page: on a wide one the sheet stands on the left, on a narrow one
    between the other two."""

    ask: DeltaGenerator
    sheet: DeltaGenerator
    outcome: DeltaGenerator


def layout() -> Layout:
    """Lay the parts out."""
    with st.container(key="desk"):
        return Layout(*(st.container(key=part) for part in Layout._fields))


def prior_controls(
    prefix: str, count: Callable[[], float], again_key: str
) -> tuple[int, int, float]:
    """The controls of a draw: how many (`count` draws its own), the seed, the temperature. Keys
    begin with `prefix`."""
    state, seed_key, spread_key = st.session_state, f"{prefix}-seed", f"{prefix}-temperature"
    state.setdefault(seed_key, 0)
    state.setdefault(spread_key, 1.0)

    def again() -> None:
        state[seed_key] = int(np.random.default_rng().integers(100_000))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        many = count()
        seed = st.number_input("Seed", 0, 2**31 - 1, key=seed_key, persist_state="session")
        st.button("New draw", on_click=again, key=again_key)
    spread = st.slider(
        "Temperature",
        0.0,
        1.5,
        step=0.05,
        key=spread_key,
        help="The spread of the draws: 0 is the middle one alone, 1 is as trained",
        persist_state="session",
    )
    return int(many), int(seed), round(float(spread), 2)


def style_part(name: str, codes: np.ndarray) -> np.ndarray:
    """The part of whole codes [N, Z] that is not the digit. The model must be told the digit."""
    digit = session.info(name).digit
    assert digit is not None, "a model that is told the digit has a place for it"
    return generation.without(codes, digit)


def draw(name: str, labels: np.ndarray, z: np.ndarray) -> Drawn:
    """Write the digits `labels` with the styles z [N, Z], and let the classifier read them."""
    model = session.model(name)
    codes = model.codes(labels, z)
    return finish(model.decode(codes), labels, codes)


def finish(pictures: np.ndarray, labels: np.ndarray, codes: np.ndarray) -> Drawn:
    """Drawn digits with what the classifier reads in those that are put on the screen."""
    classifier = session.classifier()
    read = None if classifier is None else classifier.classify(pictures[: generation.SHOWN])
    return Drawn(images.to_uint8(pictures), labels, codes, read)


def sheet(
    name: str,
    shown: int,
    html: Callable[[np.ndarray, np.ndarray | None], str],
    draw: Callable[[], Drawn],
) -> Drawn:
    """Show the first digits of what `draw` draws; frames stand for them while the model loads.

    `html` lays out pictures [shown, 28, 28] and what the classifier reads in them.
    """
    ready = session.is_ready(name)
    # st.empty only where the frames will be replaced, for it clears its place in every run
    place = st if ready else st.empty()
    if not ready:
        place.html(html(np.zeros((shown, 28, 28)), None))
    drawn = draw()
    place.html(html(drawn.images[:shown], drawn.read))
    return drawn


def agreement(drawn: Drawn) -> None:
    """How many of the digits on the screen the classifier reads as asked for."""
    classifier = session.classifier()
    if classifier is None or drawn.read is None:
        st.html(NO_CLASSIFIER)
        return
    asked = drawn.labels[: len(drawn.read)]
    share, misread = generate_html.agreement(asked, drawn.read)
    read = f"{'of the' if misread else 'all'} {len(asked):,} on screen read as asked"
    if len(asked) == 1:  # a share of one says little: which digit is read
        share, read = str(drawn.read[0].argmax()), "as asked"
        if misread:
            read, misread = f"and not the {asked[0]} that was asked for", ""
    skill = classifier.info.figures.get("accuracy")
    trust = f" It reads {100 * skill:.2f}\u2009% of real test digits right." if skill else ""
    st.html(
        f'<div class="agreement"><b>{share}</b><div><p>{read}, says an independent classifier '
        f"trained on real digits alone.{trust}</p>"
        f'<p class="misread">{misread}</p></div></div>'
    )
