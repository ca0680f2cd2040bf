"""Browser tabs for tests: opened fast, watched for errors, without state of earlier tests."""

import re
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Frame,
    Page,
    Request,
    Response,
    ViewportSize,
    WebSocket,
)
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

DESKTOP: ViewportSize = {"width": 1440, "height": 900}
# The page that opens the tabs. Nothing is requested from this address: its route answers.
OPENER = "http://127.0.0.1/opener"
# Tabs after which a context, whose renderer process has up to 700 MB by then, is replaced.
RENEWED_AFTER = 40
STORAGE = "cookies,local_storage,indexeddb,cache_storage,service_workers"


class PageErrors(list[str]):
    """The errors of the watched pages: console errors, exceptions, failed requests.

    A test that provokes an error clears the list.
    """

    # Under a page's own URL, Streamlit looks for its server there first and at the root then.
    PROBES = re.compile(r"/_stcore/(health|host-config)$")

    def watch(self, page: Page) -> None:
        """Collect the errors of `page` from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"exception: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._response)

    def check_shown(self, page: Page) -> None:
        """Collect the Python exceptions that Streamlit shows on `page`."""
        self.extend(page.locator("[data-testid=stException]").all_inner_texts())

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self.PROBES.search(message.location["url"]):
            self.append(f"console: {message.text} ({message.location['url']})")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before the reply came
            self.append(f"failed: {request.url} ({request.failure})")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not self.PROBES.search(response.url):
            self.append(f"{response.status}: {response.url}")


class ScriptRuns:
    """Whether the script has finished all runs that a page requested, by its websocket's frames.

    The page shows "running" only after a run has begun, which is too late to wait for.
    """

    # Seconds after which a request counts as unanswered: Streamlit ignores the request of a
    # fragment that has left the page.
    UNANSWERED = 5

    def __init__(self, page: Page) -> None:
        self.running = False
        self.requested: float | None = None  # when, where no run has begun since
        page.on("websocket", self._open)

    @property
    def finished(self) -> bool:
        """Whether no run is in progress and none is about to begin."""
        recent = self.requested is not None and (
            time.monotonic() < self.requested + self.UNANSWERED
        )
        return not recent and not self.running

    def _open(self, socket: WebSocket) -> None:
        if socket.url.endswith("/_stcore/stream"):
            socket.on("framesent", self._sent)
            socket.on("framereceived", self._received)
            socket.on("close", lambda _: self._reset())

    def _sent(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes) and BackMsg.FromString(frame).HasField("rerun_script"):
            self.requested = time.monotonic()

    def _received(self, frame: bytes | str) -> None:
        if not isinstance(frame, bytes):
            return
        message = ForwardMsg.FromString(frame)
        if message.HasField("new_session"):
            self.requested, self.running = None, True
        elif message.HasField("script_finished"):  # early: the next run has been requested
            self.running = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def _reset(self) -> None:
        self.requested, self.running = None, False


class Tabs:
    """Opens pages as tabs of Chromium contexts that live as long as the session.

    A page in a new context starts a renderer process and compiles Streamlit's and Plotly's
    JavaScript: 2.3 s until Explore is drawn, 2.8 s of CPU time. A tab that `window.open` opens
    shares process and caches with its opener: 1.2 s, 1.3 s of CPU time. Each tab has listeners,
    routes and init scripts of its own; cookies and storage are removed when it is closed.
    """

    def __init__(self, browser: Browser, errors: PageErrors) -> None:
        self.browser, self.errors = browser, errors
        self.contexts: dict[str, BrowserContext] = {}
        self.openers: dict[str, Page] = {}
        self.opened: Counter[str] = Counter()
        self.sessions: dict[str, CDPSession] = {}
        self.origins: WeakKeyDictionary[Page, set[str]] = WeakKeyDictionary()
        self.runs: WeakKeyDictionary[Page, ScriptRuns] = WeakKeyDictionary()

    def open(self, **options: Any) -> Page:
        """A blank, watched tab; `options` are those of Browser.new_context (1440 x 900 unless
        given)."""
        options.setdefault("viewport", DESKTOP)
        key = repr(sorted(options.items()))
        if key in self.contexts and self.opened[key] >= RENEWED_AFTER:
            self._renew(key)
        if key not in self.contexts:
            self._prepare(key, options)
        self.opened[key] += 1
        with self.openers[key].expect_popup() as popup:
            self.openers[key].evaluate("() => { window.open('about:blank'); }")
        page = popup.value
        page.set_default_timeout(60_000)
        self.origins[page], self.runs[page] = set(), ScriptRuns(page)
        page.on("framenavigated", self._navigated)
        self.errors.watch(page)
        return page

    def close(self, page: Page) -> None:
        """Close a tab, collect the exceptions that it shows, and remove what it has stored."""
        if page.is_closed():
            return
        self.errors.check_shown(page)
        context = page.context
        key = next(key for key, known in self.contexts.items() if known is context)
        page.close()
        for origin in self.origins.pop(page):
            self.sessions[key].send(
                "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": STORAGE}
            )
        context.clear_permissions()

    def _prepare(self, key: str, options: dict[str, Any]) -> None:
        context = self.contexts[key] = self.browser.new_context(**options)
        opener = self.openers[key] = context.new_page()
        opener.route(OPENER, lambda route: route.fulfill(content_type="text/html", body=""))
        opener.goto(OPENER)
        opener.unroute(OPENER)
        self.sessions[key] = context.new_cdp_session(opener)

    def _renew(self, key: str) -> None:
        """Close a context, unless a page in it is still used."""
        if self.contexts[key].pages == [self.openers[key]]:
            self.contexts.pop(key).close()
            del self.opened[key]

    def _navigated(self, frame: Frame) -> None:
        parts = urlsplit(frame.url)
        if parts.scheme.startswith("http") and frame.page in self.origins:
            self.origins[frame.page].add(f"{parts.scheme}://{parts.netloc}")
