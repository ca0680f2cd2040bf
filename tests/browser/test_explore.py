"""The Explore page as a visitor uses it, with the shipped checkpoints, in a real browser."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.helpers import open_explore
from vae import data, service

Serve = Callable[..., str]
Settle = Callable[[Page], None]
PICTURE = ".decoded-digit canvas"


def state(page: Page) -> dict[str, str]:
    """What the address says."""
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def code(page: Page) -> list[float]:
    """The numbers beside the sliders that are in use."""
    boxes = page.get_by_role("textbox", name=re.compile(", value$"))
    return [float(box.input_value()) for box in boxes.all()]


def order(page: Page) -> list[int]:
    """The latent dimensions in the order of the sliders, from 0."""
    names = [s.get_attribute("aria-label") or "" for s in page.get_by_role("slider").all()]
    return [int(re.sub(r"\D", "", name.split(",")[0])) - 1 for name in names]


def picture(page: Page) -> str:
    """The picture on the screen, as a URI."""
    return page.locator(PICTURE).evaluate("canvas => canvas.toDataURL()")


def changed(page: Page, before: str) -> None:
    """Wait until another picture is there."""
    page.wait_for_function(
        "([which, before]) => document.querySelector(which).toDataURL() !== before",
        arg=[PICTURE, before],
    )


@pytest.fixture
def explore(page: Page, serve: Serve, settle: Settle) -> Page:
    return open_explore(page, serve("streamlit_app.py"), settle)


def plot(page: Page) -> Locator:
    return page.locator(".nsewdrag").first


def press(page: Page, x: float, y: float) -> None:
    """Press the map at a share of its width and height."""
    box = plot(page).bounding_box()
    assert box
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_the_first_screen_holds_map_picture_and_sliders(explore: Page) -> None:
    for part in (plot(explore), explore.locator(PICTURE), explore.get_by_role("slider").last):
        box = part.bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900
    assert state(explore)["model"] == "vae-2d"


def test_a_slider_moves_the_picture_and_the_link_follows_when_it_rests(explore: Page) -> None:
    before = picture(explore)
    slider = explore.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        explore.keyboard.press("PageUp")
    changed(explore, before)
    expect(explore).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    assert [float(v) for v in state(explore)["z"].split(",")] != [0.0, 0.0]


def test_the_cursor_follows_the_sliders_and_the_points_stay(explore: Page, settle: Settle) -> None:
    cursor = explore.locator(".cursor")
    explore.get_by_role("button", name="Test digit").click()
    expect(explore).to_have_url(re.compile(r"digit=\d+"))
    settle(explore)
    expect(explore.locator(".latent-map .ring")).to_be_visible()
    explore.evaluate(
        """() => {
            const { prototype } = WebGLRenderingContext;
            const { drawArrays } = prototype;
            prototype.drawArrays = function (...given) {
                window.redrawn = true;
                drawArrays.apply(this, given);
            };
        }"""
    )
    for place in (0.2, 0.8):
        before = cursor.get_attribute("style") or ""
        box = explore.get_by_role("slider").first.bounding_box()
        assert box
        explore.mouse.click(box["x"] + place * box["width"], box["y"] + box["height"] / 2)
        expect(cursor).not_to_have_attribute("style", before)
    expect(explore.locator(".latent-map .ring")).to_be_hidden()  # no longer that digit's code
    assert explore.evaluate("window.redrawn") is None


def test_a_press_on_the_map_puts_a_code_on_the_sliders(explore: Page, settle: Settle) -> None:
    before = picture(explore)
    press(explore, 0.5, 0.35)
    changed(explore, before)
    settle(explore)
    assert any(value != 0 for value in code(explore))
    press(explore, 0.99, 0.97)  # a corner, where no digit lies
    expect(explore).to_have_url(re.compile(r"[?&]z="))


def test_a_point_shows_its_digit_under_the_pointer(explore: Page) -> None:
    codes = service.encodings("vae-2d")
    spot = explore.evaluate(
        """([x, y]) => {
            const plot = document.querySelector(".latent-map .plot");
            const { xaxis, yaxis } = plot._fullLayout;
            const box = plot.getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.d2p(x),
                    box.top + yaxis._offset + yaxis.d2p(y)];
        }""",
        codes.mean[codes.labels == 0][5].tolist(),
    )
    thumb = explore.locator(".latent-map .thumb")
    expect(thumb).to_be_hidden()
    with explore.expect_response(re.compile("reconstruction.webp")) as response:
        explore.mouse.move(*spot, steps=4)
    assert response.value.ok
    expect(thumb).to_contain_text(re.compile(r"test digit [\d,]+, a \d"))
    shown = thumb.locator("figcaption").all_inner_texts()
    assert shown in (["original", "reconstruction"], ["reconstruction"])
    box, frame = thumb.bounding_box(), explore.locator(".latent-map .frame").bounding_box()
    assert box
    assert frame
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    # the tile is the one of this digit: as bright as what the page decodes for it
    explore.mouse.click(*spot)
    expect(explore).to_have_url(re.compile(r"digit=\d+"))
    number = state(explore)["digit"]
    expect(thumb).to_contain_text(f"{int(number):,}")
    difference = explore.evaluate(COMPARE, int(number))
    assert difference < 6, "grey levels, on the mean"


# The mean difference of a tile on the sheet of reconstructions and the page's own picture.
COMPARE = """async (index) => {
  const load = async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  };
  const tile = [...document.querySelectorAll(".latent-map .thumb i")].at(-1);
  const sheet = await load(tile.style.backgroundImage.slice(5, -2));
  const picture = document.querySelector(".decoded-digit canvas");
  const grey = (image, x, y) => {
    const canvas = new OffscreenCanvas(28, 28).getContext("2d");
    canvas.drawImage(image, x, y, 28, 28, 0, 0, 28, 28);
    return canvas.getImageData(0, 0, 28, 28).data.filter((_, place) => place % 4 === 0);
  };
  const one = grey(sheet, 28 * (index % 100), 28 * Math.floor(index / 100));
  const other = grey(picture, 0, 0);
  return one.reduce((sum, value, place) => sum + Math.abs(value - other[place]), 0) / one.length;
}"""


def test_a_drag_on_the_map_takes_the_code_along(explore: Page, settle: Settle) -> None:
    box = plot(explore).bounding_box()
    assert box
    explore.evaluate(
        """() => document.querySelector(".latent-map .plot")
            .on("plotly_relayout", () => { window.zoomed = true; })"""
    )
    start = [box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]]
    explore.mouse.move(*start)
    explore.mouse.down()
    seen, numbers = set(), set()
    for _ in range(12):
        start[0] += 9
        start[1] -= 6
        before = picture(explore)
        explore.mouse.move(*start)
        changed(explore, before)  # while the button is down
        seen.add(picture(explore))
        numbers.add(tuple(code(explore)))
    cursor = explore.locator(".latent-map .cursor").bounding_box()
    assert cursor
    assert cursor["x"] + cursor["width"] / 2 == pytest.approx(start[0], abs=2)
    assert cursor["y"] + cursor["height"] / 2 == pytest.approx(start[1], abs=2)
    style = "map => map.querySelector('.ellipse').style.transform.length"
    assert explore.locator(".latent-map").evaluate(style) < 200, "it does not grow with the drag"
    assert state(explore)["z"] == "0,0", "the address is written when the hand rests"
    explore.mouse.up()
    expect(explore).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(explore)
    assert len(seen) == 12
    assert len(numbers) > 8, "the sliders move too"
    at = [float(value) for value in state(explore)["z"].split(",")]
    assert code(explore) == pytest.approx([at[d] for d in order(explore)], abs=0.01)
    assert explore.evaluate("window.zoomed") is None, "neither panned nor zoomed"
    explore.get_by_role("button", name="Undo").click()
    expect(explore).to_have_url(re.compile(r"z=0(%2C|,)0$"))


def test_a_finger_takes_the_cursor_along_and_scrolls_past_the_map(
    browser: Browser, serve: Serve, settle: Settle
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_explore(page, serve("streamlit_app.py"), settle)
    finger = context.new_cdp_session(page)

    def slide(x: float, y: float, dx: float, dy: float) -> None:
        for kind, share in (("touchStart", 0.0), *(("touchMove", n / 8) for n in range(1, 9))):
            spot = {"x": x + share * dx, "y": y + share * dy}
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [spot]})
            page.wait_for_timeout(30)
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    before = picture(page)
    box = page.locator(".latent-map .cursor").bounding_box()
    assert box
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    slide(*centre, 60, -50)
    changed(page, before)
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    box = page.locator(".latent-map .cursor").bounding_box()
    assert box
    assert box["x"] + box["width"] / 2 == pytest.approx(centre[0] + 60, abs=3)
    settle(page)
    here, shown = state(page)["z"], picture(page)

    slide(centre[0] - 90, centre[1] + 60, 0, -120)  # beside the cursor
    page.wait_for_timeout(500)
    assert (state(page)["z"], picture(page)) == (here, shown)
    context.close()


def test_with_shift_a_drag_moves_the_map_and_a_double_click_brings_it_back(explore: Page) -> None:
    ranges = "() => document.querySelector('.latent-map .plot')._fullLayout.xaxis.range.slice()"
    first = explore.evaluate(ranges)
    box = plot(explore).bounding_box()
    assert box
    middle = [box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]]
    before = picture(explore)
    explore.keyboard.down("Shift")
    explore.mouse.move(*middle)
    explore.mouse.down()
    explore.mouse.move(middle[0] + 120, middle[1], steps=6)
    explore.mouse.up()
    explore.keyboard.up("Shift")
    explore.wait_for_function(f"first => ({ranges})()[0] < first - 0.1", arg=first[0])
    moved = explore.evaluate(ranges)
    assert moved[1] - moved[0] == pytest.approx(first[1] - first[0])
    assert picture(explore) == before, "the code stays where it is"
    explore.mouse.dblclick(*middle)
    explore.wait_for_function(f"first => Math.abs(({ranges})()[0] - first) < 1e-3", arg=first[0])


def test_two_quick_presses_of_the_zoom_button_zoom_twice(explore: Page) -> None:
    width = """() => {
        const [low, high] = document.querySelector(".latent-map .plot")._fullLayout.xaxis.range;
        return high - low;
    }"""
    first = explore.evaluate(width)
    plot(explore).hover()
    explore.locator(".latent-map .modebar-btn").first.dblclick()
    explore.wait_for_function(f"first => ({width})() < 0.4 * first", arg=first)


def test_the_buttons_move_the_code_and_undo_brings_it_back(explore: Page, settle: Settle) -> None:
    explore.get_by_role("button", name="Test digit").click()
    expect(explore).to_have_url(re.compile(r"digit=\d+"))
    settle(explore)
    digit = state(explore)["digit"]
    expect(explore.locator(".decoded-digit figcaption")).to_contain_text(f"{int(digit):,}")
    explore.get_by_role("button", name="Random").click()
    expect(explore).to_have_url(re.compile(r"[?&]z="))
    settle(explore)
    explore.get_by_role("button", name="Reset", exact=True).click()
    expect(explore).to_have_url(re.compile(r"z=0(%2C|,)0"))
    settle(explore)
    for _ in range(2):
        explore.get_by_role("button", name="Undo").click()
        settle(explore)
    expect(explore).to_have_url(re.compile(rf"digit={digit}\b"))


def test_a_link_shows_what_its_sender_saw(page: Page, serve: Serve, settle: Settle) -> None:
    url = serve("streamlit_app.py")
    open_explore(page, f"{url}/?model=vae-10d&digit=7", settle)
    expect(page.locator(".decoded-digit figcaption")).to_contain_text("test digit 7")
    shown = picture(page)
    numbers = code(page)
    assert any(value != 0 for value in numbers)
    page.reload()
    page.locator(".strips").wait_for(timeout=60_000)
    settle(page)
    assert picture(page) == shown
    assert code(page) == numbers


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("model=gan-3d", "asks for model gan-3d; on offer"),
        ("model=[gan](http://127.0.0.1:9/)", "asks for model [gan](http://127.0.0.1:9/); on offer"),
        ("model=vae-2d&z=1,2,3", "z=1,2,3"),
        ("model=vae-2d&z=1,cat", "cat"),
        ("model=vae-2d&z=1e30,0", "z=1e30,0 is not 2 finite numbers"),
        ("model=vae-2d&digit=10000", "10000"),
        ("model=vae-2d&digit=abc", "digit=abc is no test digit"),
        ("model=cvae&z=" + ",".join(["0.5"] * 30), "chooses no digit"),
    ],
)
def test_a_link_that_is_wrong_says_so_and_the_page_goes_on(
    page: Page, serve: Serve, settle: Settle, query: str, words: str
) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?{query}", settle)
    expect(page.locator("[data-testid=stAlert]")).to_have_count(1)
    expect(page.locator("[data-testid=stAlert]")).to_contain_text(words)
    assert picture(page).startswith("data:image/png")


def test_a_link_has_nothing_to_undo(page: Page, serve: Serve, settle: Settle) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-2d&digit=42", settle)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(undo).to_be_enabled()
    undo.click()
    expect(page).to_have_url(re.compile(r"digit=42$"))
    expect(undo).to_be_disabled()


def test_a_code_of_reconstruct_is_explored_with_its_model(
    page: Page, serve: Serve, settle: Settle
) -> None:
    url = serve("streamlit_app.py")
    page.goto(f"{url}/reconstruct?model=vae-10d")
    page.get_by_role("button", name="Explore this code").click()
    page.locator(".strips").wait_for(timeout=60_000)
    # without MNIST, a digit that Reconstruct shows is none of the map's
    known = data.available("mnist", "test")
    code_of = r"digit=\d+" if known else r"z=[-\d.]+(%2C[-\d.]+){9}"
    expect(page).to_have_url(re.compile(rf"/\?model=vae-10d&{code_of}$"))
    settle(page)
    assert len(code(page)) == 10
    expect(page.locator(".engine b")).to_have_text(re.compile("vae-10d"))
    page.goto(f"{url}/?model=vae-5d&digit=7")  # a link in the same tab wins
    expect(page.locator(".engine b")).to_have_text(re.compile("vae-5d"))
    page.go_back()
    expect(page.locator(".engine b")).to_have_text(re.compile("vae-10d"))


def test_the_theme_is_chosen_in_the_menu(page: Page, serve: Serve, settle: Settle) -> None:
    open_explore(page, serve("streamlit_app.py"), settle)
    ground = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Main menu").click()
    expect(page.get_by_text("Deploy")).to_have_count(0)
    page.get_by_role("menuitemradio", name="Dark").click()
    page.wait_for_function(f"() => ({ground})() === 'rgb(15, 19, 23)'")


def test_another_model_keeps_the_test_digit(explore: Page, settle: Settle) -> None:
    explore.get_by_role("button", name="Test digit").click()
    expect(explore).to_have_url(re.compile(r"digit=\d+"))
    digit = state(explore)["digit"]
    explore.get_by_role("combobox").first.click()
    explore.get_by_role("option", name="VAE, 5-d").click()
    expect(explore).to_have_url(re.compile(rf"model=vae-5d&digit={digit}"))
    settle(explore)
    assert len(code(explore)) == 5


def test_the_map_of_many_dimensions_has_three_views(
    page: Page, serve: Serve, settle: Settle
) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-10d", settle)
    for view, axis in (("Two dimensions", "z"), ("t-SNE", "t-SNE 1"), ("PCA", "PC 1")):
        page.get_by_text(view, exact=True).click()
        settle(page)
        expect(page.locator(".xtitle").first).to_contain_text(axis)
        before = picture(page)
        press(page, 0.4, 0.4)
        changed(page, before)
        settle(page)


def test_a_model_that_is_told_the_digit_draws_the_one_chosen(
    page: Page, serve: Serve, settle: Settle
) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?model=cvae&digit=7", settle)  # a 9
    digits = page.locator(".st-key-digit-cvae")
    expect(digits.get_by_role("radio", name="9")).to_be_checked()
    style = code(page)
    before = picture(page)
    digits.get_by_text("3", exact=True).click()
    changed(page, before)
    settle(page)
    assert code(page) == style, "another digit in the same hand"
    bars = page.locator(".facts .bar i")
    widths = bars.evaluate_all("bars => bars.map((bar) => bar.getBoundingClientRect().width)")
    assert widths.index(max(widths)) == 3, "the classifier sees what was asked for"
    expect(page).to_have_url(re.compile(r"[?&]z="))
    shown = picture(page)
    page.reload()
    page.locator(".strips").wait_for(timeout=60_000)
    settle(page)
    assert picture(page) == shown
    expect(digits.get_by_role("radio", name="3")).to_be_checked()

    page.get_by_role("button", name="Reset", exact=True).click()
    changed(page, shown)
    settle(page)
    assert not any(code(page))
    expect(page.locator(".facts")).to_contain_text("0.00 from the centre")  # a digit is no distance
    expect(digits.get_by_role("radio", name="3")).to_be_checked()


def test_traversals_have_a_strip_a_dimension_and_the_manifold_is_drawn(explore: Page) -> None:
    expect(explore.locator(".strip")).to_have_count(2)
    width = explore.locator("img.sheet").evaluate("image => image.naturalWidth")
    assert width == 20 * 28


def test_a_tile_of_a_traversal_is_pressed_and_the_code_is_there(
    explore: Page, settle: Settle
) -> None:
    before = picture(explore)
    name = f"z{order(explore)[0] + 1}"
    explore.get_by_role("button", name=f"{name} = 1.5").click()
    changed(explore, before)
    settle(explore)
    assert code(explore) == [1.5, 0]
    expect(explore).to_have_url(re.compile(r"z=(1.5(%2C|,)0|0(%2C|,)1.5)$"))
    tile = explore.get_by_role("button", name=f"{name} = 1.5")
    mark = explore.locator(".strip b").first
    expect(tile).to_have_attribute("tabindex", "0")
    here, there = tile.bounding_box(), mark.bounding_box()
    assert here
    assert there
    assert there["x"] + 1 == pytest.approx(here["x"] + here["width"] / 2, abs=2)
    tile.focus()
    explore.keyboard.press("ArrowLeft")
    before = picture(explore)
    explore.keyboard.press("Enter")
    changed(explore, before)
    settle(explore)
    assert code(explore) == [1.0, 0]


def test_each_slider_has_its_traversal_behind_it(explore: Page) -> None:
    for row, strip in zip(
        explore.locator(".list .row").all(), explore.locator(".strip").all(), strict=True
    ):
        expect(row.locator(".underlay")).to_be_visible()
        assert row.locator(".name").inner_text() == strip.locator("span").inner_text()
        shown = [
            box.evaluate(
                "box => [getComputedStyle(box).backgroundImage, "
                "getComputedStyle(box).backgroundPositionY]"
            )
            for box in (row.locator(".underlay"), strip.locator(".tiles"))
        ]
        assert shown[0] == shown[1]


def test_the_mark_of_a_traversal_follows_the_slider_while_it_moves(explore: Page) -> None:
    mark = explore.locator(".strip b").first
    before = mark.bounding_box()
    box = explore.get_by_role("slider").first.bounding_box()
    assert before
    assert box
    explore.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    explore.mouse.down()
    explore.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2, steps=6)
    explore.wait_for_function(
        "left => document.querySelector('.strip b').getBoundingClientRect().left > left + 50",
        arg=before["x"],
    )
    explore.mouse.up()


def test_the_page_works_on_a_phone(browser: Browser, serve: Serve, settle: Settle) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    open_explore(page, serve("streamlit_app.py"), settle)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    image, slider = page.locator(PICTURE).bounding_box(), page.get_by_role("slider").first
    below = slider.bounding_box()
    assert image
    assert below
    assert image["y"] < below["y"]
    context.close()


def test_nothing_is_cut_off_at_any_width(page: Page, serve: Serve, settle: Settle) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?model=cvae&digit=3", settle)
    for width in (320, 390, 640, 641, 700, 768, 820, 900, 901, 1024, 1280, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(FITS, arg=width)


# Nothing is wider than the page, and what has to be wide enough for a hand or an eye is.
FITS = """(width) => {
  const wide = (which, within = document) =>
    within.querySelector(which).getBoundingClientRect().width;
  const main = document.querySelector("[data-testid=stMain]");
  const sliders = [...document.querySelectorAll("*")].map((each) => each.shadowRoot)
    .find((root) => root?.querySelector(".rail"));
  return main.scrollWidth <= width && document.documentElement.scrollWidth <= width
    && wide(".rail", sliders) >= 70 && wide(".decoded-digit canvas") >= 168 && wide(".facts") >= 80;
}"""


def test_on_a_tablet_the_picture_is_below_the_map(page: Page, serve: Serve, settle: Settle) -> None:
    page.set_viewport_size({"width": 768, "height": 1024})
    open_explore(page, serve("streamlit_app.py"), settle)
    above, below = plot(page).bounding_box(), page.locator(PICTURE).bounding_box()
    assert above
    assert below
    assert above["y"] + above["height"] < below["y"]


@pytest.mark.parametrize("width", [1440, 390])
def test_many_sliders_scroll_with_the_page_or_show_that_there_are_more(
    page: Page, serve: Serve, settle: Settle, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_explore(page, f"{serve('streamlit_app.py')}/?model=vae-20d", settle)
    shown, whole, row = page.locator(".list").evaluate(
        "list => [list.clientHeight, list.scrollHeight, list.querySelector('.row').offsetHeight]"
    )
    assert whole == 20 * row
    if width == 390:
        assert shown == whole
    else:
        assert 0.25 < shown / row % 1 < 0.75, "the last row is cut in its middle"


def test_the_digits_to_choose_from_stand_in_one_row_on_a_phone(
    page: Page, serve: Serve, settle: Settle
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_explore(page, f"{serve('streamlit_app.py')}/?model=cvae", settle)
    boxes = [one.bounding_box() for one in page.locator(".st-key-digit-cvae button").all()]
    assert len(boxes) == 10
    assert len({box and box["y"] for box in boxes}) == 1
    assert all(box and box["width"] >= 32 for box in boxes)


@pytest.mark.parametrize("width", [1440, 390])
def test_what_comes_late_finds_its_room(
    page: Page, serve: Serve, settle: Settle, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    held: list[Route] = []

    def hold(route: Route) -> None:  # Playwright marks what it calls; a built-in bears no mark
        held.append(route)

    page.route(re.compile(r"/(latent_map|latent_sliders|decoded_view)\.js"), hold)
    page.goto(f"{serve('streamlit_app.py')}/?model=vae-20d")
    below = page.locator(".st-key-surroundings")
    below.locator(".strips").wait_for()
    settle(page)
    before = below.bounding_box()
    for route in held:
        route.continue_()
    page.locator(".decoded-digit[data-code]").wait_for()
    page.get_by_role("slider").first.wait_for()
    plot(page).wait_for()
    after = below.bounding_box()
    assert len(held) == 3
    assert before
    assert after
    assert after["y"] == pytest.approx(before["y"], abs=20)


def test_the_frame_is_painted_before_torch_is_there(page: Page, serve: Serve) -> None:
    """A server of its own, for torch must not have been imported yet."""
    url = serve("streamlit_app.py", "--server.maxUploadSize=21")
    seen: list[str] = []

    def note(part: str) -> None:  # Playwright marks what it calls; a built-in bears no mark
        seen.append(part)

    page.expose_function("seen", note)
    page.add_init_script(
        """new MutationObserver(() => {
            for (const part of ["h1", ".decoded-digit", ".decoded-digit[data-code]"])
                if (document.querySelector(part)) window.seen(part);
        }).observe(document, { subtree: true, childList: true, attributes: true });"""
    )
    page.goto(url)
    page.locator(".decoded-digit[data-code]").wait_for(timeout=60_000)
    order = list(dict.fromkeys(seen))
    assert order.index(".decoded-digit") < order.index(".decoded-digit[data-code]")
