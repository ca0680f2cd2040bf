"""What a finger does on a slider's rail, and what a number box says of what it does not take."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.helpers import CODE, open_explore, until

Settle = Callable[[Page], None]
Serve = Callable[..., str]
# What happens to the finger, and how far the page was scrolled by it.
WATCH = """() => {
  window.fingers = [];
  for (const name of ["pointerdown", "pointerup", "pointercancel"])
    window.addEventListener(name, (event) => window.fingers.push(event.type), { capture: true });
}"""
SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"
AT_REST = "() => !window.latentExplorerLive.held"


@pytest.fixture
def phone(browser: Browser, serve: Serve, settle: Settle) -> Iterator[Page]:
    """The Explore page on a phone, its sliders in the middle of the screen."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-5d", settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    rail(page).evaluate("range => range.scrollIntoView({ block: 'center' })")
    page.evaluate(WATCH)
    yield page
    context.close()


def rail(page: Page) -> Locator:
    """The slider of z1."""
    return page.get_by_label("z1, latent dimension")


def swipe(page: Page, at: float, dx: float, dy: float) -> None:
    """Put a finger on the rail of z1 at a share of its width, move it, and take it off."""
    finger = page.context.new_cdp_session(page)
    box = rail(page).bounding_box()
    assert box
    x, y = box["x"] + at * box["width"], box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.0), *(("touchMove", n / 10) for n in range(1, 11))):
        spot = {"x": x + share * dx, "y": y + share * dy}
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [spot]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_finger_that_scrolls_the_page_leaves_the_code_alone(phone: Page) -> None:
    shown, before = phone.evaluate(CODE), phone.evaluate(SCROLLED)
    phone.evaluate(
        """() => {
            window.codes = [];
            const stage = document.querySelector(".decoded-digit");
            new MutationObserver(() => window.codes.push(stage.dataset.code))
                .observe(stage, { attributes: true, attributeFilter: ["data-code"] });
        }"""
    )
    swipe(phone, 0.85, 0, -260)
    phone.wait_for_function(f"before => ({SCROLLED})() > before + 100", arg=before)
    phone.wait_for_function("() => window.fingers.includes('pointercancel')")
    expect(phone.get_by_label("z1, value")).to_have_value("0.00")
    expect(rail(phone)).to_have_value("0")
    # what is asked for now is answered after all that the finger could have asked for
    phone.get_by_label("z2, value").fill("0.5")
    phone.get_by_label("z2, value").press("Enter")
    phone.wait_for_function(f"before => ({CODE})() !== before", arg=shown)
    phone.wait_for_function(AT_REST)
    assert set(phone.evaluate("window.codes")) == {"0,0.5,0,0,0"}


def test_a_finger_that_goes_sideways_takes_the_thumb_along(phone: Page) -> None:
    swipe(phone, 0.5, 50, 0)
    phone.wait_for_function(f"() => Number(({CODE})().split(',')[0]) > 0.5")
    phone.wait_for_function(AT_REST)
    assert "pointercancel" not in phone.evaluate("window.fingers")
    value = float(phone.get_by_label("z1, value").input_value())
    assert float(phone.evaluate(CODE).split(",")[0]) == value == float(rail(phone).input_value())


def test_a_tap_on_a_rail_goes_there(phone: Page) -> None:
    box = rail(phone).bounding_box()
    assert box
    phone.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
    phone.wait_for_function(f"() => Number(({CODE})().split(',')[0]) < -1")
    phone.wait_for_function(AT_REST)
    value = float(phone.get_by_label("z1, value").input_value())
    assert float(phone.evaluate(CODE).split(",")[0]) == value == float(rail(phone).input_value())


def test_what_a_finger_presses_is_high_enough_for_it(phone: Page) -> None:
    for part in (phone.get_by_label("z1, value"), phone.locator(".strip button").first):
        box = part.bounding_box()
        assert box
        assert box["height"] >= 32
    tile, next_row = (phone.locator(".strip").nth(row).locator("button").first for row in (0, 1))
    above, below = tile.bounding_box(), next_row.bounding_box()
    assert above
    assert below
    assert above["y"] + above["height"] <= below["y"] + 0.5, "each has room of its own"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc", "\u201cabc\u201d is not a number"),
        ("0x10", "\u201c0x10\u201d is not a number"),
        ("1e9", "\u201c1e9\u201d is beyond 1,000,000"),
        ("", "a number is needed"),
    ],
)
def test_a_number_box_says_why_it_took_nothing(
    page: Page, serve: Serve, text: str, words: str
) -> None:
    page.goto(f"{serve('tests/browser/pages/components.py')}/demo_sliders")
    box = page.get_by_label("z2, value")
    box.fill(text)
    box.press("Enter")
    told = page.get_by_role("status").filter(has_text=words)
    expect(told).to_be_visible()
    expect(box).to_have_value("1.25")
    box.fill("1.5")
    expect(told).to_have_count(0)
    box.press("Enter")
    expect(box).to_have_value("1.50")
    until(page, lambda found: found["z"] == [0, 1.5, 4.2])
