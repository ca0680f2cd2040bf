"""The shipped model of emoji on every page in a real browser, on a wide screen and on a phone."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.helpers import CODE, PHONE, SPOT, open_explore
from vae import service

Settle = Callable[[Page], None]
MODEL = "emoji-vae"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def picture() -> bytes:
    """A photograph's stand-in: a yellow disc on blue, 300x200."""
    image = Image.new("RGB", (300, 200), (40, 90, 200))
    disc = Image.new("L", (300, 200))
    disc.paste(255, (90, 40, 210, 160))
    image.paste((250, 200, 40), mask=disc)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "dark"}, PHONE | {"color_scheme": "light"}],
    ids=["1440 dark", "390 light"],
)
def test_emoji_on_every_page(
    serve: Callable[[str], str],
    new_page: Callable[..., Page],
    settle: Settle,
    options: dict[str, Any],
) -> None:
    url, encodings = serve("streamlit_app.py"), service.encodings(MODEL)
    page = open_explore(new_page(**options), f"{url}/?model={MODEL}&sample=2", settle)
    expect(page.locator(".decoded-sample figcaption")).to_contain_text(encodings.names[2])
    assert page.evaluate("() => document.querySelector('.decoded-sample canvas').width") == 32
    legend = page.locator(".latent-map .legend, .latent-map [role=group]").first
    expect(legend).to_contain_text("Flags")
    before = page.evaluate(CODE)
    page.mouse.click(*page.evaluate(SPOT, [0.3, -0.4]))
    page.wait_for_function(f"({CODE})() !== '{before}'")
    settle(page)
    page.get_by_label("Colour by").select_option(label="Brightness")
    expect(page.locator(".latent-map .notice")).to_be_hidden()
    assert page.evaluate(OVERFLOW) <= 0

    page.goto(f"{url}/reconstruct?model={MODEL}&sample=2")
    title = page.locator(".st-key-detail h3").first
    expect(title).to_contain_text(encodings.names[2])  # the originals are there without a network
    page.get_by_text("Upload", exact=True).first.click()
    page.set_input_files(
        "input[type=file]",
        {"name": "disc.jpg", "mimeType": "image/jpeg", "buffer": picture()},
    )
    expect(title).to_have_text("Your image")
    settle(page)
    assert page.evaluate(OVERFLOW) <= 0

    page.goto(f"{url}/generate?model={MODEL}")
    expect(page.locator(".tile img")).to_have_count(100)
    expect(page.get_by_text(re.compile("drawn from the prior|samples", re.I)).first).to_be_visible()
    settle(page)
    assert page.evaluate(OVERFLOW) <= 0
