"""Inversion in a real browser: a small GAN without an encoder, its test digits and a drawing."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.helpers import PHONE, wait_for_map
from tests.explorer.small_checkpoints import write
from vae import data
from vae.dataspec import MNIST

Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]
SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]  # of the canvas's side
WIDE = 96  # of the generator: a search of eight digits takes seconds on any machine
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
NO_ENCODER = "each code was found by gradient steps (inversion)"


@pytest.fixture(scope="module")
def url(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The app over an untrained GAN, whose test digits are noise in a file."""
    folder = tmp_path_factory.mktemp("checkpoints")
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    labels = np.arange(40) % 10
    source = folder / "noise.npz"
    np.savez(source, x_train=noise, y_train=labels, x_test=noise[:20], y_test=labels[:20])
    assert data.load(source, "test").class_count == 10
    shape = {"net": "conv", "width": WIDE, "critic": 2, "directions": 3}
    write(folder / "gan", 6, model="dcgan", spec=MNIST, data=str(source), **shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CHECKPOINTS", str(folder))  # read when the server starts
        return serve("streamlit_app.py", "--server.maxMessageSize=260")  # a server of its own


def stop_button(page: Page) -> Locator:
    return page.locator(".st-key-stop-inversion button")


def progress(page: Page) -> Locator:
    return page.locator(".st-key-inverting")


def ended(page: Page, settle: Settle) -> None:
    """Wait until the search has ended and the page shows its result."""
    expect(page.get_by_text(NO_ENCODER)).to_be_visible(timeout=120_000)
    expect(progress(page)).to_be_hidden()
    settle(page)


@pytest.mark.parametrize("options", [{}, PHONE], ids=["1440", "390"])
def test_a_drawing_is_inverted_stopped_and_explored(
    url: str,
    new_page: Callable[..., Page],
    settle: Settle,
    stroke: Stroke,
    options: dict[str, object],
) -> None:
    page = new_page(**options)
    page.goto(f"{url}/reconstruct?model=gan")
    page.get_by_role("radio", name="Draw", exact=True).click(timeout=60_000)
    expect(page.get_by_text("it is inverted after each stroke")).to_be_visible()
    stroke(page, SEVEN)
    stop_button(page).click(timeout=60_000)
    stopped = page.get_by_text(re.compile("Stopped (after|before)"))
    expect(stopped).to_be_visible()
    expect(progress(page)).to_be_hidden()
    expect(page.get_by_text(NO_ENCODER)).to_be_visible()
    settle(page)
    assert page.evaluate(OVERFLOW) <= 0

    page.get_by_role("button", name="Search again").click()
    expect(stopped).to_be_hidden()
    ended(page, settle)
    expect(page.locator(".st-key-detail h3").first).to_have_text("Your drawing")
    expect(page.locator(".st-key-detail .figures dt")).to_have_text(["squared error"])
    expect(page.locator(".samples img")).to_have_count(4)
    assert page.evaluate(OVERFLOW) <= 0
    page.get_by_role("button", name="Explore this code").click()
    wait_for_map(page, settle)
    code = re.search(r"[?&]z=([^&]+)", page.url)
    assert code
    numbers = [float(number) for number in code[1].replace("%2C", ",").split(",")]
    assert len(numbers) == 6
    assert any(numbers[3:]), "the noise of the code was found, too"


def test_test_digits_are_inverted_and_kept(url: str, shared_page: Page, settle: Settle) -> None:
    page = shared_page
    page.goto(f"{url}/reconstruct?model=gan")
    expect(progress(page)).to_be_visible(timeout=60_000)
    expect(page.locator(".column:not(.heads)")).to_have_count(8)
    ended(page, settle)
    expect(page.locator(".column img")).to_have_count(24)
    first = page.locator(".column .number:last-child").all_inner_texts()
    page.get_by_role("button", name="Next").click()
    expect(progress(page)).to_be_visible()
    expect(page.locator(".column:not(.heads) .head").first).to_contain_text("8")
    ended(page, settle)
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".column:not(.heads) .head").first).to_contain_text("0")
    settle(page)
    assert page.locator(".column .number:last-child").all_inner_texts() == first
    expect(progress(page)).to_be_hidden()
