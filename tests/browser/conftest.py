"""Fixtures for tests in a real Chromium: a served app, a browser, a page that must stay clean."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    Response,
    WebSocket,
    expect,
    sync_playwright,
)
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).parents[2]
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


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as reply:
            return reply.status == 200
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


RUNS: WeakKeyDictionary[Page, "Runs"] = WeakKeyDictionary()


class Servers:
    """Apps under `streamlit run`, one server for each script and options.

    The app is started in an empty folder, on which it must not depend; scripts elsewhere in the
    root, where their theme is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.urls: dict[tuple[str, ...], str] = {}
        self.ports: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __call__(self, script: str, *options: str) -> str:
        """The URL of a script, which is started at the first call."""
        asked = (script, *options)
        if asked not in self.urls:
            port = _free_port()
            base = [option.rpartition("=")[2] for option in options if "baseUrlPath" in option]
            self.urls[asked] = "/".join([f"http://127.0.0.1:{port}", *base])
            self.ports[self.urls[asked]] = port
            self.start(self.urls[asked])
        return self.urls[asked]

    def start(self, url: str) -> None:
        """Start the server of a URL, and wait until it answers."""
        script, *options = next(asked for asked, known in self.urls.items() if known == url)
        path, port = ROOT / script, self.ports[url]
        log = self.folder / f"{path.stem}-{port}.log"
        command = [sys.executable, "-m", "streamlit", "run", str(path), "--server.headless=true"]
        command += ["--server.address=127.0.0.1", f"--server.port={port}"]
        command += ["--server.fileWatcherType=none"]  # an edit elsewhere changes no running test
        command += options
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        environment["LATENT_MIRRORS"] = "http://127.0.0.1:1/"  # nobody listens: no test downloads
        with log.open("ab") as sink:
            process = self.processes[url] = subprocess.Popen(
                command,
                cwd=self.folder if path.parent == ROOT else ROOT,
                env=environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 90
        while not _healthy(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{script} was not served:\n{log.read_text(errors='replace')}")
            time.sleep(0.1)

    def stop(self, url: str) -> None:
        """Stop the server of a URL; `start` brings it back."""
        _stop(self.processes.pop(url))


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """serve(script, *options) -> url: under `streamlit run`, for the whole session."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    for process in servers.processes.values():
        _stop(process)
    for log in sorted(servers.folder.glob("*.log")):  # pytest shows it when a test has failed
        print(f"--- {log.name}\n{log.read_text(errors='replace')}")


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


class Faults(list[str]):
    """What went wrong on a page: console errors, exceptions, requests that failed."""

    # Under a page's own URL, Streamlit looks for its server there first and at the root then.
    PROBES = re.compile(r"/_stcore/(health|host-config)$")

    def watch(self, page: Page) -> None:
        """Collect the faults of `page` from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"exception: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self.PROBES.search(message.location["url"]):
            self.append(f"console: {message.text} ({message.location['url']})")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before the answer came
            self.append(f"failed: {request.url} ({request.failure})")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not self.PROBES.search(response.url):
            self.append(f"{response.status}: {response.url}")


class Runs:
    """Whether the script has run for all that a page has asked, by the frames of its websocket.

    The page itself says "running" only once it has heard that a run began.
    """

    VAIN = 5  # seconds: no run comes for a fragment that has gone with its page

    def __init__(self, page: Page) -> None:
        self.running = False
        self.asked: float | None = None  # when, where no run has begun since
        page.on("websocket", self._open)

    @property
    def over(self) -> bool:
        """Whether no run is on, nor one to come."""
        coming = self.asked is not None and time.monotonic() < self.asked + self.VAIN
        return not coming and not self.running

    def _open(self, socket: WebSocket) -> None:
        if socket.url.endswith("/_stcore/stream"):
            socket.on("framesent", self._sent)
            socket.on("framereceived", self._received)
            socket.on("close", lambda _: self._forget())

    def _sent(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes) and BackMsg.FromString(frame).HasField("rerun_script"):
            self.asked = time.monotonic()

    def _received(self, frame: bytes | str) -> None:
        if not isinstance(frame, bytes):
            return
        message = ForwardMsg.FromString(frame)
        if message.HasField("new_session"):
            self.asked, self.running = None, True
        elif message.HasField("script_finished"):  # early: the next run has been asked for
            self.running = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def _forget(self) -> None:
        self.asked, self.running = None, False


@pytest.fixture
def faults() -> Faults:
    """The faults of `page`; a test that provokes one clears the list."""
    return Faults()


@pytest.fixture
def page(browser: Browser, faults: Faults) -> Iterator[Page]:
    """A fresh page at 1440 x 900 that must end without console errors or exceptions."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults.watch(page)
    RUNS[page] = Runs(page)
    yield page
    shown = page.locator("[data-testid=stException]").all_inner_texts()
    context.close()
    assert not faults, "\n".join(faults)
    assert not shown, "\n".join(shown)


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


@pytest.fixture
def settle() -> Settle:
    """settle(page): wait until the script's run is over and the page has painted it."""

    def wait(page: Page) -> None:
        page.evaluate(PAINTED)  # what was done to the page has been heard by now
        deadline = time.monotonic() + 120  # a server that has just started imports torch
        app = page.locator("[data-testid=stApp]")
        while True:
            while page in RUNS and not RUNS[page].over:
                assert time.monotonic() < deadline, "the script is still running"
                page.wait_for_timeout(20)
            expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=120_000)
            page.evaluate(PAINTED)
            if page not in RUNS or RUNS[page].over:  # what was painted may have asked for more
                return

    return wait
