"""What several tests look at in a browser: where a place of the map is, what Python knows."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

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
