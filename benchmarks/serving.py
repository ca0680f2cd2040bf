"""Helpers of the benchmarks: an app under `streamlit run`, a Chromium, a summary of times."""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
APP = "streamlit_app.py"
ECHO = "benchmarks/echo.py"
ECHO_LIVE = "benchmarks/echo_live.py"
VIEW = {"width": 1440, "height": 900}
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--enable-unsafe-swiftshader",  # WebGL without a GPU
)


class Measured(TypedDict):
    """The result of a benchmark's `measure`: ratios to a reference, and the absolute figures."""

    ratios: dict[str, float]
    figures: dict[str, object]


def free_port() -> int:
    """A port of this machine that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def two_cores() -> None:
    """Restrict this process to two cores, where the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


@contextmanager
def serve(
    script: str, *, two_cores_only: bool = False, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process and the URL of `streamlit run script` on a free port, once it is healthy."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / script)]
    command += ["--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"]
    command += ["--server.fileWatcherType=none"]  # an edit does not disturb the measurement
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.DEVNULL,
        preexec_fn=two_cores if two_cores_only else None,  # noqa: PLW1509  no thread holds a lock here
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, script)
        yield process, url
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def wait_for(url: str, script: str) -> None:
    """Return once the server is healthy. Raises RuntimeError after a minute."""
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{script} did not answer at {url} within a minute")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium: CHROMIUM, an installed one, or Playwright's own."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


# Plotly draws once more when the fonts and the size of the map are known: wait until it has not
# drawn for a while.
DRAWN = """() => new Promise((done) => {
    const plot = document.querySelector(".latent-map .plot");
    let timer = setTimeout(done, 600);
    for (const name of ["plotly_afterplot", "plotly_relayout"]) {
        plot.on(name, () => { clearTimeout(timer); timer = setTimeout(done, 600); });
    }
})"""


def open_page(
    browser: Browser,
    url: str,
    *,
    has_map: bool = True,
    prepare: Callable[[Page], None] | None = None,
) -> Page:
    """A page that shows its picture and its map and runs no script, with pointer.js in it.

    `prepare` is called with the page before its navigation.
    """
    page = browser.new_page(viewport=VIEW)
    if prepare:
        prepare(page)
    page.set_default_timeout(60_000)
    page.goto(url)
    page.locator(".decoded-sample[data-code]").first.wait_for()
    settle(page)
    if has_map:
        page.locator(".latent-map .plot .nsewdrag").first.wait_for()
        page.evaluate(DRAWN)
    page.evaluate((Path(__file__).with_name("pointer.js")).read_text(encoding="utf-8"))
    return page


def settle(page: Page) -> None:
    """Wait until no script runs for this page."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def resident(pid: int) -> int:
    """VmRSS of a process, in MB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found.group(1)) // 1024 if found else 0


def summary(times: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile, in the unit of `times`. Raises ValueError where there are few."""
    if len(times) < 2:
        raise ValueError(f"{len(times)} measurements are too few for a percentile")
    cuts = statistics.quantiles(times, n=20)
    return {"p50": round(statistics.median(times), 1), "p95": round(cuts[18], 1)}
