"""Reconstruct for models without an encoder: codes found in the background, kept, and stopped."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer import inversions, originals, session
from explorer.inversions import Inverting
from tests.explorer import downloads, small_checkpoints
from vae import catalog, inversion, latent, metrics
from vae.attributes import SQUARED_ERROR
from vae.checkpoint import read_model, write_encodings
from vae.dataspec import MNIST, Dataset
from vae.inversion import Settings

COUNT = 20
NAME = "gan"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    small_checkpoints.write(folder / NAME, 5, model="dcgan")
    small_checkpoints.write(folder / "decoder", 2, encodes=False)
    return folder


@pytest.fixture
def digits(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataset]:
    """The test set of a small untrained GAN: samples that it drew itself."""
    small_checkpoints.forget()
    st.cache_resource.clear()
    inversions._kept.clear()
    monkeypatch.setattr(catalog, "CHECKPOINTS", checkpoint)
    monkeypatch.setattr(inversion, "SETTINGS", Settings(candidates=32, starts=2, steps=20))
    model = session.model(NAME)
    samples = model.pictures(latent.sample_prior(model.info.blocks, COUNT, seed=9))
    found = Dataset(samples.copy(), np.arange(COUNT) % 10, MNIST)
    monkeypatch.setattr(originals, "shared", lambda *_: downloads.ended(found))
    yield found
    small_checkpoints.forget()


class Held:
    """A model whose inversions wait after each step until they are let go."""

    def __init__(self, model: session.Model) -> None:
        self.model, self.begun, self.go = model, threading.Event(), threading.Event()

    def invert(self, samples: np.ndarray, on_step: Any) -> Any:
        def wait(done: int, total: int, found: Any) -> bool:
            stop = on_step(done, total, found)
            if done == 3:
                self.begun.set()
                assert self.go.wait(60)
                stop = on_step(done, total, found)
            return stop

        return type(self.model).invert(self.model, samples, on_step=wait)


@pytest.fixture
def held(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    model = session.model(NAME)
    found = Held(model)
    monkeypatch.setattr(model, "invert", found.invert, raising=False)
    yield found
    found.go.set()


def script() -> None:
    import streamlit as st

    from explorer.pages import reconstruct

    reconstruct.render(st.session_state.get("name", "gan"))


@pytest.fixture
def app(digits: Dataset) -> AppTest:
    return AppTest.from_function(script, default_timeout=60)


def finished(app: AppTest) -> AppTest:
    """The page once the inversion that it started has ended."""
    app.run()
    for view in app.session_state["inversions"].values():
        view.wait(60)
    return app.run()


def text(app: AppTest) -> str:
    """The HTML of the page without its pictures."""
    assert not app.exception, app.exception
    return re.sub(r'src="[^"]*"', "", "".join(str(one.value) for one in app.html))


def captions(app: AppTest) -> str:
    return " ".join(str(one.value) for one in app.caption)


def test_test_digits_are_inverted_and_the_page_says_so(app: AppTest, digits: Dataset) -> None:
    shown = text(finished(app))
    assert "no encoder: each code was found by gradient steps (inversion)" in captions(app)
    assert shown.count('<div class="cell">') == 9 * 3, "row heads and eight columns"
    assert "Test digit 0, a 0" in shown
    assert "squared error" in shown
    for absent in ("cross-entropy</div>", "ELBO (nats)", "Samples from the posterior"):
        assert absent not in shown
    assert "Codes found for test digit 0" in shown
    assert "Worst first" not in app.segmented_control(key="way").options


def test_the_codes_found_decode_to_the_squared_errors_shown(app: AppTest, digits: Dataset) -> None:
    shown = text(finished(app))
    (view,) = app.session_state["inversions"].values()
    for place, codes in enumerate(view.found):
        decoded = session.model(NAME).decode(codes.codes[:1])[0]
        error = np.square(decoded - digits.samples[place] / 255).mean()
        assert codes.squared_error[0] == pytest.approx(error, rel=1e-3, abs=1e-7)
        assert f"{error:.4f}" in shown


def test_paging_back_starts_no_search(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(app)
    next(b for b in app.button if b.label == "Next").click()
    finished(app)
    assert "Test digit 8" in text(app)
    monkeypatch.setattr(session.model(NAME), "invert", None, raising=False)
    next(b for b in app.button if b.label == "Previous").click().run()
    assert "Test digit 0" in text(app)
    assert not app.progress

    fresh = AppTest.from_function(script, default_timeout=60).run()
    assert "Codes found for test digit 0" in text(fresh), "known to another visitor, too"


def test_explore_opens_with_the_whole_code(app: AppTest) -> None:
    finished(app)
    app.button(key="pick-2").click().run()
    (view,) = app.session_state["inversions"].values()
    app.button(key="explore-code").click().run()
    visit = app.session_state["visit"]
    assert visit.place.sample is None, "it is no sample of the map, which has the prior's"
    np.testing.assert_allclose(visit.z, view.found[2].codes[0], atol=1e-4)


def test_a_search_under_way_is_shown_and_stopped_with_what_it_found(
    app: AppTest, held: Held
) -> None:
    app.run()
    assert held.begun.wait(60)
    app.run()
    (bar,) = app.progress
    assert bar.value == 15, "three of twenty steps"
    assert text(app).count('<div class="cell">') == 9 * 3
    assert "Explore this code" not in [b.label for b in app.button]
    (view,) = app.session_state["inversions"].values()
    before = [codes.codes.copy() for codes in view.found]
    threading.Timer(0.05, held.go.set).start()
    app.button(key="stop-inversion").click().run()
    view.wait(60)
    app.run()
    assert "Stopped after 3 of 20 steps." in captions(app)
    assert not app.progress
    assert "Codes found for test digit 0" in text(app)
    for codes, old in zip(view.found, before, strict=True):
        np.testing.assert_array_equal(codes.codes, old)

    app.button(key="invert-again").click().run()
    view.wait(60)
    app.run()
    assert "Stopped" not in captions(app)


def test_moving_on_ends_the_search_and_returning_starts_it_again(
    digits: Dataset, held: Held, app: AppTest
) -> None:
    app.run()
    assert held.begun.wait(60)
    (first,) = app.session_state["inversions"].values()
    threading.Timer(0.05, held.go.set).start()
    next(b for b in app.button if b.label == "Next").click().run()
    first.wait(60)
    assert first.stopped
    finished(app)
    next(b for b in app.button if b.label == "Previous").click()
    finished(app)
    assert "Stopped" not in captions(app)


def test_inversions_take_turns(digits: Dataset, held: Held) -> None:
    x = digits.samples / np.float32(255)
    model: Any = session.model(NAME)
    first = Inverting(model, x[:1])
    assert held.begun.wait(60)
    second = Inverting(model, x[1:2])
    assert second.under_way
    assert second.found == [None]
    second.stop()
    second.wait(60)
    assert second.stopped
    assert not second.under_way
    held.go.set()
    first.wait(60)
    assert first.is_done
    second.start(model)
    second.wait(60)
    assert second.is_done


def test_a_model_that_fails_is_reported(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("no memory is left")

    monkeypatch.setattr(session.model(NAME), "invert", fail, raising=False)
    finished(app)
    assert "The search failed: `no memory is left`" in captions(app)


def test_an_implicit_autoencoder_measures_the_squared_error(
    app: AppTest, digits: Dataset, checkpoint: Path
) -> None:
    name = "vae-gan"
    small_checkpoints.write(checkpoint / name, 3, model="vae_gan")
    encoded = metrics.encode(read_model(checkpoint / name), digits)
    write_encodings(checkpoint / name, encoded)
    found = session.model(name).reconstruct(digits.samples / np.float32(255))
    assert found.squared_error is not None
    np.testing.assert_allclose(found.squared_error, encoded.attributes[SQUARED_ERROR], rtol=1e-4)
    np.testing.assert_allclose(found.kl, encoded.kl, rtol=1e-4)
    assert not found.cross_entropy.any()

    app.session_state["name"] = name
    shown = text(app.run())
    assert f"{found.squared_error[0]:.4f}" in shown
    assert "KL (nats)" in shown
    assert "ELBO (nats)" not in shown
    assert "Samples from the posterior of test digit 0" in shown
    app.segmented_control(key="way").set_value("Worst first").run()
    assert f"Test digit {found.squared_error.argmax()}," in text(app)


def test_an_infogan_is_reconstructed_by_its_encoder(
    app: AppTest, digits: Dataset, checkpoint: Path
) -> None:
    name = "infogan"
    small_checkpoints.write(checkpoint / name, 0, model="infogan")
    write_encodings(checkpoint / name, metrics.encode(read_model(checkpoint / name), digits))
    app.session_state["name"] = name
    shown = text(app.run())
    error = session.encodings(name).attributes[SQUARED_ERROR][0]
    assert f"{error:.4f}" in shown
    assert "infers code and style, not the 4 dimensions of noise: a draw of the prior" in shown
    assert "KL (nats)" not in shown
    assert not app.progress


def test_a_decoder_without_gradients_reconstructs_nothing(app: AppTest) -> None:
    app.session_state["name"] = "decoder"
    app.run()
    assert "does not both encode and decode" in app.info[0].value
