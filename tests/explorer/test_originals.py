"""The test set that all visitors share: who can stop its download, and its state on their pages."""

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer import originals, session
from explorer.originals import STOPPED, Loading, Visitor
from tests.explorer import downloads
from vae.data import DataError
from vae.dataspec import MNIST, Dataset
from vae.download import Progress

DIGITS = Dataset(np.zeros((3, 28, 28), np.uint8), np.arange(3), MNIST)


class Source:
    """A source of digits that reports progress until a test lets it finish or fail."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.finish = threading.Event()
        self.error: Exception | None = None
        self.runs = 0

    def load(self, progress: Progress) -> Dataset:
        self.runs += 1
        self.begun.set()
        while not self.finish.wait(0.005):
            progress(400_000, 1_600_000)
        if self.error:
            raise self.error
        return DIGITS


@pytest.fixture
def source() -> Iterator[Source]:
    found = Source()
    yield found
    found.finish.set()


@pytest.fixture
def download(source: Source) -> Loading:
    """A download that is under way."""
    found = Loading(source.load)
    assert source.begun.wait(30)
    return found


def watching(download: Loading) -> Visitor:
    visitor = Visitor()
    download.watch(visitor)
    assert download.is_watched_by(visitor)
    return visitor


def test_a_stop_ends_the_download_for_one_visitor_alone(download: Loading, source: Source) -> None:
    first, second = watching(download), watching(download)
    download.stop(first)
    assert not download.is_watched_by(first)
    assert download.is_watched_by(second)
    download.watch(first)
    assert not download.is_watched_by(first), "until the visitor clicks on Fetch"
    source.finish.set()
    download.wait(30)
    assert download.dataset is DIGITS
    assert not download.under_way


def test_the_stop_of_the_last_visitor_ends_the_download(download: Loading, source: Source) -> None:
    visitors = [watching(download), watching(download)]
    running = [thread for thread in threading.enumerate() if "_run" in thread.name]
    assert running
    for visitor in visitors:
        assert download.under_way
        download.stop(visitor)
    assert not download.under_way
    for thread in running:
        thread.join(30)
        assert not thread.is_alive()
    assert (download.dataset, download.error) == (None, STOPPED)


def test_a_visitor_whose_session_was_dropped_is_not_counted(download: Loading) -> None:
    gone, here = watching(download), watching(download)
    del gone
    gc.collect()
    download.stop(here)
    assert not download.under_way


def test_after_a_stop_the_download_can_begin_again(download: Loading, source: Source) -> None:
    """Also before the thread of the first run has noticed that it was stopped."""
    visitor = watching(download)
    download.stop(visitor)
    download.start()
    visitor.stopped = False
    download.watch(visitor)
    assert download.is_watched_by(visitor)
    source.finish.set()
    download.wait(30)
    assert (download.dataset, download.error) == (DIGITS, "")


def test_the_download_begins_once(download: Loading, source: Source) -> None:
    download.start()
    source.finish.set()
    download.wait(30)
    download.start()
    assert source.runs == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [(DataError("no connection"), "no connection"), (KeyError("labels"), "could not be read")],
)
def test_a_failure_is_a_sentence(
    error: Exception, message: str, download: Loading, source: Source
) -> None:
    source.error = error
    source.finish.set()
    download.wait(30)
    assert message in download.error
    assert not download.under_way


def page() -> None:
    import streamlit as st

    from explorer import controls, originals

    controls.originals_line("vae-2d")
    st.text(originals.originals("vae-2d") is not None)


Visit = Callable[[], AppTest]


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch, download: Loading) -> Visit:
    """A visitor's page; all of them share one download."""
    monkeypatch.setattr(originals, "shared", lambda *_: download)
    labels = type("Codes", (), {"labels": DIGITS.labels, "digest": ""})
    monkeypatch.setattr(session, "encodings", lambda _: labels)
    monkeypatch.setattr(originals, "PAUSE", 30)  # seconds: a run that ends, ends before

    def begin() -> AppTest:
        return AppTest.from_function(page, default_timeout=60)

    return begin


def labels(app: AppTest) -> list[str]:
    assert not app.exception
    return [button.label for button in app.button]


def test_a_stop_hides_the_progress_from_one_visitor(
    visit: Visit, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(originals, "PAUSE", 0)
    first, second = visit().run(), visit().run()
    assert labels(first) == labels(second) == ["Stop"]
    assert second.progress[0].value == 25
    first.button(key="stop-originals").click().run()
    assert labels(first.run()) == ["Fetch MNIST"]
    assert not first.warning
    assert labels(second.run()) == ["Stop"]
    first.button(key="fetch-originals").click().run()
    assert labels(first) == ["Stop"], "the download that is under way is shown again"
    assert source.runs == 1
    source.finish.set()
    originals.loading("vae-2d").wait(30)
    for app in (first, second):
        assert labels(app.run()) == []
        assert app.text[0].value == "True"


def test_each_failure_of_a_fetch_is_shown(visit: Visit, source: Source) -> None:
    source.error = DataError("no connection")
    source.finish.set()
    app = visit().run()
    assert not app.warning, "the visitor has not asked for it"
    for attempt in (1, 2):
        app.button(key="fetch-originals").click().run()
        (warning,) = app.warning
        assert warning.value == f"MNIST could not be fetched (attempt {attempt}): no connection"
        assert labels(app) == ["Fetch MNIST"]
    source.error = None
    app.button(key="fetch-originals").click().run()
    assert not app.warning
    assert labels(app) == []


# --- the model's own data ------------------------------------------------------------------------

OTHER = Dataset(np.ones((3, 28, 28), np.uint8), np.array([2, 1, 0]), MNIST)
INVERTED = replace(DIGITS, samples=255 - DIGITS.samples)  # with the same labels


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (OTHER, "mnist holds other samples now than those that were encoded."),
        (INVERTED, "mnist holds other samples now than those that were encoded."),
        (None, "refused"),
        (DIGITS, ""),
    ],
)
def test_only_the_samples_that_were_encoded_are_originals(
    found: Dataset | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = type("Codes", (), {"labels": DIGITS.labels, "digest": DIGITS.digest})
    monkeypatch.setattr(session, "encodings", lambda _: codes)
    loading = downloads.ended(found)
    monkeypatch.setattr(originals, "shared", lambda *_: loading)
    assert originals.originals("vae-2d") is (found if found is DIGITS else None)
    assert originals.fault("vae-2d") == reason
