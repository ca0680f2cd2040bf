"""What several tests look at in a browser: a page that has come to rest, where a place of its map
is, which code is shown, what Python knows."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

# Where a point of the data lies in the window, by the plot's own axes.
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
# Plotly draws once more when the fonts and the size of the map are known: until it has been still.
CALM = """() => new Promise((done) => {
    const plot = document.querySelector(".latent-map .plot");
    let rest = setTimeout(done, 400);
    for (const name of ["plotly_afterplot", "plotly_relayout"]) {
        plot.on(name, () => { clearTimeout(rest); rest = setTimeout(done, 400); });
    }
})"""

# The code that the picture on Explore is of.
CODE = "() => document.querySelector('.decoded-digit').dataset.code"


def open_map(page: Page, url: str, settle: Callable[[Page], None]) -> Page:
    """A page with a map, its points painted and its size found."""
    page.goto(url)
    return _rest(page, settle)


def open_explore(page: Page, url: str, settle: Callable[[Page], None]) -> Page:
    """The Explore page, all of it there."""
    page.goto(url)
    page.locator(".strips").wait_for(timeout=60_000)
    return _rest(page, settle)


def _rest(page: Page, settle: Callable[[Page], None]) -> Page:
    page.locator(".latent-map .nsewdrag").first.wait_for()
    expect(page.locator(".latent-map .notice")).to_be_hidden(timeout=60_000)
    settle(page)
    page.evaluate(CALM)
    return page


def report(page: Page) -> Any:
    """What Python knows: the JSON on the page."""
    return json.loads(page.locator("[data-testid=stCode]").inner_text())


def until(page: Page, holds: Callable[[Any], bool]) -> Any:
    """The report once it `holds`."""
    for _ in range(600):
        found = report(page)
        if holds(found):
            return found
        page.wait_for_timeout(50)
    pytest.fail(f"the page still says {report(page)}")
