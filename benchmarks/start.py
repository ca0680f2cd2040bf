"""The first visit to a server that has just started: how soon something is on the page, how soon
the first picture, beside a page that imports torch and shows nothing.

Each visit has a server and a browser profile of its own. The clock runs from the page's navigation;
the server's own start is not counted.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser
from serving import APP, VIEW, Measured, chromium, serve

YARDSTICK = "benchmarks/torch_page.py"

# Records when the heading and the first picture are painted: one frame after they are in the DOM.
NOTE = """
window.benchSeen = {};
const marks = { heading: "h1", picture: ".decoded-sample[data-code]" };
new MutationObserver(() => {
  for (const [name, selector] of Object.entries(marks)) {
    if (name in window.benchSeen || !document.querySelector(selector)) continue;
    window.benchSeen[name] = null;
    requestAnimationFrame(() => { window.benchSeen[name] = performance.now(); });
  }
}).observe(document, {
  subtree: true, childList: true, attributes: true, attributeFilter: ["data-code"],
});
"""
MARKS = """() => ({
  ...window.benchSeen,
  origin: performance.timeOrigin,
  paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
})"""


def visit(browser: Browser, url: str) -> dict[str, float]:
    """ms from the navigation to the marks that `NOTE` records, and to the first paint of all."""
    context = browser.new_context(viewport=VIEW)
    page = context.new_page()
    page.add_init_script(NOTE)
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => window.benchSeen.picture", timeout=60_000)
    page.wait_for_timeout(200)  # the browser reports a paint after it
    found = page.evaluate(MARKS)
    context.close()
    return found


def torch_after(browser: Browser) -> dict[str, float]:
    """The marks of a visit to the app, and the ms after which its process has imported torch."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record"
        with serve("benchmarks/watched.py", BENCH_RECORD=str(file)) as (_, url):
            found = visit(browser, url)
        lines = file.read_text().splitlines()
    imported = [float(line.split()[1]) for line in lines if line.startswith("imported")]
    return {**found, "torch": 1e3 * imported[0] - found["origin"]}


def measure(quick: bool = False) -> Measured:
    """The ratio of the median time to the first picture to the reference's: at most 1.2."""
    visits = 2 if quick else 7
    times: dict[str, list[dict[str, float]]] = {"yardstick": [], "app": []}
    with chromium() as browser:
        for _ in range(visits):
            for name, script in (("yardstick", YARDSTICK), ("app", APP)):
                with serve(script) as (_, url):
                    times[name].append(visit(browser, url))
        watched = torch_after(browser)

    def median(name: str, mark: str) -> float:
        return round(statistics.median(each[mark] for each in times[name]))

    app, yardstick = median("app", "picture"), median("yardstick", "picture")
    return {
        "ratios": {"first_content": round(app / yardstick, 3)},
        "figures": {
            "start": {
                "first_content_ms": {"app": app, "torch_page": yardstick},
                "first_paint_ms": median("app", "paint"),
                "heading_ms": median("app", "heading"),
                "watched_heading_ms": round(watched["heading"]),
                "watched_torch_ms": round(watched["torch"]),
                "heading_before_torch": watched["heading"] < watched["torch"],
                "visits": visits,
            }
        },
    }
