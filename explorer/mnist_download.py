"""MNIST's test digits: read or downloaded in the background, once for all visitors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakSet

import streamlit as st

from vae import data
from vae.download import Progress

LOG = logging.getLogger(__name__)
STOPPED = "The download was stopped."
PAUSE = 0.2  # seconds that a page waits for the digits; reading them from a disk takes 0.05


class Visitor:
    """What a visitor asked of the download. It is part of the session's state and goes with it."""

    def __init__(self) -> None:
        self.attempts = 0  # clicks on Fetch
        self.stopped = False  # clicked on Stop, and not on Fetch since


class MnistDownload:
    """A download that goes on until it is done, fails, or the last visitor who waits stops it."""

    def __init__(self, load: Callable[[Progress], data.Digits]) -> None:
        self.digits: data.Digits | None = None
        self.error = ""
        self.done, self.total = 0, 0  # bytes
        self._load = load
        self._lock = threading.Lock()
        # weak: a visitor who has left, and whose session was dropped, waits no more
        self._waiting: WeakSet[Visitor] = WeakSet()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()  # of the newest run
        self.start()

    def start(self) -> None:
        """Begin, or begin again, unless the digits are there or on their way."""
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
            reason = "MNIST could not be read; the server's log says why."
        with self._lock:
            if not stop.is_set():  # else the error is STOPPED, or another run has begun
                self.error = reason

    @property
    def under_way(self) -> bool:
        """Whether a run goes on and was not stopped."""
        return self._thread is not None and self._thread.is_alive() and not self._stop.is_set()

    def wait(self, seconds: float) -> None:
        """Wait until the run has ended, but no longer than so many seconds after its start."""
        if self._thread and not self._stop.is_set():
            self._thread.join(max(0.0, self._started + seconds - time.monotonic()))

    def watch(self, visitor: Visitor) -> None:
        """Add a visitor to those who wait, unless the digits are there or the visitor stopped."""
        with self._lock:
            if self.under_way and not visitor.stopped:
                self._waiting.add(visitor)

    def is_watched_by(self, visitor: Visitor) -> bool:
        """Whether the visitor waits for a run that goes on."""
        return self.under_way and visitor in self._waiting

    def stop(self, visitor: Visitor) -> None:
        """Let a visitor wait no more; the run ends unless others wait."""
        with self._lock:
            visitor.stopped = True
            self._waiting.discard(visitor)
            if self.under_way and not self._waiting:
                self._stop.set()
                self.error = STOPPED


@st.cache_resource(show_spinner=False)
def shared() -> MnistDownload:
    """The download of this process, started by the first visitor who needs the digits."""
    return MnistDownload(lambda progress: data.load("mnist", "test", progress=progress))


def visitor() -> Visitor:
    """This visitor's part in the download."""
    found = st.session_state.get("mnist-visitor")
    if not isinstance(found, Visitor):
        found = st.session_state["mnist-visitor"] = Visitor()
    return found


def digits() -> data.Digits | None:
    """The test digits, or None while they are under way or cannot be had; waits for PAUSE."""
    download = shared()
    download.wait(PAUSE)
    download.watch(visitor())
    return download.digits


def fetch() -> None:
    """In a callback: download the digits, after a failure or a stop."""
    asking = visitor()
    asking.attempts += 1
    asking.stopped = False
    shared().start()
    shared().watch(asking)
