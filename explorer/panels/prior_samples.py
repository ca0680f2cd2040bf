"""Samples from the prior of a model that is not conditioned on the digit."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, generate_html, generation, session, text
from explorer.generation import SHOWN, Drawn
from explorer.panels import downloads, draw_form
from vae import latent

NO_LABELS = np.empty(0, np.int64)  # no class is requested


def show(name: str) -> None:
    """Show why this model generates no chosen digit, the conditional models, and samples from its
    prior; an autoencoder has no prior and no samples."""
    info = session.info(name)
    able = [n for n in session.names()[0] if "conditions" in session.info(n).abilities]

    def choose(other: str) -> None:
        st.session_state["model"] = other

    with st.container(key="not-offered"):
        st.html(
            f"<h3>{text.html(info.title)} cannot generate a chosen digit</h3><p>It was trained "
            "without labels, so its code does not separate the class from the style. Conditional "
            "models do" + ("; choose one of these.</p>" if able else ", and none is installed.</p>")
        )
        with st.container(horizontal=True):
            for other in able:
                title = text.widget_label(session.info(other).title)
                st.button(title, key=f"take-{other}", on_click=choose, args=(other,))
    if any(info.kl):  # without a KL, codes do not follow the prior
        _sheet(name)


def _sheet(name: str) -> None:
    parts = draw_form.layout()
    st.session_state.setdefault("prior-count", 100)
    how_many = partial(
        st.number_input, "How many", 1, SHOWN, step=10, key="prior-count", persist_state="session"
    )
    with parts.request:
        st.html("<h3>Samples from its prior</h3>")
        request = draw_form.prior_controls("prior", how_many)
    count = request[0]
    across = generation.columns(1, count)

    def sheet(pictures: np.ndarray, probabilities: np.ndarray | None) -> str:
        return generate_html.sheet(pictures, None, probabilities, controls.DIGIT_COLOURS, across)

    with parts.sheet:
        # asked for the classifier after the model, for it is loaded too
        drawn = draw_form.sheet(
            name, count, sheet, lambda: _drawn(name, *request, session.has_classifier())
        )
    with parts.outcome:
        if drawn.probabilities is None:
            draw_form.no_classifier()
        else:
            st.html(generate_html.class_counts(drawn.probabilities, controls.DIGIT_COLOURS))
        downloads.buttons(
            drawn,
            f"{name}-prior",
            lambda: generation.sheet(drawn.images, across[0]),
            generation.by_prior(name, *request),
            "prior",
        )


@st.cache_resource(show_spinner=False, max_entries=8)  # 0.4 MB each at the most
def _drawn(name: str, count: int, seed: int, temperature: float, has_classifier: bool) -> Drawn:
    del has_classifier  # in the cache's key: a damaged classifier may be restored
    codes = latent.sample_prior(session.info(name).blocks, count, seed, temperature)
    return draw_form.classified(session.model(name).decode(codes), NO_LABELS, codes)
