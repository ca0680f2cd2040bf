"""Inversion in a real browser, by a small untrained GAN: test digits, drawings, Stop."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.helpers import PHONE, wait_for_map
from tests.explorer.small_checkpoints import write

Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]
SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]  # of the canvas's side
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
NO_ENCODER = "each code was found by gradient steps (inversion)"


@pytest.fixture(scope="module")
def start(
    serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """start(script) -> url of a server of its own over an untrained GAN, whose test digits are
    noise in a file."""
    folder = tmp_path_factory.mktemp("checkpoints")
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    source = folder / "noise.npz"
    labels = np.arange(20) % 10
    np.savez(source, x_train=noise, y_train=labels, x_test=noise, y_test=labels)
    write(folder / "gan", 6, model="dcgan", data=str(source))

    def started(script: str) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LATENT_CHECKPOINTS", str(folder))  # read when the server starts
            return serve(script, "--server.maxMessageSize=260")

    return started


def stop_button(page: Page) -> Locator:
    return page.locator(".st-key-stop-inversion button")


def progress(page: Page) -> Locator:
    return page.locator(".st-key-inverting")


def ended(page: Page, settle: Settle) -> None:
    """Wait until the search has ended and the page shows its result."""
    expect(page.get_by_text(NO_ENCODER)).to_be_visible(timeout=120_000)
    expect(progress(page)).to_be_hidden()
    settle(page)


def draw(page: Page, url: str, stroke: Stroke) -> None:
    """Open Reconstruct and draw a seven."""
    page.goto(f"{url}/reconstruct?model=gan")
    page.get_by_role("radio", name="Draw", exact=True).click(timeout=60_000)
    expect(page.get_by_text("it is inverted after each stroke")).to_be_visible()
    stroke(page, SEVEN)


@pytest.mark.parametrize("options", [{}, PHONE], ids=["1440", "390"])
def test_a_search_is_stopped_and_what_it_found_is_explored(
    start: Callable[[str], str],
    new_page: Callable[..., Page],
    settle: Settle,
    stroke: Stroke,
    options: dict[str, object],
) -> None:
    page = new_page(**options)
    draw(page, start("tests/browser/pages/endless.py"), stroke)
    expect(page.locator(".st-key-inverting")).to_contain_text("of 1000000", timeout=60_000)
    expect(page.locator(".trio img")).to_have_count(3)
    assert page.evaluate(OVERFLOW) <= 0
    stop_button(page).click()
    stopped = page.get_by_text(re.compile("Stopped after [0-9]+ of 1000000 steps"))
    expect(stopped).to_be_visible()
    expect(page.get_by_text(NO_ENCODER)).to_be_visible()
    settle(page)
    expect(page.locator(".st-key-detail h3").first).to_have_text("Your drawing")
    assert page.evaluate(OVERFLOW) <= 0

    page.get_by_role("button", name="Search again").click()
    expect(stopped).to_be_hidden()
    stop_button(page).click()
    expect(stopped).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Explore this code").click()
    wait_for_map(page, settle)
    code = re.search(r"[?&]z=([^&]+)", page.url)
    assert code
    numbers = [float(number) for number in code[1].replace("%2C", ",").split(",")]
    assert len(numbers) == 6
    assert any(numbers[3:]), "the noise of the code was found, too"


def test_test_digits_and_a_drawing_are_inverted(
    start: Callable[[str], str], shared_page: Page, settle: Settle, stroke: Stroke
) -> None:
    page, url = shared_page, start("streamlit_app.py")
    page.goto(f"{url}/reconstruct?model=gan")
    ended(page, settle)
    expect(page.locator(".column img")).to_have_count(24)
    figures = page.locator(".column .number:last-child")
    first = figures.all_inner_texts()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".column:not(.heads) .head").first).to_contain_text("8")
    ended(page, settle)
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".column:not(.heads) .head").first).to_contain_text("0")
    settle(page)
    assert figures.all_inner_texts() == first

    draw(page, url, stroke)
    ended(page, settle)
    expect(page.locator(".st-key-detail .figures dt")).to_have_text(["squared error"])
    expect(page.locator(".samples img")).to_have_count(4)
