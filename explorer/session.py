"""Models and data that all visitors share, and the state of this visitor's session.

The only module of the interface that imports the inference service.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer.visit import Place, Visit
from vae import latent, service
from vae.service import CheckpointError, Encodings, History, Model, ModelInfo

RETRY = 10  # s after which a damaged classifier is read again


def model(name: str) -> Model:
    """The model, loaded once for all visitors; the service bounds the memory of all models.

    Raises ValueError for an unknown name, CheckpointError for weights that are missing or damaged.
    """
    is_new = not service.is_loaded(name)
    loaded = service.load(name)
    if is_new:
        gc.freeze()
    return loaded


class _Classifier(NamedTuple):
    model: Model | None
    fault: str  # why it cannot be used; "" where it can, or none is shipped


@st.cache_resource(show_spinner=False, ttl=RETRY)
def _classifier() -> _Classifier:
    if not service.has_classifier():
        return _Classifier(None, "")
    try:
        return _Classifier(model(service.CLASSIFIER), "")
    except CheckpointError as error:
        return _Classifier(None, str(error))


def is_judged(name: str) -> bool:
    """Whether samples of a model may be classified: a classifier of the same classes and shape is
    shipped. Needs no torch."""
    try:
        return service.knows_classes(info(name).spec)
    except CheckpointError:
        return True  # `classifier_fault` says why it cannot be used


def classifier(name: str) -> Model | None:
    """The independent classifier for samples of a model; None where none is shipped for such
    samples, or its checkpoint is damaged."""
    return _classifier().model if is_judged(name) else None


def classifier_fault() -> str:
    """Why the shipped classifier cannot be used; "" where it can, or none is shipped."""
    return _classifier().fault


def has_classifier(name: str) -> bool:
    """Whether `classifier` returns one."""
    return classifier(name) is not None


@st.cache_resource(show_spinner=False, max_entries=16)  # some 0.3 MB each
def history(name: str) -> History:
    """The samples and the losses of each epoch of a training; needs no torch. Raises as
    `encodings`."""
    return service.history(name)


def is_ready(name: str) -> bool:
    """Whether the model is in memory."""
    return service.is_loaded(name)


def names() -> tuple[list[str], list[str]]:
    """The names of the usable models, and a sentence for each model that is left out."""
    usable, faults = [], []
    for name in service.names():
        try:
            service.info(name)
            usable.append(name)
        except CheckpointError as error:
            faults.append(str(error))
    return usable, faults


def info(name: str) -> ModelInfo:
    """Title, dimensions and figures of a model; needs no torch. Raises as `encodings`."""
    return service.info(name)


def encodings(name: str) -> Encodings:
    """The encoded test samples; needs no torch.

    Raises ValueError for an unknown name, CheckpointError for a missing or damaged file.
    """
    return service.encodings(name)


def relative_distances(name: str, z: np.ndarray) -> np.ndarray:
    """Squared distances [*N, M] of the M test samples' codes from z [*N, Z], minus |z|^2, which
    does not change their order."""
    return _squares(name) - 2 * (z @ encodings(name).mean.T)


@lru_cache(maxsize=16)
def _squares(name: str) -> np.ndarray:
    return np.square(encodings(name).mean).sum(axis=1)


def current_visit() -> Visit | None:
    """This visitor's state, None before a model was chosen."""
    current = st.session_state.get("visit")
    return current if isinstance(current, Visit) else None


def visit(name: str) -> Visit:
    """This visitor's state, with the model `name`; a change of the model keeps the test sample
    where both models have the same data."""
    current = current_visit()
    if current is None:
        current = st.session_state["visit"] = Visit(name, _origin(name))
    elif current.model != name:
        kept = current.place.sample if _have_same_data(current.model, name) else None
        current.model = name
        current.start(_origin(name) if kept is None else _kept_place(name, kept))
    return current


def _have_same_data(one: str, other: str) -> bool:
    try:
        a, b = info(one), info(other)
    except ValueError:  # the files of one were removed meanwhile
        return False
    same = (a.data, a.options, a.spec) == (b.data, b.options, b.spec)
    return same and a.encodes and b.encodes


def _origin(name: str) -> Place:
    """The first place: the prior's mean, or a sample of the prior where these are on the map, as a
    GAN is trained on draws and its mean is none."""
    if not info(name).encodes and "decodes" in info(name).abilities:
        with suppress(ValueError):  # a damaged file; the page says so
            return sample_place(name, 0)
    return Place.at(latent.first_code(info(name).blocks))


def _kept_place(name: str, index: int) -> Place:
    try:
        return sample_place(name, index)
    except ValueError:  # this model has encodings of fewer samples, or none
        return _origin(name)


def sample_place(name: str, index: int) -> Place:
    """The code of a test sample. Raises ValueError for an index beyond the test set."""
    mean = encodings(name).mean
    if not 0 <= index < len(mean):
        noun = info(name).code_noun
        raise ValueError(f"there is no {noun} {index}; choose one from 0 to {len(mean) - 1:,}")
    return Place.at(mean[index], index)
