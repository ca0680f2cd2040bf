"""A small GAN, trained here, in a real browser: dragged, given new noise, and played back."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from tests.browser.helpers import CODE, PHONE, open_explore
from tests.conftest import MakeOnce
from vae import catalog, checkpoint, data, metrics, training
from vae.optim import TrainConfig
from vae.presets import Preset

Settle = Callable[[Page], None]
EPOCHS, POINTS = 2, 200
# whether the address has a value of the first dimension
ADDRESS = """value => {
  const code = new URLSearchParams(location.search).get("z") ?? "";
  return Math.abs(Number(code.split(",")[0]) - value) < 1e-3;
}"""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SHIPPED = catalog.CHECKPOINTS / catalog.CLASSIFIER


def train(folder: Path) -> None:
    """A conditional GAN of two layers each, with the shipped classifier beside it."""
    config = {"net": "mlp", "width": 8, "critic": 8, "latent": 12, "directions": 4}
    preset = Preset(
        "dcgan",
        config | {"conditional": True},
        TrainConfig(epochs=EPOCHS, batch=50, rate=1e-3),
        "Small GAN",
        "For the tests.",
    )
    digits = data.load("digits", "train").select(slice(200))
    gan = training.train(
        preset, digits, folder / "gan", torch.device("cpu"), source="digits", bar=False
    )
    drawn = metrics.encode_drawn(checkpoint.read_model(gan), None, count=POINTS)
    checkpoint.write_encodings(gan, drawn)
    shutil.copytree(SHIPPED, folder / catalog.CLASSIFIER)


@pytest.fixture(scope="module")
def url(serve: Callable[..., str], make_once: MakeOnce) -> str:
    """The app over this GAN."""
    with pytest.MonkeyPatch.context() as patch:
        # read when the server starts
        patch.setenv("LATENT_CHECKPOINTS", str(make_once("small-gan", train)))
        return serve("streamlit_app.py", "--server.maxMessageSize=251")  # a server of its own


def code(page: Page) -> np.ndarray:
    return np.array(page.evaluate(CODE).split(","), float)


def test_a_gan_is_explored(url: str, page: Page, settle: Settle) -> None:
    open_explore(page, f"{url}/?model=gan", settle)
    expect(page.get_by_text("This model has no encoder: the points are 200")).to_be_visible()
    expect(page.locator(".decoded-sample h4")).to_have_text("Independent classifier")
    expect(page.get_by_role("slider", name="latent dimension")).to_have_count(4)

    expect(page.locator(".facts .bar")).to_have_count(10)
    still, before = page.evaluate(CODE), code(page)
    page.wait_for_function("() => window.latentExplorerLive.open")
    box = page.get_by_label("z1, latent dimension").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 10, box["y"] + box["height"] / 2, steps=4)
    page.wait_for_function(f"before => ({CODE})() !== before", arg=still)  # during the drag
    page.mouse.up()
    settle(page)
    shown, dragged = page.evaluate(CODE), code(page)
    assert dragged[0] > 2
    page.wait_for_function(ADDRESS, arg=dragged[0])  # the script has run after the release
    np.testing.assert_array_equal(dragged[1:], before[1:])

    page.get_by_role("button", name="New noise").click()
    page.wait_for_function(f"before => ({CODE})() !== before", arg=shown)
    settle(page)
    np.testing.assert_array_equal(code(page)[:4], dragged[:4])
    assert (code(page)[4:12] != dragged[4:12]).all()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(f"was => ({CODE})() === was", arg=shown)
    settle(page)

    page.get_by_role("button", name="7, z1 = -1.5").click()
    page.wait_for_function(f"() => ({CODE})().startsWith('-1.5,')")
    settle(page)
    assert code(page)[12:].tolist() == np.eye(10)[7].tolist()
    np.testing.assert_array_equal(code(page)[1:12], dragged[1:12])
    assert page.locator(".strips").last.locator("b:visible").count() == 1, "on the row of the 7"


def test_its_training_is_played_back_on_a_phone(
    url: str, new_page: Callable[..., Page], settle: Settle
) -> None:
    page = open_explore(new_page(**PHONE), f"{url}/?model=gan", settle)
    assert page.evaluate(OVERFLOW) <= 0
    page.goto(f"{url}/generate?model=gan")
    page.get_by_text("Training", exact=True).click()
    line = page.get_by_text("The same 10 codes after epoch")
    expect(line).to_contain_text(f"epoch {EPOCHS} of {EPOCHS}")
    charts = page.locator(".js-plotly-plot")
    for name in ("generator", "discriminator", "real samples", "drawn samples", "cannot tell"):
        expect(charts.get_by_text(name, exact=True)).to_be_visible()
    page.get_by_role("slider", name="Epoch").press("Home")
    expect(line).to_contain_text(re.compile(rf"epoch 1 of {EPOCHS}; \d+ of 10 are classified"))
    settle(page)
    assert page.evaluate(OVERFLOW) <= 0
