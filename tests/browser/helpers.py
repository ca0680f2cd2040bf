"""Helpers of browser tests: open a page and wait until it is drawn, resize it, read its state."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

# The position in the window, in px, of a point in data units.
SPOT = """([x, y]) => {
  const plot = document.querySelector(".latent-map .plot");
  const box = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout;
  return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
}"""
RANGES = """() => {
  const { xaxis, yaxis } = document.querySelector(".latent-map .plot")._fullLayout;
  return [...xaxis.range, ...yaxis.range];
}"""
# Plotly draws again once the fonts and the size of the map are known, and after a turn of the
# wheel: resolves when size and ranges have been those of the frame for ten animation frames.
CALM = """() => new Promise((done) => {
  const plot = document.querySelector(".latent-map .plot");
  const state = () => {
    const { width, height, xaxis, yaxis } = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    const fits = Math.abs(box.width - width) <= 1 && Math.abs(box.height - height) <= 1;
    const place = [box.left, box.top, xaxis._offset, xaxis._length, yaxis._offset, yaxis._length];
    return fits && String([...place, ...xaxis.range, ...yaxis.range]);
  };
  let [before, same] = [null, 0];
  const look = () => {
    const now = state();
    same = now && now === before ? same + 1 : 0;
    before = now;
    if (same >= 10) done();
    else requestAnimationFrame(look);
  };
  document.fonts.ready.then(look);
})"""
# Resolves when the blocks of the page have kept their places for five animation frames.
STILL = """() => new Promise((done) => {
  const state = () => [...document.querySelectorAll("[data-testid=stMain] [data-testid]")]
    .map((part) => Object.values(part.getBoundingClientRect().toJSON())).join();
  let [before, same] = [null, 0];
  const look = () => {
    const now = state();
    same = now === before ? same + 1 : 0;
    before = now;
    if (same >= 5) done();
    else requestAnimationFrame(look);
  };
  look();
})"""
# The options of a phone for the fixture `new_page`.
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}

# The latent code of the image that Explore shows.
CODE = "() => document.querySelector('.decoded-sample').dataset.code"


def open_map(page: Page, url: str, settle: Callable[[Page], None]) -> Page:
    """Open a page with a map and wait until its points are drawn at their final size."""
    page.goto(url)
    return wait_for_map(page, settle)


def open_explore(page: Page, url: str, settle: Callable[[Page], None]) -> Page:
    """Open the Explore page and wait until all of it is drawn."""
    page.goto(url)
    page.locator(".strips").first.wait_for(timeout=60_000)
    return wait_for_map(page, settle)


def wait_for_map(page: Page, settle: Callable[[Page], None]) -> Page:
    """Wait until Plotly has drawn the map of the page that is open."""
    page.locator(".latent-map .nsewdrag").first.wait_for()
    expect(page.locator(".latent-map .notice")).to_be_hidden(timeout=60_000)
    settle(page)
    page.evaluate(CALM)
    return page


def at_width(page: Page, width: int, height: int = 900) -> Page:
    """Resize a page and wait until its blocks, and its map if it has one, follow."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(STILL)
    if page.locator(".latent-map .nsewdrag").count():
        page.evaluate(CALM)
    return page


def report(page: Page) -> Any:
    """The state in Python, which the demo pages show as JSON."""
    return json.loads(page.locator("[data-testid=stCode]").inner_text())


def until(page: Page, holds: Callable[[Any], bool]) -> Any:
    """The report once it `holds`."""
    for _ in range(600):
        found = report(page)
        if holds(found):
            return found
        page.wait_for_timeout(50)
    pytest.fail(f"the page still shows {report(page)}")
