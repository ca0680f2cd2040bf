"""Explore's sliders by touch, and what the end of a drag sends.

The logic is tested in tests/js/sliders.test.js.
"""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.helpers import CODE, PHONE, SPOT, open_explore

Settle = Callable[[Page], None]
Serve = Callable[..., str]
# Records what happens to the finger.
WATCH = """() => {
  window.fingers = [];
  for (const name of ["pointerdown", "pointerup", "pointercancel"])
    window.addEventListener(name, (event) => window.fingers.push(event.type), { capture: true });
}"""
# Records the codes that are shown.
RECORD = """() => {
  window.codes = [];
  const view = document.querySelector(".decoded-sample");
  new MutationObserver(() => window.codes.push(view.dataset.code))
    .observe(view, { attributes: true, attributeFilter: ["data-code"] });
}"""
SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"
RELEASED = "() => !window.latentExplorerLive.held"


def rail(page: Page) -> Locator:
    """The slider of z1."""
    return page.get_by_label("z1, latent dimension")


def swipe(page: Page, at: float, dx: float, dy: float) -> None:
    """Put a finger on the rail of z1 at a share of its width, move it, and lift it."""
    finger = page.context.new_cdp_session(page)
    box = rail(page).bounding_box()
    assert box
    x, y = box["x"] + at * box["width"], box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.0), *(("touchMove", n / 10) for n in range(1, 11))):
        spot = {"x": x + share * dx, "y": y + share * dy}
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [spot]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def expect_z1_shown(page: Page) -> None:
    """Number box, slider and picture agree on z1 once the drag has ended."""
    page.wait_for_function(RELEASED)
    value = float(page.get_by_label("z1, value").input_value())
    assert float(page.evaluate(CODE).split(",")[0]) == value == float(rail(page).input_value())


def test_a_finger_scrolls_the_page_drags_a_thumb_or_taps_a_rail(
    new_page: Callable[..., Page], serve: Serve, settle: Settle
) -> None:
    page = new_page(**PHONE)
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-5d", settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    for part in (page.get_by_label("z1, value"), page.locator(".strip button").first):
        box = part.bounding_box()
        assert box
        assert box["height"] >= 32, "large enough for a finger"
    tile, next_row = (page.locator(".strip").nth(row).locator("button").first for row in (0, 1))
    above, below = tile.bounding_box(), next_row.bounding_box()
    assert above
    assert below
    assert above["y"] + above["height"] <= below["y"] + 0.5, "rows do not overlap"

    rail(page).evaluate("range => range.scrollIntoView({ block: 'center' })")
    page.evaluate(WATCH)
    page.evaluate(RECORD)
    shown, before = page.evaluate(CODE), page.evaluate(SCROLLED)
    swipe(page, 0.85, 0, -260)
    page.wait_for_function(f"before => ({SCROLLED})() > before + 100", arg=before)
    page.wait_for_function("() => window.fingers.includes('pointercancel')")
    expect(page.get_by_label("z1, value")).to_have_value("0.00")
    expect(rail(page)).to_have_value("0")
    # a request sent now is answered after all requests of the finger
    page.get_by_label("z2, value").fill("0.5")
    page.get_by_label("z2, value").press("Enter")
    page.wait_for_function(f"before => ({CODE})() !== before", arg=shown)
    page.wait_for_function(RELEASED)
    assert set(page.evaluate("window.codes")) == {"0,0.5,0,0,0"}

    rail(page).evaluate("range => range.scrollIntoView({ block: 'center' })")
    page.evaluate("() => { window.fingers = []; }")
    swipe(page, 0.5, 50, 0)
    page.wait_for_function(f"() => Number(({CODE})().split(',')[0]) > 0.5")
    expect_z1_shown(page)
    assert "pointercancel" not in page.evaluate("window.fingers")

    box = rail(page).bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_function(f"() => Number(({CODE})().split(',')[0]) < -1")
    expect_z1_shown(page)


def test_the_end_of_a_drag_is_one_message(page: Page, serve: Serve, settle: Settle) -> None:
    sent = {"stream": 0, "live": 0}

    def count_runs(frame: bytes | str) -> None:
        is_run = isinstance(frame, bytes) and BackMsg.FromString(frame).HasField("rerun_script")
        sent["stream"] += is_run

    def count_live(_: bytes | str) -> None:
        sent["live"] += 1

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", count_live if socket.url.endswith("/live") else count_runs)

    page.on("websocket", listen)
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-2d", settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    box = rail(page).bounding_box()
    assert box
    slider = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for x, y in (slider, page.evaluate(SPOT, (0.0, 0.0))):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 60, y, steps=6)
        # the picture of the last position is shown, so it is not requested again
        page.wait_for_function("() => window.latentExplorerLive.flow.settled")
        sent.update(stream=0, live=0)
        page.mouse.up()
        page.wait_for_function(RELEASED)
        settle(page)
        assert sent == {"stream": 1, "live": 0}
