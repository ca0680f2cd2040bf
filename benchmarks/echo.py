"""The least that a slider can do: a fragment that says what it was told. The benchmark's
yardstick."""

import gc

import streamlit as st

from explorer.components import latent_sliders

st.set_page_config(layout="wide")


@st.fragment
def echo() -> None:
    """The app's own sliders, and their values as text instead of a picture."""
    values = latent_sliders(["z1", "z2"], [0.0, 0.0], key="sliders")
    st.html(f'<div class="stage-digit">{values}</div>')


echo()
gc.freeze()
