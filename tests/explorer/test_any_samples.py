"""The pages over samples of other sizes, in colour, with other classes or none: they say and show
what the spec says."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer import controls, decoded_code, main, originals, session
from explorer.components import decoded_view
from tests.explorer.small_checkpoints import COUNT, forget, write
from tests.explorer.test_pages import markdown, opened
from vae import catalog, latent
from vae.dataspec import DataSpec

SHAPES = ("circle", "cross", "square with <b>")
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
SPECS = {
    "colour": DataSpec("image", (3, 6, 5), "bernoulli", SHAPES),
    "letters": DataSpec("image", (1, 20, 16), "bernoulli", LETTERS, noun="letter"),
    "many": DataSpec("image", (1, 8, 8), "bernoulli", tuple(f"kind {n}" for n in range(200))),
    "unlabelled": DataSpec("image", (3, 8, 8), "bernoulli"),
}
PAGES = ("Explore", "Reconstruct", "Generate")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of checkpoints that the app offers, one of each spec; their data are missing."""
    forget()
    st.cache_resource.clear()
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    for name, spec in SPECS.items():
        write(tmp_path / name, 3, spec=spec, data=f"/nowhere/{name}.npz")
        if spec.classes:
            conditional = tmp_path / f"{name}-c"
            write(conditional, 3, model="conditional_vae", spec=spec, data=f"/nowhere/{name}.npz")
    write(tmp_path / "decoder", 3, spec=SPECS["colour"], data="/nowhere", encodes=False)
    yield tmp_path
    forget()


MODELS = [*SPECS, "colour-c", "letters-c", "many-c", "decoder"]


def words(app: AppTest) -> str:
    """All that a visitor reads, without styles and pictures."""
    assert not app.exception
    assert not app.error
    labels = [each.label for each in (*app.button, *app.selectbox, *app.number_input)]
    labels += [option for each in app.segmented_control for option in each.options]
    left_out = r'<style>.*?</style>|data:\S+|class="[^"]*"|`[^`]*`'  # a quote: why data are missing
    shown = re.sub(left_out, "", markdown(app), flags=re.DOTALL)
    return "\n".join([shown, *labels])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("model", MODELS)
def test_no_page_speaks_of_digits_or_their_size(page: str, model: str) -> None:
    shown = words(opened(page, model))
    assert not re.search(r"digit|MNIST|\b28\b|handwritten", shown)
    assert "<b></i>" not in shown
    assert "square with <b>" not in shown


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("page", PAGES)
def test_without_classes_no_page_speaks_of_them(page: str) -> None:
    assert not re.search(r"class|label", words(opened(page, "unlabelled")))


@pytest.mark.usefixtures("folder")
def test_missing_originals_are_one_sentence_and_no_others_are_shown() -> None:
    shown = words(opened("Reconstruct", "letters"))
    assert "The original letters of this model are not available" in shown
    assert "<img" not in shown
    assert originals.stand_ins("letters") is None


@pytest.mark.usefixtures("folder")
def test_a_model_that_cannot_encode_says_why_it_reconstructs_nothing() -> None:
    assert "does not both encode and decode" in words(opened("Reconstruct", "decoder"))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("model", MODELS)
def test_the_decoded_view_has_the_size_of_the_samples_and_a_share_for_each_class(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted: list[dict[str, Any]] = []
    monkeypatch.setattr(decoded_view, "_component", lambda *, data, **_: mounted.append(data))
    assert not opened("Explore", model).exception
    spec, given = catalog.info(model).spec, mounted[-1]
    channels, height, width = spec.shape
    assert given["size"] == [height, width, channels]
    encodes = catalog.info(model).encodes
    names = list(spec.classes) if encodes else []
    assert given["names"] == names
    assert len(given["shares"]) == len(given["colours"]) == len(names)
    assert (
        sum(given["shares"]) == pytest.approx(1, abs=0.2 if len(names) == 200 else 0.02)
        or not names
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("model", ["colour-c", "letters-c", "many-c"])
def test_a_class_is_chosen_by_its_name(model: str) -> None:
    info = catalog.info(model)
    app = opened("Explore", model)
    key = next(
        key for key in (f"value-class-{model}", f"listed-class-{model}") if key in app.session_state
    )
    (choice,) = [each for each in (*app.selectbox, *app.segmented_control) if each.key == key]
    assert len(choice.options) == len(info.spec.classes)
    choice.set_value(2).run()
    assert (
        app.session_state["visit"].z[info.class_dims].tolist()
        == np.eye(len(choice.options))[2].tolist()
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("model", "shown"), [("colour-c", 3), ("letters-c", 26), ("many-c", 200)])
def test_generate_offers_every_class(model: str, shown: int) -> None:
    app = opened("Generate", model)
    chosen = app.session_state["asked-classes"]
    assert chosen == list(range(min(10, shown)))
    modes = app.segmented_control(key="generate-mode").options
    assert "Number" not in modes
    names = catalog.info(model).spec.classes
    picked = [each for each in (*app.button_group, *app.multiselect) if each.key == "asked-classes"]
    assert len(picked[0].options) == shown
    picked[0].set_value([shown - 1]).run()
    last = names[shown - 1].replace("<b>", "&lt;b&gt;")
    assert words(app).count(f'alt="{last}"') == 100


@pytest.mark.usefixtures("folder")
def test_a_test_sample_is_kept_only_between_models_of_the_same_data() -> None:
    app = opened("Explore", "letters")
    app.query_params["sample"] = "7"
    app.run()
    assert app.session_state["visit"].place.sample == 7
    for other, kept in (("letters-c", 7), ("colour", None)):
        app.selectbox(key="model").set_value(other).run()
        assert app.session_state["visit"].place.sample == kept


@pytest.mark.usefixtures("folder")
def test_distances_and_sliders_follow_the_range_of_their_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks = (
        latent.LatentBlock("z", 2, "uniform", range=(0.0, 1.0)),
        latent.LatentBlock("noise", 3, "normal", role="noise"),
        latent.LatentBlock("w", 1, "normal"),
    )
    assert latent.continuous(blocks) == (0, 1, 5)
    assert latent.limits(blocks)[[0, 5]].tolist() == [[0, 1], [-3, 3]]
    info = replace(catalog.info("colour"), blocks=blocks, kl=(0.0,) * 6, active=(True,) * 6)
    monkeypatch.setattr(session, "info", lambda _: info)
    assert controls.ranges("colour", info.order) == [(0, 1), (0, 1), (-3, 3)]


def test_captions_have_the_names_of_samples(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del folder
    codes = catalog.encodings("colour")
    named = codes._replace(names=tuple(f"sample {n}" for n in range(COUNT)))
    monkeypatch.setattr(session, "encodings", lambda _: named)
    assert decoded_code.caption("colour", 4) == "test image 4, sample 4 (cross)"


@pytest.mark.usefixtures("folder")
def test_models_of_one_title_are_told_apart() -> None:
    shown = main.titles(["colour", "letters", "colour-c"])
    assert len(set(shown.values())) == 3
    assert shown["colour"] == "Small, 3-d (colour)"
    assert main.titles(["colour"]) == {"colour": "Small, 3-d"}


@pytest.mark.usefixtures("folder")
def test_a_list_of_classes_shows_their_names_unescaped() -> None:
    """Streamlit reads Markdown on buttons, and plain text in a list."""
    (choice,) = [one for one in opened("Explore", "colour-c").selectbox if "class" in str(one.key)]
    assert choice.options == list(SHAPES)
