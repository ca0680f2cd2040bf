"""The least that a slider can do: a fragment that says what it was told. A yardstick, served as the
app is, so that what is left between the two is the decoding, the picture and the map."""

import gc

import streamlit as st

from explorer import web
from explorer.components import latent_sliders


@st.fragment
def echo() -> None:
    """The app's own sliders, and their values as text instead of a picture."""
    values = latent_sliders(["z1", "z2"], [0.0, 0.0], key="sliders")
    st.html(f'<div class="stage-digit">{values}</div>')


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    echo()
    gc.freeze()
else:
    web.send_at_once()
    app = st.App(__file__, routes=web.routes())
