"""Sprite sheets of the test samples and of their reconstructions, for the thumbnails of the map.

A sheet is made when a browser first requests it.
"""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import streamlit as st

from explorer import assets, images, originals, session
from explorer.renderers import renderer
from vae.dataspec import DataSpec


def sheet_size(name: str) -> tuple[int, int]:
    """The numbers of columns and of tiles of a sheet of the model's samples."""
    spec = session.info(name).spec
    return renderer(spec).sheet_size(spec)


def sheets(name: str) -> dict[str, list[str]]:
    """URLs of the sheets by their kind: "original", "reconstruction"; "sample" of a model that
    cannot encode.

    Originals are left out where they are not loaded; the dict is empty where the app's own routes
    are not served.
    """
    found, spec = originals.originals(name), session.info(name).spec
    count, (_, tiles) = len(session.encodings(name).mean), sheet_size(name)
    decoded = "reconstruction" if session.info(name).encodes else "sample"
    makers = {decoded: partial(_reconstructions, name, spec)}
    if found is not None:
        makers = {"original": partial(_originals, found.samples, spec)} | makers
    version = _version(name)
    return {
        kind: [
            assets.publish_later(f"{version}-{start // tiles}/{kind}.webp", partial(make, start))
            for start in range(0, count, tiles)
        ]
        for kind, make in makers.items()
        if assets.is_served()
    }


@st.cache_resource(show_spinner=False, max_entries=64)
def _version(name: str) -> str:
    """The version of a model's sheets in their URLs: a digest of its codes."""
    what = f"{name} {sheet_size(name)}".encode() + session.encodings(name).mean.tobytes()
    return hashlib.sha256(what).hexdigest()[:20]


def _sheet(samples: np.ndarray, spec: DataSpec) -> bytes:
    shown = renderer(spec)
    return images.webp(shown.sheet(samples, shown.sheet_size(spec)[0]))


def _originals(samples: np.ndarray, spec: DataSpec, start: int) -> bytes:
    tiles = renderer(spec).sheet_size(spec)[1]
    return _sheet(samples[start : start + tiles], spec)


def _reconstructions(name: str, spec: DataSpec, start: int) -> bytes:
    tiles = renderer(spec).sheet_size(spec)[1]
    codes = session.encodings(name).mean[start : start + tiles]
    return _sheet(session.model(name).decode(codes), spec)
