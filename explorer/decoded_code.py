"""What a code decodes to, and what is said beside it: for a run of the script and for the live
channel alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer import session, text

NEIGHBOURS = 25


class DecodedCode(NamedTuple):
    """A decoded code."""

    picture: np.ndarray  # uint8 [28, 28]
    shares: np.ndarray  # [10], of the classifier's word or of the nearest test digits
    distance: float  # of the code from the centre, the digit of a code aside
    engine: session.service.Engine


def title(name: str) -> str:
    """What the shares are."""
    return "What an independent classifier sees" if _has_class_block(name) else "What lies near"


def caption(name: str, digit: int | None) -> str:
    """What a code is: that of a test digit, or one that a hand has set."""
    if digit is None:
        return "decoded from the sliders"
    return text.numbered("test digit", digit, int(session.encodings(name).labels[digit]))


def _has_class_block(name: str) -> bool:
    return session.info(name).digit is not None and session.has_classifier()


def decode(name: str, z: np.ndarray) -> DecodedCode:
    """The portrait of a code z [Z]. Raises ValueError for a code of another size, NaN, infinity."""
    model = session.model(name)
    picture = model.pictures(z[None])[0]
    classifier = session.classifier() if session.info(name).digit is not None else None
    shares = (
        classifier.classify(picture[None] / np.float32(255))[0] if classifier else _near(name, z)
    )
    distance = float(np.linalg.norm(z[list(session.info(name).order)]))
    return DecodedCode(picture, shares, distance, model.engine())


def _near(name: str, z: np.ndarray) -> np.ndarray:
    """Share of each digit among the test digits whose codes lie nearest, [10]."""
    far = session.remoteness(name, z)
    count = min(NEIGHBOURS, len(far))
    nearest = far.argpartition(count - 1)[:count]
    labels = session.encodings(name).labels[nearest]
    return np.bincount(labels[labels != text.UNLABELLED], minlength=10) / count
