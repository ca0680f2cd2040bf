"""The router: the page's header, the choice of the model, and the page of the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from explorer import link, session, text
from explorer.pages import explore, generate, reconstruct

PAGES = {
    "Explore": explore.render,
    "Reconstruct": reconstruct.render,
    "Generate": generate.render,
}
SUMMARY = "The latent space of generative models: change a code, and see what it decodes to."
ICON = Path(__file__).parents[1] / "assets" / "icon.svg"
STYLE = Path(__file__).with_name("style.css")


def main() -> None:
    """Run the script once. The header is drawn before torch is imported."""
    # an "About" entry makes Streamlit show its menu, which has the choice of light and dark
    st.set_page_config(
        "Latent Explorer", page_icon=ICON, layout="wide", menu_items={"About": SUMMARY}
    )
    st.html(STYLE)
    offered, faults = session.names()
    for fault in faults:
        st.warning(f"A model was left out: {text.quoted(fault, text.SENTENCE)}")
    if not offered:
        st.error(
            "There is no model to explore. Train one with: python -m vae train vae-2d, "
            "then: python -m vae export runs/vae-2d vae-2d"
        )
        return
    link.read(offered)
    pages = [
        st.Page(partial(_run, render), title=title, url_path=title.lower(), default=not index)
        for index, (title, render) in enumerate(PAGES.items())
    ]
    page = st.navigation(pages, position="top")
    with st.container(horizontal=True, vertical_alignment="bottom", key="header"):
        st.html(f"<h1>Latent Explorer</h1><p>{SUMMARY}</p>")
        st.selectbox(
            "Model",
            offered,
            key="model",
            format_func=titles(offered).__getitem__,
            width=230,
            label_visibility="collapsed",
            on_change=partial(st.session_state.update, chosen=True),
            persist_state="session",  # st.switch_page would reset the choice
        )
    page.run()


def titles(names: list[str]) -> dict[str, str]:
    """The titles of models, each different: the browser identifies an option by its text."""
    found = {name: text.inert(session.info(name).title) for name in names}
    counts = Counter(found.values())
    return {
        name: title if counts[title] == 1 else f"{title} ({text.inert(name)})"
        for name, title in found.items()
    }


def _run(render: Callable[[str], None]) -> None:
    render(st.session_state["model"])
