"""Every page in a real browser over samples in colour, of 26 classes, and without labels."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.helpers import CODE, PHONE, open_explore
from tests.explorer.small_checkpoints import COUNT, write
from vae import data
from vae.dataspec import DataSpec

Settle = Callable[[Page], None]
KINDS = ("circle", "cross", "square")
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
# Width, height and the largest difference between two channels of the canvas.
PICTURE = """() => {
  const canvas = document.querySelector(".decoded-sample canvas");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let apart = 0;
  for (let at = 0; at < data.length; at += 4) {
    apart = Math.max(apart, Math.abs(data[at] - data[at + 2]));
  }
  return [width, height, apart];
}"""
# The mean colour of an image.
COLOUR = """(img) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d");
  context.drawImage(img, 0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}"""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def colour_set(path: Path) -> data.Dataset:
    """A set of small pictures in colour, written to `path`; returns its test part."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2 * COUNT, 12, 8, 3), dtype=np.uint8)
    labels = np.array(KINDS)[np.arange(2 * COUNT) % len(KINDS)]
    parts = {"x_train": pictures[COUNT:], "y_train": labels[COUNT:]}
    np.savez(path, **parts, x_test=pictures[:COUNT], y_test=labels[:COUNT])
    return data.load(path, "test")


@pytest.fixture(scope="module")
def url(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The app over three untrained models."""
    folder = tmp_path_factory.mktemp("checkpoints")
    test = colour_set(folder / "pictures.npz")
    source = str(folder / "pictures.npz")
    write(folder / "colour", 3, spec=test.spec, labels=test.labels, data=source)
    letters = DataSpec("image", (1, 10, 8), "bernoulli", LETTERS, noun="letter")
    write(folder / "letters", 3, model="conditional_vae", spec=letters, data="/nowhere")
    write(folder / "plain", 3, spec=DataSpec("image", (3, 8, 8), "bernoulli"), data="/nowhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CHECKPOINTS", str(folder))  # read when the server starts
        return serve("streamlit_app.py", "--server.maxMessageSize=250")  # a server of its own


@pytest.fixture
def upload() -> FilePayload:
    """A wide picture, red."""
    buffer = io.BytesIO()
    Image.new("RGB", (90, 30), (230, 20, 10)).save(buffer, "PNG")
    return {"name": "wide.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "light"}, PHONE | {"color_scheme": "dark"}],
    ids=["1440 light", "390 dark"],
)
def test_pictures_in_colour_on_every_page(
    url: str,
    new_page: Callable[..., Page],
    settle: Settle,
    upload: FilePayload,
    options: dict[str, Any],
) -> None:
    page = open_explore(new_page(**options), f"{url}/?model=colour&sample=4", settle)
    width, height, apart = page.evaluate(PICTURE)
    assert (width, height) == (8, 12)
    assert apart > 2, "the picture has colours"
    expect(page.locator(".decoded-sample figcaption")).to_have_text("test image 4, cross")
    assert page.locator(".bar span").all_inner_texts() == list(KINDS)
    before = page.evaluate(CODE)
    page.locator("input[type=range]").first.press("ArrowRight")
    page.wait_for_function(f"({CODE})() !== '{before}'")
    settle(page)
    assert page.evaluate(PICTURE)[:2] == [8, 12]
    assert page.evaluate(OVERFLOW) <= 0

    page.goto(f"{url}/reconstruct?model=colour&sample=4")
    expect(page.locator(".st-key-detail h3").first).to_have_text("Test image 4, cross")
    sizes = page.locator(".column img").evaluate_all("(all) => all.map((one) => one.naturalHeight)")
    assert set(sizes) == {12}
    assert page.evaluate(OVERFLOW) <= 0
    page.get_by_text("Upload", exact=True).first.click()
    expect(page.get_by_text("fitted into 8 \u00d7 12 pixels")).to_be_visible()
    page.set_input_files("input[type=file]", upload)
    expect(page.locator(".st-key-detail h3").first).to_have_text("Your image")
    red, green, *_ = page.locator(".trio img").first.evaluate(COLOUR)
    assert red > 200
    assert green < 60
    settle(page)
    assert page.evaluate(OVERFLOW) <= 0

    page.goto(f"{url}/generate?model=colour")
    expect(page.locator(".tile img")).to_have_count(100)
    expect(page.get_by_role("heading", name="cannot generate a chosen class")).to_be_visible()
    settle(page)
    assert page.evaluate(OVERFLOW) <= 0


def test_twenty_six_classes_are_chosen_by_name(
    url: str, new_page: Callable[..., Page], settle: Settle
) -> None:
    page = open_explore(new_page(), f"{url}/?model=letters", settle)
    expect(page.locator(".bars .bar")).to_have_count(10)
    page.get_by_role("combobox", name="Class").click()
    page.get_by_role("option", name="C", exact=True).click()
    expect(page).to_have_url(re.compile(r"z=0(%2C0){4}%2C1%2C"))
    settle(page)

    page.get_by_role("link", name="Generate").click()
    expect(page.locator(".generated .head")).to_have_count(10)
    page.get_by_role("button", name="Z", exact=True).click()
    expect(page.locator(".generated .head")).to_have_count(0)  # eleven do not fit into ten columns
    expect(page.locator(".tile figcaption").nth(10)).to_have_text("Z")
    assert "Number" not in page.locator(".st-key-generate-modes").inner_text()
    settle(page)

    page.get_by_role("link", name="Reconstruct").click()
    expect(page.get_by_text("The original letters of this model are not available")).to_be_visible()
    expect(page.locator(".column")).to_have_count(0)
    settle(page)


def test_unlabelled_samples_have_no_classes(
    url: str, new_page: Callable[..., Page], settle: Settle
) -> None:
    page = open_explore(new_page(), f"{url}/?model=plain", settle)
    expect(page.locator(".bars .bar")).to_have_count(0)
    page.get_by_role("button", name="Test image").click()
    expect(page.locator(".decoded-sample figcaption")).to_contain_text("test image ")
    settle(page)
    page.get_by_role("link", name="Generate").click()
    expect(page.get_by_role("heading", name="Samples from its prior")).to_be_visible()
    expect(page.locator(".tile img")).to_have_count(100)
    expect(page.locator(".st-key-not-offered")).to_have_count(0)
    settle(page)
