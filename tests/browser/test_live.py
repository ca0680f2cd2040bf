"""The live channel in a real browser: drags without script runs, the fallback, reconnection."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from explorer import assets
from tests.browser.helpers import CODE, open_explore

Settle = Callable[[Page], None]


def press(page: Page, label: re.Pattern[str] | str = "z1, latent dimension") -> tuple[float, float]:
    """Press a slider in its middle and keep the button down."""
    box = page.get_by_label(label).bounding_box()
    assert box
    spot = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*spot)
    page.mouse.down()
    return spot


def slide(page: Page, spot: tuple[float, float], pixels: int) -> set[str]:
    """Move the pressed slider bit by bit; the codes that were shown on the way."""
    seen = set()
    for step in range(1, 11):
        before = page.evaluate(CODE)
        page.mouse.move(spot[0] + step * pixels / 10, spot[1])
        page.wait_for_function(f"before => ({CODE})() !== before", arg=before)
        seen.add(page.evaluate(CODE))
    return seen


def test_a_drag_runs_no_script_until_its_release(
    page: Page, serve: Callable[..., str], settle: Settle
) -> None:
    sent: dict[str, int] = {"stream": 0, "live": 0}

    def listen(socket: WebSocket) -> None:
        name = socket.url.rpartition("/")[2]

        def count(_: Any) -> None:
            sent[name] += 1

        socket.on("framesent", count)

    page.on("websocket", listen)
    open_explore(page, serve("streamlit_app.py"), settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    sent.update(stream=0, live=0)
    spot = press(page)
    assert len(slide(page, spot, 100)) == 10
    assert sent["stream"] == 0
    assert sent["live"] >= 10
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    assert sent["stream"] > 0
    number = page.get_by_label("z1, value").input_value()
    assert float(page.evaluate(CODE).split(",")[0]) == float(number)


def test_without_the_channel_the_script_answers_each_move(
    page: Page, serve: Callable[..., str], settle: Settle, faults: list[str]
) -> None:
    def refuse(route: WebSocketRoute) -> None:
        route.close()

    page.route_web_socket(re.compile("assets/live$"), refuse)
    open_explore(page, serve("streamlit_app.py"), settle)
    spot = press(page)
    assert len(slide(page, spot, 100)) >= 5
    assert not page.evaluate("window.latentExplorerLive.open")
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(page)
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(page).to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(page)
    page.wait_for_timeout(2000)  # the old values are neither restored nor sent again
    assert page.evaluate(CODE) == "0,0"
    expect(page.get_by_label("z1, value")).to_have_value("0.00")
    faults.clear()


def test_the_page_reconnects_to_a_restarted_server_without_a_reload(
    page: Page, serve: Any, settle: Settle, faults: list[str]
) -> None:
    """A server of its own, for it is stopped."""
    url = serve("streamlit_app.py", "--server.maxUploadSize=23")
    open_explore(page, url, settle)
    page.evaluate("window.stayed = true")
    spot = press(page)
    slide(page, spot, 60)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(page)
    serve.stop(url)
    page.wait_for_function("() => !window.latentExplorerLive.open")
    box = page.get_by_label("z2, value")  # a change without a connection
    box.fill("1.25")
    box.press("Enter")
    serve.start(url)
    page.wait_for_function("() => window.latentExplorerLive.open", timeout=60_000)
    picture = page.locator(".decoded-sample[data-code]")
    expect(picture).to_have_attribute("data-code", re.compile(r",1\.25$"), timeout=60_000)
    expect(page).to_have_url(re.compile(r"(%2C|,)1\.25$"))
    settle(page)
    assert page.evaluate("window.stayed"), "the page was not loaded again"
    spot = press(page)
    assert len(slide(page, spot, 60)) == 10
    page.mouse.up()
    faults.clear()  # the console has reported the lost connection


def test_a_change_of_a_slider_before_the_first_picture_is_not_lost(page: Page, serve: Any) -> None:
    """A server of its own, for torch must not have been imported yet."""
    page.add_init_script(
        """const looking = setInterval(() => {
            const roots = [...document.querySelectorAll("*")].map((each) => each.shadowRoot);
            const range = roots.find(Boolean)?.querySelector("input[type=range]");
            if (!range) return;
            clearInterval(looking);
            window.moved = true;
            range.value = 1.5;
            range.dispatchEvent(new Event("input", { bubbles: true }));
            range.dispatchEvent(new Event("change", { bubbles: true }));
        }, 5);"""
    )
    page.goto(serve("streamlit_app.py", "--server.maxUploadSize=24"))
    page.wait_for_function("() => window.moved")
    picture = page.locator(".decoded-sample[data-code]")
    expect(picture).to_have_attribute("data-code", "1.5,0", timeout=60_000)
    expect(page).to_have_url(re.compile(r"z=1.5(%2C|,)0$"))


def test_a_drag_that_returns_to_its_start_ends_on_release(
    page: Page, serve: Callable[..., str], settle: Settle
) -> None:
    open_explore(page, serve("streamlit_app.py"), settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    spot = press(page)
    slide(page, spot, 60)
    page.mouse.move(*spot)
    page.wait_for_function(f"() => ({CODE})() === '0,0'")
    page.mouse.up()
    page.wait_for_function("() => !window.latentExplorerLive.held")
    page.get_by_role("button", name="Test digit").click()
    expect(page.locator(".decoded-sample figcaption")).to_contain_text("test digit")


@pytest.mark.parametrize("model", ["vae-20d", "cvae"])
def test_every_kind_of_model_is_decoded_during_a_drag(
    page: Page, serve: Callable[..., str], settle: Settle, model: str
) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?model={model}&digit=3", settle)
    label = page.get_by_role("slider").first.get_attribute("aria-label")
    assert label
    spot = press(page, label)
    assert len(slide(page, spot, 80)) == 10
    expect(page.locator(".decoded-sample figcaption")).to_have_text("decoded from the current code")
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"[?&]z="))


# Delays the replies, as a distant server.
DELAYED = """
const listen = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (name, receive, ...rest) {
    const late = (event) => setTimeout(() => receive.call(this, event), 300);
    listen.call(this, name, name === "message" ? late : receive, ...rest);
};"""
RELEASE = """async (gap) => {
    const roots = [...document.querySelectorAll("*")].map((each) => each.shadowRoot);
    const found = roots.find((root) => root?.querySelector("input[type=range]"));
    const range = found.querySelector("input[type=range]");
    range.value = 1.5;
    range.dispatchEvent(new Event("input", { bubbles: true }));
    range.dispatchEvent(new Event("change", { bubbles: true }));
    await new Promise((done) => setTimeout(done, gap));
    [...document.querySelectorAll("a")]
        .find((link) => link.textContent.includes("Reconstruct")).click();
}"""


@pytest.mark.parametrize("gap", [20, 200])  # ms: before a run is requested, and during it
def test_no_run_of_a_page_is_requested_once_another_page_is(
    page: Page, gap: int, serve: Callable[..., str], settle: Settle
) -> None:
    """A late message that names the old page may show it again."""
    asked: list[str] = []  # the pages of the requested runs

    def note(frame: bytes | str) -> None:
        message = BackMsg.FromString(frame) if isinstance(frame, bytes) else BackMsg()
        if message.HasField("rerun_script"):
            asked.append(message.rerun_script.page_script_hash)

    def listen(socket: WebSocket) -> None:
        if socket.url.endswith("/_stcore/stream"):
            socket.on("framesent", note)

    page.on("websocket", listen)
    page.add_init_script(DELAYED)
    open_explore(page, serve("streamlit_app.py"), settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    asked.clear()
    page.evaluate(RELEASE, gap)
    page.locator(".st-key-columns").wait_for()
    settle(page)
    page.wait_for_timeout(500)  # `page` checks that nothing went wrong
    assert len(set(asked)) == (2 if gap > 80 else 1)
    # the other page may ask for a run of its own while it reads the originals
    other = asked[asked.index(asked[-1]) :]
    assert len(set(other)) == 1, "no run of the old page was requested after the other page"
    page.get_by_role("link", name="Explore").click()
    picture = page.locator(".decoded-sample[data-code]")
    expect(picture).to_have_attribute("data-code", "1.5,0")  # and the change is not lost
    expect(page).to_have_url(re.compile(r"z=1.5(%2C|,)0$"))


def test_the_server_refuses_a_large_message_by_its_header(serve: Callable[..., str]) -> None:
    """Behind all middleware of the app; the client states 100 MB and sends none of them."""
    host = serve("streamlit_app.py").removeprefix("http://")
    with connect(f"ws://{host}/{assets.LIVE}") as channel:
        channel.socket.sendall(b"\x81\xff" + (100 << 20).to_bytes(8, "big") + b"mask")
        with pytest.raises(ConnectionClosedError) as raised:
            channel.recv(timeout=60)
    assert raised.value.rcvd is not None
    assert raised.value.rcvd.code == 1009
