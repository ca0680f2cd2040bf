"""The Generate page in a real browser: ask for digits, choose a style, write a number, keep it."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

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
    """The app; its offline form where MNIST is not on the disk, for no test asks the network."""
    return serve(APP if data.available("mnist", "test") else OFFLINE)


@pytest.fixture
def sheet(page: Page, url: str, settle: Settle) -> Page:
    """The page as it opens, with its first sheet."""
    page.goto(f"{url}/generate?model={ABLE[0]}")
    page.locator(".reading").first.wait_for()  # the server's first visitor waits for torch
    settle(page)
    return page


def press(page: Page, name: str, settle: Settle) -> None:
    """Choose a mode, or where the style comes from."""
    page.get_by_role("radio", name=name, exact=True).click()
    expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    page.wait_for_timeout(300)  # the run begins a moment after the press
    settle(page)


def tiles(page: Page) -> Locator:
    """The generated digits, without the sources of their styles."""
    return page.locator(".tile:not(.source)")


def asked(page: Page) -> list[int]:
    """The digits on the page, as they were asked for."""
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


def test_the_first_sheet_has_all_ten_digits_crisp_and_judged(sheet: Page) -> None:
    assert asked(sheet) == list(range(10)) * 10
    assert len(set(pictures(sheet))) == 100
    assert sheet.locator(".specimens .head").all_inner_texts() == [str(d) for d in range(10)]
    rendering = "image => getComputedStyle(image).imageRendering"
    assert tiles(sheet).locator("img").first.evaluate(rendering) == "pixelated"
    whole = tiles(sheet).first.bounding_box()
    bar = sheet.locator(".reading").first.bounding_box()
    assert whole
    assert bar
    assert bar["height"] >= 3
    assert abs(bar["width"] - whole["width"]) < 1


def test_the_agreement_counts_what_is_not_marked(sheet: Page, settle: Settle) -> None:
    slider = sheet.get_by_role("slider", name="Temperature")
    slider.press("End")  # the widest spread, where some digits are misread
    expect(sheet.locator(".stCode")).to_contain_text("temperature=1.5")
    settle(sheet)
    wrong = sheet.locator(".tile.wrong").count()
    assert wrong > 0
    expect(sheet.locator(".agreement > b")).to_have_text(f"{100 - wrong}\u2009%")
    expect(sheet.locator(".misread")).to_contain_text("Misread: ")


def test_the_middle_style_is_the_same_in_each_row(sheet: Page, settle: Settle) -> None:
    sheet.get_by_role("slider", name="Temperature").press("Home")
    expect(sheet.locator(".stCode")).to_contain_text("temperature=0")
    settle(sheet)
    assert len(set(pictures(sheet))) == 10


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
    for digit in range(1, 10):
        sheet.get_by_role("button", name=str(digit), exact=True).click()
        settle(sheet)
    expect(sheet.locator(".stCode")).to_contain_text("np.resize([0], 100)")
    settle(sheet)
    assert asked(sheet) == [0] * 100
    sheet.get_by_role("button", name="0", exact=True).click()
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("No digit is chosen")
    settle(sheet)
    assert asked(sheet) == [0] * 100, "what there was is still there"
    sheet.get_by_role("button", name="7", exact=True).click()
    expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
    settle(sheet)
    assert asked(sheet) == [7] * 100


@pytest.mark.parametrize("count", ["0", "1000000"])
def test_an_impossible_count_is_one_sentence(sheet: Page, settle: Settle, count: str) -> None:
    fill(sheet, "How many", count)
    expect(sheet.get_by_test_id("stAlert")).to_contain_text(
        f"{int(count):,} digits are not drawn here: ask for 1 to 10,000"
    )
    expect(tiles(sheet)).to_have_count(100)
    fill(sheet, "How many", "30")
    expect(tiles(sheet)).to_have_count(30)
    expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
    settle(sheet)


def test_a_thousand_digits_are_shown_in_part_and_taken_home_whole(
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
    """Run the lines of Python that the page shows."""
    room: dict[str, np.ndarray] = {}
    exec(page.locator(".stCode code").inner_text(), room)
    return np.rint(255 * room["images"])


def test_the_lines_of_python_draw_the_same(sheet: Page, settle: Settle) -> None:
    assert np.abs(again(sheet) - arrays(sheet)["images"]).max() <= 1
    press(sheet, "Style", settle)
    sheet.get_by_text("The same in Python").click()
    found = arrays(sheet)
    assert found["labels"].tolist() == list(range(10)) * 8
    assert np.abs(again(sheet) - found["images"]).max() <= 1
    press(sheet, "Number", settle)
    assert np.abs(again(sheet) - arrays(sheet)["images"]).max() <= 1


# --- style --------------------------------------------------------------------------------------


def test_styles_from_the_prior_are_rows(sheet: Page, settle: Settle) -> None:
    press(sheet, "Style", settle)
    assert asked(sheet) == list(range(10)) * 8
    tops = tiles(sheet).evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert [len(set(tops[row * 10 : row * 10 + 10])) for row in range(8)] == [1] * 8
    first = pictures(sheet)
    sheet.get_by_role("button", name="New draw").click()
    expect(tiles(sheet).locator("img").first).not_to_have_attribute("src", first[0])
    settle(sheet)


def test_the_digits_follow_a_slider_while_the_hand_moves(sheet: Page, settle: Settle) -> None:
    press(sheet, "Style", settle)
    press(sheet, "Sliders", settle)
    first = tiles(sheet).locator("img").first
    before, lines = first.get_attribute("src"), sheet.locator(".stCode").inner_text()
    assert before
    box = sheet.locator("input[type=range]").first.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    sheet.mouse.move(*middle)
    sheet.mouse.down()
    sheet.mouse.move(middle[0] + 0.3 * box["width"], middle[1], steps=10)
    expect(first).not_to_have_attribute("src", before)  # and the button is still down
    sheet.mouse.up()
    expect(sheet.locator(".stCode")).not_to_have_text(lines)
    sheet.get_by_role("button", name="Reset").click()
    expect(first).to_have_attribute("src", before)
    expect(sheet.locator(".stCode")).to_have_text(lines)
    sheet.get_by_role("button", name="Random").click()
    expect(first).not_to_have_attribute("src", before)
    settle(sheet)


def test_test_digits_lend_their_style(sheet: Page, settle: Settle) -> None:
    press(sheet, "Style", settle)
    press(sheet, "Test digits", settle)
    sources = sheet.locator(".source")
    assert asked(sheet) == list(range(10)) * 8
    expect(sources).to_have_count(8)
    kind = "test" if data.available("mnist", "test") else "bundled"
    expect(sources.first).to_have_attribute("title", re.compile(f"^{kind} digit 0, a "))
    sheet.get_by_role("button", name="Next").click()
    expect(sources.first).to_have_attribute("title", re.compile("digit 8, a "))
    settle(sheet)


def test_a_drawing_is_written_as_every_digit(sheet: Page, settle: Settle, stroke: Stroke) -> None:
    press(sheet, "Style", settle)
    press(sheet, "Draw", settle)
    expect(sheet.get_by_text("Draw a digit: after each stroke")).to_be_visible()
    stroke(sheet, THREE)
    expect(sheet.locator(".seen")).to_contain_text("In the style of your drawing, taken for a ")
    settle(sheet)
    assert asked(sheet) == list(range(10))
    first = pictures(sheet)
    press(sheet, "Prior", settle)
    expect(tiles(sheet)).to_have_count(80)
    press(sheet, "Draw", settle)
    expect(sheet.locator(".seen")).to_contain_text("your drawing, taken for a ")
    settle(sheet)
    assert pictures(sheet) == first


def test_an_upload_is_written_as_every_digit(sheet: Page, settle: Settle, tmp_path: Path) -> None:
    photo = Image.new("RGB", (640, 480), (240, 225, 200))
    ImageDraw.Draw(photo).line([(260, 90), (390, 90), (310, 380)], fill=(40, 30, 90), width=30)
    photo.save(tmp_path / "seven.png")
    (tmp_path / "notes.png").write_text("this is no picture")
    press(sheet, "Style", settle)
    press(sheet, "Upload", settle)
    sheet.set_input_files("input[type=file]", [tmp_path / "seven.png", tmp_path / "notes.png"])
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("notes.png cannot be used")
    expect(sheet.locator(".seen")).to_contain_text("In the style of seven.png, taken for a ")
    settle(sheet)
    assert asked(sheet) == list(range(10))
    press(sheet, "Prior", settle)
    expect(tiles(sheet)).to_have_count(80)
    press(sheet, "Upload", settle)
    expect(sheet.locator(".seen")).to_contain_text("In the style of seven.png, taken for a ")
    expect(sheet.get_by_role("button", name="Remove")).to_have_count(2)
    settle(sheet)
    sheet.get_by_role("button", name="Remove").nth(1).click()
    expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
    expect(tiles(sheet)).to_have_count(10)
    sheet.set_input_files("input[type=file]", tmp_path / "seven.png")  # one more beside the kept
    expect(tiles(sheet)).to_have_count(20)
    settle(sheet)


# --- a number -----------------------------------------------------------------------------------


def test_a_number_is_written_as_it_is_typed(sheet: Page, settle: Settle) -> None:
    press(sheet, "Number", settle)
    box = sheet.get_by_role("textbox", name="A number of up to 40 digits")
    box.fill("3.14159")  # and no Enter
    expect(tiles(sheet)).to_have_count(6)
    expect(sheet.locator(".written .space")).to_have_count(1)
    expect(sheet.locator(".stCode")).to_contain_text("[3, 1, 4, 1, 5, 9]")
    settle(sheet)
    assert asked(sheet) == [3, 1, 4, 1, 5, 9]
    box.fill("no digit")
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("There is no digit in this text")
    expect(tiles(sheet)).to_have_count(6)
    box.fill("9" * 41)
    expect(sheet.get_by_test_id("stAlert")).to_contain_text("41 digits are too long a number")
    box.fill("9" * 40)
    expect(tiles(sheet)).to_have_count(40)
    expect(sheet.get_by_test_id("stAlert")).to_be_hidden()
    settle(sheet)


def test_the_hand_changes_by_its_slider_and_by_a_new_draw(sheet: Page, settle: Settle) -> None:
    press(sheet, "Number", settle)
    first = tiles(sheet).locator("img").first
    seen = [first.get_attribute("src")]
    for _ in range(3):
        sheet.locator("input[type=range]").press("PageUp")
    assert seen[0]
    expect(first).not_to_have_attribute("src", seen[0])
    settle(sheet)
    seen.append(first.get_attribute("src"))
    assert seen[1]
    sheet.get_by_role("button", name="Another hand").click()
    expect(first).not_to_have_attribute("src", seen[1])
    expect(sheet.get_by_label("hand, value")).to_have_value("0")
    settle(sheet)


def test_a_number_is_taken_home_as_a_picture(sheet: Page, settle: Settle) -> None:
    press(sheet, "Number", settle)
    picture = np.asarray(Image.open(io.BytesIO(saved(sheet, "PNG"))))
    assert picture.shape[0] == 6 * (28 + 8)
    assert picture.shape[1] > 2 * picture.shape[0]
    assert picture.max() > 200
    assert np.array_equal(picture[::6, ::6], picture[5::6, 5::6]), "pixels are whole squares"


def test_a_number_outlives_a_server_that_is_started_again(
    page: Page, serve: Any, settle: Settle, faults: list[str]
) -> None:
    """A server of its own, for it is stopped."""
    url = serve(OFFLINE, "--server.maxUploadSize=24")
    page.goto(f"{url}/generate?model={ABLE[0]}")
    page.locator(".reading").first.wait_for(timeout=60_000)
    press(page, "Number", settle)
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
    # the run after it has come back has the hand at its first place
    expect(page.locator(".stCode")).to_contain_text("[3, 1, 4, 1, 5]", timeout=60_000)
    settle(page)
    expect(tiles(page)).to_have_count(5)
    expect(page.get_by_role("textbox", name="A number of")).to_have_value("31415")
    assert page.evaluate("window.stayed"), "the page was not loaded again"
    faults.clear()  # the console has told of the lost connection


# --- training -----------------------------------------------------------------------------------


def test_training_is_played_back(sheet: Page, settle: Settle) -> None:
    last = len(service.history(ABLE[0]).sheets)
    press(sheet, "Training", settle)
    line = sheet.get_by_text("The same ten codes after epoch")
    expect(line).to_contain_text(f"epoch {last} of {last}")
    sheet.locator(".js-plotly-plot .scatterlayer .trace").nth(3).wait_for()
    expect(sheet.locator(".js-plotly-plot .scatterlayer .trace")).to_have_count(4)
    end = pictures(sheet)
    sheet.get_by_role("slider", name="Epoch").press("Home")
    expect(line).to_contain_text(f"epoch 1 of {last}")
    settle(sheet)
    assert len(end) == 10
    assert not set(end) & set(pictures(sheet))
    sheet.get_by_role("button", name="Play").click()
    # some epoch on the way, whichever is seen when one looks
    expect(line).to_contain_text(re.compile(rf"epoch (?!{last} )([2-9]|[1-9]\d) of"))
    expect(line).to_contain_text(f"epoch {last} of {last}", timeout=180_000)
    expect(sheet.get_by_role("button", name="Play")).to_be_visible()
    settle(sheet)
    assert pictures(sheet) == end


# --- the page -----------------------------------------------------------------------------------


def test_a_model_without_the_ability_says_why_and_offers_one(page: Page, url: str) -> None:
    page.goto(f"{url}/generate?model=vae-2d")
    expect(page.get_by_text("cannot be asked for a digit")).to_be_visible(timeout=60_000)
    offered = page.locator(".st-key-not-offered").get_by_role("button")
    expect(offered).to_have_count(len(ABLE))
    expect(page.locator(".reading")).to_have_count(100, timeout=60_000)
    offered.first.click()
    expect(page.locator(".agreement")).to_be_visible()
    expect(tiles(page)).to_have_count(100)
    expect(page).to_have_url(re.compile(f"model={ABLE[0]}"))


def test_a_model_that_is_not_asked_draws_at_once_what_comes(
    page: Page, url: str, settle: Settle
) -> None:
    page.goto(f"{url}/generate?model=vae-2d")
    page.locator(".reading").first.wait_for(timeout=60_000)
    settle(page)
    first = pictures(page)
    assert len(set(first)) == 100
    read = tiles(page).evaluate_all("all => all.map((one) => one.title)")
    assert all(title.startswith("the classifier reads ") for title in read)
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


@pytest.mark.parametrize("name", ABLE)
def test_every_model_that_can_is_offered(page: Page, url: str, settle: Settle, name: str) -> None:
    page.goto(f"{url}/generate?model={name}")
    page.locator(".reading").first.wait_for()
    for mode in ("Style", "Number", "Training"):
        press(page, mode, settle)
        expect(tiles(page).first).to_be_visible()


def test_what_was_asked_for_is_still_there_after_another_mode(sheet: Page, settle: Settle) -> None:
    fill(sheet, "How many", "30")
    expect(tiles(sheet)).to_have_count(30)
    settle(sheet)
    press(sheet, "Number", settle)
    expect(tiles(sheet)).to_have_count(6)
    press(sheet, "Digits", settle)
    expect(tiles(sheet)).to_have_count(30)


def test_the_picture_stands_beside_its_sliders_and_above_them_on_a_narrow_page(
    sheet: Page, settle: Settle
) -> None:
    press(sheet, "Style", settle)
    press(sheet, "Sliders", settle)

    def corner(selector: str) -> tuple[float, float]:
        box = sheet.locator(selector).first.bounding_box()
        assert box
        return box["x"], box["y"]

    digits, sliders, home = ".specimens", "input[type=range]", ".st-key-home-sliders"
    assert corner(digits)[0] + 300 < corner(sliders)[0] < corner(home)[0] + 100
    assert abs(corner(digits)[1] - corner(sliders)[1]) < 40
    sheet.set_viewport_size({"width": 390, "height": 844})
    expect(sheet.locator(".specimens")).to_be_visible()
    assert corner(digits)[1] + 100 < corner(sliders)[1] < corner(home)[1]


def test_a_narrow_page_never_scrolls_sideways(sheet: Page, settle: Settle) -> None:
    sheet.set_viewport_size({"width": 390, "height": 844})
    main = sheet.get_by_test_id("stMain")

    def over() -> int:
        return main.evaluate("main => main.scrollWidth - main.clientWidth")

    assert over() <= 0
    for mode in ("Number", "Training", "Style"):
        press(sheet, mode, settle)
        assert over() <= 0, mode
    for way in WAYS:
        press(sheet, way, settle)
        assert over() <= 0, way
