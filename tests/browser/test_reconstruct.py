"""The Reconstruct page in a real browser: choose, draw, upload, and be told what is wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, expect

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
        page.locator(".st-key-detail .js-plotly-plot").wait_for(timeout=60_000)
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
    return page.locator(".st-key-detail h3").first


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
    return page.locator(".st-key-detail figure", has_text=row).locator("img")


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
    heads = digits.locator(".st-key-digits [class*=st-key-column-] .head b")
    assert heads.all_inner_texts() == ["0"] * 8
    digits.get_by_role("combobox", name="Digit").click()
    digits.get_by_role("option", name="7", exact=True).click()
    expect(heads).to_have_text(["7"] * 8)
    settle(digits)
    way(digits, "Worst first", settle)
    way(digits, "By digit", settle)
    assert heads.all_inner_texts() == ["7"] * 8


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


@pytest.mark.parametrize("width", [1440, 1024, 768])
def test_all_eight_columns_are_seen_and_nothing_in_them_is_covered(
    page: Page, url: str, settle: Settle, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, url, settle)
    table = page.locator(".st-key-digits")
    hidden = "one => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]"
    assert table.evaluate(hidden) == [0, 0]
    spilt = "all => all.filter((one) => one.scrollWidth > one.clientWidth).length"
    assert table.locator(".number, .head").evaluate_all(spilt) == 0
    eighth = page.get_by_role("button", name="Look at digit 7, a ")
    eighth.click()
    expect(title(page)).to_contain_text("digit 7, a ")
    settle(page)
    assert table.evaluate("one => one.scrollTop") == 0
    assert eighth.bounding_box() == table.locator(".column").nth(8).bounding_box()
    expect(eighth).to_have_css("background-color", "rgba(0, 0, 0, 0)")  # and the mouse is on it
    mean, sample = (page.locator(".samples img").nth(n).bounding_box() for n in (0, 1))
    assert mean
    assert sample
    assert mean["width"] == pytest.approx(sample["width"], abs=1)


def test_a_press_never_scrolls_the_heads_away_on_a_narrow_page(
    page: Page, url: str, settle: Settle
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, url, settle)
    table = page.locator(".st-key-digits")
    assert table.evaluate("one => one.scrollHeight - one.clientHeight") == 0
    assert table.evaluate("one => one.scrollWidth - one.clientWidth") > 100, "one sees it goes on"


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


def source(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()


def ink(page: Page) -> str:
    """What is on the canvas, once the strokes are there."""
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    return page.locator("canvas").evaluate("canvas => canvas.toDataURL()")


def test_a_drawing_stays_while_one_looks_elsewhere(
    page: Page, url: str, settle: Settle, stroke: Stroke
) -> None:
    open_page(page, url, settle, "Draw")
    stroke(page, SEVEN)
    expect(title(page)).to_have_text("Your drawing")
    settle(page)
    drawn, original = ink(page), picture(page, "original").get_attribute("src")
    source(page, "Test digits")
    expect(title(page)).to_contain_text("digit 0, a ")
    settle(page)
    source(page, "Draw")
    expect(title(page)).to_have_text("Your drawing")
    settle(page)
    assert ink(page) == drawn
    assert picture(page, "original").get_attribute("src") == original
    page.get_by_role("link", name="Generate").first.click()
    page.locator(".st-key-not-offered").wait_for()
    settle(page)
    page.get_by_role("link", name="Reconstruct").first.click()
    expect(title(page)).to_have_text("Your drawing")
    settle(page)
    assert ink(page) == drawn
    assert picture(page, "original").get_attribute("src") == original


def test_a_drawing_that_has_stayed_is_undone_stroke_by_stroke_and_is_nobody_else_s(
    page: Page, url: str, settle: Settle, stroke: Stroke, browser: Browser
) -> None:
    open_page(page, url, settle, "Draw")
    for path in (SEVEN, BAR):
        before = ink(page) if path is BAR else ""
        stroke(page, path)
        expect(title(page)).to_have_text("Your drawing")
        settle(page)
    source(page, "Test digits")
    expect(title(page)).to_contain_text("digit 0, a ")
    settle(page)
    source(page, "Draw")
    expect(title(page)).to_have_text("Your drawing")
    settle(page)
    page.get_by_role("button", name="Undo").click()
    assert ink(page) == before
    other = browser.new_page()
    open_page(other, url, settle, "Draw")
    expect(other.get_by_text("Draw a digit: it is")).to_be_visible()
    other.close()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw a digit: it is")).to_be_visible()
    settle(page)
    source(page, "Test digits")
    expect(title(page)).to_contain_text("digit 0, a ")
    settle(page)
    source(page, "Draw")
    expect(page.get_by_text("Draw a digit: it is")).to_be_visible()
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()
    settle(page)


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
    page.get_by_role("link", name="Explore").first.click()
    page.locator(".latent-map").wait_for()
    settle(page)
    page.get_by_role("link", name="Reconstruct").first.click()
    expect(title(page)).to_have_text("Your image")
    expect(page.get_by_text("seven.png", exact=True)).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Remove").click()
    expect(title(page)).to_be_hidden()
    settle(page)


def test_garbage_is_answered_by_a_sentence(
    page: Page, url: str, settle: Settle, tmp_path: Path
) -> None:
    (tmp_path / "notes.png").write_text("this is no picture")
    open_page(page, url, settle, "Upload")
    page.set_input_files("input[type=file]", tmp_path / "notes.png")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("notes.png cannot be used")
    expect(alert).to_contain_text("the image cannot be read; choose a PNG or JPEG.")
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
        page.locator(".st-key-detail .js-plotly-plot").wait_for()
        settle(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0
