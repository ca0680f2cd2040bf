"""A decoded code and the class shares shown beside it, for script runs and the live channel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer import session, text

NEIGHBOURS = 25


class DecodedCode(NamedTuple):
    """A decoded code."""

    picture: np.ndarray  # uint8 [28, 28]
    shares: np.ndarray  # [10], the classifier's probabilities or the nearest test digits' classes
    distance: float  # of the code from the origin, over its continuous dimensions
    engine: session.service.Engine


def title(name: str) -> str:
    """The heading of the shares."""
    if _has_class_block(name):
        return "Independent classifier"
    return f"Nearest {NEIGHBOURS} test digits"


def caption(name: str, digit: int | None) -> str:
    """The caption of the decoded digit: the test digit whose code it is, if any."""
    if digit is None:
        return "decoded from the current code"
    return text.numbered("test digit", digit, int(session.encodings(name).labels[digit]))


def _has_class_block(name: str) -> bool:
    return session.info(name).class_dims is not None and session.has_classifier()


def is_ready(name: str) -> bool:
    """Whether `decode` finds the model and the classifier in memory. Called for each request in the
    event loop."""
    if not session.is_ready(name):
        return False
    if session.info(name).class_dims is None or session.is_ready(session.service.CLASSIFIER):
        return True
    # the service's has_classifier: that of the session loads it; last, because it reads the disk
    return not session.service.has_classifier()


def decode(name: str, z: np.ndarray) -> DecodedCode:
    """Decode a code [Z]. Raises ValueError for a code of another size, NaN, infinity."""
    return decode_batch(name, z[None])[0]


def decode_batch(name: str, z: np.ndarray) -> list[DecodedCode]:
    """Decode codes [N, Z] in one pass. Raises as `decode`."""
    model, info = session.model(name), session.info(name)
    pictures = model.pictures_by_code(z)
    classifier = session.classifier() if info.class_dims is not None else None
    if classifier:
        shares = classifier.classify(pictures / np.float32(255))
    else:
        shares = _nearest_classes(name, z)
    distances = np.linalg.norm(z[:, list(info.order)], axis=1).tolist()
    engine = model.engine()
    return [DecodedCode(*each, engine) for each in zip(pictures, shares, distances, strict=True)]


def _nearest_classes(name: str, z: np.ndarray) -> np.ndarray:
    """Share of each class among the test digits whose codes lie nearest to z [N, Z], [N, 10].

    Digits without a label (-1) count among the nearest, but have no share.
    """
    distances = session.relative_distances(name, z)
    count = min(NEIGHBOURS, distances.shape[1])
    nearest = distances.argpartition(count - 1, axis=1)[:, :count]
    labels = session.encodings(name).labels[nearest]
    return (labels[:, :, None] == np.arange(10)).mean(axis=1)
