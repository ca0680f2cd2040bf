"""The form of a request for digits, their sheet, and how many are classified as requested."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import controls, generate_html, generation, images, session, text
from explorer.generation import Drawn


class Layout(NamedTuple):
    """The parts of a page. On a wide page the sheet is on the left and the others on the right, on
    a narrow page they follow in this order."""

    request: DeltaGenerator
    sheet: DeltaGenerator
    outcome: DeltaGenerator


def layout() -> Layout:
    """Create the three containers."""
    with st.container(key="generate-layout"):
        return Layout(*(st.container(key=part) for part in Layout._fields))


def prior_controls(prefix: str, count: Callable[[], float]) -> tuple[int, int, float]:
    """The controls of samples from the prior: number, seed and temperature, which are returned.

    `count` draws the control of the number. The keys of the widgets begin with `prefix`.
    """
    state, seed_key, spread_key = st.session_state, f"{prefix}-seed", f"{prefix}-temperature"
    state.setdefault(seed_key, 0)
    state.setdefault(spread_key, 1.0)

    def new_draw() -> None:
        state[seed_key] = int(np.random.default_rng().integers(100_000))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        many = count()
        seed = st.number_input("Seed", 0, 2**31 - 1, key=seed_key, persist_state="session")
        st.button("New draw", on_click=new_draw, key=f"{prefix}-new-draw")
    spread = st.slider(
        "Temperature",
        0.0,
        1.5,
        step=0.05,
        key=spread_key,
        help="Scale of the draws: 0 always draws the average style, 1 draws from the prior",
        persist_state="session",
    )
    return int(many), int(seed), round(float(spread), 2)


def style_part(name: str, codes: np.ndarray) -> np.ndarray:
    """The styles of codes [N, Z]: the dimensions outside the class block, which the model must
    have."""
    digit = session.info(name).class_dims
    assert digit is not None, "the model is not conditioned on the digit"
    return generation.style_of(codes, digit)


def draw(name: str, labels: np.ndarray, z: np.ndarray) -> Drawn:
    """Generate digits of the classes `labels` [N] with the styles z [N, S], and classify them."""
    model = controls.model(name)
    codes = model.codes(labels, z)
    return classified(model.decode(codes), labels, codes)


def classified(pictures: np.ndarray, labels: np.ndarray, codes: np.ndarray) -> Drawn:
    """Generated digits with the classifier's probabilities for those that are shown."""
    classifier = session.classifier()
    probabilities = (
        None if classifier is None else classifier.classify(pictures[: generation.SHOWN])
    )
    return Drawn(images.to_uint8(pictures), labels, codes, probabilities)


def sheet(
    name: str,
    shown: int,
    html: Callable[[np.ndarray, np.ndarray | None], str],
    draw: Callable[[], Drawn],
) -> Drawn:
    """Show the first `shown` digits that `draw` returns; black images while the model is loaded.

    `html` lays out pictures [shown, 28, 28] and the classifier's probabilities.
    """
    ready = session.is_ready(name)
    # st.empty only where the black images are replaced, because it clears its element in every run
    place = st if ready else st.empty()
    if not ready:
        place.html(html(np.zeros((shown, 28, 28)), None))
    controls.model(name, spinner=False)
    drawn = draw()
    place.html(html(drawn.images[:shown], drawn.probabilities))
    return drawn


def no_classifier() -> None:
    """Show why nothing is classified."""
    if fault := session.classifier_fault():
        st.warning(f"The classifier cannot be used: {text.quoted(fault, text.SENTENCE)}")
    else:
        st.html('<p class="agreement">No classifier is installed, so nothing is classified.</p>')


def agreement(drawn: Drawn) -> None:
    """Show the share of the digits on the page that are classified as requested."""
    classifier = session.classifier()
    if classifier is None or drawn.probabilities is None:
        no_classifier()
        return
    requested = drawn.labels[: len(drawn.probabilities)]
    share, errors = generate_html.agreement(requested, drawn.probabilities)
    by = "by an independent classifier"
    sentence = (
        f"{'of the' if errors else 'all'} {len(requested):,} shown are classified as requested {by}"
    )
    if len(requested) == 1:  # a share of one digit is uninformative: name the class instead
        share, sentence = (
            str(drawn.probabilities[0].argmax()),
            f"is the class predicted {by}, as requested",
        )
        if errors:
            sentence = f"is the class predicted {by}, instead of the {requested[0]} asked for"
            errors = ""
    accuracy = classifier.info.figures.get("accuracy")
    trust = f" Its accuracy on real test digits is {100 * accuracy:.2f}\u2009%." if accuracy else ""
    st.html(
        f'<div class="agreement"><b>{share}</b><div><p>{sentence}. The '
        f"classifier was trained only on real digits.{trust}</p>"
        f'<p class="misread">{errors}</p></div></div>'
    )
