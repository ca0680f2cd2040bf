"""The fixtures of the browser tests: detection of errors, sharing and isolation of pages."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.helpers import PHONE
from tests.browser.servers import Servers
from tests.browser.tabs import DESKTOP, PageErrors, Tabs

NewPage = Callable[..., Page]
PLAIN = "tests/browser/pages/plain.py"
KEEP = """() => {
  localStorage.setItem("kept", "yes");
  sessionStorage.setItem("kept", "yes");
  document.cookie = "kept=yes; max-age=600";
}"""
KEPT = "() => [localStorage.length, sessionStorage.length, document.cookie]"


class Site(BaseHTTPRequestHandler):
    """An empty page at /, nothing elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<link rel=icon href=data:,><p>empty</p>")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("visit", ["first", "second"])
def test_a_page_finds_no_storage_of_an_earlier_test(page: Page, site: str, visit: str) -> None:
    page.goto(site)
    assert page.evaluate(KEPT) == [0, 0, ""], visit
    page.evaluate(KEEP)
    assert page.evaluate(KEPT) == [1, 1, "kept=yes"]


@pytest.mark.parametrize("visit", ["first", "second"])
def test_a_page_has_no_route_or_script_of_an_earlier_test(
    page: Page, site: str, visit: str
) -> None:
    page.goto(site)
    assert page.inner_text("p") == "empty", visit
    assert page.evaluate("() => window.added") is None
    page.add_init_script("window.added = true")
    page.route("**/*", lambda route: route.fulfill(content_type="text/html", body="<p>other</p>"))
    page.goto(site)
    assert (page.inner_text("p"), page.evaluate("() => window.added")) == ("other", True)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("() => console.error('lost')", "console: lost"),
        ("() => { setTimeout(() => { throw new Error('thrown'); }); }", "exception: thrown"),
        ("() => { fetch('/missing'); }", "404: "),
        ("() => { fetch('http://127.0.0.1:1/'); }", "failed: http://127.0.0.1:1/"),
    ],
)
def test_errors_of_a_page_are_collected(
    page: Page, site: str, faults: PageErrors, script: str, message: str
) -> None:
    page.goto(site)
    assert faults == []
    page.evaluate(script)
    for _ in range(500):
        if any(fault.startswith(message) for fault in faults):
            break
        page.wait_for_timeout(20)
    assert [fault for fault in faults if fault.startswith(message)]
    page.wait_for_load_state("networkidle")
    faults.clear()


def test_an_exception_that_streamlit_shows_is_collected(
    page: Page, site: str, faults: PageErrors
) -> None:
    page.goto(site)
    page.set_content("<div data-testid=stException>ValueError: no</div>")
    faults.check_shown(page)
    assert faults == ["ValueError: no"]
    page.goto(site)
    faults.clear()


@pytest.mark.parametrize("visit", ["first", "second"])
def test_a_shared_page_stays_open_and_has_the_usual_size(
    shared_page: Page, site: str, visit: str
) -> None:
    if visit == "first":
        shared_page.goto(site)
    assert shared_page.url == site
    assert shared_page.viewport_size == DESKTOP
    assert shared_page.evaluate("() => [innerWidth, innerHeight]") == [1440, 900]
    shared_page.set_viewport_size({"width": 390, "height": 844})


def test_a_phone_is_narrow_and_has_touch(new_page: NewPage, page: Page, site: str) -> None:
    phone = new_page(**PHONE)
    for tab in (phone, page):
        tab.goto(site)
    traits = "() => [screen.width, navigator.maxTouchPoints > 0]"
    assert phone.evaluate(traits) == [390, True]
    assert page.evaluate(traits)[1] is False


def test_a_context_is_made_anew_after_many_tabs_and_never_under_a_page_in_use(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, site: str
) -> None:
    monkeypatch.setattr("tests.browser.tabs.RENEWED_AFTER", 2)
    own = Tabs(browser, PageErrors())
    used = own.open()
    used.goto(site)
    for _ in range(3):
        own.close(own.open())
    assert used.context.pages, "a page is in use"
    assert len(own.contexts) == 1
    first = used.context
    own.close(used)
    assert own.open().context is not first
    own.contexts.popitem()[1].close()


def test_a_new_server_is_another_process(serve: Servers, new_server: Callable[..., str]) -> None:
    shared, new = serve(PLAIN), new_server(PLAIN)
    one, other = serve.processes[shared], serve.processes[new]
    assert one.pid != other.pid
    assert other.poll() is None
