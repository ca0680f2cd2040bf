"""The colours of the map in a real browser: glyphs, classes of choice, attributes, the scale. Which
colours these are is tested in tests/js/map_colours.test.js."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.helpers import PHONE, RANGES, SPOT, at_width, open_explore, open_map
from tests.browser.test_map import ZOOM_ENDED, pictured, zoom

Settle = Callable[[Page], None]
Serve = Callable[..., str]
DEMO = "tests/browser/pages/components.py"
CHIPS = ".latent-map .legend button"


@pytest.fixture
def demo(shared_page: Page, serve: Serve, settle: Settle) -> Callable[[str], Page]:
    """demo(page) -> the map of a demo page."""
    return lambda name: open_map(shared_page, f"{serve(DEMO)}/demo_{name}", settle)


def colour_by(page: Page, option: str) -> None:
    """Choose what the points are coloured by, and wait until they are."""
    page.get_by_label("Colour by", exact=True).select_option(label=option)
    scale = page.locator(".latent-map .scale")
    if option in {"Class", "One colour"}:
        expect(scale).to_be_hidden()
    else:
        expect(scale).to_have_attribute("aria-label", re.compile(f"^{option} from "))
        expect(scale).to_be_visible()


def points(page: Page) -> np.ndarray:
    """The map as painted, without the buttons at its top, which fade."""
    return pictured(page)[40:]


def hues(page: Page) -> int:
    """How many clearly different colours the points of the map have."""
    levels = pictured(page).astype(int).reshape(-1, 3)
    strong = levels[np.ptp(levels, axis=1) > 60]
    return len(np.unique(strong // 32, axis=0))


def fetched(page: Page) -> list[str]:
    """The names of the files of the map that the page requests from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith(".bin"):
            found.append(request.url.rpartition("/")[2])

    page.on("request", note)
    return found


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_letters_are_coloured_by_slant_and_back_and_the_zoom_stays(
    demo: Callable[[str], Page], width: int, scheme: str
) -> None:
    page = demo("letters")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    at_width(page, width)
    for glyph, count in ((0, 11), (1, 10), (2, 6)):  # 26, and those without a label
        expect(page.locator(f"{CHIPS} i.glyph-{glyph}")).to_have_count(count)
    ranges = zoom(page, (2.0, 2.0), 1)
    page.wait_for_function(ZOOM_ENDED)
    page.mouse.move(5, 5)
    by_class, requested = points(page), fetched(page)
    colour_by(page, "Slant")
    by_slant = points(page)
    assert np.abs(by_slant.astype(int) - by_class).max(axis=2).astype(bool).mean() > 0.02
    assert page.locator(".latent-map .scale .ticks span").count() >= 2
    colour_by(page, "Class")
    np.testing.assert_array_equal(points(page), by_class)
    colour_by(page, "Slant")
    np.testing.assert_array_equal(points(page), by_slant)
    assert requested == ["column.bin"], "neither the points nor a column are sent twice"
    assert page.evaluate(RANGES) == pytest.approx(ranges)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colour_by(page, "Class")
    page.emulate_media(color_scheme="light")


def test_a_filter_by_class_holds_in_each_colouring(demo: Callable[[str], Page]) -> None:
    page = demo("groups")
    whole = hues(page)
    page.get_by_role("button", name="Food & Drink", exact=True).dblclick()
    assert hues(page) < 0.5 * whole
    colour_by(page, "Slant")
    expect(page.locator(CHIPS).first).to_have_attribute("aria-pressed", "false")
    one = pictured(page)
    page.get_by_role("button", name="Food & Drink", exact=True).dblclick()
    assert np.ptp(pictured(page), axis=2).mean() > 2 * np.ptp(one, axis=2).mean()
    colour_by(page, "Class")


def test_of_200_classes_the_visitor_chooses_those_that_have_colours(
    demo: Callable[[str], Page],
) -> None:
    page = demo("species")
    expect(page.locator(CHIPS)).to_have_count(8 + 1)
    expect(page.locator(CHIPS).last).to_have_text("others")
    page.locator(CHIPS).last.click()
    alone = hues(page)
    picker = page.get_by_label("Classes with a colour")
    shown = [name for name in page.locator(CHIPS).all_inner_texts() if name != "others"]
    picker.select_option(label=f"\N{CHECK MARK} {shown[0]}")
    expect(page.locator(CHIPS)).to_have_count(7 + 1)
    assert hues(page) < alone
    fresh = next(f"species {n}" for n in range(200) if f"species {n}" not in shown)
    picker.select_option(label=fresh)
    expect(page.locator(CHIPS).first).to_have_text(fresh)
    assert hues(page) == pytest.approx(alone, rel=0.5)


def test_points_without_classes_are_coloured_by_an_attribute_and_have_names(
    demo: Callable[[str], Page],
) -> None:
    page = demo("unlabelled")
    expect(page.get_by_label("Colour by", exact=True)).to_have_value("Slant")
    expect(page.locator(CHIPS)).to_have_count(1)
    expect(page.locator(CHIPS)).to_be_hidden()
    by_slant = hues(page)
    colour_by(page, "One colour")
    assert hues(page) < 0.5 * by_slant
    colour_by(page, "Slant")
    with page.expect_response(lambda reply: reply.url.endswith("names.bin")):
        zoom(page, (0.0, 0.0), 1)  # the names are fetched in an idle moment after it
    page.mouse.move(*page.evaluate(SPOT, (0.0, 0.05)))
    page.mouse.move(*page.evaluate(SPOT, (0.0, 0.0)), steps=6)
    thumbnail = page.locator(".latent-map .thumb")
    expect(thumbnail.locator("b")).to_contain_text("face ")
    expect(thumbnail).to_be_visible()


def test_explore_colours_digits_by_what_was_measured_on_them(
    new_page: Callable[..., Page], serve: Serve, settle: Settle
) -> None:
    for options in ({}, PHONE):
        page = open_explore(
            new_page(**options), f"{serve('streamlit_app.py')}/?model=vae-2d&digit=7", settle
        )
        choice = page.get_by_label("Colour by", exact=True)
        assert choice.locator("option").all_inner_texts() == [
            "Class",
            *("Thickness", "Slant", "Width", "Height"),
            *("KL", "Reconstruction error"),
        ]
        before, ranges = pictured(page), page.evaluate(RANGES)
        colour_by(page, "Thickness")
        assert (pictured(page) != before).any()
        colour_by(page, "Class")
        assert page.evaluate(RANGES) == pytest.approx(ranges)
