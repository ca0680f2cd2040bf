"""The Explore page as a visitor uses it, with the shipped checkpoints, in a real browser."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.helpers import PHONE, SPOT, at_width, open_explore, wait_for_map
from tests.explorer import small_checkpoints
from vae import checkpoint, data, service

Serve = Callable[..., str]
Settle = Callable[[Page], None]
NewPage = Callable[..., Page]
APP = "streamlit_app.py"
PICTURE = ".decoded-sample canvas"
AT_ORIGIN = re.compile(r"z=0(%2C|,)0$")


def state(page: Page) -> dict[str, str]:
    """The query of the address."""
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def code(page: Page) -> list[float]:
    """The numbers beside the sliders of the dimensions in use."""
    boxes = page.get_by_role("textbox", name=re.compile(", value$"))
    return [float(box.input_value()) for box in boxes.all()]


def order(page: Page) -> list[int]:
    """The latent dimensions in the order of the sliders, from 0."""
    names = [s.get_attribute("aria-label") or "" for s in page.get_by_role("slider").all()]
    return [int(re.sub(r"\D", "", name.split(",")[0])) - 1 for name in names]


def picture(page: Page) -> str:
    """The decoded digit, as a URI."""
    return page.locator(PICTURE).evaluate("canvas => canvas.toDataURL()")


def changed(page: Page, before: str) -> None:
    """Wait until another picture is shown."""
    page.wait_for_function(
        "([which, before]) => document.querySelector(which).toDataURL() !== before",
        arg=[PICTURE, before],
    )


@pytest.fixture
def explore(shared_page: Page, serve: Serve, settle: Settle) -> Page:
    """Explore as it opens, in the tab that the tests of this module share."""
    return open_explore(shared_page, serve(APP), settle)


def plot(page: Page) -> Locator:
    return page.locator(".nsewdrag").first


def click(page: Page, x: float, y: float) -> None:
    """Click the map at a share of its width and height."""
    box = plot(page).bounding_box()
    assert box
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_the_page_as_it_opens(explore: Page) -> None:
    for part in (plot(explore), explore.locator(PICTURE), explore.get_by_role("slider").last):
        box = part.bounding_box()
        assert box, "the first screen holds map, picture and sliders"
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900
    assert state(explore)["model"] == "vae-2d"

    expect(explore.locator(".strip")).to_have_count(2)
    width = explore.locator("img.sheet").evaluate("image => image.naturalWidth")
    assert width == 20 * 28, "the manifold"
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
        assert shown[0] == shown[1], "each slider has its traversal behind it"

    at_width(explore, 768, 1024)
    above, below = plot(explore).bounding_box(), explore.locator(PICTURE).bounding_box()
    assert above
    assert below
    assert above["y"] + above["height"] < below["y"], "on a tablet the picture is below the map"


def test_a_slider_moves_the_picture_and_the_mark_and_on_release_the_link(explore: Page) -> None:
    before = picture(explore)
    mark = explore.locator(".strip b").first
    left, box = mark.bounding_box(), explore.get_by_role("slider").first.bounding_box()
    assert left
    assert box
    explore.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    explore.mouse.down()
    explore.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2, steps=6)
    explore.wait_for_function(
        "left => document.querySelector('.strip b').getBoundingClientRect().left > left + 50",
        arg=left["x"],
    )
    explore.mouse.up()
    changed(explore, before)
    expect(explore).not_to_have_url(AT_ORIGIN)
    dragged, before = state(explore)["z"], picture(explore)
    slider = explore.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        explore.keyboard.press("PageUp")
    changed(explore, before)
    explore.wait_for_function("z => !decodeURIComponent(location.href).endsWith(z)", arg=dragged)
    assert [float(v) for v in state(explore)["z"].split(",")] != [0.0, 0.0]


def test_the_cursor_follows_the_sliders_without_a_repaint_of_the_points(
    explore: Page, settle: Settle
) -> None:
    cursor = explore.locator(".cursor")
    explore.get_by_role("button", name="Test digit").click()
    expect(explore).to_have_url(re.compile(r"sample=\d+"))
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


def test_a_click_on_the_map_moves_the_code(explore: Page, settle: Settle) -> None:
    before = picture(explore)
    click(explore, 0.5, 0.35)
    changed(explore, before)
    settle(explore)
    assert any(value != 0 for value in code(explore))
    click(explore, 0.99, 0.97)  # a corner without digits
    expect(explore).to_have_url(re.compile(r"[?&]z="))


def test_a_point_shows_its_digit_under_the_pointer(explore: Page) -> None:
    codes = service.encodings("vae-2d")
    spot = explore.evaluate(SPOT, codes.mean[codes.labels == 0][5].tolist())
    thumb = explore.locator(".latent-map .thumb")
    expect(thumb).to_be_hidden()
    explore.mouse.move(*spot, steps=4)
    expect(thumb).to_contain_text(re.compile(r"test digit [\d,]+, an? \d"))
    sheets = [each["url"] for each in explore.evaluate(SHEETS) if "reconstruction" in each["url"]]
    assert sheets, "the sheet of reconstructions was fetched"
    shown = thumb.locator("figcaption").all_inner_texts()
    assert shown in (["original", "reconstruction"], ["reconstruction"])
    box, frame = thumb.bounding_box(), explore.locator(".latent-map .frame").bounding_box()
    assert box
    assert frame
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    # the tile is the one of this digit: it equals what the page decodes for it
    explore.mouse.click(*spot)
    expect(explore).to_have_url(re.compile(r"sample=\d+"))
    number = state(explore)["sample"]
    expect(thumb).to_contain_text(f"{int(number):,}")
    difference = explore.evaluate(COMPARE, int(number))
    assert difference < 6, "grey levels, on the mean"


# The sheets of thumbnails, as the browser has them.
SHEETS = """() => [...document.querySelectorAll(".latent-map .thumb i")].map((tile) => (
  { url: tile.style.backgroundImage.slice(5, -2) }))"""
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
  const picture = document.querySelector(".decoded-sample canvas");
  const grey = (image, x, y) => {
    const canvas = new OffscreenCanvas(28, 28).getContext("2d");
    canvas.drawImage(image, x, y, 28, 28, 0, 0, 28, 28);
    return canvas.getImageData(0, 0, 28, 28).data.filter((_, place) => place % 4 === 0);
  };
  const one = grey(sheet, 28 * (index % 100), 28 * Math.floor(index / 100));
  const other = grey(picture, 0, 0);
  return one.reduce((sum, value, place) => sum + Math.abs(value - other[place]), 0) / one.length;
}"""


def test_a_drag_on_the_map_moves_the_code(explore: Page, settle: Settle) -> None:
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
    assert state(explore)["z"] == "0,0", "the address is written on release"
    explore.mouse.up()
    expect(explore).not_to_have_url(AT_ORIGIN)
    settle(explore)
    assert len(seen) == 12
    assert len(numbers) > 8, "the sliders move too"
    at = [float(value) for value in state(explore)["z"].split(",")]
    assert code(explore) == pytest.approx([at[d] for d in order(explore)], abs=0.01)
    assert explore.evaluate("window.zoomed") is None, "neither panned nor zoomed"
    explore.get_by_role("button", name="Undo").click()
    expect(explore).to_have_url(AT_ORIGIN)


def test_on_a_phone_a_finger_moves_the_cursor_and_scrolls_past_the_map(
    new_page: NewPage, serve: Serve, settle: Settle
) -> None:
    page = open_explore(new_page(**PHONE), serve(APP), settle)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    image, slider = page.locator(PICTURE).bounding_box(), page.get_by_role("slider").first
    below = slider.bounding_box()
    assert image
    assert below
    assert image["y"] < below["y"]
    finger = page.context.new_cdp_session(page)

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
    expect(page).not_to_have_url(AT_ORIGIN)
    box = page.locator(".latent-map .cursor").bounding_box()
    assert box
    assert box["x"] + box["width"] / 2 == pytest.approx(centre[0] + 60, abs=3)
    settle(page)
    here, shown = state(page)["z"], picture(page)

    slide(centre[0] - 90, centre[1] + 60, 0, -120)  # beside the cursor
    page.wait_for_timeout(500)
    assert (state(page)["z"], picture(page)) == (here, shown)


def test_the_map_is_panned_with_shift_and_zoomed_by_its_buttons(explore: Page) -> None:
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
    assert picture(explore) == before, "the code does not change"
    explore.mouse.dblclick(*middle)  # resets the view
    explore.wait_for_function(f"first => Math.abs(({ranges})()[0] - first) < 1e-3", arg=first[0])

    plot(explore).hover()
    explore.locator(".latent-map .modebar-btn").first.dblclick()  # two clicks zoom twice
    explore.wait_for_function(
        f"first => {{ const [low, high] = ({ranges})(); return high - low < 0.4 * first; }}",
        arg=first[1] - first[0],
    )


def test_the_buttons_move_the_code_and_undo_returns(explore: Page, settle: Settle) -> None:
    explore.get_by_role("button", name="Test digit").click()
    expect(explore).to_have_url(re.compile(r"sample=\d+"))
    settle(explore)
    digit = state(explore)["sample"]
    expect(explore.locator(".decoded-sample figcaption")).to_contain_text(f"{int(digit):,}")
    explore.get_by_role("button", name="Random").click()
    expect(explore).to_have_url(re.compile(r"[?&]z="))
    settle(explore)
    explore.get_by_role("button", name="Reset", exact=True).click()
    expect(explore).to_have_url(re.compile(r"z=0(%2C|,)0"))
    settle(explore)
    for _ in range(2):
        explore.get_by_role("button", name="Undo").click()
        settle(explore)
    expect(explore).to_have_url(re.compile(rf"sample={digit}\b"))

    explore.get_by_role("combobox").first.click()  # another model keeps the test digit
    explore.get_by_role("option", name="VAE, 5-d").click()
    expect(explore).to_have_url(re.compile(rf"model=vae-5d&sample={digit}"))
    settle(explore)
    assert len(code(explore)) == 5


def test_a_link_shows_what_its_sender_saw(shared_page: Page, serve: Serve, settle: Settle) -> None:
    page = open_explore(shared_page, f"{serve(APP)}/?model=vae-10d&digit=7", settle)
    expect(page.locator(".decoded-sample figcaption")).to_contain_text("test digit 7")
    shown = picture(page)
    numbers = code(page)
    assert any(value != 0 for value in numbers)
    page.reload()
    page.locator(".strips").first.wait_for(timeout=60_000)
    settle(page)
    assert picture(page) == shown
    assert code(page) == numbers
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()  # a link is no step
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(undo).to_be_enabled()
    undo.click()
    expect(page).to_have_url(re.compile(r"(digit|sample)=7$"))
    expect(undo).to_be_disabled()


WRONG = {
    "model=gan-3d": "names model gan-3d, which does not exist",
    "model=[gan](http://127.0.0.1:9/)": "model [gan](http://127.0.0.1:9/), which does not",
    "model=a%0A%0A[gan](http://127.0.0.1:9/)": "model a [gan](http://127.0.0.1:9/), which",
    "model=vae-2d&z=1,2,3": "z=1,2,3",
    "model=vae-2d&z=1,cat": "cat",
    "model=vae-2d&z=1e30,0": "z=1e30,0 is not 2 finite numbers",
    "model=vae-2d&digit=10000": "10000",
    "model=vae-2d&digit=abc": "digit=abc is not the index of a test digit",
    "model=cvae&z=" + ",".join(["0.5"] * 30): "selects no digit",
}


def test_a_wrong_link_is_one_sentence_and_the_page_goes_on(shared_page: Page, serve: Serve) -> None:
    for query, sentence in WRONG.items():
        shared_page.goto(f"{serve(APP)}/?{query}")
        alert = shared_page.locator("[data-testid=stAlert]")
        expect(alert).to_contain_text(sentence)
        expect(alert).to_have_count(1)
        expect(alert.get_by_role("link")).to_have_count(0)
        shared_page.locator(".decoded-sample[data-code]").wait_for()
        assert picture(shared_page).startswith("data:image/png")


def test_a_code_of_reconstruct_is_explored_with_its_model(
    page: Page, serve: Serve, settle: Settle
) -> None:
    url = serve(APP)
    page.goto(f"{url}/reconstruct?model=vae-10d")
    page.get_by_role("button", name="Explore this code").click()
    page.locator(".strips").first.wait_for(timeout=60_000)
    # without MNIST, the digits of Reconstruct are not those of the map
    known = data.available("mnist", "test")
    code_of = r"sample=\d+" if known else r"z=[-\d.]+(%2C[-\d.]+){9}"
    expect(page).to_have_url(re.compile(rf"/\?model=vae-10d&{code_of}$"))
    settle(page)
    assert len(code(page)) == 10
    expect(page.locator(".engine b")).to_have_text(re.compile("vae-10d"))
    page.goto(f"{url}/?model=vae-5d&digit=7")  # a link in the same tab overrides it
    expect(page.locator(".engine b")).to_have_text(re.compile("vae-5d"))
    page.go_back()
    expect(page.locator(".engine b")).to_have_text(re.compile("vae-10d"))


def test_the_map_of_many_dimensions_has_three_views(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = open_explore(shared_page, f"{serve(APP)}/?model=vae-10d", settle)
    for view, axis in (("Two dimensions", "z"), ("t-SNE", "t-SNE 1"), ("PCA", "PC 1")):
        page.get_by_text(view, exact=True).click()
        settle(page)
        expect(page.locator(".xtitle").first).to_contain_text(axis)
        before = picture(page)
        click(page, 0.4, 0.4)
        changed(page, before)
        settle(page)


def test_a_conditional_model_draws_the_chosen_digit(
    shared_page: Page, serve: Serve, settle: Settle
) -> None:
    page = open_explore(shared_page, f"{serve(APP)}/?model=cvae&digit=7", settle)  # a 9
    digits = page.locator(".st-key-value-digit-cvae")
    expect(digits.get_by_role("radio", name="9")).to_be_checked()
    style = code(page)
    before = picture(page)
    digits.get_by_text("3", exact=True).click()
    changed(page, before)
    settle(page)
    assert code(page) == style, "another digit in the same style"
    bars = page.locator(".facts .bar i")
    widths = bars.evaluate_all("bars => bars.map((bar) => bar.getBoundingClientRect().width)")
    assert widths.index(max(widths)) == 3, "it is classified as the chosen digit"
    expect(page).to_have_url(re.compile(r"[?&]z="))
    shown = picture(page)
    page.reload()
    page.locator(".strips").first.wait_for(timeout=60_000)
    settle(page)
    assert picture(page) == shown
    expect(digits.get_by_role("radio", name="3")).to_be_checked()

    page.get_by_role("button", name="Reset", exact=True).click()
    changed(page, shown)
    settle(page)
    assert not any(code(page))
    expect(page.locator(".facts")).to_contain_text("0.00 from the centre")  # without the digit
    expect(digits.get_by_role("radio", name="3")).to_be_checked()

    for width in (320, 390, 640, 641, 700, 768, 820, 900, 901, 1024, 1280, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(FITS, arg=width)
        if width != 390:
            continue
        boxes = [
            one.bounding_box() for one in page.locator(".st-key-value-digit-cvae button").all()
        ]
        assert len(boxes) == 10
        assert len({box and box["y"] for box in boxes}) == 1, "in one row on a phone"
        assert all(box and box["width"] >= 32 for box in boxes)


# Nothing is wider than the page, and sliders, picture and facts keep a usable width.
FITS = """(width) => {
  const wide = (which, within = document) =>
    within.querySelector(which).getBoundingClientRect().width;
  const main = document.querySelector("[data-testid=stMain]");
  const sliders = [...document.querySelectorAll("*")].map((each) => each.shadowRoot)
    .find((root) => root?.querySelector(".rail"));
  return main.scrollWidth <= width && document.documentElement.scrollWidth <= width
    && wide(".rail", sliders) >= 70 && wide(".decoded-sample canvas") >= 168
    && wide(".facts") >= 80;
}"""


def test_a_tile_of_a_traversal_is_clicked_and_sets_the_code(explore: Page, settle: Settle) -> None:
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


def test_the_theme_is_chosen_in_the_menu(page: Page, serve: Serve, settle: Settle) -> None:
    open_explore(page, serve(APP), settle)
    background = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Main menu").click()
    expect(page.get_by_text("Deploy")).to_have_count(0)
    page.get_by_role("menuitemradio", name="Dark").click()
    page.wait_for_function(f"() => ({background})() === 'rgb(15, 19, 23)'")


@pytest.mark.parametrize("width", [1440, 390])
def test_late_parts_have_their_height_reserved_and_sliders_scroll(
    page: Page, serve: Serve, settle: Settle, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    held: list[Route] = []

    def hold(route: Route) -> None:  # Playwright marks what it calls; a built-in bears no mark
        held.append(route)

    page.route(re.compile(r"/(latent_map|latent_sliders|decoded_view)\.js"), hold)
    page.goto(f"{serve(APP)}/?model=vae-20d")
    below = page.locator(".st-key-traversals")
    below.locator(".strips").first.wait_for()
    settle(page)
    before = below.bounding_box()
    for route in held:
        route.continue_()
    page.locator(".decoded-sample[data-code]").wait_for()
    page.get_by_role("slider").first.wait_for()
    plot(page).wait_for()
    after = below.bounding_box()
    assert len(held) == 3
    assert before
    assert after
    assert after["y"] == pytest.approx(before["y"], abs=20)
    shown, whole, row = page.locator(".list").evaluate(
        "list => [list.clientHeight, list.scrollHeight, list.querySelector('.row').offsetHeight]"
    )
    assert whole == 20 * row
    if width == 390:
        assert shown == whole, "they scroll with the page"
    else:
        assert 0.25 < shown / row % 1 < 0.75, "the last row is cut in its middle"


def test_the_header_is_painted_before_torch_is_imported(page: Page, serve: Serve) -> None:
    """A server of its own, in which torch has not been imported yet."""
    url = serve(APP, "--server.maxUploadSize=21")
    seen: list[str] = []

    def note(part: str) -> None:  # Playwright marks what it calls; a built-in bears no mark
        seen.append(part)

    page.expose_function("seen", note)
    page.add_init_script(
        """new MutationObserver(() => {
            for (const part of ["h1", ".decoded-sample", ".decoded-sample[data-code]"])
                if (document.querySelector(part)) window.seen(part);
        }).observe(document, { subtree: true, childList: true, attributes: true });"""
    )
    page.goto(url)
    page.locator(".decoded-sample[data-code]").wait_for(timeout=60_000)
    order = list(dict.fromkeys(seen))
    assert order.index(".decoded-sample") < order.index(".decoded-sample[data-code]")


def test_unlabelled_digits_and_damaged_weights(
    page: Page,
    serve: Serve,
    settle: Settle,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server of its own, which offers these two models."""
    folder = tmp_path_factory.mktemp("checkpoints")
    labels = np.where(np.arange(small_checkpoints.COUNT) % 2, 8, -1)
    small_checkpoints.write(folder / "partly", 2, labels=labels, title="Partly labelled")
    small_checkpoints.write(folder / "damaged", 3, title="Damaged")
    small_checkpoints.truncate(folder / "damaged" / checkpoint.WEIGHTS)
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(folder))
    url = serve(APP, "--server.maxUploadSize=22")

    page.goto(f"{url}/?model=damaged")
    alert = page.locator("[data-testid=stAlert]")
    expect(alert).to_contain_text("This model cannot be used: ", timeout=60_000)
    expect(alert).to_contain_text(checkpoint.WEIGHTS)
    expect(alert).to_have_count(1)
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="Partly labelled").click()
    expect(alert).to_have_count(0)
    page.locator(".strips").first.wait_for()
    wait_for_map(page, settle)
    unlabelled = page.locator(".latent-map").get_by_role("button", name="unlabelled")
    expect(unlabelled).to_have_attribute("aria-pressed", "true")
    mean = np.load(folder / "partly" / checkpoint.ENCODINGS)["mean"]
    thumb = page.locator(".latent-map .thumb")
    for index, name in ((4, "test digit 4"), (5, "test digit 5, an 8")):
        page.mouse.move(*page.evaluate(SPOT, mean[index].tolist()), steps=4)
        expect(thumb.locator("b")).to_have_text(name)
    unlabelled.click()
    expect(unlabelled).to_have_attribute("aria-pressed", "false")
    page.mouse.move(*page.evaluate(SPOT, mean[4].tolist()), steps=4)
    expect(thumb.locator("b")).not_to_have_text("test digit 4")
