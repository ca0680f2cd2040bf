"""Traversals of the current code, the decoded manifold through it, and the sheet code x style."""

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
from vae.latent import LatentBlock

STEPS, SHEET = 13, 20  # tiles of a traversal; tiles a side of the manifold
MOST_ROWS = 26  # values of a categorical block that a sheet has rows for
FEW_STRIPS = 6  # strips that are lower than the manifold beside them


@st.fragment(key=Fragment.TRAVERSALS)
def panel(name: str) -> None:
    """Traversals, manifold and code x style around the code. They consist of hundreds of samples,
    so they rerun when a drag ends, not during it."""
    now = session.visit(name)
    info = session.info(name)
    controls.model(name)
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
        _manifold(name)
    found = _rows(name)
    if found and dims:
        with strips if len(dims) <= FEW_STRIPS else sheet:
            _code_by_style(name, *found, dims)
    link.write(now)


def _manifold(name: str) -> None:
    now, spec = session.visit(name), session.info(name).spec
    x, y = maps.plane_dims(name)
    extent = _extent(name, [x, y]).replace(" from", ",")
    across, up = (text.html(controls.dim_names(name)[d]) for d in (x, y))
    st.html(f"<h3>Manifold</h3><p>{across} to the right, {up} upwards{extent}.</p>")
    (left, right), (bottom, top) = controls.ranges(name, [x, y])
    codes = latent.grid(now.z, (x, y), SHEET, (left, right, bottom, top))
    whole = renderer(spec).sheet(session.model(name).pictures(codes), SHEET)
    st.html(f'<img class="sheet" src="{images.data_uri(whole)}" alt="the decoded manifold">')


def _strips(name: str, dims: list[int]) -> None:
    now, key = session.visit(name), f"traversals-{name}"
    ranges = controls.ranges(name, dims)
    rows = [
        latent.traversals(now.z, [dim], low, high, STEPS)[0]
        for dim, (low, high) in zip(dims, ranges, strict=True)
    ]
    traversals.mount(
        _drawn(name, rows),
        STEPS,
        dims,
        now.z[dims].tolist(),
        names=[controls.dim_names(name)[d] for d in dims],
        key=key,
        model=name,
        ranges=ranges,
        aspect=_aspect(name),
        on_click=partial(_take_tile, name, key),
    )


# --- code x style -------------------------------------------------------------------------------


def _rows(name: str) -> tuple[LatentBlock, slice] | None:
    """The first categorical block of the code, with its dimensions; None where there is none, or
    too many values for a sheet."""
    blocks = session.info(name).blocks
    return next(
        (
            (block, where)
            for block, where in zip(blocks, latent.slices(blocks), strict=True)
            if block.prior == "categorical"
            and block.role != "noise"
            and block.steps == 1
            and block.size <= MOST_ROWS
        ),
        None,
    )


def _code_by_style(name: str, block: LatentBlock, where: slice, dims: list[int]) -> None:
    """A sheet: the values of a categorical block by a sweep of one dimension, both chosen."""
    now, spec, key = session.visit(name), session.info(name).spec, f"code-by-style-{name}"
    names = controls.dim_names(name)
    rows = controls.choices(block, spec)
    what = text.class_noun(spec) if block.role == "class" else text.inert(block.name)
    st.html(
        f"<h3>{text.html(what.capitalize())} and style</h3><p>Each row has another "
        f"{text.html(what)}; its columns vary the dimension chosen here. Click a tile to set the "
        "code to it.</p>"
    )
    dim = st.selectbox(
        "Style dimension",
        dims,
        format_func=names.__getitem__,
        key=f"style-dim-{name}",
        width=190,
        label_visibility="collapsed",
        persist_state="session",
    )
    (low, high) = controls.ranges(name, [dim])[0]
    codes = np.repeat(latent.traversals(now.z, [dim], low, high, STEPS), block.size, axis=0)
    codes[:, :, where] = np.eye(block.size)[:, None]
    traversals.mount(
        _drawn(name, list(codes)),
        STEPS,
        [dim] * block.size,
        [float(now.z[dim])] * block.size,
        names=rows,
        key=key,
        model=name,
        ranges=[(low, high)] * block.size,
        aspect=_aspect(name),
        choice=traversals.Choice(list(range(where.start, where.stop)), int(now.z[where].argmax())),
        column=names[dim],
        on_click=partial(_take_tile, name, key, where),
    )


def _drawn(name: str, rows: Sequence[np.ndarray]) -> bytes:
    """PNG of rows of codes [STEPS, Z]."""
    pictures = session.model(name).pictures(np.concatenate(rows))
    return images.png(renderer(session.info(name).spec).sheet(pictures, STEPS))


def _aspect(name: str) -> float:
    spec = session.info(name).spec
    return renderer(spec).aspect(spec)


def _extent(name: str, dims: Sequence[int]) -> str:
    """The range of the dimensions for a sentence; "" where they have several."""
    found = set(controls.ranges(name, dims))
    return f" from {text.of_range(*found.pop())}" if len(found) == 1 else ""


def _take_tile(name: str, key: str, choice: slice | None = None) -> None:
    """Set the code to a tile; its row is the value of the categorical block `choice`, if any."""
    click = traversals.pending_tile(key)
    now = session.visit(name)
    if click is None or not 0 <= click.dim < len(now.z):
        return
    code = now.z
    code[click.dim] = click.value
    if choice is not None:
        values = choice.stop - choice.start
        code[choice] = np.eye(values)[min(max(click.row, 0), values - 1)]
    now.move(code)
    fragments.after_code_change()
