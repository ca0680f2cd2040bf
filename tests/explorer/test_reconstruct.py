"""The Reconstruct page with a fake model whose images are easy to check: contents and errors."""

import base64
import io
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from explorer import originals, session
from explorer.originals import Loading
from tests.explorer import downloads
from vae.attributes import SQUARED_ERROR
from vae.data import DataError
from vae.dataspec import MNIST, Dataset
from vae.download import Progress
from vae.latent import LatentBlock
from vae.service import ModelInfo

NAME, DIMS, COUNT = "fake", 3, 40
LABELS = np.arange(COUNT) % 10
KL = np.linspace(1, 2, COUNT, dtype=np.float32)
CROSS_ENTROPY = np.roll(np.linspace(50, 250, COUNT, dtype=np.float32), 7)
WORST = int(np.argmax(CROSS_ENTROPY + KL))
ERRORS = np.roll(np.linspace(0.001, 0.04, COUNT, dtype=np.float32), 3)


class BandModel:
    """Encodes an image as the brightness of its thirds and decodes a code as three bands."""

    device = "cpu"

    def __init__(self, logvar: float) -> None:
        self.logvar = logvar

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = images[:, :27].reshape(-1, DIMS, 9 * 28).mean(2)
        return mean, np.full_like(mean, self.logvar)

    def draw(self, images: np.ndarray, count: int) -> np.ndarray:
        return self.encode(images)[0][:, None].repeat(count, axis=1)

    def reconstruct(
        self, images: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        mean, logvar = self.encode(images)
        return mean, logvar, np.full(len(mean), 100.0), np.isfinite(logvar).sum(1) * 0.5

    def decode(self, z: np.ndarray) -> np.ndarray:
        bands = np.clip(z, 0, 1).repeat(9, axis=1)[:, :, None].repeat(28, axis=2)
        return np.pad(bands, ((0, 0), (0, 1), (0, 0))).astype(np.float32)


@dataclass
class Codes:
    mean: np.ndarray
    logvar: np.ndarray
    labels: np.ndarray
    cross_entropy: np.ndarray
    kl: np.ndarray
    digest: str = ""
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)


def digits(count: int) -> Dataset:
    images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return Dataset(images, LABELS[:count].astype(np.int64), MNIST)


class Service:
    """The fake service, and what a test may change of it."""

    def __init__(self) -> None:
        self.logvar = -2.0
        self.download = downloads.ended(digits(COUNT))
        self.abilities = frozenset({"encodes", "decodes"})
        self.noise = (
            False  # whether it is an implicit model, the last of whose dimensions are noise
        )

    def model(self, name: str) -> BandModel:
        return BandModel(self.logvar)

    def info(self, name: str) -> ModelInfo:
        blocks = (LatentBlock("z", DIMS, "normal"),)
        if self.noise:
            inferred = LatentBlock("code", 1, "normal"), LatentBlock("style", 1, "normal")
            blocks = (*inferred, LatentBlock("noise", 1, "normal", role="noise"))
        kl, active = (1.0, 3.0, 2.0), (True,) * DIMS
        info = ModelInfo(name, "Fake", "A fake.", self.abilities, blocks, {}, kl, active)
        return replace(info, implicit=self.noise)

    def encodings(self, name: str) -> Codes:
        mean, logvar = BandModel(self.logvar).encode(digits(COUNT).samples / np.float32(255))
        known = {SQUARED_ERROR: ERRORS} if self.noise else {}
        return Codes(mean, logvar, LABELS, CROSS_ENTROPY, KL, attributes=known)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    fake = Service()
    st.cache_resource.clear()
    for name in ("model", "info", "encodings"):
        monkeypatch.setattr(session, name, getattr(fake, name))
    monkeypatch.setattr(session, "is_ready", lambda name: True)
    monkeypatch.setattr(originals, "shared", lambda *_: fake.download)
    monkeypatch.setattr(originals, "bundled", lambda: digits(12))
    return fake


def script() -> None:
    from explorer.pages import reconstruct

    reconstruct.render("fake")


@pytest.fixture
def app(service: Service) -> AppTest:
    return AppTest.from_function(script, default_timeout=30)


def text(app: AppTest) -> str:
    """The HTML of the page without its pictures."""
    assert not app.exception, app.exception
    whole = "".join(str(one.value) for one in app.html)
    return re.sub(r'src="[^"]*"', "", whole)


def columns(app: AppTest) -> list[int]:
    """The indices of the digits on show."""
    return [int(index) for index in re.findall(r"</b> (\d+)</div>", text(app))]


def choose(app: AppTest, key: str, value: str) -> AppTest:
    return app.segmented_control(key=key).set_value(value).run()


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def drawing(shade: int = 255) -> bytes:
    image = Image.new("L", (280, 280))
    ImageDraw.Draw(image).line([(90, 60), (190, 60), (130, 220)], fill=shade, width=22)
    return png(image)


def test_the_first_eight_test_digits_are_shown_initially(app: AppTest) -> None:
    assert columns(app.run()) == list(range(8))
    assert "Test digit 0, a 0" in text(app)


def test_the_figures_are_those_of_the_encodings(app: AppTest) -> None:
    shown = text(app.run())
    for index in range(8):
        assert f"{CROSS_ENTROPY[index]:.1f}" in shown
        assert f"\u2212{CROSS_ENTROPY[index] + KL[index]:.1f}" in shown


def test_an_index_shows_its_digit(app: AppTest) -> None:
    app.run().number_input(key="index").set_value(23).run()
    assert columns(app) == list(range(23, 31))
    assert "Test digit 23, a 3" in text(app)


def test_the_last_digit_is_shown_alone(app: AppTest) -> None:
    app.run().number_input(key="index").set_value(COUNT - 1).run()
    assert columns(app) == [COUNT - 1]


def test_next_and_previous_turn_the_page(app: AppTest) -> None:
    next_, previous = (
        lambda name=name: next(b for b in app.button if b.label == name).click().run()
        for name in ("Next", "Previous")
    )
    app.run()
    next_()
    assert columns(app) == list(range(8, 16))
    previous()
    assert columns(app) == list(range(8))


def test_by_digit_shows_that_digit_alone(app: AppTest) -> None:
    choose(app.run(), "way", "By class")
    app.selectbox(key="class").set_value(4).run()
    assert columns(app) == [4, 14, 24, 34]


def test_the_digit_chosen_is_still_there_after_another_order(app: AppTest) -> None:
    choose(app.run(), "way", "By class")
    app.selectbox(key="class").set_value(4).run()
    choose(choose(app, "way", "Worst first"), "way", "By class")
    assert columns(app) == [4, 14, 24, 34]


def test_worst_first_begins_with_the_lowest_elbo(app: AppTest) -> None:
    choose(app.run(), "way", "Worst first")
    shown = columns(app)
    assert shown[0] == WORST
    losses = (CROSS_ENTROPY + KL)[shown]
    assert (np.diff(losses) <= 0).all()


def test_at_random_draws_others(app: AppTest) -> None:
    first = columns(choose(app.run(), "way", "At random"))
    next(b for b in app.button if b.label == "Draw others").click().run()
    assert columns(app) != first


def test_a_click_on_a_column_shows_it_in_detail(app: AppTest) -> None:
    app.run().button(key="pick-3").click().run()
    assert "Test digit 3, a 3" in text(app)
    assert text(app).count("column picked") == 1


def test_the_link_s_digit_is_shown(app: AppTest, service: Service) -> None:
    mean = service.encodings(NAME).mean[17]
    app.session_state["visit"] = session.Visit(NAME, session.Place(tuple(mean.tolist()), 17))
    assert columns(app.run())[0] == 17


def test_explore_opens_with_the_code(app: AppTest, service: Service) -> None:
    app.run().button(key="pick-2").click().run()
    app.button(key="explore-code").click().run()
    visit = app.session_state["visit"]
    assert visit.place.sample == 2
    assert np.allclose(visit.z, service.encodings(NAME).mean[2], atol=1e-4)


def test_a_deterministic_encoder_shows_no_kl(app: AppTest, service: Service) -> None:
    service.logvar = -np.inf
    shown = text(app.run())
    assert "ELBO (nats)" not in shown
    assert "Samples" not in shown
    assert "encoder is deterministic" in shown


def test_an_implicit_model_has_squared_errors_and_infers_no_noise(
    app: AppTest, service: Service
) -> None:
    service.noise = True
    shown = text(app.run())
    for index in range(8):
        assert f"{ERRORS[index]:.4f}" in shown
    assert "squared error" in shown
    for absent in ("<dt>cross-entropy", "KL (nats)", "ELBO (nats)"):
        assert absent not in shown
    assert "infers code and style, not the 1 dimension of noise: a draw" in shown
    assert "the squared error takes the place of cross-entropy and ELBO" in shown
    assert columns(choose(app, "way", "Worst first"))[0] == int(ERRORS.argmax())


def test_a_model_without_an_encoder_is_reported(app: AppTest, service: Service) -> None:
    service.abilities = frozenset({"decodes"})
    app.run()
    assert "does not both encode" in app.info[0].value
    assert not app.exception


def test_without_mnist_the_bundled_digits_are_shown(app: AppTest, service: Service) -> None:
    service.download = downloads.ended(None)
    assert "Bundled digit 0, a 0" in text(app.run())
    quiet = [caption.value for caption in app.caption]
    assert len(quiet) == 1
    assert "LATENT_DATA" in quiet[0]
    app.button(key="explore-code").click().run()
    assert app.session_state["visit"].place.sample is None, "it is no test digit"


def test_nothing_blocks_while_mnist_is_downloaded(app: AppTest, service: Service) -> None:
    begun, ended = threading.Event(), threading.Event()

    def load(progress: Progress) -> Dataset:
        progress(400_000, 1_600_000)
        begun.set()
        ended.wait(60)
        raise DataError("refused")

    service.download = Loading(load)
    assert begun.wait(30)
    assert "Bundled digit 0" in text(app.run())
    assert app.button(key="stop-originals")
    (bar,) = app.progress
    assert bar.value == 25
    ended.set()


def test_mnist_is_not_shown_with_encodings_of_other_digits(app: AppTest, service: Service) -> None:
    other = digits(COUNT)
    service.download = downloads.ended(Dataset(other.samples, other.labels[::-1].copy(), MNIST))
    assert "Bundled digit 0" in text(app.run())


def test_an_empty_canvas_asks_for_a_digit(app: AppTest) -> None:
    choose(app.run(), "source", "Draw")
    assert "Draw a digit" in app.caption[0].value
    assert "Prepared as MNIST was" not in text(app)


def test_a_drawing_is_prepared_and_reconstructed(app: AppTest) -> None:
    sent = base64.b64encode(drawing()).decode()
    app.session_state["ink"] = {"ink": {"png": sent, "serial": 1, "revision": 0}}
    shown = text(choose(app.run(), "source", "Draw"))
    assert "Prepared as MNIST was" in shown
    assert "Centred by its mass" in shown
    assert "Your drawing" in shown
    assert "ELBO (nats)" in shown


def test_an_upload_is_prepared_and_reconstructed(app: AppTest) -> None:
    choose(app.run(), "source", "Upload")
    app.file_uploader(key="file").upload("seven.png", drawing(), "image/png").run()
    assert "Your image" in text(app)
    assert not app.error


def test_an_upload_stays_until_it_is_removed(app: AppTest) -> None:
    choose(app.run(), "source", "Upload")
    assert "below 20 MB and 50 megapixels" in app.file_uploader(key="file").label
    app.file_uploader(key="file").upload("seven.png", drawing(), "image/png").run()
    choose(choose(app, "source", "Test"), "source", "Upload")
    assert not app.file_uploader(key="file").value, "Streamlit has forgotten it"
    assert "Your image" in text(app)
    assert [line.value for line in app.text] == ["seven.png"]
    next(b for b in app.button if b.label == "Remove").click().run()
    assert "Your image" not in text(app)
    assert not app.text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"not a picture at all", "cannot be read"),
        (b"", "empty"),
        (drawing()[:200], "cannot be read"),
        (drawing(shade=0), "blank"),
        (png(Image.new("1", (8_000, 8_000))), "too large (8,000 x 8,000 pixels)"),
    ],
)
def test_an_unusable_upload_is_one_sentence(app: AppTest, content: bytes, expected: str) -> None:
    choose(app.run(), "source", "Upload")
    app.file_uploader(key="file").upload("we`ird.png", content, "image/png").run()
    (error,) = app.error
    assert error.value.startswith("`we'ird.png` cannot be used: the image ")
    assert expected in error.value
    assert "BytesIO" not in error.value
    assert error.value.lower().count("choose") + error.value.count("reduce") == 1, "one way out"
    assert not app.exception
