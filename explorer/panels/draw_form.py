"""The form of a request for samples, their sheet, and how many are classified as requested."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import controls, generate_html, generation, images, session, text
from explorer.generate_html import Palette
from explorer.generation import Drawn
from explorer.renderers import renderer
from vae.latent import LatentBlock


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
    classes = session.info(name).class_dims
    assert classes is not None, "the model is not conditioned on a class"
    return generation.style_of(codes, classes)


def style_blocks(name: str) -> list[LatentBlock]:
    """The blocks of a style: those of the code without the class."""
    return [block for block in session.info(name).blocks if block.role != "class"]


def palette(name: str) -> Palette:
    """The spec of a model's samples and the colours of their classes, for the HTML of sheets."""
    spec = session.info(name).spec
    return Palette(spec, controls.class_colours(len(spec.classes)))


def most(name: str) -> int:
    """How many samples of a model are generated at once."""
    return generation.most(_values(name))


def most_shown(name: str) -> int:
    """How many samples of a model a sheet shows."""
    return generation.most_shown(_values(name))


def _values(name: str) -> int:
    spec = session.info(name).spec
    return renderer(spec).size(spec)


def draw(name: str, labels: np.ndarray, z: np.ndarray) -> Drawn:
    """Generate samples of the classes `labels` [N] with the styles z [N, S], and classify them."""
    model = controls.model(name)
    codes = model.codes(labels, z)
    return classified(name, model.decode(codes), labels, codes)


def classified(name: str, pictures: np.ndarray, labels: np.ndarray, codes: np.ndarray) -> Drawn:
    """Generated samples with the classifier's probabilities for those that are shown, where there
    is a classifier of such samples."""
    classifier = session.classifier(name)
    probabilities = (
        None if classifier is None else classifier.classify(pictures[: most_shown(name)])
    )
    return Drawn(images.to_uint8(pictures), labels, codes, probabilities)


def sheet(
    name: str,
    shown: int,
    html: Callable[[np.ndarray, np.ndarray | None], str],
    draw: Callable[[], Drawn],
) -> Drawn:
    """Show the first `shown` samples that `draw` returns; black images while the model is loaded.

    `html` lays out samples [shown, ...] and the classifier's probabilities.
    """
    ready = session.is_ready(name)
    # st.empty only where the black images are replaced, because it clears its element in every run
    place = st if ready else st.empty()
    if not ready:
        place.html(html(np.zeros((shown, *session.info(name).spec.array_shape)), None))
    controls.model(name, spinner=False)
    drawn = draw()
    place.html(html(drawn.images[:shown], drawn.probabilities))
    return drawn


def no_classifier(name: str) -> None:
    """Show why no digit is classified; nothing for samples that the classifier does not know."""
    if not text.names_digits(session.info(name).spec):
        return
    if fault := session.classifier_fault():
        st.warning(f"The classifier cannot be used: {text.quoted(fault, text.SENTENCE)}")
    else:
        st.html('<p class="agreement">No classifier is installed, so nothing is classified.</p>')


def agreement(name: str, drawn: Drawn) -> None:
    """Show the share of the samples on the page that are classified as requested."""
    classifier, spec = session.classifier(name), session.info(name).spec
    if classifier is None or drawn.probabilities is None:
        no_classifier(name)
        return
    requested = drawn.labels[: len(drawn.probabilities)]
    share, errors = generate_html.agreement(requested, drawn.probabilities, spec)
    by = "by an independent classifier"
    sentence = (
        f"{'of the' if errors else 'all'} {len(requested):,} shown are classified as requested {by}"
    )
    if len(requested) == 1:  # a share of one sample is uninformative: name the class instead
        share, sentence = (
            text.html(text.class_name(int(drawn.probabilities[0].argmax()), spec)),
            f"is the class predicted {by}, as requested",
        )
        if errors:
            asked = text.html(text.class_name(int(requested[0]), spec))
            sentence = f"is the class predicted {by}, instead of the {asked} asked for"
            errors = ""
    accuracy = classifier.info.figures.get("accuracy")
    trust = (
        f" Its accuracy on real test {spec.nouns} is {100 * accuracy:.2f}\u2009%."
        if accuracy
        else ""
    )
    st.html(
        f'<div class="agreement"><b>{share}</b><div><p>{sentence}. The '
        f"classifier was trained only on real {spec.nouns}.{trust}</p>"
        f'<p class="misread">{text.html(errors)}</p></div></div>'
    )
