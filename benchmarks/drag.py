"""Rate and latency of the pictures during a drag of a slider and of the code on the map, compared
with an echo.

The echo is the app with a live channel that replies without decoding (echo_live.py). Both are open
in one Chromium and driven alternately by pointer.js, which defines when a picture counts as
painted. The pointer moves once per frame of the screen, so that no app can show more than 60
pictures per second. The ratios are comparable between machines, the milliseconds are not.
"""

from __future__ import annotations

from typing import NamedTuple

from playwright.sync_api import Browser, Page
from serving import APP, ECHO_LIVE, Measured, chromium, open_page, serve, settle, summary

CONTROLS = ("slider", "map")
DRAGS = {  # name -> model, control
    "slider_drag": ("vae-2d", "slider"),
    "map_drag": ("vae-2d", "map"),
    "cvae_slider_drag": ("cvae", "slider"),
    "emoji_slider_drag": ("emoji-vae", "slider"),
}


class Turn(NamedTuple):
    """One drag: its milliseconds, from input to the picture's arrival and painting."""

    inputs: int
    pictures: int
    ms: float
    arrived: list[float]
    painted: list[float]
    lost: int  # inputs without a picture
    replaced: int  # times that the page replaced the slider during the drag


def turn(page: Page, control: str, seconds: float) -> Turn:
    """Drag on a page that `open_page` made, and wait until no script runs."""
    page.bring_to_front()
    found = page.evaluate(
        "([control, seconds]) => window.benchPointer.drag(control, seconds)", [control, seconds]
    )
    page.wait_for_timeout(500)  # the release sends one more run
    settle(page)
    known = {name: [t for t in found[name] if t is not None] for name in ("arrived", "painted")}
    lost = found["inputs"] - len(known["painted"])
    counts = {name: found[name] for name in ("inputs", "pictures", "ms", "replaced")}
    return Turn(**counts, **known, lost=lost)


def pooled(turns: list[Turn]) -> dict[str, float]:
    """Pictures per second, and p50 and p95 in ms, over all turns."""
    painted = summary([time for each in turns for time in each.painted])
    arrived = summary([time for each in turns for time in each.arrived])
    pictures, seconds = sum(each.pictures for each in turns), sum(each.ms for each in turns) / 1e3
    return {
        "rate": round(pictures / seconds, 1),
        **painted,
        "arrived_p50": arrived["p50"],
        "arrived_p95": arrived["p95"],
        "inputs": sum(each.inputs for each in turns),
        "lost": sum(each.lost for each in turns),
        "replaced": sum(each.replaced for each in turns),
    }


def compare(
    browser: Browser, urls: dict[str, str], control: str, turns: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Drag in the apps alternately; the pooled figures of each."""
    pages = {name: open_page(browser, url) for name, url in urls.items()}
    found: dict[str, list[Turn]] = {name: [] for name in urls}
    for page in pages.values():
        turn(page, control, min(seconds, 2))  # warm-up
    for _ in range(turns):
        for name, page in pages.items():
            found[name].append(turn(page, control, seconds))
    for page in pages.values():
        page.close()
    return {name: pooled(each) for name, each in found.items()}


def measure(quick: bool = False) -> Measured:
    """Rates and 95th percentiles as shares of the echo's: at least 0.98, at most 1.15."""
    turns, seconds = (1, 4) if quick else (6, 8)
    ratios: dict[str, float] = {}
    figures: dict[str, object] = {}
    with serve(ECHO_LIVE) as (_, echo), serve(APP) as (_, app), chromium() as browser:
        page = browser.new_page()
        figures["frame_ms"] = summary(page.evaluate(CLOCK))
        page.close()
        for drag, (model, control) in DRAGS.items():
            urls = {name: f"{url}/?model={model}" for name, url in (("echo", echo), ("app", app))}
            found = compare(browser, urls, control, turns, seconds)
            for key in ("rate", "p95"):
                ratios[f"{drag}_{key}"] = round(found["app"][key] / found["echo"][key], 3)
            figures[drag] = found
    return {"ratios": ratios, "figures": figures}


# The screen's clock: the ms between frames.
CLOCK = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const times = [await frame()];
    while (times.length < 121) times.push(await frame());
    return times.slice(1).map((time, index) => time - times[index]);
}"""
