"""Latency of the thumbnails after a move of the pointer to a point of the map, and of the picture
after a click on a point.

The browser draws the thumbnails: the target for the 95th percentile is two frames of the screen.
The server decodes the picture: the target is 1.3 times a click on the empty chart of an echo. Both
times start at the page's pointer event and end as pointer.js defines.
"""

from __future__ import annotations

import random

from playwright.sync_api import Page
from serving import APP, ECHO, Measured, chromium, open_page, serve, settle, summary

FRAMES_MS = 2000 / 60
OUTSIDE = (4, 4)  # a place on the page that is not on the map
Point = tuple[float, float]  # shares of the plot's width and height


def move(page: Page, point: Point) -> None:
    """Move the pointer to a place on the map in one step."""
    box = page.locator(".latent-map .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"])


def hover(page: Page, point: Point, chance: random.Random) -> float | None:
    """ms from the pointer's move to the thumbnails."""
    page.mouse.move(*OUTSIDE)
    page.wait_for_timeout(100 + 50 * chance.random())
    page.evaluate("() => { window.benchAnswer = window.benchPointer.hover(); }")
    move(page, point)
    return page.evaluate("() => window.benchAnswer")


def press(page: Page, point: Point, chance: random.Random) -> float | None:
    """ms from the release of a click to the picture."""
    move(page, point)
    page.wait_for_timeout(150 + 50 * chance.random())  # until the thumbnails are drawn
    page.evaluate("() => { window.benchAnswer = window.benchPointer.press(); }")
    page.mouse.down()
    page.mouse.up()
    took = page.evaluate("() => window.benchAnswer")
    page.mouse.move(*OUTSIDE)
    page.wait_for_timeout(100)
    settle(page)
    return took


def measure(quick: bool = False) -> Measured:
    """The 95th percentiles of hover and click, as ratios to two frames and to the echo's click."""
    turns, count = (1, 12) if quick else (4, 40)
    chance = random.Random(0)
    hovers: list[float | None] = []
    presses: dict[str, list[float | None]] = {"echo": [], "app": []}
    with serve(ECHO) as (_, echo), serve(APP) as (_, app), chromium() as browser:
        pages = {"echo": open_page(browser, f"{echo}/?map"), "app": open_page(browser, app)}
        pages["app"].bring_to_front()
        find = "count => window.benchPointer.spots(count)"
        first = hover(pages["app"], pages["app"].evaluate(find, 1)[0], chance)
        for page in pages.values():
            page.bring_to_front()
            press(page, (0.4, 0.4), chance)  # warm-up
        for _ in range(turns):
            points = pages["app"].evaluate(find, count)
            pages["app"].bring_to_front()
            hovers += [hover(pages["app"], point, chance) for point in points]
            for name, page in pages.items():
                page.bring_to_front()
                presses[name] += [press(page, point, chance) for point in points]
    return figures_of(first, hovers, presses)


def figures_of(
    first: float | None, hovers: list[float | None], presses: dict[str, list[float | None]]
) -> Measured:
    """The ratios and figures; a hover or a click without a result counts as lost."""

    def summarise(times: list[float | None]) -> dict[str, float]:
        known = [time for time in times if time is not None]
        return {**summary(known), "times": len(times), "lost": len(times) - len(known)}

    hovered = summarise(hovers)
    pressed = {name: summarise(times) for name, times in presses.items()}
    return {
        "ratios": {
            "hover_p95": round(hovered["p95"] / FRAMES_MS, 3),
            "click_p95": round(pressed["app"]["p95"] / pressed["echo"]["p95"], 3),
        },
        "figures": {
            "hover": {**hovered, "first": first and round(first, 1)},
            "click": pressed,
        },
    }
