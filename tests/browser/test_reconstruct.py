"""The Reconstruct page in a real browser: test digits in each order, drawings, uploads."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.browser.helpers import at_width
from vae import data

Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]
APP = "streamlit_app.py"
OFFLINE = "tests/browser/pages/offline.py"
SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]  # of the canvas's side
BAR = [(0.4, 0.5), (0.65, 0.5)]


def open_page(page: Page, url: str, settle: Settle, source: str = "Test digits") -> Page:
    """Open Reconstruct and choose a source."""
    page.goto(f"{url}/reconstruct")
    page.get_by_role("radio", name=source, exact=True).wait_for()
    if source == "Test digits":  # the default; the first visit to a server imports torch
        page.locator(".st-key-detail .js-plotly-plot").wait_for(timeout=60_000)
    else:
        page.get_by_role("radio", name=source, exact=True).click()
        expect(page.get_by_role("radio", name=source, exact=True)).to_be_checked()
    settle(page)
    return page


@pytest.fixture
def url(serve: Callable[[str], str]) -> str:
    """The app; its offline form where MNIST is not on the disk, for no test uses the network."""
    return serve(APP if data.available("mnist", "test") else OFFLINE)


@pytest.fixture
def digits(shared_page: Page, url: str, settle: Settle) -> Page:
    """The page as it opens, in the tab that the tests of this module share."""
    return open_page(shared_page, url, settle)


def title(page: Page) -> Locator:
    """The heading of the image that is shown in detail."""
    return page.locator(".st-key-detail h3").first


def shown(page: Page) -> list[int]:
    """The indices of the digits in the columns."""
    heads = page.locator(".st-key-columns [class*=st-key-column-] .head").all_inner_texts()
    return [int(head.split()[1]) for head in heads]


def elbos(page: Page) -> list[float]:
    """The last figure of each column."""
    cells = page.locator(".st-key-columns [class*=st-key-column-] .number:last-child")
    return [float(text.replace("\u2212", "-")) for text in cells.all_inner_texts()]


def way(page: Page, name: str, settle: Settle) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    settle(page)


def picture(page: Page, row: str) -> Locator:
    """One of the three large pictures."""
    return page.locator(".st-key-detail figure", has_text=row).locator("img")


def test_the_orders_of_the_test_digits(digits: Page, settle: Settle) -> None:
    index = digits.get_by_role("spinbutton", name="Index")
    index.fill("123")
    index.press("Enter")
    expect(title(digits)).to_contain_text("digit 123, a ")
    settle(digits)
    assert shown(digits) == list(range(123, 131))
    rendering = "image => getComputedStyle(image).imageRendering"
    assert digits.locator(".column img").first.evaluate(rendering) == "pixelated"

    way(digits, "Worst first", settle)
    worst = elbos(digits)
    assert worst == sorted(worst)
    digits.get_by_role("button", name="Next").click()
    expect(digits.get_by_role("button", name="Previous")).to_be_enabled()
    settle(digits)
    assert elbos(digits)[0] >= worst[-1]

    way(digits, "At random", settle)
    before, heading = shown(digits), title(digits).inner_text()
    digits.get_by_role("button", name="Draw others").click()
    expect(title(digits)).not_to_have_text(heading)
    settle(digits)
    assert shown(digits) != before

    way(digits, "By digit", settle)
    heads = digits.locator(".st-key-columns [class*=st-key-column-] .head b")
    assert heads.all_inner_texts() == ["0"] * 8
    digits.get_by_role("combobox", name="Digit").click()
    digits.get_by_role("option", name="7", exact=True).click()
    expect(heads).to_have_text(["7"] * 8)
    settle(digits)
    way(digits, "Worst first", settle)
    way(digits, "By digit", settle)
    assert heads.all_inner_texts() == ["7"] * 8, "the chosen digit is kept"


def test_a_clicked_column_is_shown_in_detail_and_explored(digits: Page, settle: Settle) -> None:
    digits.get_by_role("button", name="Show digit 3, a").click()
    expect(title(digits)).to_contain_text("digit 3, a")
    expect(digits.locator(".column.picked .head")).to_contain_text("3")
    settle(digits)
    digits.get_by_role("button", name="Explore this code").click()
    digits.locator(".latent-map").wait_for()
    expect(digits).to_have_url(re.compile(r"[?&](sample=3\b|z=)"))
    settle(digits)


def test_the_columns_at_every_width(digits: Page, settle: Settle) -> None:
    page, table = digits, digits.locator(".st-key-columns")
    hidden = "one => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]"
    spilt = "all => all.filter((one) => one.scrollWidth > one.clientWidth).length"
    for picked, width in ((7, 1440), (6, 1024), (5, 768)):
        at_width(page, width)
        assert table.evaluate(hidden) == [0, 0], f"all eight columns are visible at {width}"
        assert table.locator(".number, .head").evaluate_all(spilt) == 0
        column = page.get_by_role("button", name=f"Show digit {picked}, a")
        column.click()
        expect(title(page)).to_contain_text(f"digit {picked}, a")
        settle(page)
        assert table.evaluate("one => one.scrollTop") == 0
        assert column.bounding_box() == table.locator(".column").nth(picked + 1).bounding_box()
        expect(column).to_have_css("background-color", "rgba(0, 0, 0, 0)")  # under the mouse too
        mean, sample = (page.locator(".samples img").nth(n).bounding_box() for n in (0, 1))
        assert mean
        assert sample
        assert mean["width"] == pytest.approx(sample["width"], abs=1)
    at_width(page, 390, 844)
    assert table.evaluate(hidden)[1] == 0, "a click does not scroll the heads away"
    assert table.evaluate(hidden)[0] > 100, "the table scrolls sideways, visibly"
    assert overflow(page) <= 0, "the page does not"


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    main = page.get_by_test_id("stMain")
    return main.evaluate("main => main.scrollWidth - main.clientWidth")


def source(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()


def ink(page: Page) -> str:
    """What is on the canvas, once the strokes are there."""
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    return page.locator("canvas").evaluate("canvas => canvas.toDataURL()")


def test_a_drawing_is_reconstructed_after_each_stroke(
    shared_page: Page, url: str, settle: Settle, stroke: Stroke
) -> None:
    page = open_page(shared_page, url, settle, "Draw")
    expect(page.get_by_text("Draw a digit: it is")).to_be_visible()
    stroke(page, SEVEN)
    expect(title(page)).to_have_text("Your drawing")
    expect(page.locator(".steps figure")).to_have_count(5)
    expect(page.locator(".figures dt")).to_contain_text(["cross-entropy", "KL", "ELBO (nats)"])
    settle(page)
    at_width(page, 390, 844)
    assert overflow(page) <= 0
    at_width(page, 1440)
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


def test_a_drawing_is_kept_for_its_visitor(
    shared_page: Page, new_page: Callable[..., Page], url: str, settle: Settle, stroke: Stroke
) -> None:
    page = open_page(shared_page, url, settle, "Draw")
    stroke(page, SEVEN)
    expect(title(page)).to_have_text("Your drawing")
    settle(page)
    first = ink(page)
    stroke(page, BAR)
    expect(page.locator(".st-key-detail .js-plotly-plot")).to_be_visible()
    settle(page)
    drawn, original = ink(page), picture(page, "original").get_attribute("src")
    assert drawn != first
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
    page.get_by_role("button", name="Undo").click()
    assert ink(page) == first, "undone stroke by stroke"

    other = open_page(new_page(), url, settle, "Draw")
    expect(other.get_by_text("Draw a digit: it is")).to_be_visible()

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


def test_uploads_are_prepared_kept_and_refused_in_a_sentence(
    shared_page: Page, url: str, settle: Settle, tmp_path: Path
) -> None:
    photo = Image.new("RGB", (640, 480), (240, 225, 200))
    ImageDraw.Draw(photo).line([(260, 90), (390, 90), (310, 380)], fill=(40, 30, 90), width=30)
    photo.save(tmp_path / "seven.png")
    (tmp_path / "notes.png").write_text("this is no picture")
    page = open_page(shared_page, url, settle, "Upload")
    at_width(page, 390, 844)
    assert overflow(page) <= 0
    at_width(page, 1440)
    page.set_input_files("input[type=file]", tmp_path / "notes.png")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("notes.png cannot be used")
    expect(alert).to_contain_text("the image cannot be read; choose a PNG or JPEG.")
    expect(title(page)).to_be_hidden()
    settle(page)
    page.set_input_files("input[type=file]", tmp_path / "seven.png")  # takes its place
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


def test_without_mnist_one_line_reports_it(
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
