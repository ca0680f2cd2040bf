"""Digits as they come: what a model draws from its prior that cannot be asked for a digit."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, generate_html, generation, session
from explorer.generation import SHOWN, Drawn
from explorer.panels import downloads, draw_form
from vae import latent

NO_LABELS = np.empty(0, np.int64)  # nothing was asked for


def show(name: str) -> None:
    """Why nobody can ask this model for a digit, the models that can be asked, and what this one
    draws all the same; an autoencoder, which has no prior, draws nothing."""
    info = session.info(name)
    able = [n for n in session.names()[0] if "conditions" in session.info(n).abilities]

    def choose(other: str) -> None:
        st.session_state["model"] = other

    with st.container(key="not-offered"):
        st.html(
            f"<h3>{info.title} cannot be asked for a digit</h3><p>It was never told which digit is "
            "which: its code mixes what is written with how. Models that are told the digit keep "
            "the two apart"
            + ("; choose one to ask.</p>" if able else ", and none is shipped here.</p>")
        )
        with st.container(horizontal=True):
            for other in able:
                title = session.info(other).title
                st.button(title, key=f"take-{other}", on_click=choose, args=(other,))
    if any(info.kl):  # nothing draws an autoencoder's codes towards a prior
        _sheet(name)


def _sheet(name: str) -> None:
    desk = draw_form.layout()
    st.session_state.setdefault("prior-count", 100)
    how_many = partial(
        st.number_input, "How many", 1, SHOWN, step=10, key="prior-count", persist_state="session"
    )
    with desk.ask:
        st.html("<h3>What it draws by itself</h3>")
        request = draw_form.prior_controls("prior", how_many, "prior-again")
    count = request[0]
    across = generation.columns(1, count)

    def sheet(pictures: np.ndarray, read: np.ndarray | None) -> str:
        return generate_html.sheet(pictures, None, read, controls.DIGIT_COLOURS, across)

    with desk.sheet:
        drawn = draw_form.sheet(name, count, sheet, partial(_drawn, name, *request))
    with desk.outcome:
        if drawn.read is None:
            st.html(draw_form.NO_CLASSIFIER)
        else:
            st.html(generate_html.readings(drawn.read, controls.DIGIT_COLOURS))
        downloads.buttons(
            drawn,
            f"{name}-prior",
            lambda: generation.sheet(drawn.images, across[0]),
            generation.by_prior(name, *request),
            "prior",
        )


@st.cache_resource(show_spinner=False, max_entries=8)  # 0.4 MB each at the most
def _drawn(name: str, count: int, seed: int, temperature: float) -> Drawn:
    codes = latent.sample_prior(session.info(name).blocks, count, seed, temperature)
    return draw_form.finish(session.model(name).decode(codes), NO_LABELS, codes)
