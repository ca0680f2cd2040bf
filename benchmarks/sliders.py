"""Time from a slider's change to the painted image, as a ratio to an echo: python
benchmarks/sliders.py.

Both apps are served by `streamlit run` on this machine and driven in one headless Chromium, in
turns within one run; the ratio is what to believe, the milliseconds are this machine's.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
ROUNDS, CHANGES = 5, 60  # turns of each app; changes a turn

# From the input event to the first frame after the answer is in the page.
CHANGE = """
async (value) => {
  const stage = document.querySelector(".stage-digit");
  const root = stage.closest("[data-testid=stHtml]").parentElement;
  const slider = (() => {
    for (const host of document.querySelectorAll("*")) {
      const found = host.shadowRoot?.querySelector("input[type=range]");
      if (found) return found;
    }
  })();
  const before = root.innerHTML;
  slider.value = value;
  const start = performance.now();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => {
    const observer = new MutationObserver(() => {
      if (root.innerHTML !== before) { observer.disconnect(); done(); }
    });
    observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true
    });
  });
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}
"""


def serve(script: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start `streamlit run script` on a free port and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / script)]
    command += [f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return process, url
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise RuntimeError(f"{script} did not answer at {url} within a minute")


def turn(page: Page) -> list[float]:
    """Milliseconds of CHANGES changes, each begun when the one before is painted."""
    took = []
    for index in range(CHANGES):
        value = 2 * ((index * 37 % 100) / 100) - 1 + index / 1e3
        took.append(page.evaluate(CHANGE, f"{value:.2f}"))
        page.wait_for_timeout(20)  # the run that paints also ends; it is not part of the time
    return took


def summary(times: list[float]) -> dict[str, float]:
    """Median and 95th percentile, in ms."""
    cuts = statistics.quantiles(times, n=20)
    return {"p50": round(statistics.median(times), 1), "p95": round(cuts[18], 1)}


def main() -> None:
    """Measure and print JSON."""
    scripts = {"echo": "benchmarks/echo.py", "app": "streamlit_app.py"}
    served = {name: serve(script) for name, script in scripts.items()}
    times: dict[str, list[float]] = {name: [] for name in scripts}
    try:
        with sync_playwright() as playwright:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--enable-unsafe-swiftshader"]
            )
            pages = {}
            for name, (_, url) in served.items():
                pages[name] = browser.new_page(viewport={"width": 1440, "height": 900})
                pages[name].goto(url)
                pages[name].locator(".stage-digit").wait_for(timeout=60_000)
                pages[name].wait_for_timeout(8000)
                turn(pages[name])  # warm
            for _ in range(ROUNDS):
                for name, page in pages.items():
                    page.bring_to_front()
                    times[name] += turn(page)
            browser.close()
    finally:
        for process, _ in served.values():
            process.terminate()
    found = {name: summary(values) for name, values in times.items()}
    ratio = {k: round(found["app"][k] / found["echo"][k], 2) for k in ("p50", "p95")}
    print(json.dumps({"unit": "ms", **found, "ratio": ratio}, indent=2))


if __name__ == "__main__":
    main()
