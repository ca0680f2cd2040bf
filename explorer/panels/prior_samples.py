"""Samples from the prior of a model that is not conditioned on a class."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, generate_html, generation, link, session, text
from explorer.generation import Drawn
from explorer.panels import downloads, draw_form
from explorer.renderers import renderer

NO_LABELS = np.empty(0, np.int64)  # no class is requested
PRIORS = {"normal": "Normal", "mixture": "Gaussian mixture"}


def show(name: str) -> None:
    """Show why this model generates no chosen class, the conditional models of such data, and
    samples from its prior; an autoencoder has one where a mixture was fitted to its codes."""
    info = session.info(name)
    if info.spec.classes:
        _conditional(name)
    if info.priors:
        _sheet(name)
    elif not info.spec.classes:
        st.info(
            f"{text.quoted(info.title)} has no prior to draw samples from: its encoder is "
            "deterministic, and no distribution of its codes was learned."
        )


def _conditional(name: str) -> None:
    info = session.info(name)
    sort = text.class_noun(info.spec)
    others = [(other, session.info(other)) for other in session.names()[0]]
    able = [
        other
        for other, its in others
        if "conditions" in its.abilities and its.spec.classes == info.spec.classes
    ]

    def choose(other: str) -> None:
        st.session_state["model"] = other

    nouns = text.html(info.spec.nouns)
    with st.container(key="not-offered"):
        st.html(
            f"<h3>{text.html(info.title)} cannot generate a chosen {sort}</h3><p>It was trained "
            "without labels, so its code does not separate the class from the style. Conditional "
            f"models do; {'choose one of these' if able else f'none of {nouns} is installed'}.</p>"
        )
        with st.container(horizontal=True):
            for other in able:
                title = text.widget_label(session.info(other).title)
                st.button(title, key=f"take-{other}", on_click=choose, args=(other,))


def _choice(info: session.ModelInfo) -> str:
    """The control of the prior, where there are several; the chosen one."""
    if len(info.priors) == 1:
        return info.priors[0]
    chosen = st.segmented_control(
        "Prior",
        info.priors,
        format_func=lambda prior: PRIORS[prior],
        default=controls.keep_valid(link.PRIOR, info.priors),
        key=link.PRIOR,
        required=True,
        help="The normal prior is that of the training; the Gaussian mixture was fitted to the "
        f"codes of training {info.spec.nouns} afterwards, so its draws lie where there are codes.",
        persist_state="session",
    )
    return chosen or info.priors[0]


def _sheet(name: str) -> None:
    parts, spec, limit = draw_form.layout(), session.info(name).spec, draw_form.most_shown(name)
    state = st.session_state
    state["prior-count"] = min(state.get("prior-count", 100), limit)
    how_many = partial(
        st.number_input, "How many", 1, limit, step=10, key="prior-count", persist_state="session"
    )
    with parts.request:
        st.html("<h3>Samples from its prior</h3>")
        prior = _choice(session.info(name))
        request = (*draw_form.prior_controls("prior", how_many), prior)
    count = request[0]
    across = generation.columns(1, count)

    def sheet(pictures: np.ndarray, probabilities: np.ndarray | None) -> str:
        return generate_html.sheet(pictures, None, probabilities, draw_form.palette(name), across)

    with parts.sheet:
        # asked for the classifier after the model, for it is loaded too
        try:
            drawn = draw_form.sheet(
                name, count, sheet, lambda: _drawn(name, *request, session.has_classifier(name))
            )
        except ValueError as error:
            st.error(f"This prior cannot be used: {text.quoted(str(error), text.SENTENCE)}")
            return
    with parts.outcome:
        if drawn.probabilities is None:
            draw_form.no_classifier(name)
        else:
            st.html(generate_html.class_counts(drawn.probabilities, draw_form.palette(name)))
        downloads.buttons(
            drawn,
            f"{name}-{'mixture' if prior == 'mixture' else 'prior'}",
            renderer(spec).downloads(drawn.images, across[0]),
            generation.by_prior(name, *request),
            "prior",
            spec.nouns,
        )


@st.cache_resource(show_spinner=False, max_entries=8)  # 0.4 MB each at the most
def _drawn(
    name: str, count: int, seed: int, temperature: float, prior: str, has_classifier: bool
) -> Drawn:
    del has_classifier  # in the cache's key: a damaged classifier may be restored
    model = session.model(name)
    codes = model.sample_prior(count, seed, temperature, prior)
    return draw_form.classified(name, model.decode(codes), NO_LABELS, codes)
