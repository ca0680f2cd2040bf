"""What surrounds the code: its traversals, and the decoded manifold."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import controls, images, session
from explorer.panels import maps
from vae import latent

STEPS, SHEET = 13, 20  # tiles of a traversal; tiles a side of the manifold


@st.fragment(key="sheets")
def panel(name: str) -> None:
    """Traversals and manifold around the code. They follow when the hand rests, not while it moves:
    they hold hundreds of digits where the picture holds one."""
    now = session.visit(name)
    info = session.info(name)
    controls.loading(name)
    model = session.model(name)
    strips, sheet = st.columns([1.5, 1], gap="large")
    dims = [d for d in info.order if info.active[d]]
    with strips:
        st.html(
            "<h3>Traversals</h3><p>Each row sweeps one dimension from -3 to 3 around the code.</p>"
        )
        sweeps = latent.traversals(now.z, dims, steps=STEPS)
        decoded = model.decode(sweeps.reshape(-1, info.dims)).reshape(len(dims), STEPS, 28, 28)
        rows = [
            f'<div class="strip"><span>z{dim + 1}</span>'
            f'<img src="{images.data_uri(images.tile(row, STEPS))}" alt="z{dim + 1} from -3 to 3">'
            f'<b style="left:calc(2.6rem + (100% - 2.6rem) * {_along(now.z[dim]):.4f})"></b></div>'
            for dim, row in zip(dims, decoded, strict=True)
        ]
        st.html(f'<div class="strips">{"".join(rows)}</div>')
    with sheet:
        x, y = maps.plane_dims(name)
        st.html(f"<h3>Manifold</h3><p>z{x + 1} to the right, z{y + 1} upwards, -3 to 3.</p>")
        codes = latent.grid(now.z, (x, y), SHEET)
        whole = images.tile(model.decode(codes), SHEET)
        st.html(f'<img class="sheet" src="{images.data_uri(whole)}" alt="the decoded manifold">')
    session.write_link(now)


def _along(value: float) -> float:
    """Where a value stands on a strip, 0 to 1; its tiles are centred on -3 to 3."""
    step = 6 / (STEPS - 1)
    return float(np.clip((value + 3 + step / 2) / (6 + step), 0, 1))
