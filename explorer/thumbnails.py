"""Sheets of all the test digits and of their reconstructions, for the thumbnails of the map.

They are made when a browser first asks for them: a visitor who never hovers over the map costs
nothing.
"""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import streamlit as st

from explorer import assets, images, session

COLUMNS = 100  # tiles a row


def originals(name: str) -> session.data.Digits | None:
    """MNIST's test digits, where they are at hand and the model's codes are theirs: a checkpoint
    that was encoded on other data has other digits."""
    arrival = session.mnist()
    arrival.wait(0.2)  # from a disk they come in no time
    digits = arrival.digits
    same = digits is not None and np.array_equal(digits.labels, session.encodings(name).labels)
    return digits if same else None


def sheets(name: str) -> dict[str, str]:
    """URLs of the sheets by what they show, COLUMNS tiles a row.

    There is none of originals that are not at hand, and none at all where the app's own routes are
    not served.
    """
    digits = originals(name)
    makers = {"reconstruction": partial(_reconstructions, name)}
    if digits is not None:
        makers = {"original": partial(_originals, digits.images)} | makers
    urls = {
        words: assets.publish_later(f"{_version(name)}/{words}.webp", make)
        for words, make in makers.items()
    }
    return {words: url for words, url in urls.items() if url}


@st.cache_resource(show_spinner=False)
def _version(name: str) -> str:
    """What a browser may keep a model's sheets under: other codes, other rows, another address."""
    what = f"{name} {COLUMNS}".encode() + session.encodings(name).mean.tobytes()
    return hashlib.sha256(what).hexdigest()[:20]


def _originals(digits: np.ndarray) -> bytes:
    return images.webp(images.tile(digits, COLUMNS))


def _reconstructions(name: str) -> bytes:
    return images.webp(
        images.tile(session.model(name).decode(session.encodings(name).mean), COLUMNS)
    )
