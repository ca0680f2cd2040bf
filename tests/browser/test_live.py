"""The live channel in a real browser: what it spares, what takes its place, how it comes back."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.helpers import CODE, open_explore

Settle = Callable[[Page], None]


def grasp(page: Page, label: re.Pattern[str] | str = "z1, latent dimension") -> tuple[float, float]:
    """Press a slider in its middle and keep it pressed."""
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


def test_a_hand_that_moves_costs_no_run_of_the_script(
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
    spot = grasp(page)
    assert len(slide(page, spot, 100)) == 10
    assert sent["stream"] == 0
    assert sent["live"] >= 10
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    assert sent["stream"] > 0
    number = page.get_by_label("z1, value").input_value()
    assert float(page.evaluate(CODE).split(",")[0]) == float(number)


def test_where_there_is_no_channel_the_script_answers_each_move(
    page: Page, serve: Callable[..., str], settle: Settle, faults: list[str]
) -> None:
    def refuse(route: WebSocketRoute) -> None:
        route.close()

    page.route_web_socket(re.compile("assets/live$"), refuse)
    open_explore(page, serve("streamlit_app.py"), settle)
    spot = grasp(page)
    assert len(slide(page, spot, 100)) >= 5
    assert not page.evaluate("window.latentExplorerLive.open")
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(page)
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(page).to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(page)
    page.wait_for_timeout(2000)  # nothing brings the old values back, nor sends them again
    assert page.evaluate(CODE) == "0,0"
    expect(page.get_by_label("z1, value")).to_have_value("0.00")
    faults.clear()


def test_a_server_that_was_away_is_found_again_without_a_reload(
    page: Page, serve: Any, settle: Settle, faults: list[str]
) -> None:
    """A server of its own, for it is stopped."""
    url = serve("streamlit_app.py", "--server.maxUploadSize=23")
    open_explore(page, url, settle)
    page.evaluate("window.stayed = true")
    spot = grasp(page)
    slide(page, spot, 60)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"z=0(%2C|,)0$"))
    settle(page)
    serve.stop(url)
    page.wait_for_function("() => !window.latentExplorerLive.open")
    box = page.get_by_label("z2, value")  # a hand that moves while nobody answers
    box.fill("1.25")
    box.press("Enter")
    serve.start(url)
    page.wait_for_function("() => window.latentExplorerLive.open", timeout=60_000)
    picture = page.locator(".decoded-digit[data-code]")
    expect(picture).to_have_attribute("data-code", re.compile(r",1\.25$"), timeout=60_000)
    expect(page).to_have_url(re.compile(r"(%2C|,)1\.25$"))
    settle(page)
    assert page.evaluate("window.stayed"), "the page was not loaded again"
    spot = grasp(page)
    assert len(slide(page, spot, 60)) == 10
    page.mouse.up()
    faults.clear()  # the console has told of the lost connection


def test_a_hand_on_a_slider_before_the_first_picture_is_not_lost(page: Page, serve: Any) -> None:
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
    picture = page.locator(".decoded-digit[data-code]")
    expect(picture).to_have_attribute("data-code", "1.5,0", timeout=60_000)
    expect(page).to_have_url(re.compile(r"z=1.5(%2C|,)0$"))


def test_a_drag_to_and_fro_lets_go_of_the_picture(
    page: Page, serve: Callable[..., str], settle: Settle
) -> None:
    open_explore(page, serve("streamlit_app.py"), settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    spot = grasp(page)
    slide(page, spot, 60)
    page.mouse.move(*spot)
    page.wait_for_function(f"() => ({CODE})() === '0,0'")
    page.mouse.up()
    page.wait_for_function("() => !window.latentExplorerLive.held")
    page.get_by_role("button", name="Test digit").click()
    expect(page.locator(".decoded-digit figcaption")).to_contain_text("test digit")


@pytest.mark.parametrize("model", ["vae-20d", "cvae"])
def test_every_kind_of_model_follows(
    page: Page, serve: Callable[..., str], settle: Settle, model: str
) -> None:
    open_explore(page, f"{serve('streamlit_app.py')}/?model={model}&digit=3", settle)
    label = page.get_by_role("slider").first.get_attribute("aria-label")
    assert label
    spot = grasp(page, label)
    assert len(slide(page, spot, 80)) == 10
    expect(page.locator(".decoded-digit figcaption")).to_have_text("decoded from the sliders")
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"[?&]z="))


# The replies of a server far away.
FAR = """
const listen = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (name, hear, ...rest) {
    const late = (event) => setTimeout(() => hear.call(this, event), 300);
    listen.call(this, name, name === "message" ? late : hear, ...rest);
};"""
LET_GO = """async (gap) => {
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


@pytest.mark.parametrize("gap", [20, 200])  # ms: before Python is told, and before it has answered
def test_nothing_is_told_of_a_page_once_another_is_asked_for(
    page: Page, gap: int, serve: Callable[..., str], settle: Settle
) -> None:
    """A message that names the old page may bring it back, where it overtakes the new one's run."""
    asked: list[str] = []  # the pages that the runs asked for are of

    def note(frame: bytes | str) -> None:
        message = BackMsg.FromString(frame) if isinstance(frame, bytes) else BackMsg()
        if message.HasField("rerun_script"):
            asked.append(message.rerun_script.page_script_hash)

    def listen(socket: WebSocket) -> None:
        if socket.url.endswith("/_stcore/stream"):
            socket.on("framesent", note)

    page.on("websocket", listen)
    page.add_init_script(FAR)
    open_explore(page, serve("streamlit_app.py"), settle)
    page.wait_for_function("() => window.latentExplorerLive.open")
    asked.clear()
    page.evaluate(LET_GO, gap)
    page.locator(".st-key-columns").wait_for()
    settle(page)
    page.wait_for_timeout(500)  # `page` sees to it that nothing went wrong
    assert len(set(asked)) == (2 if gap > 80 else 1)
    assert asked.count(asked[-1]) == 1, "the other page was asked for once, and last"
    page.get_by_role("link", name="Explore").click()
    picture = page.locator(".decoded-digit[data-code]")
    expect(picture).to_have_attribute("data-code", "1.5,0")  # and what was done is not lost
    expect(page).to_have_url(re.compile(r"z=1.5(%2C|,)0$"))
