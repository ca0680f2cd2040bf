"""Traversals of the current code, and the decoded manifold through it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from explorer import controls, fragments, images, link, session, text
from explorer.components import traversals
from explorer.fragments import Fragment
from explorer.panels import maps
from explorer.renderers import renderer
from vae import latent

STEPS, SHEET = 13, 20  # tiles of a traversal; tiles a side of the manifold


@st.fragment(key=Fragment.TRAVERSALS)
def panel(name: str) -> None:
    """Traversals and manifold around the code. They consist of hundreds of samples, so they rerun
    when a drag ends, not during it."""
    now = session.visit(name)
    info = session.info(name)
    model, shown = controls.model(name), renderer(info.spec)
    with st.container(key="traversals"):
        strips, sheet = st.columns([1.5, 1], gap="large")
    dims = [d for d in info.order if info.active[d]]
    with strips:
        st.html(
            f"<h3>Traversals</h3><p>Each row varies one dimension{_extent(name, dims)} around the "
            "code. Click a tile to set the code to it.</p>"
        )
        if dims:
            _strips(name, dims)
        else:
            st.caption("No dimension of this model is in use.")
    with sheet:
        x, y = maps.plane_dims(name)
        extent = _extent(name, [x, y]).replace(" from", ",")
        st.html(f"<h3>Manifold</h3><p>z{x + 1} to the right, z{y + 1} upwards{extent}.</p>")
        (left, right), (bottom, top) = controls.ranges(name, [x, y])
        codes = latent.grid(now.z, (x, y), SHEET, (left, right, bottom, top))
        whole = shown.sheet(model.pictures(codes), SHEET)
        st.html(f'<img class="sheet" src="{images.data_uri(whole)}" alt="the decoded manifold">')
    link.write(now)


def _strips(name: str, dims: list[int]) -> None:
    now, model = session.visit(name), controls.model(name)
    ranges, spec = controls.ranges(name, dims), model.info.spec
    rows = [
        latent.traversals(now.z, [dim], low, high, STEPS)[0]
        for dim, (low, high) in zip(dims, ranges, strict=True)
    ]
    drawn = renderer(spec).sheet(model.pictures(np.concatenate(rows)), STEPS)
    traversals.mount(
        images.png(drawn),
        STEPS,
        dims,
        now.z[dims].tolist(),
        key=_key(name),
        model=name,
        ranges=ranges,
        aspect=renderer(spec).aspect(spec),
        on_click=partial(_take_tile, name),
    )


def _extent(name: str, dims: Sequence[int]) -> str:
    """The range of the dimensions for a sentence; "" where they have several."""
    found = set(controls.ranges(name, dims))
    return f" from {text.of_range(*found.pop())}" if len(found) == 1 else ""


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
