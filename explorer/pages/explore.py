"""Explore: the map, the sliders and the digit that the current code decodes to.

Of its four fragments only `Fragment.CODE` runs during a drag, and only where the live channel is
closed; the others rerun when the drag ends, by `fragments.after_code_change`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer import controls, fragments, session, text
from explorer.fragments import Fragment
from explorer.panels import current_code, maps, traversals
from vae import latent


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    info = session.info(name)
    if not info.abilities >= {"encodes", "decodes"}:
        st.info(f"{text.quoted(info.title)} does not both encode and decode, so it has no map.")
        return
    if len(info.order) < 2:
        st.info(f"{text.quoted(info.title)} has one latent dimension, and a map takes two.")
        return
    session.visit(name)
    rows = len(current_code.banks(name)[0])
    st.html(f"<style>.st-key-map-and-code {{ --rows: {rows}; }}</style>")  # reserves their height
    with st.container(key="map-and-code"):
        left, right = st.columns([1.5, 1], gap="large")
    with left:
        maps.panel(name)
    with right:
        decoded = st.container()
        _moves(name)
    with decoded:
        current_code.panel(name)  # after the others, because it imports torch on the first visit
    st.html(f"<p>{text.html(info.description)}</p>")
    traversals.panel(name)
    controls.mnist_line()


def random_help(blocks: Sequence[latent.LatentBlock]) -> str:
    """The help of the button Random. It avoids "prior", because an autoencoder has none."""
    ways = {
        "normal": "from N(0, 1)",
        "uniform": "from -1 to 1",
        "categorical": "any of {}",
        "simplex": "{} shares of 1",
    }
    parts = [f"{text.widget_label(b.name)} {ways[b.prior].format(b.size)}" for b in blocks]
    return f"A code drawn at random: {', '.join(parts)}"


@st.fragment(key=Fragment.MOVES)
def _moves(name: str) -> None:
    """The buttons that move the code."""
    now = session.visit(name)
    info = session.info(name)
    rng = np.random.default_rng()

    def move(code: np.ndarray | Sequence[float], digit: int | None = None) -> None:
        now.move(code, digit)
        fragments.after_code_change()

    def undo() -> None:
        now.undo()
        fragments.after_code_change()

    def random() -> None:
        move(latent.sample_prior(info.blocks, 1, int(rng.integers(2**31)))[0])

    def choose() -> None:
        code = now.z
        code[info.class_dims] = np.eye(10)[st.session_state[f"digit-{name}"]]
        move(code)

    def reset() -> None:
        code = latent.origin(info.blocks)
        if info.class_dims:
            code[info.class_dims] = now.z[info.class_dims]  # the class stays
        move(code)

    def test_digit() -> None:
        move(*session.digit_place(name, int(rng.integers(len(session.encodings(name).labels)))))

    if info.class_dims:
        st.session_state[f"digit-{name}"] = int(now.z[info.class_dims].argmax())
        st.segmented_control(
            "Digit",
            range(10),
            key=f"digit-{name}",
            on_change=choose,
            required=True,
            label_visibility="collapsed",
        )
    with st.container(horizontal=True, key="code-buttons"):
        st.button("Reset", on_click=reset, help="All dimensions to 0")
        st.button("Random", on_click=random, help=random_help(info.blocks))
        st.button("Test digit", on_click=test_digit, help="The code of a test digit, at random")
        st.button("Undo", on_click=undo, disabled=not now.past, help="Back to the previous code")
