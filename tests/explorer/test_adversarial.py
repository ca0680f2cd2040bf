"""The pages of models without an encoder, with noise, or with a categorical code."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer import controls, decoded_code, live_requests, session
from explorer.components import latent_sliders, traversals
from explorer.panels import maps
from tests.explorer import small_checkpoints
from tests.explorer.small_checkpoints import write
from vae import checkpoint, latent, models, service
from vae.dataspec import MNIST
from vae.latent import LatentBlock

EPOCHS = 3
LOG = {
    "generator_loss": 0.8,
    "discriminator_loss": 1.2,
    "belief_real": 0.6,
    "belief_drawn": 0.4,
    "accuracy": 0.7,
}


def labelled() -> list[LatentBlock]:
    """The blocks of a small InfoGAN whose code and first style have labels."""
    code, style, noise = models.build("infogan", small_checkpoints.CONFIGS["infogan"], MNIST).blocks
    return [replace(code, labels=MNIST.classes), replace(style, labels=("slant", "")), noise]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained GAN, a conditional one, an InfoGAN, a VAE and a classifier."""
    folder = tmp_path_factory.mktemp("checkpoints")
    write(folder / "gan", 7, model="dcgan")
    write(folder / "by-class", 7, model="dcgan", conditional=True)
    write(folder / "infogan", 0, model="infogan", blocks=labelled())
    write(folder / "vae", 3)
    write(folder / service.CLASSIFIER, 0, model="classifier")
    for name in ("gan", "by-class"):
        checkpoint.write_sheets(folder / name, np.zeros((EPOCHS, 10, 28, 28), np.uint8))
        lines = [json.dumps({"epoch": epoch} | LOG) for epoch in range(1, EPOCHS + 1)]
        (folder / name / checkpoint.LOG).write_text("\n".join(lines))
    return folder


@pytest.fixture(autouse=True)
def _shipped(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    small_checkpoints.forget()
    session.history.clear()
    monkeypatch.setattr("vae.catalog.CHECKPOINTS", checkpoints)
    yield
    small_checkpoints.forget()
    session.history.clear()


def page() -> None:
    import streamlit as st

    from explorer.pages import explore, generate

    pages = {"explore": explore, "generate": generate}
    pages[st.session_state["page"]].render(st.session_state["name"])


def opened(name: str, which: str = "explore", **state: Any) -> AppTest:
    test = AppTest.from_function(page, default_timeout=60)
    for key, value in ({"name": name, "page": which} | state).items():
        test.session_state[key] = value
    test.run()
    assert not test.exception, test.exception
    return test


def code_of(test: AppTest) -> np.ndarray:
    return test.session_state["visit"].z


def pressed(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception, test.exception
    return test


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """By key, how sliders and traversals were mounted last: arguments and keywords."""
    found: dict[str, Any] = {}
    for module in (latent_sliders, traversals):

        def mount(*args: Any, real: Any = module.mount, **rest: Any) -> Any:
            found[rest["key"]] = args, rest
            return real(*args, **rest)

        monkeypatch.setattr(module, "mount", mount)
    return found


# --- Explore ------------------------------------------------------------------------------------


def test_new_noise_keeps_the_sliders_and_reset_keeps_the_noise() -> None:
    blocks = session.info("gan").blocks
    free, noise = list(latent.continuous(blocks)), list(latent.noise_dims(blocks))
    assert (len(free), len(noise)) == (3, 4)
    test = opened("gan")
    first = code_of(test)
    assert first[noise].any(), "noise is a draw, not its mean"
    pressed(test, "New noise")
    second = code_of(test)
    np.testing.assert_array_equal(second[free], first[free])
    assert (second[noise] != first[noise]).all()
    pressed(test, "Reset")
    np.testing.assert_array_equal(code_of(test)[noise], second[noise])
    assert not code_of(test)[free].any()
    for before in (second, first):
        pressed(test, "Undo")
        np.testing.assert_array_equal(code_of(test), before)


def test_only_what_can_be_explored_has_sliders(mounted: dict[str, Any]) -> None:
    opened("gan")
    (names, _), rest = mounted["sliders-gan"]
    assert names == ["z1", "z2", "z3"]
    assert "notes" not in rest, "no KL, so no nats"
    assert "code-by-style-gan" not in mounted, "its code has no classes"


def test_a_model_without_noise_has_no_button_for_it() -> None:
    assert "New noise" not in [button.label for button in opened("vae").button]


def test_the_map_says_that_its_points_are_samples_of_the_prior() -> None:
    assert any("has no encoder: the points are 2,000" in c.value for c in opened("gan").caption)
    (said,) = [c.value for c in opened("by-class").caption if "no encoder" in c.value]
    assert "coloured by the class asked for" in said
    assert not any("no encoder" in c.value for c in opened("vae").caption)


def test_random_is_a_point_of_the_map_of_a_model_without_encoder() -> None:
    test = opened("gan")
    assert "test-sample" not in [button.key for button in test.button]
    place = pressed(test, "Random").session_state["visit"].place
    np.testing.assert_array_equal(place.z, session.sample_place("gan", place.sample).z)


def test_the_points_of_a_prior_do_not_fade() -> None:
    view = maps.chosen("gan")
    assert view.distances(np.zeros(7, np.float32)) is None


def test_points_of_another_code_fade_but_noise_does_not_count() -> None:
    view, codes = maps.chosen("infogan"), session.encodings("infogan").mean
    here = codes[0].copy()
    near = view.distances(here)
    here[list(latent.noise_dims(session.info("infogan").blocks))] += 1
    assert near is not None
    np.testing.assert_allclose(view.distances(here), near, atol=1e-5)
    same = codes[:, :10].argmax(1) == codes[0, :10].argmax()
    np.testing.assert_allclose(near[same], 0, atol=1e-5)
    np.testing.assert_allclose(near[~same], 2**0.5, rtol=1e-5)


def test_labels_name_sliders_traversals_axes_and_the_values_of_a_code(
    mounted: dict[str, Any],
) -> None:
    test = opened("infogan")
    (names, _), _ = mounted["sliders-infogan"]
    assert names == ["z11 slant", "z12"]
    assert mounted["traversals-infogan"][1]["names"] == ["z11 slant", "z12"]
    assert maps.chosen("infogan").axes == ("z11 slant", "z12")
    assert any("z11 slant to the right, z12 upwards" in m.value for m in test.markdown)
    assert controls.choices(labelled()[0], MNIST) == list(MNIST.classes)
    assert controls.choices(LatentBlock("code", 3, "categorical"), MNIST) == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["infogan", "by-class"])
def test_a_sheet_varies_a_style_of_every_code(name: str, mounted: dict[str, Any]) -> None:
    test = opened(name)
    where = latent.slices(session.info(name).blocks)[0 if name == "infogan" else 2]
    args, rest = mounted[f"code-by-style-{name}"]
    dim = session.info(name).order[0]
    assert rest["names"] == list(MNIST.classes)
    assert list(args[2]) == [dim] * 10
    assert list(rest["choice"].dims) == list(range(where.start, where.stop))
    assert rest["choice"].row == code_of(test)[where].argmax()
    test.selectbox(key=f"style-dim-{name}").set_value(session.info(name).order[1]).run()
    args, rest = mounted[f"code-by-style-{name}"]
    assert list(args[2]) == [session.info(name).order[1]] * 10


# --- the classifier -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gan", "by-class", "infogan"])
def test_the_classifier_says_what_a_gan_draws_also_during_a_drag(name: str) -> None:
    z = session.encodings(name).mean[7]
    shares = decoded_code.decode(name, z).shares
    drawn = session.model(name).pictures(z[None]) / np.float32(255)
    classifier = session.classifier(name)
    assert classifier is not None
    np.testing.assert_allclose(shares, classifier.classify(drawn)[0], atol=1e-5)
    assert decoded_code.title(name) == "Independent classifier"
    request = live_requests.parse(
        {"serial": 1, "model": name, "view": ["Two dimensions", 0, 1], "z": z.tolist()}
    )
    (reply,) = live_requests.answer([request])
    np.testing.assert_allclose(json.loads(reply)["shares"], shares, atol=1e-3)
    assert live_requests.is_prepared(request), "answered by the thread that decodes"


def test_a_vae_shows_its_neighbours() -> None:
    assert decoded_code.title("vae") == "Nearest 25 test digits"


def test_a_gan_of_other_classes_is_not_classified(checkpoints: Path) -> None:
    write(checkpoints / "letters", 7, model="dcgan", spec=replace(MNIST, classes=("a", "b")))
    assert not service.knows_classes(session.info("letters").spec)
    assert len(decoded_code.decode("letters", np.zeros(7, np.float32)).shares) == 0
    assert decoded_code.title("letters") == ""


# --- Generate -----------------------------------------------------------------------------------


def modes(test: AppTest) -> list[str]:
    return test.segmented_control(key="generate-mode").options


def test_every_model_offers_what_it_can_do(checkpoints: Path) -> None:
    assert modes(opened("gan", "generate")) == ["Digits", "Training"]
    assert modes(opened("by-class", "generate")) == ["Digits", "Style", "Number", "Training"]
    keys = [control.key for control in opened("vae", "generate").segmented_control]
    assert "generate-mode" not in keys, "it has no record of its training"
    checkpoint.write_sheets(checkpoints / "vae", np.zeros((1, 10, 28, 28), np.uint8))
    session.history.clear()
    assert modes(opened("vae", "generate")) == ["Digits", "Training"]
    (checkpoints / "vae" / checkpoint.TRAINING).unlink()


@pytest.mark.parametrize(("name", "asked"), [("gan", False), ("by-class", True)])
def test_training_is_played_back_and_only_requests_are_judged(name: str, asked: bool) -> None:
    test = opened(name, "generate", **{"generate-mode": "Training"})
    first, *_ = [c.value for c in test.caption]
    assert first.startswith(f"The same 10 codes after epoch {EPOCHS} of {EPOCHS}")
    assert ("classified as requested" in first) is asked
    assert any("probability of being real" in c.value for c in test.caption)


def test_a_style_is_taken_from_the_prior_or_the_sliders_where_nothing_is_encoded(
    mounted: dict[str, Any],
) -> None:
    test = opened("by-class", "generate", **{"generate-mode": "Style"})
    way = test.segmented_control(key="style-way")
    assert way.options == ["Prior", "Sliders"]
    assert any("takes no style from a digit" in c.value for c in test.caption)
    way.set_value("Sliders").run()
    assert not test.exception
    (names, _), _ = mounted["style-by-class"]
    assert names == ["z1", "z2", "z3"], "the noise has no sliders"
    style = test.session_state["style-values-by-class"]
    before = style.z.copy()
    assert before[3:].all(), "noise is a draw"
    pressed(test, "New noise")
    assert (style.z[3:] != before[3:]).all()
    np.testing.assert_array_equal(style.z[:3], before[:3])
    pressed(test, "Random")
    changed = style.z.copy()
    assert (changed != before).all(), "another style has other noise, too"
    pressed(test, "Reset")
    np.testing.assert_array_equal(style.z[3:], changed[3:])
    assert not style.z[:3].any()


def test_another_style_of_a_number_has_other_noise() -> None:
    test = opened("by-class", "generate", **{"generate-mode": "Number"})

    def shown() -> str:
        return next(code.value for code in test.code if "generate" in code.value)

    before = shown()
    test.button(key="another-style").click().run()
    assert not test.exception
    assert shown() != before
