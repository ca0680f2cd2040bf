"""The browser components in a real browser: what a hand does, what Python hears, what stays."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, ElementHandle, Locator, Page, WebSocket, expect

from tests.browser.helpers import CALM, RANGES, SPOT, open_map, report, until

Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]
Serve = Callable[..., str]
DEMO = "tests/browser/pages/components.py"
PLAIN = "tests/browser/pages/plain.py"

SHOWN = """() => [...document.querySelectorAll(".latent-map .legend button")]
  .map((chip) => chip.ariaPressed === "true")"""
HOME = 8  # the digit of point 0 of the demo
LIT = """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  .data.some((value, place) => place % 4 === 0 && value > 128)"""
ALONE = (2.5, 2.5)  # point 0 of the demo
EMPTY = (0.0, 0.3)  # nothing within reach


def centre(mark: Locator) -> tuple[float, float]:
    """The middle of an element in the window."""
    box = mark.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def near(a: tuple[float, float] | list[float], b: tuple[float, float] | list[float]) -> bool:
    """Whether two spots are the same to a pixel and a half."""
    return max(abs(a[0] - b[0]), abs(a[1] - b[1])) < 1.5


def lies_at(page: Page, mark: Locator, spot: tuple[float, float]) -> None:
    """Wait until the middle of a mark is where `spot` lies on the map."""
    for _ in range(200):
        if near(centre(mark), page.evaluate(SPOT, spot)):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"the mark stays at {centre(mark)}, not at {page.evaluate(SPOT, spot)}")


def click_at(page: Page, spot: tuple[float, float]) -> None:
    """Click where `spot` lies on the map."""
    page.mouse.click(*page.evaluate(SPOT, spot))


def zoom(page: Page, settle: Settle) -> list[float]:
    """Turn the wheel over the map; the ranges that come of it."""
    before = page.evaluate(RANGES)
    page.mouse.move(*page.evaluate(SPOT, (0.5, 0.5)))
    page.mouse.wheel(0, -240)
    page.wait_for_function(
        f"(before) => String(({RANGES})()) !== before", arg=",".join(map(str, before))
    )
    page.evaluate(CALM)  # Plotly redraws when the wheel has rested
    settle(page)
    after = page.evaluate(RANGES)
    assert after[1] - after[0] < before[1] - before[0]
    return after


@pytest.fixture
def demo(page: Page, serve: Serve, settle: Settle) -> Page:
    """The map of the demo."""
    open_map(page, serve(DEMO), settle)
    return page


@pytest.fixture
def sliders(page: Page, serve: Serve, settle: Settle) -> Page:
    """The sliders of the demo."""
    page.goto(f"{serve(DEMO)}/demo_sliders")
    page.locator("input[type=range]").first.wait_for()
    settle(page)
    return page


@pytest.fixture
def canvas(page: Page, serve: Serve, settle: Settle) -> Page:
    """The canvas of the demo."""
    page.goto(f"{serve(DEMO)}/demo_drawing")
    page.locator("canvas").wait_for()
    settle(page)
    return page


def test_a_click_on_a_point_tells_its_index_and_its_exact_place(demo: Page) -> None:
    x, y = demo.evaluate(SPOT, ALONE)
    demo.mouse.click(x + 3, y - 2)
    (click,) = until(demo, lambda found: found["clicks"])["clicks"]
    assert (click["index"], click["x"], click["y"]) == (0, 2.5, 2.5)


def test_a_click_on_empty_space_tells_the_place(demo: Page) -> None:
    click_at(demo, EMPTY)
    (click,) = until(demo, lambda found: found["clicks"])["clicks"]
    assert click["index"] is None
    assert near([100 * click["x"], 100 * click["y"]], [100 * v for v in EMPTY])


def test_a_click_is_handled_once(demo: Page, settle: Settle) -> None:
    click_at(demo, EMPTY)
    until(demo, lambda found: len(found["clicks"]) == 1)
    for _ in range(2):
        demo.get_by_role("button", name="only rerun").click()
        settle(demo)
    click_at(demo, ALONE)
    found = until(demo, lambda found: len(found["clicks"]) > 1)
    assert [click["index"] for click in found["clicks"]] == [None, 0]


def test_a_drag_is_no_click_and_pans(demo: Page, settle: Settle) -> None:
    before = demo.evaluate(RANGES)
    x, y = demo.evaluate(SPOT, EMPTY)
    demo.mouse.move(x, y)
    demo.mouse.down()
    demo.mouse.move(x + 60, y + 30, steps=6)
    demo.mouse.up()
    demo.wait_for_function(
        f"([left, top]) => ({RANGES})()[0] < left && ({RANGES})()[3] > top",
        arg=[before[0], before[3]],
    )
    demo.wait_for_timeout(300)  # a click would be told by now
    settle(demo)
    assert report(demo)["clicks"] == []
    lies_at(demo, demo.locator(".cursor"), (0, 0))


def test_the_cursor_lies_at_the_code_and_follows_a_zoom(demo: Page, settle: Settle) -> None:
    cursor = demo.locator(".cursor")
    lies_at(demo, cursor, (0, 0))
    demo.get_by_role("button", name="cursor to").click()
    until(demo, lambda found: found["cursor"] == [1.0, 0.5])
    lies_at(demo, cursor, (1, 0.5))
    zoom(demo, settle)
    lies_at(demo, cursor, (1, 0.5))


def test_zoom_and_filter_survive_runs_cursor_moves_and_a_backdrop(
    demo: Page, settle: Settle
) -> None:
    plot = demo.locator(".latent-map .plot").element_handle()
    demo.get_by_role("button", name="digit 3").click()
    ranges = zoom(demo, settle)
    shown = demo.evaluate(SHOWN)
    assert shown == [digit != 3 for digit in range(10)]
    for name in ("cursor to", "only rerun"):
        demo.get_by_role("button", name=name).click()
        settle(demo)
    demo.get_by_text("backdrop", exact=True).click()
    demo.locator(".latent-map .backdrop img").wait_for()
    click_at(demo, (1.1, 0.4))
    until(demo, lambda found: found["clicks"])
    assert demo.evaluate(RANGES) == pytest.approx(ranges)
    assert demo.evaluate(SHOWN) == shown
    assert isinstance(plot, ElementHandle)
    assert plot.evaluate("(plot) => plot.isConnected")


def test_a_filtered_digit_cannot_be_pressed(demo: Page, settle: Settle) -> None:
    demo.get_by_role("button", name=f"digit {HOME}").click()
    settle(demo)
    click_at(demo, ALONE)
    (click,) = until(demo, lambda found: found["clicks"])["clicks"]
    assert click["index"] is None


def test_a_double_click_in_the_legend_isolates_and_brings_back(demo: Page) -> None:
    chip = demo.get_by_role("button", name="digit 7")
    chip.dblclick()
    assert demo.evaluate(SHOWN) == [digit == 7 for digit in range(10)]
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(demo.get_by_role("button", name="digit 6")).to_have_attribute("aria-pressed", "false")
    chip.dblclick()
    assert demo.evaluate(SHOWN) == [True] * 10


def test_arrow_keys_move_the_code(demo: Page) -> None:
    demo.locator(".latent-map .frame").focus()
    demo.keyboard.press("ArrowRight")
    demo.keyboard.press("ArrowRight")
    demo.keyboard.press("Shift+ArrowDown")
    left, right, bottom, top = demo.evaluate(RANGES)
    there = [0.02 * (right - left), -0.05 * (top - bottom)]  # steps of what is seen
    found = until(demo, lambda found: found["cursor"] == pytest.approx(there))
    assert found["clicks"][-1]["index"] is None
    lies_at(demo, demo.locator(".cursor"), (there[0], there[1]))


def test_the_ring_marks_the_pressed_point_and_the_ellipse_has_its_size(demo: Page) -> None:
    click_at(demo, ALONE)
    until(demo, lambda found: found["clicks"])
    lies_at(demo, demo.locator(".ring"), ALONE)
    demo.get_by_role("button", name="cursor to").click()
    until(demo, lambda found: found["cursor"] == [1.0, 0.5])
    demo.get_by_text("ellipse", exact=True).click()
    ellipse = demo.locator(".ellipse")
    ellipse.wait_for()
    lies_at(demo, ellipse, (1, 0.5))
    left, bottom = demo.evaluate(SPOT, (0.7, 0.35))
    right, top = demo.evaluate(SPOT, (1.3, 0.65))
    box = ellipse.bounding_box()
    assert box
    assert near((box["width"], box["height"]), (right - left, bottom - top))


def test_a_point_says_what_it_is_under_the_pointer(demo: Page) -> None:
    demo.mouse.move(*demo.evaluate(SPOT, ALONE), steps=3)
    expect(demo.locator(".thumb")).to_contain_text("test digit 0, an 8")
    demo.mouse.move(*demo.evaluate(SPOT, (-2.4, 2.4)), steps=3)  # where there is none
    expect(demo.locator(".thumb")).to_be_hidden()


def test_the_map_fills_its_column_after_a_resize(demo: Page) -> None:
    demo.set_viewport_size({"width": 900, "height": 900})
    demo.wait_for_function("""() => {
        const width = (part) =>
            document.querySelector(`.latent-map ${part}`).getBoundingClientRect().width;
        return width(".frame") < 900 && Math.abs(width(".frame") - width(".main-svg")) <= 1;
    }""")
    lies_at(demo, demo.locator(".cursor"), (0, 0))


def test_a_moving_cursor_sends_little_and_points_and_plotly_are_fetched_once(
    page: Page, serve: Serve, settle: Settle
) -> None:
    fetched: list[str] = []
    received: list[int] = []
    page.on("request", lambda request: fetched.append(request.url.rpartition("/")[2]))

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: received.append(len(frame)))

    page.on("websocket", listen)
    open_map(page, serve(DEMO), settle)
    received.clear()
    for step in range(5):
        click_at(page, (0.0, 0.1 * step))
        until(page, lambda found, step=step: len(found["clicks"]) == step + 1)
    assert sum(received) / 5 < 8_000, received
    page.get_by_role("link", name="Sliders").click()
    page.locator("input[type=range]").first.wait_for()
    page.get_by_role("link", name="Map").click()
    page.locator(".latent-map .nsewdrag").wait_for()
    settle(page)
    assert fetched.count("plotly.min.js") == 1
    assert fetched.count("latent_map.js") == 1


def test_the_map_works_where_only_the_script_is_run(
    page: Page, serve: Serve, settle: Settle
) -> None:
    open_map(page, serve(PLAIN), settle)
    click_at(page, ALONE)
    assert until(page, lambda found: found["clicks"])["clicks"][0]["index"] == 0


def test_the_map_works_behind_a_path_prefix(page: Page, serve: Serve, settle: Settle) -> None:
    open_map(page, serve(DEMO, "--server.baseUrlPath=deep/base"), settle)
    click_at(page, ALONE)
    assert until(page, lambda found: found["clicks"])["clicks"][0]["index"] == 0


def test_a_map_without_plotly_says_so(page: Page, serve: Serve, faults: list[str]) -> None:
    page.route("**/plotly.min.js", lambda route: route.abort())
    page.goto(serve(DEMO))
    expect(page.locator(".notice")).to_contain_text("plotly.min.js did not load from http")
    faults.clear()


def test_a_change_of_theme_keeps_the_zoom(demo: Page, settle: Settle) -> None:
    ranges = zoom(demo, settle)
    colour = "() => document.querySelector('.latent-map .plot')._fullLayout.font.color"
    before = demo.evaluate(colour)
    demo.emulate_media(color_scheme="dark")
    demo.wait_for_function(f"(before) => ({colour})() !== before", arg=before)
    assert demo.evaluate(RANGES) == pytest.approx(ranges)
    lies_at(demo, demo.locator(".cursor"), (0, 0))


def test_a_drag_streams_and_ends_with_the_last_value(sliders: Page) -> None:
    thumb = sliders.get_by_label("z1, latent dimension")
    x, y = centre(thumb)
    sliders.mouse.move(x, y)
    sliders.mouse.down()
    for moved in range(1, 200):  # until some have been answered
        sliders.mouse.move(x + moved, y)
        sliders.wait_for_timeout(50)
        before_release = report(sliders)
        assert before_release["z"][1:] == [1.25, 4.2]
        if len(before_release["seen"]) > 3:
            break
    else:
        pytest.fail(f"none was answered before the hand let go: {report(sliders)}")
    sliders.mouse.move(x + 300, y, steps=20)
    sliders.mouse.up()
    sliders.wait_for_function("thumb => Number(thumb.value) > 0.9", arg=thumb.element_handle())
    last = float(thumb.input_value())
    assert until(sliders, lambda found: found["z"][0] == last)["z"] == [last, 1.25, 4.2]


def test_keys_move_a_slider(sliders: Page) -> None:
    thumb = sliders.get_by_label("z2, latent dimension")
    thumb.focus()
    for _ in range(3):
        sliders.keyboard.press("ArrowRight")
    assert until(sliders, lambda found: found["z"][1] == 1.28)
    sliders.keyboard.press("Home")
    assert until(sliders, lambda found: found["z"][1] == -3)


def test_a_double_click_resets_one(sliders: Page) -> None:
    sliders.get_by_label("z2, latent dimension").dblclick(position={"x": 30, "y": 14})
    until(sliders, lambda found: found["z"] == [0, 0, 4.2])
    sliders.wait_for_timeout(300)
    assert report(sliders)["z"] == [0, 0, 4.2]
    expect(sliders.get_by_label("z2, value")).to_have_value("0.00")


@pytest.mark.parametrize(("text", "value"), [("1,5", 1.5), ("\u22121.5", -1.5), ("5.25", 5.25)])
def test_numbers_are_read_in_any_notation(sliders: Page, text: str, value: float) -> None:
    box = sliders.get_by_label("z1, value")
    box.fill(text)
    box.press("Enter")
    until(sliders, lambda found: found["z"] == [value, 1.25, 4.2])
    expect(box).to_have_value(f"{value:.2f}")


def test_what_is_no_number_is_put_back(sliders: Page, settle: Settle) -> None:
    box = sliders.get_by_label("z2, value")
    box.fill("much")
    box.press("Enter")
    expect(box).to_have_value("1.25")
    settle(sliders)
    assert report(sliders)["z"] == [0, 1.25, 4.2]


def test_a_value_beyond_the_range_is_shown_and_kept(sliders: Page) -> None:
    expect(sliders.get_by_label("z3, value")).to_have_value("4.20")
    expect(sliders.get_by_label("z3, latent dimension")).to_have_value("3")
    sliders.get_by_label("z1, latent dimension").press("ArrowRight")
    assert until(sliders, lambda found: found["z"][0] == 0.01)["z"] == [0.01, 1.25, 4.2]


def test_values_that_python_sets_appear_and_the_hand_goes_on_from_them(sliders: Page) -> None:
    sliders.get_by_label("z1, latent dimension").press("ArrowRight")
    until(sliders, lambda found: found["z"][0] == 0.01)
    sliders.get_by_role("button", name="set all").click()
    until(sliders, lambda found: found["z"] == [-1.5] * 3)
    for name in ("z1", "z2", "z3"):
        expect(sliders.get_by_label(f"{name}, value")).to_have_value("-1.50")
    sliders.get_by_label("z1, latent dimension").press("ArrowRight")
    until(sliders, lambda found: found["z"] == [-1.49, -1.5, -1.5])


def test_a_drawing_arrives_as_an_image_and_clear_empties_it(canvas: Page, stroke: Stroke) -> None:
    assert report(canvas) is None
    stroke(canvas, [(0.3, 0.2), (0.7, 0.2), (0.4, 0.8)])
    one = until(canvas, lambda found: found)
    assert one["shape"] == [280, 280]
    stroke(canvas, [(0.3, 0.5), (0.6, 0.5)])
    two = until(canvas, lambda found: found["ink"] > one["ink"])
    canvas.get_by_role("button", name="only rerun").click()
    until(canvas, lambda found: found == two)
    canvas.get_by_role("button", name="Undo").click()
    until(canvas, lambda found: found == one)
    canvas.get_by_role("button", name="Clear").click()
    until(canvas, lambda found: found is None)


def test_a_drawing_is_wiped_from_python(canvas: Page, settle: Settle, stroke: Stroke) -> None:
    stroke(canvas, [(0.3, 0.2), (0.7, 0.8)])
    until(canvas, lambda found: found)
    canvas.get_by_role("button", name="wipe").click()
    until(canvas, lambda found: found is None)
    settle(canvas)
    assert not canvas.locator("canvas").evaluate(LIT)
    stroke(canvas, [(0.3, 0.2), (0.7, 0.8)])
    until(canvas, lambda found: found)


def test_a_finger_draws_taps_and_slides(browser: Browser, serve: Serve, settle: Settle) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_map(page, serve(DEMO), settle)
    page.touchscreen.tap(*page.evaluate(SPOT, (-2.2, -2.2)))
    assert until(page, lambda found: found["clicks"])["clicks"][0]["index"] is None
    page.goto(f"{serve(DEMO)}/demo_drawing")
    page.locator("canvas").tap()  # a dot
    assert until(page, lambda found: found)["ink"] > 0.002
    page.goto(f"{serve(DEMO)}/demo_sliders")
    page.get_by_label("z1, latent dimension").tap(position={"x": 10, "y": 14})
    until(page, lambda found: found["z"][0] < -2)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    context.close()
