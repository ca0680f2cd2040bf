"""The Reconstruct page in a real browser: choose, draw, upload, and be told what is wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from vae import data

Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]
APP = "streamlit_app.py"
OFFLINE = "tests/browser/pages/offline.py"
SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]  # of the canvas's side
BAR = [(0.4, 0.5), (0.65, 0.5)]


def open_page(page: Page, url: str, settle: Settle, source: str = "Test digits") -> Page:
    """Reconstruct, with a source chosen."""
    page.goto(f"{url}/reconstruct")
    page.get_by_role("radio", name=source, exact=True).wait_for()
    if source == "Test digits":  # the first choice; the server's first visitor waits for torch
        page.locator(".st-key-close-up .js-plotly-plot").wait_for(timeout=60_000)
    else:
        page.get_by_role("radio", name=source, exact=True).click()
        expect(page.get_by_role("radio", name=source, exact=True)).to_be_checked()
    settle(page)
    return page


@pytest.fixture
def url(serve: Callable[[str], str]) -> str:
    """The app; its offline form where MNIST is not on the disk, for no test asks the network."""
    return serve(APP if data.available("mnist", "test") else OFFLINE)


@pytest.fixture
def digits(page: Page, url: str, settle: Settle) -> Page:
    return open_page(page, url, settle)


def title(page: Page) -> Locator:
    """The heading of the image that is looked at."""
    return page.locator(".st-key-close-up h3").first


def shown(page: Page) -> list[int]:
    """The indices of the digits in the columns."""
    heads = page.locator(".st-key-digits [class*=st-key-column-] .head").all_inner_texts()
    return [int(head.split()[1]) for head in heads]


def elbos(page: Page) -> list[float]:
    """The last figure of each column."""
    cells = page.locator(".st-key-digits [class*=st-key-column-] .number:last-child")
    return [float(text.replace("\u2212", "-")) for text in cells.all_inner_texts()]


def way(page: Page, name: str, settle: Settle) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    page.wait_for_timeout(300)  # the run begins a moment after the press
    settle(page)


def picture(page: Page, row: str) -> Locator:
    """One of the three large pictures."""
    return page.locator(".st-key-close-up figure", has_text=row).locator("img")


def test_an_index_brings_its_digit(digits: Page, settle: Settle) -> None:
    index = digits.get_by_role("spinbutton", name="Index")
    index.fill("123")
    index.press("Enter")
    expect(title(digits)).to_contain_text("digit 123, a ")
    settle(digits)
    assert shown(digits) == list(range(123, 131))
    assert (
        digits.locator(".column img").first.evaluate(
            "image => getComputedStyle(image).imageRendering"
        )
        == "pixelated"
    )


def test_worst_first_begins_with_the_lowest_elbo(digits: Page, settle: Settle) -> None:
    way(digits, "Worst first", settle)
    worst = elbos(digits)
    assert worst == sorted(worst)
    digits.get_by_role("button", name="Next").click()
    expect(digits.get_by_role("button", name="Previous")).to_be_enabled()
    settle(digits)
    assert elbos(digits)[0] >= worst[-1]


def test_random_digits_change_at_each_press(digits: Page, settle: Settle) -> None:
    way(digits, "At random", settle)
    before, heading = shown(digits), title(digits).inner_text()
    digits.get_by_role("button", name="Draw others").click()
    expect(title(digits)).not_to_have_text(heading)
    settle(digits)
    assert shown(digits) != before


def test_by_digit_shows_one_digit(digits: Page, settle: Settle) -> None:
    way(digits, "By digit", settle)
    heads = digits.locator(".st-key-digits [class*=st-key-column-] .head b").all_inner_texts()
    assert heads == ["0"] * 8


def test_a_press_on_a_column_looks_at_it_and_explore_takes_it_along(
    digits: Page, settle: Settle
) -> None:
    digits.get_by_role("button", name="Look at digit 3, a ").click()
    expect(title(digits)).to_contain_text("digit 3, a ")
    expect(digits.locator(".column.picked .head")).to_contain_text("3")
    settle(digits)
    digits.get_by_role("button", name="Explore this code").click()
    digits.locator(".latent-map").wait_for()
    expect(digits).to_have_url(re.compile(r"[?&](digit=3\b|z=)"))
    settle(digits)


def test_a_drawing_is_reconstructed_after_each_stroke(
    page: Page, url: str, settle: Settle, stroke: Stroke
) -> None:
    open_page(page, url, settle, "Draw")
    expect(page.get_by_text("Draw a digit: it is")).to_be_visible()
    stroke(page, SEVEN)
    expect(title(page)).to_have_text("Your drawing")
    expect(page.locator(".steps figure")).to_have_count(5)
    expect(page.locator(".figures dt")).to_contain_text(["cross-entropy", "KL", "ELBO (nats)"])
    settle(page)
    original = picture(page, "original").get_attribute("src")
    copy = picture(page, "reconstruction").get_attribute("src")
    assert original
    assert copy
    stroke(page, BAR)
    expect(picture(page, "original")).not_to_have_attribute("src", original)
    expect(picture(page, "reconstruction")).not_to_have_attribute("src", copy)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw a digit: it is")).to_be_visible()
    expect(title(page)).to_be_hidden()


def test_an_upload_is_prepared_and_reconstructed(
    page: Page, url: str, settle: Settle, tmp_path: Path
) -> None:
    photo = Image.new("RGB", (640, 480), (240, 225, 200))
    ImageDraw.Draw(photo).line([(260, 90), (390, 90), (310, 380)], fill=(40, 30, 90), width=30)
    photo.save(tmp_path / "seven.png")
    open_page(page, url, settle, "Upload")
    page.set_input_files("input[type=file]", tmp_path / "seven.png")
    expect(title(page)).to_have_text("Your image")
    expect(page.locator(".steps figcaption")).to_have_count(5)
    expect(picture(page, "reconstruction")).to_be_visible()
    settle(page)


def test_garbage_is_answered_by_a_sentence(
    page: Page, url: str, settle: Settle, tmp_path: Path
) -> None:
    (tmp_path / "notes.png").write_text("this is no picture")
    open_page(page, url, settle, "Upload")
    page.set_input_files("input[type=file]", tmp_path / "notes.png")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("notes.png cannot be used")
    expect(alert).to_contain_text("Choose a PNG or JPEG")
    expect(title(page)).to_be_hidden()
    settle(page)


def test_without_mnist_one_line_says_so(
    page: Page, serve: Callable[[str], str], settle: Settle
) -> None:
    open_page(page, serve(OFFLINE), settle)
    expect(title(page)).to_contain_text("Bundled digit 0, a ")
    line = page.locator(".st-key-offline")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("LATENT_DATA")
    page.get_by_role("button", name="Fetch MNIST").click()
    settle(page)
    expect(line).to_be_visible()


@pytest.mark.parametrize("source", ["Test digits", "Draw", "Upload"])
def test_a_narrow_page_never_scrolls_sideways(
    page: Page, url: str, settle: Settle, stroke: Stroke, source: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, url, settle, source)
    if source == "Draw":
        stroke(page, SEVEN)
        page.locator(".st-key-close-up .js-plotly-plot").wait_for()
        settle(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0
