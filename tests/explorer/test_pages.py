"""The three pages over checkpoints without labels, with damaged files, and with hostile titles."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer import decoded_code, originals, session
from explorer.components import latent_map
from explorer.panels import selection
from tests.explorer import downloads
from tests.explorer.small_checkpoints import COUNT, forget, truncate, write
from vae import catalog, checkpoint, service
from vae.dataspec import MNIST, Dataset

PAGES = ("Explore", "Reconstruct", "Generate")
PARTLY = np.where(np.arange(COUNT) % 3, np.arange(COUNT) % 10, -1)
LABELS = {"unlabelled": np.full(COUNT, -1), "partly labelled": PARTLY}
HOSTILE = "a`\n\n# b [c](http://127.0.0.1:9/) <b>d</b>"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of checkpoints that the app offers; the test writes them."""
    forget()
    st.cache_resource.clear()
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    yield tmp_path
    forget()


@pytest.fixture
def without_originals(monkeypatch: pytest.MonkeyPatch) -> None:
    """No MNIST, and no other digits than scikit-learn's."""
    monkeypatch.setattr(originals, "shared", lambda *_: downloads.ended(None))


def script() -> None:
    import streamlit as st

    from explorer import link, main, session

    link.read(session.names()[0])
    st.selectbox("Model", session.names()[0], key="model")
    main.PAGES[st.session_state["page"]](st.session_state["model"])


def opened(page: str, model: str = "", state: dict[str, Any] | None = None) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    if model:
        app.query_params["model"] = model
    app.session_state["page"] = page
    for key, value in (state or {}).items():
        app.session_state[key] = value
    return app.run()


def markdown(app: AppTest) -> str:
    """Everything on the page that is read as Markdown, and its HTML."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.html]
    return "\n".join(str(part.value) for part in parts)


# --- without labels -----------------------------------------------------------------------------


@pytest.mark.usefixtures("without_originals")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("model", ["vae", "conditional_vae"])
def test_pages_are_shown_without_labels(
    folder: Path, page: str, labels: np.ndarray, model: str
) -> None:
    write(folder / "small", 3, model=model, labels=labels)
    app = opened(page)
    assert not app.exception
    assert not app.error
    assert "-1" not in re.sub(r"<style>.*?</style>|data:\S+", "", markdown(app)).replace(
        "-1 to 1", ""
    )


def test_the_map_has_a_neutral_class_for_unlabelled_points(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "small", 2, labels=PARTLY)
    mounted: list[dict[str, Any]] = []
    published: list[bytes] = []
    publish = latent_map.assets.publish

    def kept(content: bytes, name: str, **rest: Any) -> str:
        if name == "points.bin":
            published.append(content)
        return publish(content, name, **rest)

    monkeypatch.setattr(latent_map, "_component", lambda *, data, **_: mounted.append(data))
    monkeypatch.setattr(latent_map.assets, "publish", kept)
    assert not opened("Explore").exception
    (given,) = mounted
    *digits, unlabelled = given["classes"]
    assert [each["phrase"] for each in digits][7:] == ["a 7", "an 8", "a 9"]
    assert unlabelled == {"label": -1, "name": "unlabelled", "title": "unlabelled", "phrase": ""}
    assert len(given["colours"]) == 11
    assert given["colours"][10] not in given["colours"][:10]
    painted = np.frombuffer(published[0][8 * COUNT :], "<u2")
    assert painted.tolist() == np.where(PARTLY < 0, 10, PARTLY).tolist()


def test_a_labelled_map_has_no_neutral_class(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "small", 2)
    mounted: list[dict[str, Any]] = []
    monkeypatch.setattr(latent_map, "_component", lambda *, data, **_: mounted.append(data))
    assert not opened("Explore").exception
    assert len(mounted[0]["classes"]) == len(mounted[0]["colours"]) == 10


def test_captions_and_shares_leave_unlabelled_digits_out(folder: Path) -> None:
    write(folder / "small", 2, labels=PARTLY)
    write(folder / "none", 2, labels=LABELS["unlabelled"])
    assert decoded_code.caption("small", 0) == "test digit 0"
    assert decoded_code.caption("small", 8) == "test digit 8, an 8"
    origin = np.zeros(2, np.float32)
    nearest = np.square(session.encodings("small").mean).sum(1).argsort()[:25]
    labels = PARTLY[nearest]
    expected = np.bincount(labels[labels >= 0], minlength=10) / 25
    np.testing.assert_allclose(decoded_code.decode("small", origin).shares, expected)
    assert not decoded_code.decode("none", origin).shares.any()


def test_a_selection_counts_unlabelled_digits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "small", 2, labels=PARTLY)
    sheets: list[list[str]] = []
    monkeypatch.setattr(
        selection.sample_sheet, "mount", lambda _, names, **rest: sheets.append(names)
    )
    picked = np.arange(12)
    app = opened("Explore", state={"selection-small": selection.Selection(picked, picked)})
    assert not app.exception
    assert "<strong>12 digits selected</strong>" in markdown(app)
    assert "<strong>unlabelled</strong><b>4</b>" in markdown(app)
    assert sheets[-1][8] == "test digit 8, an 8"
    assert sheets[-1][0] == "test digit 0"
    monkeypatch.setattr(st, "session_state", {})
    selection.pick("small", np.array([4, 0, 1, 3]))
    assert st.session_state["selection-small"].shown.tolist() == [0, 3, 1, 4], "by class"


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_reconstruct_names_and_filters_by_known_labels(
    folder: Path, monkeypatch: pytest.MonkeyPatch, labels: np.ndarray
) -> None:
    write(folder / "small", 2, labels=labels)
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
    download = downloads.ended(Dataset(images, labels, MNIST))
    monkeypatch.setattr(originals, "shared", lambda *_: download)
    app = opened("Reconstruct")
    assert not app.exception
    assert "<b>?</b> 0" in markdown(app)
    assert "<h3>Test digit 0</h3>" in markdown(app)
    (order,) = [each for each in app.segmented_control if each.key == "way"]
    assert ("By digit" in order.options) == (labels >= 0).any()
    if "By digit" in order.options:
        order.set_value("By class").run()
        app.selectbox(key="class").set_value(8).run()
        shown = re.findall(r"<b>(\S)</b> (\d+)</div>", markdown(app))
        known = np.flatnonzero(labels == 8)[:8]
        assert shown == [("8", str(index)) for index in known]


# --- damaged files ------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_originals")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("model", ["vae", "conditional_vae"])
@pytest.mark.parametrize("damage", ["truncated", "removed"])
def test_damaged_weights_are_one_sentence_and_another_model_can_be_chosen(
    folder: Path, page: str, model: str, damage: str
) -> None:
    write(folder / "damaged", 2, model=model)
    write(folder / "whole", 3, model=model)
    weights = folder / "damaged" / checkpoint.WEIGHTS
    if damage == "truncated":
        truncate(weights)
    else:
        weights.unlink()
    app = opened(page, model="damaged")
    assert not app.exception
    (error,) = app.error
    assert error.value.startswith("This model cannot be used: `")
    assert checkpoint.WEIGHTS in error.value
    app.selectbox(key="model").set_value("whole").run()
    assert not app.exception
    assert not app.error


@pytest.mark.usefixtures("without_originals")
@pytest.mark.parametrize("mode", ["Style", "Number", "Training"])
def test_damaged_weights_are_one_sentence_in_every_mode_of_generate(
    folder: Path, mode: str
) -> None:
    write(folder / "damaged", 2, model="conditional_vae")
    truncate(folder / "damaged" / checkpoint.WEIGHTS)
    app = opened("Generate", state={"generate-mode": mode})
    assert not app.exception
    assert len(app.error) + len(app.info) == 1


@pytest.mark.usefixtures("without_originals")
@pytest.mark.parametrize("page", PAGES)
def test_a_loaded_model_is_shown_after_its_files_are_gone(folder: Path, page: str) -> None:
    write(folder / "small", 2)
    write(folder / "whole", 3)
    app = opened(page, model="small")
    (folder / "small" / checkpoint.WEIGHTS).unlink()
    assert not app.run().exception
    assert not app.error
    shutil.rmtree(folder / "small")
    app.run()
    assert not app.exception
    assert "Model `small` can no longer be used" in app.warning[0].value


@pytest.mark.usefixtures("without_originals")
@pytest.mark.parametrize("name", [checkpoint.ENCODINGS, checkpoint.METRICS, checkpoint.CONFIG])
def test_a_damaged_description_leaves_the_model_out(folder: Path, name: str) -> None:
    write(folder / "damaged", 2)
    write(folder / "whole", 3)
    path = folder / "damaged" / name
    path.write_bytes(path.read_bytes()[:10] if path.exists() else b"{")
    app = AppTest.from_function(whole_app, default_timeout=60).run()
    assert not app.exception
    (warning,) = app.warning
    assert warning.value.startswith("A model was left out: `")
    assert name in warning.value
    assert app.selectbox(key="model").options == ["Small, 3-d"]


def whole_app() -> None:
    from explorer.main import main

    main()


@pytest.mark.usefixtures("without_originals")
def test_a_damaged_classifier_is_one_sentence_beside_the_digits(folder: Path) -> None:
    write(folder / "small", 2, model="conditional_vae")
    write(folder / service.CLASSIFIER, 0, model="classifier")
    truncate(folder / service.CLASSIFIER / checkpoint.WEIGHTS)
    app = opened("Generate")
    assert not app.exception
    (warning,) = app.warning
    assert warning.value.startswith("The classifier cannot be used: `")
    assert markdown(app).count('<figure class="tile"') == 100
    app = opened("Explore")
    assert not app.exception


@pytest.mark.usefixtures("without_originals")
@pytest.mark.parametrize(
    ("model", "mode", "read"),
    [
        ("conditional_vae", "Digits", "as requested"),
        ("conditional_vae", "Training", "as requested"),
        ("vae", "Digits", 'class="tally"'),
    ],
)
def test_a_restored_classifier_reads_what_was_drawn_without_it(
    folder: Path, model: str, mode: str, read: str
) -> None:
    write(folder / "small", 2, model=model)
    checkpoint.write_sheets(folder / "small", np.zeros((2, 10, 28, 28), np.uint8))
    write(folder / service.CLASSIFIER, 0, model="classifier")
    weights = folder / service.CLASSIFIER / checkpoint.WEIGHTS
    whole = weights.read_bytes()
    truncate(weights)
    app = opened("Generate", state={"generate-mode": mode})
    assert read not in markdown(app)
    weights.write_bytes(whole)
    session._classifier.clear()  # the time until it is read again has passed
    app.run()
    assert not app.exception
    assert not app.warning
    assert read in markdown(app)


def test_whether_a_model_is_ready_asks_no_disk_once_it_is_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "small", 2, model="conditional_vae")
    write(folder / service.CLASSIFIER, 0, model="classifier")
    assert not decoded_code.is_ready("small")
    decoded_code.decode("small", np.zeros(12, np.float32))
    monkeypatch.setattr(service, "has_classifier", lambda: pytest.fail("the disk was asked"))
    assert decoded_code.is_ready("small")


# --- titles -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_originals")
@pytest.mark.parametrize("page", PAGES)
def test_a_title_is_neither_markdown_nor_html(folder: Path, page: str) -> None:
    write(folder / "small", 1, title=HOSTILE)  # one dimension: Explore refuses it by its title
    write(folder / "conditional", 2, model="conditional_vae", title=HOSTILE)
    app = opened(page, model="small")
    assert not app.exception
    assert "\n# b" not in markdown(app)
    assert "<b>d</b>" not in re.sub(r"`[^`]*`", "", markdown(app))
    for button in app.button:
        assert "[c](" not in button.label


@pytest.mark.usefixtures("without_originals")
def test_the_choice_of_a_model_shows_its_title_on_one_line(folder: Path) -> None:
    write(folder / "small", 2, title=HOSTILE)
    app = AppTest.from_function(whole_app, default_timeout=60).run()
    assert not app.exception
    (title,) = app.selectbox(key="model").options
    assert title.startswith("a' # b [c](")
    assert title.isprintable()
