"""Explore: the map, the sliders and the sample that the current code decodes to.

Of its four fragments only `Fragment.CODE` runs during a drag, and only where the live channel is
closed; the others rerun when the drag ends, by `fragments.after_code_change`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from explorer import controls, fragments, session, text
from explorer.fragments import Fragment
from explorer.panels import current_code, maps, traversals
from vae import latent
from vae.latent import LatentBlock

MAX_BUTTONS = 10  # choices of a block that are shown as buttons; more are a list


def render(name: str) -> None:
    """Draw the page for the model `name`."""
    info = session.info(name)
    if "decodes" not in info.abilities:
        st.info(f"{text.quoted(info.title)} does not decode, so it has no map.")
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
    controls.originals_line(name)


def random_help(blocks: Sequence[LatentBlock]) -> str:
    """The help of the button Random. It avoids "prior", because an autoencoder has none."""

    def way(block: LatentBlock) -> str:
        ways = {
            "normal": "from N(0, 1)",
            "uniform": f"from {text.of_range(*block.limits)}",
            "categorical": f"any of {block.size}",
            "simplex": f"{block.size} shares of 1",
        }
        return ways[block.prior]

    parts = [f"{text.widget_label(block.name)} {way(block)}" for block in blocks]
    return f"A code drawn at random: {', '.join(parts)}"


@st.fragment(key=Fragment.MOVES)
def _moves(name: str) -> None:
    """The controls that move the code."""
    now = session.visit(name)
    info = session.info(name)
    rng, noise = np.random.default_rng(), list(latent.noise_dims(info.blocks))

    def move(code: np.ndarray | Sequence[float], sample: int | None = None) -> None:
        now.move(code, sample)
        fragments.after_code_change()

    def undo() -> None:
        now.undo()
        fragments.after_code_change()

    def random() -> None:
        if info.encodes:
            move(latent.sample_prior(info.blocks, 1, int(rng.integers(2**31)))[0])
        else:  # the points of the map are draws from the prior
            test_sample()

    def reset() -> None:
        code, kept = latent.origin(info.blocks), now.z
        for block, where in zip(info.blocks, latent.slices(info.blocks), strict=True):
            if not block.is_continuous or block.role == "noise":  # the class stays
                code[where] = kept[where]
        move(code)

    def new_noise() -> None:
        current_code.take_sliders(name)
        code = now.z
        code[noise] = latent.sample_prior(info.blocks, 1, int(rng.integers(2**31)))[0, noise]
        move(code)

    def test_sample() -> None:
        move(*session.sample_place(name, int(rng.integers(len(session.encodings(name).labels)))))

    for block, where in zip(info.blocks, latent.slices(info.blocks), strict=True):
        if block.prior == "categorical" and block.role != "noise" and block.steps == 1:
            _choice(name, block, where, move)
    with st.container(horizontal=True, key="code-buttons"):
        kept = "; the noise stays" if noise else ""
        st.button("Reset", on_click=reset, help=f"All dimensions to the prior's mean{kept}")
        st.button("Random", on_click=random, help=random_help(info.blocks))
        if info.encodes:
            st.button(
                info.code_noun.capitalize(),
                on_click=test_sample,
                help=f"The code of {text.with_article(info.code_noun)}, at random",
                key="test-sample",
            )
        if noise:
            st.button("New noise", on_click=new_noise, help=controls.noise_help(len(noise)))
        st.button("Undo", on_click=undo, disabled=not now.past, help="Back to the previous code")


def _choice(
    name: str, block: LatentBlock, where: slice, move: Callable[[np.ndarray], None]
) -> None:
    """The choice of a categorical block's value."""
    now, spec = session.visit(name), session.info(name).spec
    names = controls.choices(block, spec)
    few = len(names) <= MAX_BUTTONS and text.are_short(names)
    key = f"{'value' if few else 'listed'}-{block.name}-{name}"

    def choose() -> None:
        current_code.take_sliders(name)
        code = now.z
        code[where] = np.eye(block.size)[st.session_state[key]]
        move(code)

    st.session_state[key] = int(now.z[where].argmax())
    label = text.class_noun(spec).capitalize() if block.role == "class" else block.name
    options: dict[str, Any] = {
        "label": text.widget_label(label),
        "options": range(block.size),
        # buttons read Markdown, a list does not
        "format_func": lambda value: text.widget_label(names[value]) if few else names[value],
        "key": key,
        "on_change": choose,
        "label_visibility": "collapsed",
    }
    if few:
        st.segmented_control(**options, required=True)
    else:
        st.selectbox(**options)
