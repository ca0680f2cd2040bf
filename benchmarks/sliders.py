"""From a slider's change to the painted picture, beside an echo: python benchmarks/sliders.py.

Both apps are served by `streamlit run` on this machine and driven by one headless Chromium, in
turns within one run. The ratio is what to believe; the milliseconds are this machine's.
"""

from __future__ import annotations

import json
import random
import statistics

from playwright.sync_api import Page
from serving import chromium, serve

ROUNDS, CHANGES = 4, 50  # turns of each app; changes a turn

# From the input event to the first frame after the answer is in the page.
CHANGE = """
async (value) => {
  const shown = () => document.querySelector(".stage-digit")?.innerHTML;
  const slider = (() => {
    for (const host of document.querySelectorAll("*")) {
      const found = host.shadowRoot?.querySelector("input[type=range]");
      if (found) return found;
    }
  })();
  const before = shown();
  slider.value = value;
  const start = performance.now();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => {
    const observer = new MutationObserver(() => {
      const now = shown();
      if (now && now !== before) { observer.disconnect(); done(); }
    });
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    setTimeout(done, 5000);
  });
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}
"""


def turn(page: Page) -> list[float]:
    """Milliseconds of CHANGES changes, each begun when the one before is painted."""
    took = []
    chance = random.Random(0)
    for index in range(CHANGES):
        value = 2 * ((index * 37 % 100) / 100) - 1 + index / 1e3
        took.append(page.evaluate(CHANGE, f"{value:.2f}"))
        # The run that paints also ends; it is not part of the time. A wait of 20 to 37 ms, so that
        # changes fall evenly over the screen's frames: a fixed one lets one app just catch a frame
        # that the other just misses, and the ratio is that of whole frames.
        page.wait_for_timeout(20 + 1000 / 60 * chance.random())
    return took


def summary(times: list[float]) -> dict[str, float]:
    """Median and 95th percentile, in ms."""
    cuts = statistics.quantiles(times, n=20)
    return {"p50": round(statistics.median(times), 1), "p95": round(cuts[18], 1)}


def main() -> None:
    """Measure and print JSON."""
    times: dict[str, list[float]] = {"echo": [], "app": []}
    with (
        serve("benchmarks/echo.py") as (_, echo),
        serve("streamlit_app.py") as (_, app),
        chromium() as browser,
    ):
        pages: dict[str, Page] = {}
        for name, url in (("echo", echo), ("app", app)):
            page = pages[name] = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(url)
            page.locator(".stage-digit").wait_for(timeout=60_000)
            page.wait_for_timeout(5000)
            turn(page)  # warm
        for _ in range(ROUNDS):
            for name, page in pages.items():
                page.bring_to_front()
                times[name] += turn(page)
    found = {name: summary(values) for name, values in times.items()}
    ratio = {k: round(found["app"][k] / found["echo"][k], 2) for k in ("p50", "p95")}
    print(json.dumps({"unit": "ms", **found, "ratio": ratio}, indent=2))


if __name__ == "__main__":
    main()
