"""The map in a real browser: clicks and zoom, selections, painting, the backdrop, and all of it on
Explore. The geometry is tested in tests/js/map.test.js."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Request, expect

from tests.browser.helpers import PHONE, RANGES, SPOT, open_explore, open_map, report, until
from vae import service

Settle = Callable[[Page], None]
Serve = Callable[..., str]
Spot = tuple[float, float]
DEMO = "tests/browser/pages/components.py"
ALONE = (2.5, 2.5)  # point 0 of the demo, an 8

# Counts how often the points are painted from now on, in window.painted.
COUNT = """() => {
  window.painted = 0;
  const { prototype } = WebGLRenderingContext;
  const { drawArrays } = prototype;
  prototype.drawArrays = function (...given) {
    window.painted += 1;
    drawArrays.apply(this, given);
  };
}"""


@pytest.fixture
def living(shared_page: Page, serve: Serve, settle: Settle) -> Page:
    """The demo's map of 10,000 points, with all its options."""
    return open_map(shared_page, f"{serve(DEMO)}/demo_living", settle)


def drag(page: Page, path: list[Spot]) -> None:
    """Press, move and let go along places of the data."""
    spots = [page.evaluate(SPOT, spot) for spot in path]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=6)
    page.mouse.up()


def zoom(page: Page, place: Spot, turns: int = 2) -> list[float]:
    """Turn the wheel over a place of the data; the ranges that are seen then."""
    page.mouse.move(*page.evaluate(SPOT, place))
    for _ in range(turns):
        before = page.evaluate(RANGES)
        page.mouse.wheel(0, -240)
        page.wait_for_function(f"(before) => ({RANGES})()[0] !== before", arg=before[0])
    return page.evaluate(RANGES)


def pictured(page: Page) -> np.ndarray:
    """The map as painted, uint8 [H, W, 3]."""
    box = page.locator(".latent-map .overlay").bounding_box()
    assert box
    shot = page.screenshot(clip=box)
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


def ink(page: Page) -> float:
    """How colourful the map is with its points: the mean distance from grey."""
    levels = pictured(page).astype(int)
    return float((levels.max(axis=2) - levels.min(axis=2)).mean())


def mode(page: Page, name: str) -> None:
    """Choose the drag mode and check that it is chosen."""
    button = page.get_by_role("group", name="What a drag").get_by_role("button", name=name)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


@pytest.fixture
def phone(new_page: Callable[..., Page], serve: Serve, settle: Settle) -> Page:
    """The same on a phone, by touch."""
    return open_map(new_page(**PHONE), f"{serve(DEMO)}/demo_living", settle)


def touch(page: Page, *steps: list[Spot]) -> None:
    """Fingers at these spots of the window, step after step, and then none."""
    session, down = page.context.new_cdp_session(page), 0
    for spots in [*steps, []]:
        kind = "Start" if len(spots) > down else "End" if len(spots) < down else "Move"
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(spots)]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        down = len(spots)


# --- clicks and zoom -----------------------------------------------------------------------------

# Whether the zoom by wheel has ended: Plotly then reports it, and the map stores it.
ZOOM_ENDED = f"""() => {{
    const seen = String(({RANGES})());
    return Object.values(window.latentExplorerMap.zooms).some((kept) => String(kept) === seen);
}}"""
# Whether the map is seen from this x to that.
ACROSS = f"(ends) => ({RANGES})().slice(0, 2).every((end, i) => Math.abs(end - ends[i]) < 1e-3)"


def test_a_double_click_moves_the_view_and_leaves_the_code(living: Page) -> None:
    home = living.evaluate(RANGES)
    living.mouse.click(*living.evaluate(SPOT, ALONE))
    until(living, lambda found: found["index"] == 0)
    zoom(living, (0.0, 0.0), 1)
    living.wait_for_function(ZOOM_ENDED)
    living.mouse.dblclick(*living.evaluate(SPOT, (0.3, 0.1)))
    living.wait_for_function(ACROSS, arg=home[:2])
    found = until(living, lambda found: found["back"])
    assert found["cursor"] == list(ALONE)
    assert living.evaluate(RANGES) == pytest.approx(home)
    living.mouse.click(*living.evaluate(SPOT, (0.3, 0.1)))
    assert not until(living, lambda found: found["cursor"] != list(ALONE))["back"]

    ranges = zoom(living, (0.0, 0.0), 1)  # a drag stops at the edge of what is seen
    before = report(living)["cursor"]
    living.mouse.move(*living.evaluate(SPOT, (0.0, 0.0)))
    living.mouse.down()
    x, y = living.evaluate(SPOT, (ranges[1], ranges[2]))
    living.mouse.move(x + 40, y + 30, steps=6)
    living.mouse.up()
    edge = pytest.approx(ranges[1:3], abs=1e-3)
    assert until(living, lambda found: found["cursor"] == edge)["cursor"] != before
    assert living.evaluate(RANGES) == pytest.approx(ranges)


def test_the_zoom_buttons_keep_the_code_where_it_is_seen(living: Page) -> None:
    nearer, farther = living.locator(".latent-map .modebar-btn").all()[:2]
    living.mouse.click(*living.evaluate(SPOT, ALONE))
    until(living, lambda found: found["index"] == 0)
    (left, right, *_), spot = living.evaluate(RANGES), living.evaluate(SPOT, ALONE)
    nearer.click()
    x = ALONE[0]
    living.wait_for_function(ACROSS, arg=[(left + x) / 2, (right + x) / 2])
    assert living.evaluate(SPOT, ALONE) == pytest.approx(spot, abs=1)
    while living.evaluate(RANGES)[1] > x:
        zoom(living, (0.0, 1.6), 1)
    living.wait_for_function(ZOOM_ENDED)
    left, right, *_ = living.evaluate(RANGES)
    farther.click()  # about the middle, for the code is out of sight
    living.wait_for_function(ACROSS, arg=[1.5 * left - 0.5 * right, 1.5 * right - 0.5 * left])


def test_two_fingers_move_and_zoom_the_map(phone: Page, settle: Settle) -> None:
    left, right, *_ = phone.evaluate(RANGES)
    x, y = phone.evaluate(SPOT, (0.0, 0.0))
    steps = [[(x - 40 - 4 * n, y + 6 * n), (x + 40 + 4 * n, y + 6 * n)] for n in range(11)]
    touch(phone, steps[0][:1], *steps)
    phone.wait_for_function(ACROSS, arg=[left / 2, right / 2])
    assert phone.evaluate(SPOT, (0.0, 0.0)) == pytest.approx([x, y + 60], abs=1)
    settle(phone)
    assert report(phone)["cursor"] == [0.0, 0.0], "neither of the two fingers clicked"

    # touch targets are large enough
    targets = phone.locator(".latent-map .modebar-btn, .latent-map .map-bar button:visible").all()
    assert len(targets) == 3 + 10 + 4
    for target in targets:
        box = target.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 32
    targets[-1].scroll_into_view_if_needed()
    button = phone.locator(".latent-map .modebar-btn").first
    button.tap()
    tip = button.evaluate("(button) => getComputedStyle(button, '::after').display")
    assert tip == "none", "a tap would leave it behind"


def test_a_finger_draws_where_it_would_scroll(phone: Page) -> None:
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.get_by_role("button", name="Box").tap()
    (x0, y0), (x1, y1) = (phone.evaluate(SPOT, spot) for spot in ((1.0, 0.6), (2.2, -0.6)))
    touch(phone, *[[(x0 + n / 8 * (x1 - x0), y0 + n / 8 * (y1 - y0))] for n in range(9)])
    assert 0 in until(phone, lambda found: found["selected"])["labels"]
    assert phone.evaluate("[window.scrollY, document.scrollingElement.scrollTop]") == [0, 0]


def test_choices_on_the_map_are_kept_while_another_page_is_shown(
    living: Page, settle: Settle
) -> None:
    mode(living, "Lasso")
    living.get_by_role("button", name="digit 3").click()
    ranges = zoom(living, (1.0, 0.0), 1)
    living.wait_for_function(ZOOM_ENDED)
    living.get_by_role("link", name="Drawing").click()
    living.locator(".drawing canvas").wait_for()
    expect(living.locator(".latent-map")).to_have_count(0)
    living.get_by_role("link", name="Living").click()
    living.locator(".latent-map .nsewdrag").first.wait_for()
    expect(living.locator(".latent-map .notice")).to_be_hidden()
    settle(living)
    living.wait_for_function(ACROSS, arg=ranges[:2])
    for name, pressed in (("Lasso", "true"), ("digit 3", "false"), ("digit 4", "true")):
        expect(living.get_by_role("button", name=name)).to_have_attribute("aria-pressed", pressed)
    assert ink(living) > 1


# --- selecting ----------------------------------------------------------------------------------


def test_a_box_selects_the_shown_points_within_and_zoom_and_filter_stay(living: Page) -> None:
    ranges = zoom(living, (1.6, 0.0), 1)
    mode(living, "Box")
    drag(living, [(1.2, -0.3), (2.0, 0.6)])
    every = until(living, lambda found: found["selected"])
    assert 0 in every["labels"], "the cloud of the zeros lies around (1.6, 0)"
    assert len(every["labels"]) > 1
    living.get_by_role("button", name="digit 0").click()
    drag(living, [(1.2, -0.3), (2.0, 0.6)])
    rest = until(living, lambda found: found["selected"] not in {None, every["selected"]})
    assert rest["labels"] == [label for label in every["labels"] if label != 0]
    assert rest["selected"] < every["selected"]
    assert living.evaluate(RANGES) == pytest.approx(ranges)
    chip = living.get_by_role("button", name="digit 0")
    expect(chip).to_have_attribute("aria-pressed", "false")
    assert rest["cursor"] == [0.0, 0.0], "the code stays where it is"


def test_a_lasso_selects_what_it_encloses(living: Page) -> None:
    mode(living, "Lasso")
    drag(living, [(2.3, 2.3), (2.7, 2.35), (2.65, 2.7), (2.35, 2.65)])
    found = until(living, lambda found: found["selected"] is not None)
    assert (found["selected"], found["labels"]) == (1, [8])
    # a horseshoe around the lone point, which it does not enclose
    horseshoe = [(2.2, 2.2), (2.8, 2.2), (2.8, 2.8), (2.7, 2.8), (2.7, 2.3), (2.3, 2.3)]
    drag(living, [*horseshoe, (2.3, 2.8), (2.2, 2.8)])
    assert until(living, lambda found: found["selected"] == 0)["labels"] == []


def test_a_shape_is_shown_while_it_is_drawn_and_escape_discards_it(
    living: Page, settle: Settle
) -> None:
    outline = living.locator(".latent-map .sketch polygon")
    mode(living, "Box")
    living.mouse.move(*living.evaluate(SPOT, (-1.0, -1.0)))
    living.mouse.down()
    living.mouse.move(*living.evaluate(SPOT, (1.0, 1.0)), steps=4)
    assert len((outline.get_attribute("points") or "").split()) == 4
    living.keyboard.press("Escape")
    assert not outline.get_attribute("points")
    living.mouse.up()
    living.get_by_role("button", name="only rerun").click()
    settle(living)
    assert report(living)["selected"] is None
    move = living.get_by_role("button", name="Move")
    move.focus()
    living.keyboard.press("Space")  # the modes can be chosen by keyboard
    expect(move).to_have_attribute("aria-pressed", "true")
    expect(living.get_by_role("button", name="Box")).to_have_attribute("aria-pressed", "false")


def test_a_click_moves_the_code_in_every_mode(living: Page) -> None:
    for name in ("Box", "Lasso", "Move"):
        mode(living, name)
        before = report(living)["cursor"]
        living.mouse.click(*living.evaluate(SPOT, (0.3, 0.1) if name == "Lasso" else ALONE))
        found = until(living, lambda found, before=before: found["cursor"] != before)
        assert found["index"] == (None if name == "Lasso" else 0)
        living.mouse.move(*living.evaluate(SPOT, (-2.4, 2.4)), steps=3)
        expect(living.locator(".thumb")).to_be_hidden()
        living.mouse.move(*living.evaluate(SPOT, ALONE), steps=3)
        expect(living.locator(".thumb")).to_be_visible()  # the press has ended
    assert found["selected"] is None
    drag(living, [(0.0, 0.4), (0.4, 0.2)])
    assert until(living, lambda found: found["drags"] > 0)["selected"] is None


# --- painting -----------------------------------------------------------------------------------


def test_filter_and_weights_are_painted_and_the_zoom_stays(living: Page) -> None:
    ranges = zoom(living, (0.0, 0.0), 1)
    whole = ink(living)
    living.get_by_role("button", name="digit 2").dblclick()
    alone = ink(living)
    assert 0 < alone < 0.3 * whole
    living.get_by_role("button", name="digit 2").dblclick()
    assert ink(living) == pytest.approx(whole, rel=0.05)
    with living.expect_response(re.compile("weights.bin")) as response:
        living.get_by_text("fade", exact=True).click()
    assert len(response.value.body()) == 10_000, "a byte for each point"
    for _ in range(100):
        if ink(living) < 0.8 * whole:
            break
        living.wait_for_timeout(50)
    faded = ink(living)
    assert 0.2 * whole < faded < 0.8 * whole
    living.get_by_role("button", name="digit 3").click()
    assert ink(living) < faded, "a filtered digit is gone, however faint"
    assert living.evaluate(RANGES) == pytest.approx(ranges)


def test_on_a_dark_background_dark_colours_have_a_lighter_rim(living: Page) -> None:
    living.get_by_role("button", name="digit 4").dblclick()
    light = pictured(living).astype(int)
    purple = (light[..., 2] > light[..., 1] + 60).sum()
    assert purple > 1000
    colour = "() => document.querySelector('.latent-map .plot')._fullLayout.font.color"
    before = living.evaluate(colour)
    living.emulate_media(color_scheme="dark")
    living.wait_for_function(f"(before) => ({colour})() !== before", arg=before)  # with the points
    dark = pictured(living).astype(int)
    assert dark[:20, :20].mean() < 60
    ours = dark[dark[..., 2] > dark[..., 1] + 20]
    assert len(ours) > purple / 2
    assert (ours[:, 1] > 0x2D + 20).mean() > 0.3, "lighter than #832db6"
    living.emulate_media(color_scheme="light")


def test_moves_of_the_code_and_of_the_pointer_paint_no_point(living: Page, settle: Settle) -> None:
    living.evaluate(COUNT)
    drag(living, [(0.0, 0.0), (0.5, 0.4), (-0.4, 0.2)])
    until(living, lambda found: found["cursor"][0] < -0.3)
    living.mouse.move(*living.evaluate(SPOT, ALONE), steps=4)
    expect(living.locator(".latent-map .thumb")).to_be_visible()
    living.keyboard.press("Tab")
    settle(living)
    assert living.evaluate("window.painted") == 0
    zoom(living, (0.0, 0.0), 1)
    assert living.evaluate("window.painted") > 0


def test_points_are_painted_again_once_a_lost_graphics_context_is_restored(living: Page) -> None:
    whole = ink(living)
    notice = living.locator(".latent-map .notice")
    living.evaluate("""() => {
        const canvas = document.querySelector(".latent-map .dots");
        window.context = canvas.getContext("webgl").getExtension("WEBGL_lose_context");
        window.context.loseContext();
    }""")
    expect(notice).to_contain_text("the browser has lost its graphics context")
    expect(notice).to_be_visible()
    living.evaluate("() => window.context.restoreContext()")
    expect(notice).to_be_hidden()
    assert ink(living) == pytest.approx(whole, rel=0.05)


# --- the backdrop -------------------------------------------------------------------------------


def covered(page: Page) -> list[float]:
    """The range of the data that the backdrop lies over, by where its picture is."""
    return page.evaluate("""() => {
        const { xaxis, yaxis } = document.querySelector(".latent-map .plot")._fullLayout;
        const whole = document.querySelector(".latent-map .backdrop").getBoundingClientRect();
        const box = document.querySelector(".latent-map .backdrop img").getBoundingClientRect();
        return [xaxis.p2d(box.left - whole.left), xaxis.p2d(box.right - whole.left),
                yaxis.p2d(box.bottom - whole.top), yaxis.p2d(box.top - whole.top)];
    }""")


def test_the_backdrop_is_asked_for_what_is_seen_and_only_while_it_is_on(
    living: Page, settle: Settle
) -> None:
    switch = living.get_by_role("button", name="backdrop")
    zoom(living, (0.0, 0.0), 1)
    living.get_by_role("button", name="only rerun").click()
    settle(living)
    assert report(living)["view"] is None, "without a backdrop no range is sent"
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    seen = until(living, lambda found: found["view"])["view"]
    assert seen["backdrop_on"]
    assert seen["range"] == pytest.approx(living.evaluate(RANGES))
    picture = living.locator(".latent-map .backdrop img")
    expect(picture).to_be_visible()
    assert covered(living) == pytest.approx(seen["range"], abs=0.02)

    ranges = zoom(living, (0.5, 0.5))
    assert picture.is_visible(), "the old one stays until the new one is there"
    until(living, lambda found: found["view"]["range"] == pytest.approx(ranges))
    living.wait_for_function(
        """(range) => {
            const { xaxis } = document.querySelector(".latent-map .plot")._fullLayout;
            const box = document.querySelector(".latent-map .backdrop img").style;
            return Math.abs(xaxis.p2d(parseFloat(box.left)) - range) < 0.02;
        }""",
        arg=ranges[0],
    )
    assert living.evaluate(RANGES) == pytest.approx(ranges)
    switch.click()
    until(living, lambda found: not found["view"]["backdrop_on"])
    expect(picture).to_be_hidden()


def test_each_tile_is_the_digit_of_the_code_at_its_middle_and_a_drag_leaves_it(
    page: Page, serve: Serve, settle: Settle
) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-2d", settle)
    sheets: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("backdrop.png"):
            sheets.append(request.url)

    page.on("request", note)
    page.get_by_role("button", name="Manifold").click()
    picture = page.locator(".latent-map .backdrop img")
    expect(picture).to_be_visible()
    left, _, _, top = covered(page)
    content = page.request.get(picture.get_attribute("src") or "").body()
    sheet = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    columns = sheet.shape[1] // 28
    assert 20 <= columns <= 30
    across, up = page.evaluate(RANGES)[:2], page.evaluate(RANGES)[2:]
    pitch = (covered(page)[1] - left) / columns
    for row, column in ((3, 4), (9, 15)):
        code = np.array([[left + (column + 0.5) * pitch, top - (row + 0.5) * pitch]], np.float32)
        assert across[0] < code[0, 0] < across[1]
        assert up[0] < code[0, 1] < up[1]
        decoded = 255 * service.load("vae-2d").decode(code)[0]
        tile = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.abs(decoded - tile).mean() < 4, "apart from the rounding of the place to pixels"

    assert len(sheets) == 1
    page.evaluate(COUNT)
    drag(page, [(0.0, 0.0), (1.0, 0.5)])
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(page)
    assert len(sheets) == 1, "in two dimensions the plane stays the same"
    assert page.evaluate("window.painted") == 0
    zoom(page, (0.0, 0.0), 1)
    page.wait_for_function(ZOOM_ENDED)
    expect(picture).not_to_have_attribute("src", sheets[0])
    settle(page)
    assert len(sheets) == 2, "one picture for one zoom"


def test_the_backdrop_of_many_dimensions_goes_through_the_code(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = shared_page
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-10d&digit=7", settle)
    expect(page.get_by_text("PC 1 and PC 2 through the current code")).to_be_visible()
    switch = page.get_by_role("button", name="Manifold")
    switch.click()
    picture = page.locator(".latent-map .backdrop img")
    expect(picture).to_be_visible()
    for button in ("Reset", "Undo"):
        before = picture.get_attribute("src") or ""
        page.get_by_role("button", name=button, exact=True).click()
        expect(picture).not_to_have_attribute("src", before)
    page.get_by_text("t-SNE", exact=True).click()
    expect(switch).to_be_hidden()
    expect(page.get_by_text("a click selects the code of the nearest digit")).to_be_visible()
    expect(picture).to_have_count(0)
    page.get_by_text("Two dimensions", exact=True).click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(picture).to_be_visible()


# --- posterior, selection and fade on the page itself -------------------------------------------


def test_the_posterior_is_drawn_and_leaves_with_the_digit(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = shared_page
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-10d&digit=7", settle)
    ellipse = page.locator(".latent-map .ellipse")
    expect(ellipse).to_be_visible()
    assert "rotate(" in (ellipse.get_attribute("style") or "")
    page.get_by_role("slider").first.press("PageUp")
    expect(ellipse).to_be_hidden()
    open_explore(page, f"{serve('streamlit_app.py')}/?model=ae-2d&digit=7", settle)
    expect(page.locator(".latent-map .ring")).to_be_visible()
    expect(ellipse).to_be_hidden()  # a point has no extent


def test_selected_digits_are_shown_and_counted_and_can_be_clicked(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = shared_page
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-2d", settle)
    ranges = zoom(page, (0.0, 0.0), 1)
    mode(page, "Box")
    drag(page, [(-1.0, -1.0), (1.0, 1.0)])
    tally = page.locator(".tally")
    expect(tally).to_contain_text("digits selected")
    settle(page)
    mean = service.encodings("vae-2d").mean
    inside = int((np.abs(mean) < 1).all(axis=1).sum())
    total = int(re.sub(r"\D", "", tally.locator("> strong").inner_text()))
    assert total == pytest.approx(inside, rel=0.02), "apart from the rounding to pixels"
    parts = [int(re.sub(r"\D", "", part)) for part in tally.locator("b").all_inner_texts()]
    assert sum(parts) == total
    tiles = page.locator("[data-latent-explorer=SampleSheet] button")
    expect(tiles).to_have_count(200)
    assert page.evaluate(RANGES) == pytest.approx(ranges)
    name = tiles.nth(120).get_attribute("title") or ""
    tiles.nth(120).click()
    number = re.sub(r"\D", "", name.split(",")[0]) if name.count(",") == 1 else None
    number = number or re.sub(r"\D", "", name.rpartition(",")[0])
    expect(page).to_have_url(re.compile(rf"sample={number}\b"))
    expect(page.locator(".latent-map .ring")).to_be_visible()
    expect(tally).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(tiles).to_have_count(0)
    expect(tally).to_have_count(0)
    drag(page, [(ranges[0] + 0.02, ranges[2] + 0.02), (ranges[0] + 0.2, ranges[2] + 0.2)])
    expect(tally).to_contain_text("No digit")
    assert page.evaluate(RANGES) == pytest.approx(ranges)


def test_the_fade_follows_a_move_of_the_code(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = shared_page
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-10d", settle)
    before = ink(page)
    with page.expect_response(re.compile("weights.bin")) as response:
        page.get_by_role("button", name="Test digit").click()
    weights = np.frombuffer(response.value.body(), np.uint8)
    assert len(weights) == len(service.encodings("vae-10d").labels)
    assert weights.max() == 255
    assert 0 < weights.min() < 60
    settle(page)
    assert ink(page) != before


# --- many points ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_seventy_thousand_points_are_drawn_dragged_over_hovered_clicked_and_selected(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = shared_page
    open_map(page, f"{serve(DEMO)}/demo_crowd", settle)
    assert ink(page) > 3
    thumb = page.locator(".latent-map .thumb")
    page.mouse.move(*page.evaluate(SPOT, ALONE), steps=3)
    expect(thumb).to_contain_text("test digit 0, an 8")
    page.mouse.click(*page.evaluate(SPOT, ALONE))
    assert until(page, lambda found: found["cursor"] == list(ALONE))["index"] == 0
    page.evaluate(COUNT)
    drag(page, [(0.0, 0.0), (0.5, 0.4), (-0.4, 0.2)])
    until(page, lambda found: found["drags"] > 0 and found["cursor"][0] < -0.3)
    assert page.evaluate("window.painted") == 0
    ranges = zoom(page, (1.0, 0.0), 1)
    mode(page, "Lasso")
    drag(page, [(1.0, -0.7), (2.2, -0.7), (2.2, 0.7), (1.0, 0.7)])
    found = until(page, lambda found: found["selected"])
    assert found["selected"] > 5_000
    assert page.evaluate(RANGES) == pytest.approx(ranges)
    page.get_by_role("button", name="digit 0").click()
    page.get_by_text("fade", exact=True).click()
    settle(page)
    assert page.evaluate(RANGES) == pytest.approx(ranges)
