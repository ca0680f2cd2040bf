"""Samples from the prior of a model that is not conditioned on a class."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer import generate_html, generation, session, text
from explorer.generation import Drawn
from explorer.panels import downloads, draw_form
from explorer.renderers import renderer
from vae import latent

NO_LABELS = np.empty(0, np.int64)  # no class is requested


def show(name: str) -> None:
    """Show why this model generates no chosen class, the conditional models of such data, and
    samples from its prior; an autoencoder has no prior and no samples."""
    info = session.info(name)
    if info.spec.classes:
        _conditional(name)
    # without a KL, an encoder's codes do not follow the prior
    if "encodes" not in info.abilities or any(info.kl):
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


def _sheet(name: str) -> None:
    parts, spec, limit = draw_form.layout(), session.info(name).spec, draw_form.most_shown(name)
    state = st.session_state
    state["prior-count"] = min(state.get("prior-count", 100), limit)
    how_many = partial(
        st.number_input, "How many", 1, limit, step=10, key="prior-count", persist_state="session"
    )
    with parts.request:
        st.html("<h3>Samples from its prior</h3>")
        request = draw_form.prior_controls("prior", how_many)
    count = request[0]
    across = generation.columns(1, count)

    def sheet(pictures: np.ndarray, probabilities: np.ndarray | None) -> str:
        return generate_html.sheet(pictures, None, probabilities, draw_form.palette(name), across)

    with parts.sheet:
        # asked for the classifier after the model, for it is loaded too
        drawn = draw_form.sheet(
            name, count, sheet, lambda: _drawn(name, *request, session.has_classifier(name))
        )
    with parts.outcome:
        if drawn.probabilities is None:
            draw_form.no_classifier(name)
        else:
            st.html(generate_html.class_counts(drawn.probabilities, draw_form.palette(name)))
        downloads.buttons(
            drawn,
            f"{name}-prior",
            renderer(spec).downloads(drawn.images, across[0]),
            generation.by_prior(name, *request),
            "prior",
            spec.nouns,
        )


@st.cache_resource(show_spinner=False, max_entries=8)  # 0.4 MB each at the most
def _drawn(name: str, count: int, seed: int, temperature: float, has_classifier: bool) -> Drawn:
    del has_classifier  # in the cache's key: a damaged classifier may be restored
    codes = latent.sample_prior(session.info(name).blocks, count, seed, temperature)
    return draw_form.classified(name, session.model(name).decode(codes), NO_LABELS, codes)
