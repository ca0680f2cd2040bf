"""The Generate page with a fake model whose images are easy to check: contents and errors."""

import base64
import io
import re

import numpy as np
import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from explorer import originals, session
from tests.explorer import downloads
from vae import latent
from vae.dataspec import MNIST, Dataset
from vae.latent import LatentBlock
from vae.service import CheckpointError, History, ModelInfo

STYLES = 3
BLOCKS = (LatentBlock("z", STYLES, "normal"), LatentBlock("class", 10, "categorical", role="class"))
CONDITIONS = frozenset({"encodes", "decodes", "conditions", "classifies"})


class RowModel:
    """Decodes a digit to as many bright rows, and its style to the grey of the rows below. Its
    mixture prior has zeros alone."""

    device = "cpu"

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def sample_prior(self, count: int, seed: int, temperature: float, prior: str) -> np.ndarray:
        codes = latent.sample_prior(BLOCKS, count, seed, temperature)
        if prior == "mixture":
            if self.info.name == "damaged":
                raise CheckpointError("prior.npz is damaged; make it with: python -m vae encode")
            codes[:, STYLES:] = np.eye(10)[0]
        return codes

    def codes(
        self,
        labels: np.ndarray,
        z: np.ndarray | None = None,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> np.ndarray:
        return latent.conditional_codes(BLOCKS, labels, z, seed=seed, temperature=temperature)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        images = np.zeros((len(codes), 28, 28), np.float32)
        for image, code in zip(images, codes, strict=True):
            image[: 1 + int(code[STYLES:].argmax())] = 1
            image[15 : 15 + STYLES] = np.clip(0.5 + 0.1 * code[:STYLES], 0, 1)[:, None]
        return images

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        style = 10 * (images[:, 15 : 15 + STYLES].mean(2) - 0.5)
        mean = np.concatenate([style, np.eye(10)[[3] * len(images)]], 1).astype(np.float32)
        return mean, np.full_like(mean, -2)


class Classifier:
    """Counts the bright rows, but classifies every 4 as 9."""

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def classify(self, images: np.ndarray) -> np.ndarray:
        rows = (images[:, :11].mean(2) > 0.99).sum(1) - 1
        return np.eye(10, dtype=np.float32)[np.where(rows == 4, 9, rows)]


class Service:
    """The fake service, and what a test may change of it."""

    def __init__(self) -> None:
        self.has_classifier, self.sheets, self.kl = True, 5, 1.0
        self.has_mixture = False
        plain = frozenset({"encodes", "decodes"})
        self.abilities = {"able": CONDITIONS, "plain": plain, "damaged": plain}

    def info(self, name: str) -> ModelInfo:
        dims = STYLES + 10
        figures, kl, active = {"accuracy": 0.9967}, (self.kl,) * dims, (True,) * dims
        abilities = self.abilities.get(name, frozenset())
        return ModelInfo(
            *(name, name.title(), "", abilities, BLOCKS, figures, kl, active),
            has_mixture=self.has_mixture,
        )

    def model(self, name: str) -> RowModel:
        return RowModel(self.info(name))

    def classifier(self, name: str) -> Classifier | None:
        return Classifier(self.info("classifier")) if self.has_classifier else None

    def history(self, name: str) -> History:
        sheets = np.zeros((self.sheets, 10, 28, 28), np.uint8)  # nothing, until the last epoch
        if self.sheets:
            sheets[-1] = 255 * self.model(name).decode(self.model(name).codes(np.arange(10)))
        falling = 100.0 / np.arange(1, self.sheets + 1)
        names = ("cross_entropy", "kl", "classification")
        curves = {f"{when}{name}": falling for when in ("", "validation_") for name in names}
        return History(sheets, curves)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    fake = Service()
    st.cache_resource.clear()
    for name in ("model", "info", "classifier", "history"):
        monkeypatch.setattr(session, name, getattr(fake, name))
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 28, 28), dtype=np.uint8)
    digits = Dataset(images, (np.arange(30) % 10).astype(np.int64), MNIST)
    monkeypatch.setattr(session, "is_ready", lambda name: True)
    monkeypatch.setattr(session, "classifier_fault", lambda: "")
    monkeypatch.setattr(session, "names", lambda: (["able", "plain"], []))
    monkeypatch.setattr(originals, "bundled", lambda: digits)
    monkeypatch.setattr(originals, "shared", lambda *_: downloads.ended(None))
    return fake


def script() -> None:
    import streamlit as st

    from explorer.pages import generate

    st.session_state.setdefault("model", "able")
    generate.render(st.session_state["model"])


@pytest.fixture
def app(service: Service) -> AppTest:
    return AppTest.from_function(script, default_timeout=30)


def html(app: AppTest) -> str:
    """The HTML of the page without its pictures."""
    assert not app.exception, app.exception
    return re.sub(r'src="[^"]*"', "", "".join(str(one.value) for one in app.html))


def asked(app: AppTest) -> list[int]:
    """The requested classes of the digits on the sheet."""
    return [int(label) for label in re.findall(r'title="asked for (\d)', html(app))]


def choose(app: AppTest, key: str, value: str) -> AppTest:
    return app.segmented_control(key=key).set_value(value).run()


def made(app: AppTest) -> str:
    """The arguments in the Python code of the page."""
    (code,) = app.code
    return code.value


def test_all_ten_digits_are_shown_initially(app: AppTest) -> None:
    assert asked(app.run()) == list(range(10)) * 10
    assert "90\u2009%" in html(app), "4 is classified as 9"
    assert "Misclassified: 4 as 9 (10\u00d7)." in html(app)
    assert html(app).count("tile wrong") == 10
    assert "99.67" in html(app)


def test_the_chosen_digits_repeat_in_turn(app: AppTest) -> None:
    app.run()
    app.button_group(key="asked-classes").set_value([7, 2]).run()
    assert asked(app) == [2, 7] * 50
    app.number_input(key="asked-count").set_value(3).run()
    assert asked(app) == [2, 7, 2]
    assert "np.resize([2, 7], 3), seed=0, temperature=1.0)" in made(app)


@pytest.mark.parametrize("count", [0, -5, 1_000_000])
def test_an_impossible_count_is_one_sentence_and_loses_nothing(app: AppTest, count: int) -> None:
    app.run().number_input(key="asked-count").set_value(30).run()
    before = asked(app)
    app.number_input(key="asked-count").set_value(count).run()
    (error,) = app.error
    assert f"{count:,} digits cannot be drawn here: ask for 1 to 10,000." in error.value
    assert ("--count 60000" in error.value) == (count > 10_000)
    assert asked(app) == before
    app.number_input(key="asked-count").set_value(20).run()
    assert not app.error
    assert len(asked(app)) == 20


def test_an_empty_choice_is_one_sentence(app: AppTest) -> None:
    app.run().button_group(key="asked-classes").set_value([]).run()
    (error,) = app.error
    assert error.value == "No digit is chosen: choose one or more of 0 to 9."
    assert len(asked(app)) == 100


def test_a_large_sheet_is_shown_in_part(app: AppTest) -> None:
    app.run().number_input(key="asked-count").set_value(1000).run()
    assert len(asked(app)) == 400
    assert app.caption[0].value == "The first 400 are shown; the downloads hold all 1,000."


@pytest.mark.parametrize(
    ("digits", "count", "share", "expected"),
    [
        (
            [1, 2],
            2,
            "100\u2009%",
            "all 2 shown are classified as requested by an independent",
        ),
        (
            [1, 4],
            2,
            "50\u2009%",
            "of the 2 shown are classified as requested by an independent classifier",
        ),
        ([7], 1, "7", "is the class predicted by an independent classifier, as requested."),
        (
            [4],
            1,
            "9",
            "is the class predicted by an independent classifier, instead of the 4 asked",
        ),
    ],
)
def test_the_agreement_is_a_sentence_that_fits(
    app: AppTest, digits: list[int], count: int, share: str, expected: str
) -> None:
    app.run().button_group(key="asked-classes").set_value(digits).run()
    app.number_input(key="asked-count").set_value(count).run()
    assert f'class="agreement"><b>{share}</b><div><p>{expected}' in html(app)


def test_a_new_draw_has_another_seed(app: AppTest) -> None:
    app.run().number_input(key="asked-seed").set_value(-1)
    app.run().button(key="asked-new-draw").click().run()
    assert f"seed={app.number_input(key='asked-seed').value}," in made(app)


def test_without_a_classifier_there_is_a_sentence_and_no_bar(
    app: AppTest, service: Service
) -> None:
    service.has_classifier = False
    assert "No classifier is installed" in html(app.run())
    assert 'class="reading"' not in html(app)


def test_an_unconditional_model_gives_the_reason_and_offers_another(app: AppTest) -> None:
    app.session_state["model"] = "plain"
    assert "Plain cannot generate a chosen digit" in html(app.run())
    app.button(key="take-able").click().run()
    assert len(asked(app)) == 100


def came(app: AppTest) -> list[int]:
    """The predicted classes of samples from the prior."""
    return [int(label) for label in re.findall(r'title="classified as (\d)', html(app))]


def test_an_unconditional_model_draws_from_its_prior(app: AppTest) -> None:
    app.session_state["model"] = "plain"
    first = came(app.run())
    assert len(first) == 100
    assert len(set(first)) > 5
    assert 'class="tile wrong"' not in html(app), "nothing was asked for"
    for digit in range(10):
        assert f"<strong>{digit}</strong><b>{first.count(digit)}</b>" in html(app)
    app.number_input(key="prior-seed").set_value(5).run()
    assert came(app) != first
    app.number_input(key="prior-count").set_value(30).run()
    assert len(came(app)) == 30
    assert "30, seed=5, temperature=1.0" in made(app)


def test_an_autoencoder_has_no_samples(app: AppTest, service: Service) -> None:
    app.session_state["model"] = "plain"
    service.kl = 0.0
    assert "Plain cannot generate a chosen digit" in html(app.run())
    assert not came(app)
    assert not app.number_input


def test_a_mixture_is_a_choice_that_code_and_address_follow(app: AppTest, service: Service) -> None:
    service.has_mixture = True
    app.session_state["model"] = "plain"
    first = came(app.run())
    assert app.segmented_control(key="prior").value == "normal"
    assert "prior" not in app.query_params
    assert "prior=" not in made(app)
    assert set(came(choose(app, "prior", "mixture"))) == {0}
    assert "temperature=1.0, prior='mixture')" in made(app)
    assert app.query_params["prior"] == ["mixture"]
    assert came(choose(app, "prior", "normal")) == first
    assert "prior" not in app.query_params


def test_without_a_mixture_there_is_no_choice(app: AppTest) -> None:
    app.session_state["model"] = "plain"
    assert came(app.run())
    assert [one.key for one in app.segmented_control] == []


def test_an_autoencoder_draws_from_its_mixture(app: AppTest, service: Service) -> None:
    app.session_state["model"] = "plain"
    service.kl, service.has_mixture = 0.0, True
    assert set(came(app.run())) == {0}
    assert "prior='mixture'" in made(app)
    assert [one.key for one in app.segmented_control] == []


def test_a_damaged_mixture_is_one_sentence(app: AppTest, service: Service) -> None:
    service.has_mixture = True
    app.session_state["model"] = "damaged"
    assert came(app.run())
    choose(app, "prior", "mixture")
    assert not app.exception
    (error,) = app.error
    assert error.value.startswith("This prior cannot be used: 'prior.npz is damaged")
    assert came(choose(app, "prior", "normal"))
    assert not app.error


def test_styles_are_rows_of_ten(app: AppTest) -> None:
    choose(app.run(), "generate-mode", "Style")
    assert asked(app) == list(range(10)) * 8
    app.number_input(key="style-count").set_value(3).run()
    assert asked(app) == list(range(10)) * 3


def test_the_sliders_are_the_style(app: AppTest) -> None:
    choose(choose(app.run(), "generate-mode", "Style"), "style-way", "Sliders")
    assert "[[0.0, 0.0, 0.0]]" in made(app)
    sent = {"values": [1.5, -2, 0.25], "serial": 1, "revision": 0}
    app.session_state["style-able"] = {"input": sent}
    assert "[[1.5, -2.0, 0.25]]" in made(app.run())
    app.button(key="style-random").click().run()
    assert "[[1.5, -2.0, 0.25]]" not in made(app)


def test_all_digits_are_drawn_in_the_styles_of_test_digits(app: AppTest) -> None:
    choose(choose(app.run(), "generate-mode", "Style"), "style-way", "Test")
    sources = re.findall(r'source" title="bundled digit (\d+), a (\d)"', html(app))
    assert sources == [(str(index), str(index)) for index in range(8)]
    app.button(key="style-next").click().run()
    assert "bundled digit 8, an 8" in html(app)
    assert "LATENT_DATA" in app.caption[-1].value


def drawing(shade: int = 255) -> bytes:
    image, buffer = Image.new("L", (280, 280)), io.BytesIO()
    ImageDraw.Draw(image).line([(90, 60), (190, 60), (130, 220)], fill=shade, width=22)
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_all_digits_are_drawn_in_the_style_of_a_drawing(app: AppTest) -> None:
    choose(choose(app.run(), "generate-mode", "Style"), "style-way", "Draw")
    assert "Draw a digit" in app.caption[0].value
    sent = base64.b64encode(drawing()).decode()
    app.session_state["style-ink"] = {"ink": {"png": sent, "serial": 1, "revision": 0}}
    assert asked(app.run()) == list(range(10))
    assert "In the style of your drawing, encoded as a 3." in html(app)


def test_uploads_are_rows_and_garbage_is_named(app: AppTest) -> None:
    choose(choose(app.run(), "generate-mode", "Style"), "style-way", "Upload")
    for name, content in (("a.png", drawing()), ("b`.png", b"no picture"), ("c.png", drawing())):
        app.file_uploader(key="style-files").upload(name, content, "image/png")
    app.run()
    (error,) = app.error
    assert error.value.startswith("`b'.png` cannot be used")
    assert asked(app) == list(range(10)) * 2
    assert re.findall(r'source" title="([^"]*)"', html(app)) == [
        "a.png, encoded as a 3",
        "c.png, encoded as a 3",
    ]


def test_a_number_is_drawn_in_one_style(app: AppTest) -> None:
    choose(app.run(), "generate-mode", "Number")
    assert asked(app) == [2, 0, 2, 6, 1, 1]
    app.text_input(key="number-text").set_value("3.14").run()
    assert asked(app) == [3, 1, 4]
    assert html(app).count('class="space"') == 1
    assert "np.tile([3, 1, 4], 1)" in made(app)
    assert ", 3, axis=0)" in made(app)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("none", "no digit in this text"), ("", "no digit"), ("1" * 41, "Use at most 40 digits")],
)
def test_a_text_that_is_no_number_is_one_sentence(app: AppTest, text: str, expected: str) -> None:
    choose(app.run(), "generate-mode", "Number")
    app.text_input(key="number-text").set_value("77").run()
    app.text_input(key="number-text").set_value(text).run()
    (error,) = app.error
    assert expected in error.value
    assert asked(app) == [7, 7], "the last number stands"


def test_the_style_of_a_number_changes_by_its_slider_and_by_a_new_draw(app: AppTest) -> None:
    first = made(choose(app.run(), "generate-mode", "Number"))
    app.session_state["angle-able"] = {"input": {"values": [120], "serial": 1, "revision": 0}}
    turned = made(app.run())
    app.button(key="another-style").click().run()
    assert len({first, turned, made(app)}) == 3


def test_training_is_played_back(app: AppTest) -> None:
    choose(app.run(), "generate-mode", "Training")
    assert "after epoch 5 of 5; 9 of 10 are classified as requested" in app.caption[0].value
    app.slider[0].set_value(2).run()
    assert "after epoch 2 of 5; 1 of 10 are classified as requested" in app.caption[0].value


def test_training_is_offered_where_there_is_a_record(app: AppTest, service: Service) -> None:
    assert "Training" in app.run().segmented_control(key="generate-mode").options
    service.sheets = 0
    assert "Training" not in app.run().segmented_control(key="generate-mode").options
