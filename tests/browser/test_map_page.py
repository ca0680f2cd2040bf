"""The map of Explore: its views and axes, undo, selections, and their state between pages."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.helpers import CODE, PHONE, RANGES, SPOT, open_explore
from tests.browser.test_map import ACROSS, ZOOM_ENDED, drag, mode, touch, zoom

Settle = Callable[[Page], None]
Serve = Callable[..., str]


def explore(page: Page, serve: Serve, settle: Settle, query: str) -> Page:
    """Explore, opened by a link."""
    return open_explore(page, f"{serve('streamlit_app.py')}/?{query}", settle)


def view(page: Page, name: str) -> Locator:
    """The button of a view of the map."""
    return page.locator(".st-key-projection").get_by_role("radio", name=name)


def choose(page: Page, box: str, option: str) -> None:
    """Choose in a box of the page."""
    page.get_by_role("combobox", name=box, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def expect_axes(page: Page, x: str, y: str) -> None:
    """The boxes and the map name these axes."""
    for name, dim in (("x", x), ("y", y)):
        expect(page.get_by_role("combobox", name=name, exact=True)).to_have_value(dim)
        expect(page.locator(f".latent-map .{name}title")).to_have_text(dim)


@pytest.mark.parametrize("query", ["model=vae-2d&digit=7", "model=vae-10d&digit=7"])
def test_a_double_click_leaves_the_code_and_no_step_to_undo(
    shared_page: Page, serve: Serve, settle: Settle, query: str
) -> None:
    page = explore(shared_page, serve, settle, query)
    home, code = page.evaluate(RANGES), page.evaluate(CODE)
    zoom(page, (0.5, 0.5), 1)
    page.wait_for_function(ZOOM_ENDED)
    # a digit lies there: in ten dimensions its click moves the code out of the plane
    page.mouse.dblclick(*page.evaluate(SPOT, (0.4, -0.3)))
    page.wait_for_function(ACROSS, arg=home[:2])
    page.wait_for_function(f"(code) => ({CODE})() === code", arg=code)
    settle(page)
    expect(page).to_have_url(re.compile(r"(digit|sample)=7\b"))
    assert page.evaluate(CODE) == code
    expect(page.locator(".decoded-sample figcaption")).to_contain_text("test digit 7")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    number = page.locator(".list input.number").first.input_value()
    assert any(float(number) == pytest.approx(float(v), abs=0.01) for v in code.split(","))


def test_a_view_keeps_its_axes_between_views_pages_and_models(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = explore(shared_page, serve, settle, "model=vae-10d")
    view(page, "PCA").click()
    settle(page)
    expect(view(page, "PCA")).to_be_checked()
    view(page, "Two dimensions").click()
    expect_axes(page, "z8", "z10")
    choose(page, "x", "z3")
    expect_axes(page, "z3", "z10")
    choose(page, "x", "z10")  # the other axis shows it: the two are swapped
    expect_axes(page, "z10", "z3")
    choose(page, "y", "z10")
    expect_axes(page, "z3", "z10")
    view(page, "PCA").click()
    expect(page.locator(".latent-map .xtitle")).to_have_text("PC 1")
    view(page, "Two dimensions").click()
    expect_axes(page, "z3", "z10")
    page.get_by_role("link", name="Reconstruct").click()
    expect(page.locator(".latent-map")).to_have_count(0)
    page.get_by_role("link", name="Explore").click()
    expect_axes(page, "z3", "z10")
    page.get_by_role("button", name="digit 3", exact=True).click()
    mode(page, "Box")
    choose(page, "Model", "VAE, 5-d")
    expect(page.locator(".latent-map .xtitle", has_text="PC 1")).to_have_count(1)
    expect(page.locator(".latent-map")).to_have_count(1)
    for name, pressed in (("digit 3", "false"), ("Box", "true")):
        button = page.locator(".latent-map").get_by_role("button", name=name, exact=True)
        expect(button).to_have_attribute("aria-pressed", pressed)
    choose(page, "Model", "VAE, 10-d")
    expect(page.locator(".latent-map .xtitle", has_text="z3")).to_have_count(1)
    expect(page.locator(".latent-map")).to_have_count(1)
    expect_axes(page, "z3", "z10")


def test_a_held_key_is_one_step_to_undo(shared_page: Page, serve: Serve, settle: Settle) -> None:
    page = explore(shared_page, serve, settle, "model=vae-2d")

    def expect_link() -> str:
        code = page.evaluate(CODE)
        expect(page).to_have_url(re.compile(f"z={code.replace(',', '(%2C|,)')}$"))
        settle(page)
        return code

    page.locator(".latent-map .frame").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => ({CODE})() !== '0,0'")
    once = expect_link()
    page.evaluate(HELD)  # twelve more, in no time on any machine
    page.wait_for_function(f"once => ({CODE})() !== once", arg=once)
    page.wait_for_function("once => !decodeURIComponent(location.href).endsWith(once)", arg=once)
    there = expect_link()
    steps = [float(there.split(",")[0]), float(once.split(",")[0])]
    assert steps[0] / steps[1] == pytest.approx(13, rel=0.02)
    undo = page.get_by_role("button", name="Undo")
    for before in (once, "0,0"):
        undo.click()
        page.wait_for_function(f"before => ({CODE})() === before", arg=before)
        settle(page)
    expect(undo).to_be_disabled()


# The events of an arrow key that is held.
HELD = """() => {
  const frame = document.querySelector(".latent-map .frame");
  for (let count = 0; count < 12; count += 1) {
    frame.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  }
}"""


def test_each_view_of_the_map_keeps_its_own_zoom(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = explore(shared_page, serve, settle, "model=vae-10d")
    home = page.evaluate(RANGES)
    zoom(page, (0.5, 0.5), 2)
    page.wait_for_function(ZOOM_ENDED)
    near = page.evaluate(RANGES)
    assert near != pytest.approx(home)
    view(page, "Two dimensions").click()
    expect_axes(page, "z8", "z10")
    view(page, "PCA").click()
    expect(page.locator(".latent-map .xtitle")).to_have_text("PC 1")
    page.wait_for_function(ACROSS, arg=near[:2])
    assert page.evaluate(RANGES) == pytest.approx(near)


def test_selected_digits_are_outlined_and_one_stop_of_the_tab_key(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = explore(shared_page, serve, settle, "model=vae-10d")
    mode(page, "Box")
    drag(page, [(-1.0, -1.0), (1.0, 1.0)])
    digits = page.locator(".sample-sheet button")
    digits.first.focus()
    page.keyboard.press("ArrowRight")
    expect(digits.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(digits.nth(1)).not_to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(digits.nth(1)).to_be_focused()
    expect(page.locator(".sample-sheet button[tabindex='0']")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".decoded-sample figcaption")).to_contain_text("test digit")
    expect(page.locator(".tally")).to_contain_text("digits selected")
    first = page.locator(".tally span").first
    assert re.fullmatch(r"\d", first.locator("strong").inner_text()), "the digit, and its count"
    shape = page.locator(".latent-map .sketch polygon")

    def fits() -> None:
        spots = np.array([page.evaluate(SPOT, spot) for spot in ((-1.0, -1.0), (1.0, 1.0))])
        box = shape.bounding_box()
        assert box
        assert [box["width"], box["height"]] == pytest.approx(np.ptp(spots, axis=0), abs=3)
        assert box["x"] == pytest.approx(spots[:, 0].min(), abs=3)

    fits()
    zoom(page, (0.0, 0.0), 1)
    fits()
    settle(page)
    view(page, "t-SNE").click()
    expect(shape).to_have_attribute("points", "")  # drawn on another plane
    view(page, "PCA").click()
    expect(shape).not_to_have_attribute("points", "")
    page.get_by_role("button", name="Clear").click()
    expect(shape).to_have_attribute("points", "")


def test_one_finger_scrolls_past_a_zoomed_map(
    new_page: Callable[..., Page], serve: Serve, settle: Settle
) -> None:
    page = explore(new_page(**PHONE), serve, settle, "model=vae-2d")
    page.locator(".latent-map .modebar-btn").first.tap()
    page.wait_for_function(ZOOM_ENDED)
    ranges, code = page.evaluate(RANGES), page.evaluate(CODE)
    x, y = page.evaluate(SPOT, (-1.0, -1.0))
    touch(page, *[[(x + n, y - 12 * n)] for n in range(12)])
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 20")
    assert page.evaluate(RANGES) == pytest.approx(ranges)
    assert page.evaluate(CODE) == code
