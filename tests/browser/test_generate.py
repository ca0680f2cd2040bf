"""The Generate page in a real browser: digits, styles, a number, downloads, the training."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.browser.helpers import at_width
from vae import data, service

Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]
APP = "streamlit_app.py"
OFFLINE = "tests/browser/pages/offline.py"
THREE = [(0.35, 0.25), (0.65, 0.3), (0.45, 0.48), (0.68, 0.62), (0.3, 0.8)]  # of the canvas's side
ABLE = [n for n in service.names() if "conditions" in service.info(n).abilities]
WAYS = ("Prior", "Sliders", "Test digits", "Draw", "Upload")


@pytest.fixture
def url(serve: Callable[[str], str]) -> str:
    """The app; its offline form where MNIST is not on the disk, for no test uses the network."""
    return serve(APP if data.available("mnist", "test") else OFFLINE)


@pytest.fixture
def sheet(shared_page: Page, url: str, settle: Settle) -> Page:
    """The page as it opens, with its first sheet, in the tab that the tests of this file share."""
    page = shared_page
    page.goto(f"{url}/generate?model={ABLE[0]}")
    page.locator(".reading").first.wait_for()  # the first visit to a server imports torch
    settle(page)
    return page


def choose(page: Page, name: str, settle: Settle) -> None:
    """Choose a mode, or the source of the style."""
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    settle(page)


def tiles(page: Page) -> Locator:
    """The generated digits, without the sources of their styles."""
    return page.locator(".tile:not(.source)")


def asked(page: Page) -> list[int]:
    """The requested classes of the digits on the page."""
    titles = tiles(page).evaluate_all("all => all.map((one) => one.title)")
    return [int(title.removeprefix("asked for ")[0]) for title in titles]


def pictures(page: Page) -> list[str]:
    return tiles(page).locator("img").evaluate_all("all => all.map((one) => one.src)")


def fill(page: Page, name: str, value: str) -> None:
    box = page.get_by_role("spinbutton", name=name)
    box.fill(value)
    box.press("Enter")


def saved(page: Page, name: str) -> bytes:
    with page.expect_download() as found:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(found.value.path()).read_bytes()


def arrays(page: Page) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(saved(page, "NPZ"))) as file:
        return dict(file)


# --- digits -------------------------------------------------------------------------------------


def test_the_first_sheet_has_all_ten_digits_crisp_and_classified(sheet: Page) -> None:
    assert asked(sheet) == list(range(10)) * 10
    assert len(set(pictures(sheet))) == 100
    assert sheet.locator(".generated .head").all_inner_texts() == [str(d) for d in range(10)]
    rendering = "image => getComputedStyle(image).imageRendering"
    assert tiles(sheet).locator("img").first.evaluate(rendering) == "pixelated"
    whole = tiles(sheet).first.bounding_box()
    bar = sheet.locator(".reading").first.bounding_box()
    assert whole
    assert bar
    assert bar["height"] >= 3
    assert abs(bar["width"] - whole["width"]) < 1


def test_the_temperature_scales_the_styles(sheet: Page, settle: Settle) -> None:
    slider = sheet.get_by_role("slider", name="Temperature")
    slider.press("End")  # the widest spread, where some digits are misread
    expect(sheet.locator(".stCode")).to_contain_text("temperature=1.5")
    settle(sheet)
    wrong = sheet.locator(".tile.wrong").count()
    assert wrong > 0
    expect(sheet.locator(".agreement > b")).to_have_text(f"{100 - wrong}\u2009%")
    expect(sheet.locator(".misread")).to_contain_text("Misclassified: ")
    slider.press("Home")
    expect(sheet.locator(".stCode")).to_contain_text("temperature=0")
    settle(sheet)
    assert len(set(pictures(sheet))) == 10, "the average style, in each row"


def test_a_seed_gives_its_sheet_again(sheet: Page, settle: Settle) -> None:
    first = pictures(sheet)
    sheet.get_by_role("button", name="New draw").click()
    expect(sheet.locator(".stCode")).not_to_contain_text("seed=0,")
    settle(sheet)
    assert not set(first) & set(pictures(sheet))
    fill(sheet, "Seed", "0")
    expect(sheet.locator(".stCode")).to_contain_text("seed=0,")
    settle(sheet)
    assert pictures(sheet) == first


def test_digits_are_chosen_and_an_empty_choice_is_one_sentence(sheet: Page, settle: Settle) -> None:
    fill(sheet, "How many", "20")  # a smaller page for each click
    expect(tiles(sheet)).to_have_count(20)
    for digit in range(1, 10):
        sheet.get_by_role("button", name=str(digit), exact=True).click()
        settle(sheet)
    expect(sheet.locator(".stCode")).to_contain_text("np.resize([0], 20)")
    settle(sheet)
    assert asked(sheet) == [0] * 20
    sheet.get_by_role("button", name="0", exact=True).click()
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("No digit is chosen")
    settle(sheet)
    assert asked(sheet) == [0] * 20, "what there was is still there"
    sheet.get_by_role("button", name="7", exact=True).click()
    expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
    settle(sheet)
    assert asked(sheet) == [7] * 20


def test_an_impossible_count_is_one_sentence_and_a_possible_one_is_kept(
    sheet: Page, settle: Settle
) -> None:
    for count in ("0", "1000000"):
        fill(sheet, "How many", count)
        expect(sheet.get_by_test_id("stAlert")).to_contain_text(
            f"{int(count):,} digits cannot be drawn here: ask for 1 to 10,000"
        )
        expect(tiles(sheet)).to_have_count(100 if count == "0" else 30)
        fill(sheet, "How many", "30")
        expect(tiles(sheet)).to_have_count(30)
        expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
        settle(sheet)
    choose(sheet, "Number", settle)
    expect(tiles(sheet)).to_have_count(6)
    choose(sheet, "Digits", settle)
    expect(tiles(sheet)).to_have_count(30)


def test_a_thousand_digits_are_shown_in_part_and_downloaded_whole(
    sheet: Page, settle: Settle
) -> None:
    fill(sheet, "How many", "1000")
    expect(sheet.get_by_text("The first 400 are shown")).to_be_visible()
    settle(sheet)
    assert tiles(sheet).count() == 400
    found = arrays(sheet)
    assert found["images"].shape == (1000, 28, 28)
    assert found["labels"].tolist() == list(range(10)) * 100
    assert found["codes"].shape == (1000, service.info(ABLE[0]).dims)
    picture = Image.open(io.BytesIO(saved(sheet, "PNG")))
    assert picture.size == (20 * 30 - 2, 50 * 30 - 2)


def again(page: Page) -> np.ndarray:
    """Run the Python code that the page shows."""
    names: dict[str, np.ndarray] = {}
    exec(page.locator(".stCode code").inner_text(), names)
    return np.rint(255 * names["images"])


def test_the_lines_of_python_draw_the_same(sheet: Page, settle: Settle) -> None:
    assert np.abs(again(sheet) - arrays(sheet)["images"]).max() <= 1
    choose(sheet, "Style", settle)
    sheet.get_by_text("The same in Python").click()
    found = arrays(sheet)
    assert found["labels"].tolist() == list(range(10)) * 8
    assert np.abs(again(sheet) - found["images"]).max() <= 1
    choose(sheet, "Number", settle)
    assert np.abs(again(sheet) - arrays(sheet)["images"]).max() <= 1


# --- style --------------------------------------------------------------------------------------


def test_styles_from_the_prior_are_rows(sheet: Page, settle: Settle) -> None:
    choose(sheet, "Style", settle)
    assert asked(sheet) == list(range(10)) * 8
    tops = tiles(sheet).evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert [len(set(tops[row * 10 : row * 10 + 10])) for row in range(8)] == [1] * 8
    first = pictures(sheet)
    sheet.get_by_role("button", name="New draw").click()
    expect(tiles(sheet).locator("img").first).not_to_have_attribute("src", first[0])
    settle(sheet)


def test_the_digits_follow_a_slider_during_its_drag(sheet: Page, settle: Settle) -> None:
    choose(sheet, "Style", settle)
    choose(sheet, "Sliders", settle)
    first = tiles(sheet).locator("img").first
    before, lines = first.get_attribute("src"), sheet.locator(".stCode").inner_text()
    assert before
    box = sheet.locator("input[type=range]").first.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    sheet.mouse.move(*middle)
    sheet.mouse.down()
    sheet.mouse.move(middle[0] + 0.3 * box["width"], middle[1], steps=10)
    expect(first).not_to_have_attribute("src", before)  # before the release
    sheet.mouse.up()
    expect(sheet.locator(".stCode")).not_to_have_text(lines)
    sheet.get_by_role("button", name="Reset").click()
    expect(first).to_have_attribute("src", before)
    expect(sheet.locator(".stCode")).to_have_text(lines)
    sheet.get_by_role("button", name="Random").click()
    expect(first).not_to_have_attribute("src", before)
    settle(sheet)

    def corner(selector: str) -> tuple[float, float]:
        box = sheet.locator(selector).first.bounding_box()
        assert box
        return box["x"], box["y"]

    digits, sliders, saves = ".generated", "input[type=range]", ".st-key-downloads-sliders"
    assert corner(digits)[0] + 300 < corner(sliders)[0] < corner(saves)[0] + 100
    assert abs(corner(digits)[1] - corner(sliders)[1]) < 40
    at_width(sheet, 390, 844)
    expect(sheet.locator(digits)).to_be_visible()
    assert corner(digits)[1] + 100 < corner(sliders)[1] < corner(saves)[1]


def test_all_digits_are_drawn_in_the_styles_of_test_digits(sheet: Page, settle: Settle) -> None:
    choose(sheet, "Style", settle)
    choose(sheet, "Test digits", settle)
    sources = sheet.locator(".source")
    assert asked(sheet) == list(range(10)) * 8
    expect(sources).to_have_count(8)
    kind = "test" if data.available("mnist", "test") else "bundled"
    expect(sources.first).to_have_attribute("title", re.compile(f"^{kind} digit 0, a "))
    sheet.get_by_role("button", name="Next").click()
    expect(sources.first).to_have_attribute("title", re.compile("digit 8, an? "))
    settle(sheet)


def test_all_digits_are_drawn_in_the_style_of_a_drawing(
    sheet: Page, settle: Settle, stroke: Stroke
) -> None:
    choose(sheet, "Style", settle)
    choose(sheet, "Draw", settle)
    expect(sheet.get_by_text("Draw a digit: after each stroke")).to_be_visible()
    stroke(sheet, THREE)
    expect(sheet.locator(".single-source")).to_contain_text(
        "In the style of your drawing, encoded as a"
    )
    settle(sheet)
    assert asked(sheet) == list(range(10))
    first = pictures(sheet)
    choose(sheet, "Prior", settle)
    expect(tiles(sheet)).to_have_count(80)
    choose(sheet, "Draw", settle)
    expect(sheet.locator(".single-source")).to_contain_text("your drawing, encoded as a")
    settle(sheet)
    assert pictures(sheet) == first


def test_all_digits_are_drawn_in_the_style_of_an_upload(
    sheet: Page, settle: Settle, tmp_path: Path
) -> None:
    photo = Image.new("RGB", (640, 480), (240, 225, 200))
    ImageDraw.Draw(photo).line([(260, 90), (390, 90), (310, 380)], fill=(40, 30, 90), width=30)
    photo.save(tmp_path / "seven.png")
    (tmp_path / "notes.png").write_text("this is no picture")
    choose(sheet, "Style", settle)
    choose(sheet, "Upload", settle)
    sheet.set_input_files("input[type=file]", [tmp_path / "seven.png", tmp_path / "notes.png"])
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("notes.png cannot be used")
    expect(sheet.locator(".single-source")).to_contain_text("style of seven.png, encoded as a")
    settle(sheet)
    assert asked(sheet) == list(range(10))
    choose(sheet, "Prior", settle)
    expect(tiles(sheet)).to_have_count(80)
    choose(sheet, "Upload", settle)
    expect(sheet.locator(".single-source")).to_contain_text("style of seven.png, encoded as a")
    expect(sheet.get_by_role("button", name="Remove")).to_have_count(2)
    settle(sheet)
    sheet.get_by_role("button", name="Remove").nth(1).click()
    expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
    expect(tiles(sheet)).to_have_count(10)
    sheet.set_input_files("input[type=file]", tmp_path / "seven.png")  # in addition to the kept one
    expect(tiles(sheet)).to_have_count(20)
    settle(sheet)


# --- a number -----------------------------------------------------------------------------------


def test_a_number_is_drawn_as_it_is_typed_in_one_style(sheet: Page, settle: Settle) -> None:
    choose(sheet, "Number", settle)
    picture = np.asarray(Image.open(io.BytesIO(saved(sheet, "PNG"))))
    assert picture.shape[0] == 6 * (28 + 8)
    assert picture.shape[1] > 2 * picture.shape[0]
    assert picture.max() > 200
    assert np.array_equal(picture[::6, ::6], picture[5::6, 5::6]), "pixels are whole squares"

    box = sheet.get_by_role("textbox", name="A number of up to 40 digits")
    box.fill("3.14159")  # and no Enter
    expect(tiles(sheet)).to_have_count(6)
    expect(sheet.locator(".number-line .space")).to_have_count(1)
    expect(sheet.locator(".stCode")).to_contain_text("[3, 1, 4, 1, 5, 9]")
    settle(sheet)
    assert asked(sheet) == [3, 1, 4, 1, 5, 9]
    box.fill("no digit")
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("There is no digit in this text")
    expect(tiles(sheet)).to_have_count(6)
    box.fill("9" * 41)
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("Use at most 40 digits")
    box.fill("9" * 40)
    expect(tiles(sheet)).to_have_count(40)
    expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
    settle(sheet)

    first = tiles(sheet).locator("img").first
    seen = [first.get_attribute("src")]
    for _ in range(3):
        sheet.locator("input[type=range]").press("PageUp")
    assert seen[0]
    expect(first).not_to_have_attribute("src", seen[0])
    settle(sheet)
    seen.append(first.get_attribute("src"))
    assert seen[1]
    sheet.get_by_role("button", name="Another style").click()
    expect(first).not_to_have_attribute("src", seen[1])
    expect(sheet.get_by_label("style, value")).to_have_value("0")
    settle(sheet)


def test_a_number_survives_a_restart_of_the_server(
    page: Page, serve: Any, settle: Settle, faults: list[str]
) -> None:
    """A server of its own, which is restarted."""
    url = serve(OFFLINE, "--server.maxUploadSize=24")
    page.goto(f"{url}/generate?model={ABLE[0]}")
    page.locator(".reading").first.wait_for(timeout=60_000)
    choose(page, "Number", settle)
    page.get_by_role("textbox", name="A number of up to 40 digits").fill("31415")
    expect(tiles(page)).to_have_count(5)
    settle(page)
    page.evaluate("() => { window.stayed = true; }")
    serve.stop(url)
    page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]").wait_for(
        state="detached"
    )
    serve.start(url)
    page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]").wait_for()
    expect(page.locator(".stCode")).to_contain_text("[3, 1, 4, 1, 5]", timeout=60_000)
    settle(page)
    expect(tiles(page)).to_have_count(5)
    expect(page.get_by_role("textbox", name="A number of")).to_have_value("31415")
    assert page.evaluate("window.stayed"), "the page was not loaded again"
    faults.clear()  # the console reports the lost connection


# --- training -----------------------------------------------------------------------------------


def test_training_is_played_back(sheet: Page, settle: Settle) -> None:
    last = len(service.history(ABLE[0]).sheets)
    choose(sheet, "Training", settle)
    line = sheet.get_by_text("The same 10 codes after epoch")
    expect(line).to_contain_text(f"epoch {last} of {last}")
    sheet.locator(".js-plotly-plot .scatterlayer .trace").nth(3).wait_for()
    expect(sheet.locator(".js-plotly-plot .scatterlayer .trace")).to_have_count(4)
    end = pictures(sheet)
    slider = sheet.get_by_role("slider", name="Epoch")
    slider.press("Home")
    expect(line).to_contain_text(f"epoch 1 of {last}")
    settle(sheet)
    assert len(end) == 10
    assert not set(end) & set(pictures(sheet))
    slider.press("End")
    for step in range(last - 1, last - 4, -1):  # the playback begins three epochs before the end
        slider.press("ArrowLeft")
        expect(line).to_contain_text(f"epoch {step} of {last}")
    settle(sheet)
    sheet.get_by_role("button", name="Play").click()
    # some later epoch, whichever is shown when the test looks
    expect(line).to_contain_text(re.compile(rf"epoch ({last - 2}|{last - 1}|{last}) of"))
    expect(line).to_contain_text(f"epoch {last} of {last}", timeout=180_000)
    expect(sheet.get_by_role("button", name="Play")).to_be_visible()
    settle(sheet)
    assert pictures(sheet) == end
    sheet.get_by_role("button", name="Play").click()  # at the end: from the start again
    expect(line).to_contain_text(re.compile(rf"epoch (?!{last} )\d+ of"))
    sheet.get_by_role("button", name="Stop").click()
    expect(sheet.get_by_role("button", name="Play")).to_be_visible()
    settle(sheet)


# --- the page -----------------------------------------------------------------------------------


def test_an_unconditional_model_draws_from_its_prior_and_offers_conditional_ones(
    shared_page: Page, url: str, settle: Settle
) -> None:
    page = shared_page
    page.goto(f"{url}/generate?model=vae-2d")
    expect(page.get_by_text("cannot generate a chosen digit")).to_be_visible(timeout=60_000)
    expect(page.locator(".reading")).to_have_count(100, timeout=60_000)
    settle(page)
    first = pictures(page)
    assert len(set(first)) == 100
    read = tiles(page).evaluate_all("all => all.map((one) => one.title)")
    assert all(title.startswith("classified as ") for title in read)
    assert page.locator(".tile.wrong").count() == 0
    found = arrays(page)
    assert sorted(found) == ["codes", "images"]
    assert np.abs(again(page) - found["images"]).max() <= 1
    page.get_by_role("button", name="New draw").click()
    expect(page.locator(".stCode")).not_to_contain_text("seed=0,")
    settle(page)
    assert not set(first) & set(pictures(page))
    fill(page, "Seed", "0")
    expect(page.locator(".stCode")).to_contain_text("seed=0,")
    settle(page)
    assert pictures(page) == first

    offered = page.locator(".st-key-not-offered").get_by_role("button")
    expect(offered).to_have_count(len(ABLE))
    offered.first.click()
    expect(page.locator(".agreement")).to_be_visible()
    expect(tiles(page)).to_have_count(100)
    expect(page).to_have_url(re.compile(f"model={ABLE[0]}"))


@pytest.mark.parametrize("name", ABLE)
def test_every_mode_of_every_conditional_model_fits_a_narrow_page(
    shared_page: Page, url: str, settle: Settle, name: str
) -> None:
    page = shared_page
    page.goto(f"{url}/generate?model={name}")
    page.locator(".reading").first.wait_for()
    at_width(page, 390, 844)
    main = page.get_by_test_id("stMain")

    def over() -> int:
        return main.evaluate("main => main.scrollWidth - main.clientWidth")

    assert over() <= 0
    for mode in ("Number", "Training", "Style"):
        choose(page, mode, settle)
        expect(tiles(page).first).to_be_visible()
        assert over() <= 0, mode
    for way in WAYS if name == ABLE[0] else ():
        choose(page, way, settle)
        assert over() <= 0, way
