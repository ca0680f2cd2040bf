"""Traversals of the current code, and the decoded manifold through it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from explorer import controls, fragments, images, link, session
from explorer.components import traversals
from explorer.fragments import Fragment
from explorer.panels import maps
from vae import latent

LOW, HIGH = -3.0, 3.0  # of a traversal
STEPS, SHEET = 13, 20  # tiles of a traversal; tiles a side of the manifold


@st.fragment(key=Fragment.TRAVERSALS)
def panel(name: str) -> None:
    """Traversals and manifold around the code. They consist of hundreds of digits, so they rerun
    when a drag ends, not during it."""
    now = session.visit(name)
    info = session.info(name)
    model = controls.model(name)
    with st.container(key="traversals"):
        strips, sheet = st.columns([1.5, 1], gap="large")
    dims = [d for d in info.order if info.active[d]]
    with strips:
        st.html(
            "<h3>Traversals</h3><p>Each row varies one dimension from -3 to 3 around the code. "
            "Click a tile to set the code to it.</p>"
        )
        if dims:
            _strips(name, dims)
        else:
            st.caption("No dimension of this model is in use.")
    with sheet:
        x, y = maps.plane_dims(name)
        st.html(f"<h3>Manifold</h3><p>z{x + 1} to the right, z{y + 1} upwards, -3 to 3.</p>")
        codes = latent.grid(now.z, (x, y), SHEET)
        whole = images.tile(model.pictures(codes), SHEET)
        st.html(f'<img class="sheet" src="{images.data_uri(whole)}" alt="the decoded manifold">')
    link.write(now)


def _strips(name: str, dims: list[int]) -> None:
    now, model = session.visit(name), controls.model(name)
    codes = latent.traversals(now.z, dims, LOW, HIGH, STEPS)
    drawn = model.pictures(codes.reshape(-1, model.info.dims))
    traversals.mount(
        images.png(images.tile(drawn, STEPS)),
        STEPS,
        dims,
        now.z[dims].tolist(),
        key=_key(name),
        model=name,
        low=LOW,
        high=HIGH,
        on_click=partial(_take_tile, name),
    )


def _key(name: str) -> str:
    return f"traversals-{name}"


def _take_tile(name: str) -> None:
    click = traversals.pending_tile(_key(name))
    now = session.visit(name)
    if click is None or not 0 <= click.dim < len(now.z):
        return
    code = now.z
    code[click.dim] = click.value
    now.move(code)
    fragments.after_code_change()
