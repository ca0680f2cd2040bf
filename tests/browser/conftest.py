"""Fixtures for tests in a real Chromium.

Which page and which server a test takes:

- `page`: a tab of its own at 1440 x 900, for a test that navigates, adds routes or init scripts,
  or changes what the page keeps. It costs 0.05 s, and the first visit to the app 1.2 s.
- `shared_page`: one tab for all tests of a module, for tests that only look, or that begin with
  `page.goto(...)` (0.6 s in a tab that has shown the app before). A test leaves no route, listener
  or init script on it. Every test finds it at 1440 x 900.
- `new_page(**options)`: further tabs of one test, also phones: `new_page(**PHONE)`.
- `serve(script)`: a server that all tests of a worker share; `new_server(script)`: one for a test
  that needs it cold or stops it.
- Widths: `at_width(page, 390)` of tests.browser.helpers resizes a page; no page a width is needed.

A test in this folder fails where the console of any of its pages reports an error, where a request
fails or where Streamlit shows an exception. A test that provokes one calls `faults.clear()`.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, expect, sync_playwright

from tests.browser.servers import Servers
from tests.browser.tabs import DESKTOP, PageErrors, Tabs

expect.set_options(timeout=30_000)  # a busy machine draws slowly
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # containers run as root
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",  # WebGL without a GPU
)

# Resolves once the browser has painted all changes made before.
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
Settle = Callable[[Page], None]
Stroke = Callable[[Page, list[tuple[float, float]]], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; LATENT_SKIP_BROWSER=1 skips them, with the reason shown."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if os.environ.get("LATENT_SKIP_BROWSER") == "1":
                item.add_marker(pytest.mark.skip(reason="LATENT_SKIP_BROWSER=1"))


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """serve(script, *options) -> url: under `streamlit run`, for the whole session."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    servers.close()


@pytest.fixture
def new_server(serve: Servers) -> Iterator[Callable[..., str]]:
    """new_server(script, *options) -> url of a server that no other test uses.

    For a test that needs torch not to be imported yet, or stops the server: `serve.stop(url)`,
    `serve.start(url)`.
    """
    started: list[str] = []

    def start(script: str, *options: str) -> str:
        # an option of the command line distinguishes the servers; the app's uploads are far smaller
        number = 300 + len(serve.urls)
        started.append(serve(script, *options, f"--server.maxMessageSize={number}"))
        return started[-1]

    yield start
    for url in started:
        serve.stop(url)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium: $CHROMIUM, an installed one, or Playwright's own, in this order."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    try:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
    except Error as error:
        pytest.fail(
            "no Chromium for the browser tests: install one (apt-get install chromium, or "
            "playwright install chromium), name one in $CHROMIUM, or set LATENT_SKIP_BROWSER=1; "
            f"{str(error).splitlines()[0]}"
        )
    yield found
    found.close()


@pytest.fixture(scope="session")
def _page_errors() -> PageErrors:
    return PageErrors()


@pytest.fixture(scope="session")
def tabs(browser: Browser, _page_errors: PageErrors) -> Tabs:
    return Tabs(browser, _page_errors)


@pytest.fixture(autouse=True)
def faults(_page_errors: PageErrors) -> Iterator[PageErrors]:
    """The errors of the test's pages, which must be none at its end."""
    yield _page_errors
    found = list(_page_errors)
    _page_errors.clear()
    assert not found, "\n".join(found)


@pytest.fixture
def new_page(tabs: Tabs, faults: PageErrors) -> Iterator[Callable[..., Page]]:
    """new_page(**options) -> a blank tab; options as of Browser.new_context, such as `PHONE`."""
    opened: list[Page] = []

    def open_tab(**options: Any) -> Page:
        opened.append(tabs.open(**options))
        return opened[-1]

    yield open_tab
    for page in reversed(opened):
        tabs.close(page)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A blank tab at 1440 x 900 for one test."""
    return new_page()


@pytest.fixture(scope="module")
def module_page(tabs: Tabs) -> Iterator[Page]:
    """The tab behind `shared_page`, for fixtures of module scope."""
    page = tabs.open()
    yield page
    tabs.close(page)


@pytest.fixture
def shared_page(module_page: Page, faults: PageErrors) -> Iterator[Page]:
    """One tab for all tests of a module, as the test before left it, at 1440 x 900."""
    if module_page.viewport_size != DESKTOP:
        module_page.set_viewport_size(DESKTOP)
    yield module_page
    faults.check_shown(module_page)


@pytest.fixture
def stroke() -> Stroke:
    """stroke(page, path): draw with the mouse through points given as shares of the canvas."""

    def draw(page: Page, path: list[tuple[float, float]]) -> None:
        box = page.locator("canvas").bounding_box()
        assert box
        spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
        page.mouse.move(*spots[0])
        page.mouse.down()
        for spot in spots[1:]:
            page.mouse.move(*spot, steps=8)
        page.mouse.up()

    return draw


@pytest.fixture(scope="session")
def settle(tabs: Tabs) -> Settle:
    """settle(page): wait until the script has finished and the page has painted the result."""

    def wait(page: Page) -> None:
        page.evaluate(PAINTED)  # the page has handled the input by now
        deadline = time.monotonic() + 120  # a server that has just started imports torch
        app = page.locator("[data-testid=stApp]")
        runs = tabs.runs.get(page)
        while True:
            while runs and not runs.finished:
                assert time.monotonic() < deadline, "the script is still running"
                page.wait_for_timeout(20)
            expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=120_000)
            page.evaluate(PAINTED)
            if not runs or runs.finished:  # what was painted may have requested another run
                return

    return wait
