"""What lasts beyond one run: models and data shared by all visitors, each visitor's state, and the
link that holds it. The only room of the interface that opens the door to the models."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer import link
from vae import data, latent, service
from vae.service import Encodings, History, Model, ModelInfo

UNDO = 50  # steps back that are kept
LINKED = ("model", "z", "digit")  # what the address holds besides the page


class Place(NamedTuple):
    """A code, and the test digit that it is the code of, if it is one's."""

    z: tuple[float, ...]
    digit: int | None

    @classmethod
    def at(cls, z: np.ndarray | Sequence[float], digit: int | None = None) -> Place:
        """The place of a code, to as many decimals as a link has."""
        return cls(tuple(round(float(v), 4) for v in z), digit)


@dataclass
class Visit:
    """A visitor's state. `revision` grows whenever the code changes by other than the sliders."""

    model: str
    place: Place
    revision: int = 0
    rested: Place = field(init=False)  # where the code last came to rest
    past: list[Place] = field(default_factory=list)  # where it rested before
    link: dict[str, str] = field(default_factory=dict)  # the query as it was last written or read

    def __post_init__(self) -> None:
        self.rested = self.place

    @property
    def z(self) -> np.ndarray:
        """The code, float32 [Z]."""
        return np.array(self.place.z, np.float32)

    def begin(self, place: Place) -> None:
        """Stand at a place from which nothing leads back: the first one, another model's."""
        self.place = self.rested = place
        self.past = []
        self.revision += 1

    def go(self, z: np.ndarray | tuple[float, ...], digit: int | None = None) -> None:
        """Move the code from Python: a press on the map, a button, a link."""
        self.place = Place.at(z, digit)
        self.revision += 1
        self.rest()

    def move(self, z: np.ndarray | tuple[float, ...]) -> None:
        """Move the code from Python while a hand is on it: it comes to rest later."""
        self.place = Place.at(z)
        self.revision += 1

    def follow(self, z: list[float]) -> None:
        """Take the code from the sliders, whose values are already on the screen."""
        here = Place.at(z)
        if here.z != self.place.z:
            self.place = here

    def rest(self) -> None:
        """The hand has let go: from here, `undo` leads back to where the code rested before."""
        if self.place != self.rested:
            self.past = [*self.past, self.rested][-UNDO:]
            self.rested = self.place

    def undo(self) -> None:
        """Back to where the code rested before."""
        if self.past:
            self.place = self.rested = self.past.pop()
            self.revision += 1


def model(name: str) -> Model:
    """The model, loaded once for all visitors; the service bounds how many stay in memory.

    Where .streamlit/config.toml is not read, Streamlit collects garbage after every run: 0.1 s with
    torch's objects, so these are frozen. (Not collected before: the first picture would wait.)
    """
    is_new = not service.is_loaded(name)
    loaded = service.load(name)
    if is_new:
        gc.freeze()
    return loaded


def classifier() -> Model | None:
    """The classifier that says what drawn digits are; None where none is shipped."""
    return model(service.CLASSIFIER) if service.has_classifier() else None


def has_classifier() -> bool:
    """Whether there is one; needs no torch."""
    return service.has_classifier()


@st.cache_resource(show_spinner=False)
def history(name: str) -> History:
    """How a model's training went: the sheet of each epoch and the loss curves. No torch."""
    return service.history(name)


def is_ready(name: str) -> bool:
    """Whether the model is loaded, so that a decode takes no longer than a decode."""
    return service.is_loaded(name)


def names() -> tuple[list[str], list[str]]:
    """The models on offer, and what is wrong with those that cannot be."""
    usable, faults = [], []
    for name in service.names():
        try:
            service.info(name)
            usable.append(name)
        except service.CheckpointError as error:
            faults.append(str(error))
    return usable, faults


def info(name: str) -> ModelInfo:
    """Title, dimensions and figures of a model; needs no torch."""
    return service.info(name)


def encodings(name: str) -> Encodings:
    """The codes of the test digits; needs no torch."""
    return service.encodings(name)


def remoteness(name: str, z: np.ndarray) -> np.ndarray:
    """Squared distances [*N, M] of the M test digits' codes from z [*N, Z], less |z|^2, which is
    the same for all."""
    return _squares(name) - 2 * (z @ encodings(name).mean.T)


@lru_cache(maxsize=16)
def _squares(name: str) -> np.ndarray:
    return np.square(encodings(name).mean).sum(axis=1)


def visit(name: str) -> Visit:
    """This visitor's state with model `name` chosen; a change of model keeps the test digit."""
    current = st.session_state.get("visit")
    if not isinstance(current, Visit):
        current = st.session_state["visit"] = Visit(name, _origin(name))
    elif current.model != name:
        kept = current.place.digit
        current.model = name
        current.begin(_origin(name) if kept is None else digit_place(name, kept))
    return current


def _origin(name: str) -> Place:
    return Place.at(latent.origin(info(name).blocks))


def digit_place(name: str, index: int) -> Place:
    """The code of a test digit. Raises ValueError for an index beyond the test set."""
    mean = encodings(name).mean
    if not 0 <= index < len(mean):
        raise ValueError(f"there is no test digit {index}; they count from 0 to {len(mean) - 1:,}")
    return Place.at(mean[index], index)


# --- the link -----------------------------------------------------------------------------------


def read_link(offered: list[str]) -> None:
    """Choose the model and the code that the address asks for, once for each address.

    Called before the model's choice is drawn. A query that differs from the last one written is a
    new link, or the browser's back button. What it misstates is said on the page and left out.
    """
    query = {key: st.query_params[key] for key in LINKED if key in st.query_params}
    current = st.session_state.get("visit")
    chosen = st.session_state.pop("chosen", False)  # later than a link that is on its way
    if isinstance(current, Visit) and (chosen or not query or query == current.link):
        return
    name = query.get("model", offered[0])
    if name not in offered:
        asked = link.brief(name)
        st.warning(f"The link asks for model `{asked}`; on offer are {', '.join(offered)}.")
        name = offered[0]
    st.session_state["model"] = name
    arrived = not isinstance(current, Visit) or current.model != name
    now = visit(name)
    now.link = query
    try:
        place = _linked(query, name)
    except ValueError as error:
        st.warning(f"The link's code was left out: {error}. Mend the address, or go on from here.")
        return
    if place is None:
        return
    if arrived:
        now.begin(place)
    else:
        now.go(*place)


def _linked(query: dict[str, str], name: str) -> Place | None:
    """The place that a link asks for, if it asks for one."""
    if "digit" in query:
        return digit_place(name, link.index(query["digit"], len(encodings(name).labels)))
    if "z" in query:
        return Place.at(link.code(query["z"], info(name).dims, info(name).digit))
    return None


def write_link(now: Visit) -> None:
    """Put the state into the address bar, where it differs.

    What is read of the address is what it was when this run was asked for: a link that was written
    since is on its way, and would stay if the state that it told of has gone.
    """
    code = (
        {"digit": str(now.place.digit)}
        if now.place.digit is not None
        else {"z": ",".join(f"{v:g}" for v in now.place.z)}
    )
    before, now.link = now.link, {"model": now.model} | code
    # the second holds where a change of page has emptied it
    if now.link != before or st.query_params.to_dict() != now.link:
        st.query_params.from_dict(now.link)


# --- MNIST --------------------------------------------------------------------------------------


class Arrival:
    """The MNIST test images on their way: fetched by a thread, once for all visitors."""

    def __init__(self) -> None:
        self.digits: data.Digits | None = None
        self.error = ""
        self.done, self.total = 0, 0
        self._begun = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._fetch, daemon=True)
        self._thread.start()

    def _fetch(self) -> None:
        try:
            self.digits = data.load("mnist", "test", progress=self._progress)
        except (data.DataError, ValueError) as error:
            self.error = str(error)

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._stopped.is_set():
            raise data.DataError("The download was stopped.")

    def stop(self) -> None:
        """End the download; what has come is thrown away."""
        self._stopped.set()

    @property
    def under_way(self) -> bool:
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until it is there, at most so long after it began; a file on disk takes 50 ms."""
        self._thread.join(max(0.0, self._begun + seconds - time.monotonic()))


@st.cache_resource(show_spinner=False)
def mnist() -> Arrival:
    """The test images' arrival, begun by the first visitor."""
    return Arrival()


def fetch_again() -> None:
    """Try once more, after a failure."""
    mnist.clear()
    mnist()


@st.cache_resource(show_spinner=False)
def bundled() -> data.Digits:
    """scikit-learn's digits, the originals where MNIST is out of reach."""
    return data.load("digits", "test")
