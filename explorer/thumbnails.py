"""Sprite sheets of the test digits and of their reconstructions, for the thumbnails of the map.

A sheet is made when a browser first requests it.
"""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import streamlit as st

from explorer import assets, images, mnist_download, session
from vae.dataspec import Dataset

COLUMNS = 100  # tiles per row
# WebP allows 16,383 pixels per side, and a browser needs 31 MB for a sheet of this size.
TILES = 10_000  # per sheet


def originals(name: str) -> Dataset | None:
    """MNIST's test digits, None where they are not loaded or are not the images that the model's
    encodings belong to."""
    digits = mnist_download.digits()
    same = digits is not None and np.array_equal(digits.labels, session.encodings(name).labels)
    return digits if same else None


def sheets(name: str) -> dict[str, list[str]]:
    """URLs of the sheets, of TILES images each, by their kind: "original", "reconstruction".

    Originals are left out where they are not loaded; the dict is empty where the app's own routes
    are not served.
    """
    digits = originals(name)
    count = len(session.encodings(name).mean)
    makers = {"reconstruction": partial(_reconstructions, name)}
    if digits is not None:
        makers = {"original": partial(_originals, digits.samples)} | makers
    version = _version(name)
    return {
        kind: [
            assets.publish_later(f"{version}-{start // TILES}/{kind}.webp", partial(make, start))
            for start in range(0, count, TILES)
        ]
        for kind, make in makers.items()
        if assets.is_served()
    }


@st.cache_resource(show_spinner=False, max_entries=64)
def _version(name: str) -> str:
    """The version of a model's sheets in their URLs: a digest of its codes."""
    what = f"{name} {COLUMNS} {TILES}".encode() + session.encodings(name).mean.tobytes()
    return hashlib.sha256(what).hexdigest()[:20]


def _originals(digits: np.ndarray, start: int) -> bytes:
    return images.webp(images.tile(digits[start : start + TILES], COLUMNS))


def _reconstructions(name: str, start: int) -> bytes:
    codes = session.encodings(name).mean[start : start + TILES]
    return images.webp(images.tile(session.model(name).decode(codes), COLUMNS))
