"""The browser components in a real browser: one journey for each, and how they are loaded.

The logic that needs no browser is tested in tests/js.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import ElementHandle, Locator, Page, WebSocket, expect

from tests.browser.helpers import CALM, PHONE, RANGES, SPOT, at_width, open_map, report, until

Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]
Serve = Callable[..., str]
DEMO = "tests/browser/pages/components.py"
PLAIN = "tests/browser/pages/plain.py"

SHOWN = """() => [...document.querySelectorAll(".latent-map .legend button")]
  .map((chip) => chip.ariaPressed === "true")"""
# Whether an area of the canvas is white: a stroke has been drawn.
DRAWN = """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  .data.some((value, place) => place % 4 === 0 && value > 128)"""
CLASS_OF_ALONE = 8
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
    """Turn the wheel over the map; returns the resulting ranges."""
    before = page.evaluate(RANGES)
    page.mouse.move(*page.evaluate(SPOT, (0.5, 0.5)))
    page.mouse.wheel(0, -240)
    page.wait_for_function(
        f"(before) => String(({RANGES})()) !== before", arg=",".join(map(str, before))
    )
    page.evaluate(CALM)  # Plotly redraws after the last turn of the wheel
    settle(page)
    after = page.evaluate(RANGES)
    assert after[1] - after[0] < before[1] - before[0]
    return after


@pytest.fixture
def demo(shared_page: Page, serve: Serve, settle: Settle) -> Page:
    """The map of the demo."""
    return open_map(shared_page, serve(DEMO), settle)


@pytest.fixture
def sliders(shared_page: Page, serve: Serve, settle: Settle) -> Page:
    """The sliders of the demo."""
    shared_page.goto(f"{serve(DEMO)}/demo_sliders")
    shared_page.locator("input[type=range]").first.wait_for()
    settle(shared_page)
    return shared_page


@pytest.fixture
def canvas(shared_page: Page, serve: Serve, settle: Settle) -> Page:
    """The canvas of the demo."""
    shared_page.goto(f"{serve(DEMO)}/demo_drawing")
    shared_page.locator("canvas").wait_for()
    settle(shared_page)
    return shared_page


# --- the map ------------------------------------------------------------------------------------


def test_clicks_report_points_and_empty_places_once(demo: Page, settle: Settle) -> None:
    click_at(demo, EMPTY)
    (click,) = until(demo, lambda found: found["clicks"])["clicks"]
    assert click["index"] is None
    assert near([100 * click["x"], 100 * click["y"]], [100 * v for v in EMPTY])
    for _ in range(2):
        demo.get_by_role("button", name="only rerun").click()
        settle(demo)
    x, y = demo.evaluate(SPOT, ALONE)
    demo.mouse.click(x + 3, y - 2)
    found = until(demo, lambda found: len(found["clicks"]) > 1)
    assert [click["index"] for click in found["clicks"]] == [None, 0]
    assert (found["clicks"][1]["x"], found["clicks"][1]["y"]) == ALONE
    lies_at(demo, demo.locator(".ring"), ALONE)


def test_a_drag_is_no_click_and_pans_where_the_code_is_not_dragged(
    demo: Page, settle: Settle
) -> None:
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
    demo.get_by_role("button", name="only rerun").click()  # after a click, were there one
    settle(demo)
    assert report(demo)["clicks"] == []
    lies_at(demo, demo.locator(".cursor"), (0, 0))


def test_zoom_and_filter_survive_runs_theme_backdrop_and_resize(demo: Page, settle: Settle) -> None:
    plot = demo.locator(".latent-map .plot").element_handle()
    cursor = demo.locator(".cursor")
    demo.get_by_role("button", name="digit 3").click()
    ranges = zoom(demo, settle)
    lies_at(demo, cursor, (0, 0))
    shown = demo.evaluate(SHOWN)
    assert shown == [digit != 3 for digit in range(10)]
    for name in ("cursor to", "only rerun"):
        demo.get_by_role("button", name=name).click()
        settle(demo)
    lies_at(demo, cursor, (1, 0.5))
    demo.get_by_text("backdrop", exact=True).click()
    demo.locator(".latent-map .backdrop img").wait_for()
    colour = "() => document.querySelector('.latent-map .plot')._fullLayout.font.color"
    before = demo.evaluate(colour)
    demo.emulate_media(color_scheme="dark")
    demo.wait_for_function(f"(before) => ({colour})() !== before", arg=before)
    demo.emulate_media(color_scheme="light")
    demo.wait_for_function(f"(before) => ({colour})() === before", arg=before)
    click_at(demo, (1.1, 0.4))
    until(demo, lambda found: found["clicks"])
    assert demo.evaluate(RANGES) == pytest.approx(ranges)
    assert demo.evaluate(SHOWN) == shown
    assert isinstance(plot, ElementHandle)
    assert plot.evaluate("(plot) => plot.isConnected")
    at_width(demo, 900)
    demo.wait_for_function("""() => {
        const width = (part) =>
            document.querySelector(`.latent-map ${part}`).getBoundingClientRect().width;
        return width(".frame") < 900 && Math.abs(width(".frame") - width(".main-svg")) <= 1;
    }""")
    found = report(demo)["cursor"]
    lies_at(demo, cursor, (found[0], found[1]))


def test_a_class_that_is_hidden_cannot_be_clicked_or_hovered(demo: Page) -> None:
    thumb = demo.locator(".thumb")
    demo.mouse.move(*demo.evaluate(SPOT, ALONE), steps=3)
    expect(thumb).to_contain_text("test digit 0, an 8")
    demo.mouse.move(*demo.evaluate(SPOT, (-2.4, 2.4)), steps=3)  # where there is none
    expect(thumb).to_be_hidden()
    demo.get_by_role("button", name=f"digit {CLASS_OF_ALONE}").click()
    demo.mouse.move(*demo.evaluate(SPOT, ALONE), steps=3)
    expect(thumb).to_be_hidden()
    click_at(demo, ALONE)
    (click,) = until(demo, lambda found: found["clicks"])["clicks"]
    assert click["index"] is None


def test_a_double_click_in_the_legend_isolates_a_class_whichever_were_shown(demo: Page) -> None:
    chips = demo.get_by_role("group", name="Digits shown").get_by_role("button").all()
    for shown in ([7], range(10)):
        chips[7].dblclick()
        assert demo.evaluate(SHOWN) == [digit in shown for digit in range(10)]
    for chip in chips:
        chip.click()
        expect(chip).to_have_attribute("aria-pressed", "false")
    for shown in ([3], range(10), [3]):
        chips[3].dblclick()
        assert demo.evaluate(SHOWN) == [digit in shown for digit in range(10)]


def test_arrow_keys_move_the_code_and_the_ellipse_has_its_size(demo: Page) -> None:
    demo.locator(".latent-map .frame").focus()
    demo.keyboard.press("ArrowRight")
    demo.keyboard.press("ArrowRight")
    demo.keyboard.press("Shift+ArrowDown")
    left, right, bottom, top = demo.evaluate(RANGES)
    there = [0.02 * (right - left), -0.05 * (top - bottom)]  # steps of what is seen
    found = until(demo, lambda found: found["cursor"] == pytest.approx(there))
    assert found["clicks"][-1]["index"] is None
    lies_at(demo, demo.locator(".cursor"), (there[0], there[1]))
    demo.get_by_role("button", name="cursor to").click()
    until(demo, lambda found: found["cursor"] == [1.0, 0.5])
    lies_at(demo, demo.locator(".cursor"), (1, 0.5))
    demo.get_by_text("ellipse", exact=True).click()
    ellipse = demo.locator(".ellipse")
    ellipse.wait_for()
    lies_at(demo, ellipse, (1, 0.5))
    left, bottom = demo.evaluate(SPOT, (0.7, 0.35))
    right, top = demo.evaluate(SPOT, (1.3, 0.65))
    box = ellipse.bounding_box()
    assert box
    assert near((box["width"], box["height"]), (right - left, bottom - top))


# --- how components are loaded ------------------------------------------------------------------


def test_a_moving_cursor_sends_little_and_files_are_fetched_once(
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
    for file in ("plotly.min.js", "latent_map.js", "map_axes.js", "flow.js", "latent_map.css.js"):
        assert fetched.count(file) == 1, file


def test_components_work_where_only_the_script_is_run(
    page: Page, serve: Serve, settle: Settle
) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    open_map(page, serve(PLAIN), settle)
    click_at(page, ALONE)
    assert until(page, lambda found: found["clicks"])["clicks"][0]["index"] == 0
    page.get_by_role("link", name="Sliders").click()
    page.get_by_label("z1, latent dimension").press("ArrowRight")
    until(page, lambda found: found["z"][0] == 0.01)
    assert not any(url.endswith(("/flow.js", "/latent_map.js")) for url in fetched)


def test_the_map_works_behind_a_path_prefix(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    open_map(shared_page, serve(DEMO, "--server.baseUrlPath=deep/base"), settle)
    click_at(shared_page, ALONE)
    assert until(shared_page, lambda found: found["clicks"])["clicks"][0]["index"] == 0


BAD_SHADER = """() => {
  const { prototype } = WebGLRenderingContext;
  const { shaderSource } = prototype;
  prototype.shaderSource = function (shader, source) {
    shaderSource.call(this, shader, source.replace("gl_PointCoord", "gl_NoSuchName"));
  };
}"""
NO_WEBGL = "() => { HTMLCanvasElement.prototype.getContext = () => null; }"


@pytest.mark.parametrize(
    ("script", "blocked", "reason"),
    [
        ("", "**/plotly.min.js", "plotly.min.js did not load from http"),
        ("", "**/points.bin", "the points did not load"),
        (NO_WEBGL, "", "this browser offers no WebGL"),
        (BAD_SHADER, "", "this browser's WebGL did not compile a shader"),
    ],
)
def test_a_map_that_cannot_be_drawn_gives_the_reason_and_the_page_goes_on(
    page: Page,
    serve: Serve,
    settle: Settle,
    faults: list[str],
    script: str,
    blocked: str,
    reason: str,
) -> None:
    if script:
        page.add_init_script(f"({script})()")
    if blocked:
        page.route(blocked, lambda route: route.abort())
    page.goto(serve(DEMO))
    notice = page.locator(".notice")
    expect(notice).to_contain_text(f"The map could not be drawn: {reason}")
    expect(notice).to_be_visible()
    page.get_by_role("button", name="cursor to").click()
    until(page, lambda found: found["cursor"] == [1.0, 0.5])
    if blocked:
        page.unroute(blocked)
        page.get_by_text("ellipse", exact=True).click()  # the next change of the data tries again
        expect(notice).to_be_hidden()
        settle(page)
        click_at(page, ALONE)
        until(page, lambda found: found["clicks"])
        faults.clear()


# --- sliders ------------------------------------------------------------------------------------


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
        assert before_release["releases"] == 0
        if len(before_release["seen"]) > 3:
            break
    else:
        pytest.fail(f"none was answered before the release: {report(sliders)}")
    sliders.mouse.move(x + 300, y, steps=20)
    sliders.mouse.up()
    sliders.wait_for_function("thumb => Number(thumb.value) > 0.9", arg=thumb.element_handle())
    last = float(thumb.input_value())
    found = until(sliders, lambda found: found["z"][0] == last and found["releases"])
    assert found["z"] == [last, 1.25, 4.2]
    assert found["releases"] == 1


def test_keys_and_double_clicks_move_a_slider(sliders: Page, settle: Settle) -> None:
    expect(sliders.get_by_label("z3, value")).to_have_value("4.20")
    expect(sliders.get_by_label("z3, latent dimension")).to_have_value("3")  # the end of the range
    thumb = sliders.get_by_label("z2, latent dimension")
    thumb.focus()
    for _ in range(3):
        sliders.keyboard.press("ArrowRight")
    assert until(sliders, lambda found: found["z"][1] == 1.28)["z"] == [0, 1.28, 4.2]
    sliders.keyboard.press("Home")
    until(sliders, lambda found: found["z"][1] == -3)
    thumb.dblclick(position={"x": 30, "y": 14})
    until(sliders, lambda found: found["z"] == [0, 0, 4.2])
    settle(sliders)
    assert report(sliders)["z"] == [0, 0, 4.2]
    expect(sliders.get_by_label("z2, value")).to_have_value("0.00")


def test_a_number_box_takes_numbers_and_gives_the_reason_where_it_takes_none(
    sliders: Page, settle: Settle
) -> None:
    box = sliders.get_by_label("z1, value")
    box.fill("\u22121,5")
    box.press("Enter")
    until(sliders, lambda found: found["z"] == [-1.5, 1.25, 4.2])
    expect(box).to_have_value("-1.50")
    other = sliders.get_by_label("z2, value")
    other.fill("much")
    other.press("Enter")
    why = sliders.get_by_role("status").filter(has_text="\u201cmuch\u201d is not a number")
    expect(why).to_be_visible()
    expect(other).to_have_value("1.25")
    settle(sliders)
    assert report(sliders)["z"] == [-1.5, 1.25, 4.2]
    other.fill("1.5")
    expect(why).to_have_count(0)
    other.press("Enter")
    expect(other).to_have_value("1.50")
    until(sliders, lambda found: found["z"] == [-1.5, 1.5, 4.2])


def test_values_that_python_sets_are_shown_and_moves_start_from_them(sliders: Page) -> None:
    sliders.get_by_label("z1, latent dimension").press("ArrowRight")
    assert until(sliders, lambda found: found["z"][0] == 0.01)["z"] == [0.01, 1.25, 4.2]
    sliders.get_by_role("button", name="set all").click()
    until(sliders, lambda found: found["z"] == [-1.5] * 3)
    for name in ("z1", "z2", "z3"):
        expect(sliders.get_by_label(f"{name}, value")).to_have_value("-1.50")
    sliders.get_by_label("z1, latent dimension").press("ArrowRight")
    until(sliders, lambda found: found["z"] == [-1.49, -1.5, -1.5])


# --- drawing ------------------------------------------------------------------------------------


def test_a_drawing_arrives_as_an_image_until_it_is_cleared(
    canvas: Page, settle: Settle, stroke: Stroke
) -> None:
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
    stroke(canvas, [(0.3, 0.2), (0.7, 0.8)])
    until(canvas, lambda found: found)
    canvas.get_by_role("button", name="wipe").click()
    until(canvas, lambda found: found is None)
    settle(canvas)
    assert not canvas.locator("canvas").evaluate(DRAWN)
    stroke(canvas, [(0.3, 0.2), (0.7, 0.8)])
    until(canvas, lambda found: found)


def test_a_finger_draws_taps_and_slides(
    new_page: Callable[..., Page], serve: Serve, settle: Settle
) -> None:
    page = new_page(**PHONE)
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
