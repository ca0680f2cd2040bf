"""What surrounds the code: its traversals, and the decoded manifold."""

from __future__ import annotations

from functools import partial

import streamlit as st

from explorer import controls, images, session
from explorer.components import traversals
from explorer.panels import maps
from vae import latent

LOW, HIGH = -3.0, 3.0  # of a traversal
STEPS, SHEET = 13, 20  # tiles of a traversal; tiles a side of the manifold


@st.fragment(key="sheets")
def panel(name: str) -> None:
    """Traversals and manifold around the code. They follow when the hand rests, not while it moves:
    they hold hundreds of digits where the picture holds one."""
    now = session.visit(name)
    info = session.info(name)
    controls.loading(name)
    model = session.model(name)
    with st.container(key="surroundings"):
        strips, sheet = st.columns([1.5, 1], gap="large")
    dims = [d for d in info.order if info.active[d]]
    with strips:
        st.html(
            "<h3>Traversals</h3><p>Each row sweeps one dimension from -3 to 3 around the code. "
            "Press a tile to go there.</p>"
        )
        if dims:
            _sweep(name, dims)
        else:
            st.caption("No dimension of this model is in use.")
    with sheet:
        x, y = maps.plane_dims(name)
        st.html(f"<h3>Manifold</h3><p>z{x + 1} to the right, z{y + 1} upwards, -3 to 3.</p>")
        codes = latent.grid(now.z, (x, y), SHEET)
        whole = images.tile(model.pictures(codes), SHEET)
        st.html(f'<img class="sheet" src="{images.data_uri(whole)}" alt="the decoded manifold">')
    session.write_link(now)


def _sweep(name: str, dims: list[int]) -> None:
    now, model = session.visit(name), session.model(name)
    sweeps = latent.traversals(now.z, dims, LOW, HIGH, STEPS)
    drawn = model.pictures(sweeps.reshape(-1, model.info.dims))
    traversals.mount(
        images.png(images.tile(drawn, STEPS)),
        STEPS,
        dims,
        now.z[dims].tolist(),
        key=_key(name),
        model=name,
        low=LOW,
        high=HIGH,
        on_press=partial(_take_tile, name),
    )


def _key(name: str) -> str:
    return f"traversals-{name}"


def _take_tile(name: str) -> None:
    press = traversals.pending_tile(_key(name))
    now = session.visit(name)
    if press is None or not 0 <= press.dim < len(now.z):
        return
    code = now.z
    code[press.dim] = press.value
    now.go(tuple(code))
    controls.follow()
