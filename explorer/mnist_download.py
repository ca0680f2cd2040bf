"""MNIST's test digits, read or downloaded in the background once for all visitors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakSet

import streamlit as st

from vae import data
from vae.dataspec import Dataset
from vae.download import Progress

LOG = logging.getLogger(__name__)
STOPPED = "The download was stopped."
PAUSE = 0.2  # seconds for which a run blocks on the digits; reading them from a disk takes 0.05


class Visitor:
    """A visitor's clicks on the buttons of the download, kept in the session's state."""

    def __init__(self) -> None:
        self.attempts = 0  # clicks on Fetch
        self.stopped = False  # whether the last click was on Stop


class MnistDownload:
    """A download that runs until it is done, fails, or the last visitor who watches it stops it."""

    def __init__(self, load: Callable[[Progress], Dataset]) -> None:
        self.digits: Dataset | None = None
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
        """Start a run, unless one is in progress or the digits are loaded."""
        with self._lock:
            if self.digits is not None or self.under_way:
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
            self.digits = self._load(progress)
            return
        except (data.DataError, ValueError) as error:
            reason = str(error)
        except Exception:
            LOG.exception("MNIST could not be read")
            reason = "MNIST could not be read; the reason is in the server's log."
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


@st.cache_resource(show_spinner=False)
def shared() -> MnistDownload:
    """The download of this process, started by the first visitor who needs the digits."""
    return MnistDownload(lambda progress: data.load("mnist", "test", progress=progress))


def visitor() -> Visitor:
    """This session's Visitor."""
    found = st.session_state.get("mnist-visitor")
    if not isinstance(found, Visitor):
        found = st.session_state["mnist-visitor"] = Visitor()
    return found


def digits() -> Dataset | None:
    """The test digits, None while they are loaded or where they are unavailable.

    Blocks for at most PAUSE.
    """
    download = shared()
    download.wait(PAUSE)
    download.watch(visitor())
    return download.digits


def fetch() -> None:
    """In a callback: download the digits, after a failure or a stop."""
    current = visitor()
    current.attempts += 1
    current.stopped = False
    shared().start()
    shared().watch(current)
