"""A decoded code and the class shares shown beside it, for script runs and the live channel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from explorer import session, text
from explorer.renderers import renderer
from vae import latent

NEIGHBOURS = 25


class DecodedCode(NamedTuple):
    """A decoded code."""

    picture: np.ndarray  # uint8 [*spec.array_shape]
    # by class: the independent classifier's probabilities, or the shares among the nearest test
    # samples; empty where neither is known
    shares: np.ndarray
    distance: float  # of the code from the prior's centre, over its continuous dimensions
    engine: session.service.Engine

    def as_json(self, name: str) -> dict[str, Any]:
        """The decoded code for the browser, used by script runs and the live channel."""
        return {
            **renderer(session.info(name).spec).view(self.picture),
            "shares": [round(share, 3) for share in self.shares.tolist()],
            "distance": round(self.distance, 3),
            "decode_ms": self.engine.decode_ms,
            "hit_rate": round(self.engine.cache.hit_rate, 3),
        }


def title(name: str) -> str:
    """The heading of the shares; "" where there are none."""
    info = session.info(name)
    if _is_classified(name):
        return "Independent classifier"
    return f"Nearest {NEIGHBOURS} test {info.spec.nouns}" if _has_neighbours(name) else ""


def caption(name: str, sample: int | None) -> str:
    """The caption of the decoded sample: the test sample whose code it is, if any."""
    if sample is None:
        return "decoded from the current code"
    info, codes = session.info(name), session.encodings(name)
    known = codes.names[sample] if codes.names else ""
    return text.numbered(info.code_noun, sample, int(codes.labels[sample]), info.spec, known)


def _asks_classifier(name: str) -> bool:
    """Whether the classifier is asked about decoded samples: those of a class that was asked for,
    of a model without codes of test samples, and of a GAN."""
    info = session.info(name)
    return info.class_dims is not None or info.implicit or not info.encodes


def _is_classified(name: str) -> bool:
    return _asks_classifier(name) and session.has_classifier(name)


def _has_neighbours(name: str) -> bool:
    info = session.info(name)
    return "encodes" in info.abilities and len(info.spec.classes) > 0


def is_ready(name: str) -> bool:
    """Whether `decode` finds the model and the classifier in memory. Called for each request in the
    event loop."""
    if not session.is_ready(name):
        return False
    if not _asks_classifier(name) or session.is_ready(session.service.CLASSIFIER):
        return True
    # not has_classifier of the session, which loads it
    return not session.is_judged(name)


def decode(name: str, z: np.ndarray) -> DecodedCode:
    """Decode a code [Z]. Raises ValueError for a code of another size, NaN, infinity."""
    return decode_batch(name, z[None])[0]


def decode_batch(name: str, z: np.ndarray) -> list[DecodedCode]:
    """Decode codes [N, Z] in one pass. Raises as `decode`."""
    model, info = session.model(name), session.info(name)
    pictures = model.pictures_by_code(z)
    classifier = session.classifier(name) if _asks_classifier(name) else None
    if classifier:
        shares = classifier.classify(pictures / np.float32(255))
    elif _has_neighbours(name):
        shares = _nearest_classes(name, z)
    else:
        shares = np.empty((len(z), 0))
    dims = list(info.order)
    distances = np.linalg.norm(z[:, dims] - latent.origin(info.blocks)[dims], axis=1).tolist()
    engine = model.engine()
    return [DecodedCode(*each, engine) for each in zip(pictures, shares, distances, strict=True)]


def _nearest_classes(name: str, z: np.ndarray) -> np.ndarray:
    """Share of each class among the test samples whose codes lie nearest to z [N, Z], [N, classes].

    Samples without a label (-1) count among the nearest, but have no share.
    """
    distances = session.relative_distances(name, z)
    count = min(NEIGHBOURS, distances.shape[1])
    nearest = distances.argpartition(count - 1, axis=1)[:, :count]
    labels = session.encodings(name).labels[nearest]
    classes = np.arange(len(session.info(name).spec.classes))
    return (labels[:, :, None] == classes).mean(axis=1)
