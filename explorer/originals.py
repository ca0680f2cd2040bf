"""The test samples of each model's own data, read or downloaded in the background once for all
visitors.

A model's originals are the samples that its encodings belong to. Samples of other data are never
shown as originals; where MNIST is unavailable, scikit-learn's digits are shown under their own
name.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakSet

import numpy as np
import streamlit as st

from explorer import session, text
from vae import data
from vae.dataspec import Dataset, DataSpec
from vae.download import Progress

LOG = logging.getLogger(__name__)
STOPPED = "The download was stopped."
PAUSE = 0.2  # seconds for which a run blocks on the data; reading MNIST from a disk takes 0.05
KEPT = 8  # test sets in memory


class Visitor:
    """A visitor's clicks on the buttons of the download, kept in the session's state."""

    def __init__(self) -> None:
        self.attempts = 0  # clicks on Fetch
        self.stopped = False  # whether the last click was on Stop


class Loading:
    """The reading of one test set in a thread. A download runs until it is done, fails, or the last
    visitor who watches it stops it."""

    def __init__(self, load: Callable[[Progress], Dataset]) -> None:
        self.dataset: Dataset | None = None
        self.error = ""
        self.done, self.total = 0, 0  # bytes
        self._load = load
        self._lock = threading.Lock()
        # weak, so that a visitor whose session was dropped is removed
        self._watching: WeakSet[Visitor] = WeakSet()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()  # of the newest run
        self.start()

    def start(self) -> None:
        """Start a run, unless one is in progress or the data are loaded."""
        with self._lock:
            if self.dataset is not None or self.under_way:
                return
            self.error, self.done, self.total = "", 0, 0
            self._stop, self._started = threading.Event(), time.monotonic()
            self._thread = threading.Thread(target=self._run, args=(self._stop,), daemon=True)
            self._thread.start()

    def _run(self, stop: threading.Event) -> None:
        def progress(done: int, total: int) -> None:
            if stop.is_set():
                raise data.DataError(STOPPED)
            self.done, self.total = done, total

        try:
            self.dataset = self._load(progress)
            return
        except (data.DataError, ValueError) as error:
            reason = str(error)
        except Exception:
            LOG.exception("A test set could not be read")
            reason = "The data could not be read; the reason is in the server's log."
        with self._lock:
            if not stop.is_set():  # else the error is STOPPED, or another run has begun
                self.error = reason

    @property
    def under_way(self) -> bool:
        """Whether a run is in progress and was not stopped."""
        return self._thread is not None and self._thread.is_alive() and not self._stop.is_set()

    def wait(self, seconds: float) -> None:
        """Block until the run has ended, at most until `seconds` after its start."""
        if self._thread and not self._stop.is_set():
            self._thread.join(max(0.0, self._started + seconds - time.monotonic()))

    def watch(self, visitor: Visitor) -> None:
        """Add a visitor to those who watch a run in progress, unless the visitor has stopped it."""
        with self._lock:
            if self.under_way and not visitor.stopped:
                self._watching.add(visitor)

    def is_watched_by(self, visitor: Visitor) -> bool:
        """Whether a run is in progress and the visitor watches it."""
        return self.under_way and visitor in self._watching

    def stop(self, visitor: Visitor) -> None:
        """Remove a visitor from those who watch; the run is stopped when none is left."""
        with self._lock:
            visitor.stopped = True
            self._watching.discard(visitor)
            if self.under_way and not self._watching:
                self._stop.set()
                self.error = STOPPED


def loading(name: str) -> Loading:
    """The loading of a model's test set, started by the first visitor who needs it."""
    info = session.info(name)
    return shared(info.data, json.dumps(dict(info.options), sort_keys=True), info.spec)


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def shared(source: str, options: str, spec: DataSpec) -> Loading:
    """The loading of the test set of this source, read with these options, as JSON, for models with
    this spec."""

    def load(progress: Progress) -> Dataset:
        chosen = data.Options.from_json(json.loads(options))
        return data.load_for(source, chosen, spec, "test", progress=progress)

    return Loading(load)


def visitor(name: str) -> Visitor:
    """This session's Visitor for the test set of a model."""
    key = f"visitor-{session.info(name).data}"
    found = st.session_state.get(key)
    if not isinstance(found, Visitor):
        found = st.session_state[key] = Visitor()
    return found


def dataset(name: str) -> Dataset | None:
    """The test set of the model's data, None while it is read or where it is unavailable.

    Blocks for at most PAUSE.
    """
    current = loading(name)
    current.wait(PAUSE)
    current.watch(visitor(name))
    return current.dataset


def originals(name: str) -> Dataset | None:
    """The samples that the model's encodings belong to, None where they are not available."""
    found = dataset(name)
    return found if found and _is_encoded(found, name) else None


def reconstructed(name: str) -> Dataset | None:
    """The test samples that Reconstruct shows: `originals`, or all of the data of a model that
    inverts, whose encodings are of its own samples."""
    return dataset(name) if session.info(name).inverts else originals(name)


def numbered(kind: str, found: Dataset, index: int) -> str:
    """One of these samples by number, name and class: "test digit 12, a 9"; `kind` is "test" or
    "bundled"."""
    name = str(found.names[index]) if len(found.names) else ""
    noun = f"{kind} {found.spec.noun}"
    return text.numbered(noun, index, int(found.labels[index]), found.spec, name)


def _is_encoded(found: Dataset, name: str) -> bool:
    encoded = session.encodings(name)
    same = np.array_equal(found.labels, encoded.labels)
    same = same and encoded.digest in ("", found.digest)  # files of earlier versions have none
    return same and session.info(name).encodes


def fault(name: str) -> str:
    """Why `originals` returns None; "" where it does not, or the data are still being read."""
    current, source = loading(name), session.info(name).data
    if current.dataset is None:
        return current.error
    if not _is_encoded(current.dataset, name):
        return f"{source} holds other samples now than those that were encoded."
    return ""


@st.cache_resource(show_spinner=False)
def bundled() -> Dataset:
    """scikit-learn's digits, shown in place of MNIST's where these are unavailable."""
    return data.load("digits", "test")


def stand_ins(name: str) -> Dataset | None:
    """`bundled` for a model of MNIST, None for all others."""
    return bundled() if session.info(name).data == "mnist" else None


def fetch(name: str) -> None:
    """In a callback: read or download the test set, after a failure or a stop."""
    current = visitor(name)
    current.attempts += 1
    current.stopped = False
    loading(name).start()
    loading(name).watch(current)
