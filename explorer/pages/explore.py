"""Explore: the map, the sliders and the digit that the current code decodes to.

Four fragments: "hand" is the only one that may run while a hand moves (none does where the live
channel is open); "map", "moves" and "sheets" follow when it rests, by `controls.follow`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer import controls, session
from explorer.panels import current_code, maps, traversals
from vae import latent


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    info = session.info(name)
    if not info.abilities >= {"encodes", "decodes"}:
        st.info(f"{info.title} does not both encode and decode, so it has no map to explore.")
        return
    if len(info.order) < 2:
        st.info(f"{info.title} has one latent dimension, and a map takes two.")
        return
    session.visit(name)
    rows = len(current_code.banks(name)[0])
    st.html(f"<style>.st-key-scene {{ --rows: {rows}; }}</style>")  # room for the sliders
    with st.container(key="scene"):
        left, right = st.columns([1.5, 1], gap="large")
    with left:
        maps.panel(name)
    with right:
        stage = st.container()
        _moves(name)
    with stage:
        current_code.panel(name)  # after all others, for the first one waits for torch
    st.caption(info.description)
    traversals.panel(name)
    controls.mnist_line()


def drawn(blocks: Sequence[latent.LatentBlock]) -> str:
    """How Random draws, in words. Not "the prior's", for an autoencoder has none."""
    words = {
        "normal": "from N(0, 1)",
        "uniform": "from -1 to 1",
        "categorical": "any of {}",
        "simplex": "{} shares of 1",
    }
    parts = [f"{block.name} {words[block.prior].format(block.size)}" for block in blocks]
    return f"A code drawn at random: {', '.join(parts)}"


@st.fragment(key="moves")
def _moves(name: str) -> None:
    """The buttons that move the code."""
    now = session.visit(name)
    info = session.info(name)
    rng = np.random.default_rng()

    def move(place: tuple, digit: int | None = None) -> None:
        now.go(place, digit)
        controls.follow()

    def undo() -> None:
        now.undo()
        controls.follow()

    def random() -> None:
        move(tuple(latent.sample_prior(info.blocks, 1, int(rng.integers(2**31)))[0]))

    def choose() -> None:
        code = now.z
        code[info.digit] = np.eye(10)[st.session_state[f"digit-{name}"]]
        move(tuple(code))

    def reset() -> None:
        code = latent.origin(info.blocks)
        if info.digit:
            code[info.digit] = now.z[info.digit]  # in the middle of the prior, the same digit
        move(tuple(code))

    def test_digit() -> None:
        move(*session.digit_place(name, int(rng.integers(len(session.encodings(name).labels)))))

    if info.digit:
        st.session_state[f"digit-{name}"] = int(now.z[info.digit].argmax())
        st.segmented_control(
            "Digit",
            range(10),
            key=f"digit-{name}",
            on_change=choose,
            required=True,
            label_visibility="collapsed",
        )
    with st.container(horizontal=True, key="moves"):
        st.button("Reset", on_click=reset, help="All dimensions to 0")
        st.button("Random", on_click=random, help=drawn(info.blocks))
        st.button("Test digit", on_click=test_digit, help="The code of a test digit, at random")
        st.button("Undo", on_click=undo, disabled=not now.past, help="Back to the code before")
