"""Inversions in the background: codes of samples for models that cannot encode, searched for until
all steps are made or the visitor stops them.

The codes that a finished inversion has found are kept for all visitors, in bounded memory.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer import session
from explorer.session import Model
from vae.cache import LRUCache

LOG = logging.getLogger(__name__)
PAUSE = 0.2  # seconds for which a run blocks on a new inversion
AT_ONCE = 1  # inversions at a time in the process: each uses all of a core, others wait
WAIT = 0.05  # seconds between two looks whether a waiting inversion was stopped
MEMORY = 16 << 20  # bytes of the codes kept; those of a sample take some 2 kB
VIEWS = 16  # inversions kept in a session
_turn = threading.BoundedSemaphore(AT_ONCE)


class Codes(NamedTuple):
    """The codes found for one sample, the nearest first."""

    codes: np.ndarray  # float32 [S, Z]
    squared_error: np.ndarray  # float32 [S], mean over the values of the sample


_kept: LRUCache[Codes] = LRUCache(MEMORY)


class Inverting:
    """The inversion of N samples in a thread; those that are known need none."""

    def __init__(self, model: Model, samples: np.ndarray) -> None:
        self.error = ""
        self.done, self.total = 0, 0  # gradient steps; a total of 0 before the first
        self._samples = samples
        self._keys = [_key(model, sample) for sample in samples]
        self.found: list[Codes | None] = [_kept.get(key) for key in self._keys]
        self._missing = [place for place, codes in enumerate(self.found) if codes is None]
        self._stop = threading.Event()  # of the newest search
        self._thread: threading.Thread | None = None
        self.start(model)

    def start(self, model: Model) -> None:
        """Start to search for the codes that are missing, unless that is under way."""
        if self.under_way or not self._missing:
            return
        self.error, self.done, self.total = "", 0, 0
        self._stop, self._started = threading.Event(), time.monotonic()
        # the thread alone refers to the model, which may be dropped from memory later
        run = partial(self._run, model, self._stop)
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def _run(self, model: Model, stop: threading.Event) -> None:
        while not _turn.acquire(timeout=WAIT):
            if stop.is_set():
                return

        def report(done: int, total: int, found: session.service.Inversion) -> bool:
            self.done, self.total = done, total
            for place, codes, error in zip(self._missing, *found, strict=True):
                self.found[place] = Codes(codes, error)
            return stop.is_set()

        try:
            if not stop.is_set():
                model.invert(self._samples[self._missing], on_step=report)
                if self.is_done:
                    self._keep()
        except ValueError as error:
            self.error = str(error)
        except Exception:
            LOG.exception("A sample could not be inverted")
            self.error = "the reason is in the server's log"
        finally:
            _turn.release()

    def _keep(self) -> None:
        for place in self._missing:
            codes = self.found[place]
            if codes is not None:
                _kept.put(self._keys[place], codes, sum(array.nbytes for array in codes))
        self._missing = []

    @property
    def is_done(self) -> bool:
        """Whether all steps were made."""
        return not self._missing or 0 < self.total == self.done

    @property
    def under_way(self) -> bool:
        """Whether the search goes on, or waits for that of another visitor."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether the search was stopped before its last step."""
        return self._stop.is_set() and not self.is_done

    def wait(self, seconds: float) -> None:
        """Block until the search has ended, at most until `seconds` after its start."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._started + seconds - time.monotonic()))

    def stop(self) -> None:
        """End the search after the step that it is at; what was found stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PAUSE)


def _key(model: Model, sample: np.ndarray) -> bytes:
    """A digest of the loaded model's tag and of a sample."""
    content = f"{model.tag}\0".encode() + np.ascontiguousarray(sample, np.float32).tobytes()
    return hashlib.blake2b(content, digest_size=16).digest()


def of(model: Model, samples: np.ndarray) -> Inverting:
    """This visitor's inversion of samples [N, ...], which is started unless it is known.

    Blocks for at most PAUSE. A visitor has one inversion at a time: another one is ended. One that
    the visitor stopped is returned as it is, until it is started again.
    """
    views: dict[bytes, Inverting] = st.session_state.setdefault("inversions", {})
    key = b"".join(_key(model, sample) for sample in samples)
    for other, view in list(views.items()):
        if other != key and view.under_way:  # the visitor has moved on, which is no Stop
            view.stop()
            del views[other]
    current = views.pop(key, None) or Inverting(model, samples)
    views[key] = current  # the newest is the last
    for oldest in list(views)[:-VIEWS]:
        del views[oldest]
    current.wait(PAUSE)
    return current
