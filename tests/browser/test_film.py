"""A drag as the README shows it, frame by frame.

LATENT_FILM=assets/screenshots/drag.gif keeps the film.
"""

import io
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.browser.helpers import CODE, SPOT, open_explore

WIDTH = 840  # px of the film
RATE = 15  # frames a second


def path(frames: int) -> list[tuple[float, float]]:
    """A closed curve through all parts of the map, from the middle and back."""
    turns = [2 * math.pi * frame / (frames - 1) for frame in range(frames)]
    return [(2.3 * math.sin(t), 1.9 * math.sin(2 * t + 0.3) - 1.9 * math.sin(0.3)) for t in turns]


def film(shots: list[bytes], to: Path) -> None:
    """Write screenshots as a GIF of few colours, so that it loads with the page."""
    pictures = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    height = round(WIDTH * pictures[0].height / pictures[0].width)
    small = [picture.resize((WIDTH, height), Image.Resampling.LANCZOS) for picture in pictures]
    palette = small[0].quantize(128)
    frames = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in small]
    frames[0].save(to, save_all=True, append_images=frames[1:], duration=1000 // RATE, loop=0)


@pytest.mark.slow
def test_a_drag_is_a_film(
    page: Page, serve: Callable[..., str], settle: Callable[[Page], None], tmp_path: Path
) -> None:
    open_explore(page, serve("streamlit_app.py"), settle)
    way = path(60)
    page.mouse.move(*page.evaluate(SPOT, way[0]))
    page.mouse.down()
    shots: list[bytes] = []
    codes: set[str] = set()
    for place in way[1:]:
        before = page.evaluate(CODE)
        page.mouse.move(*page.evaluate(SPOT, place))
        page.wait_for_function(f"before => ({CODE})() !== before", arg=before)
        codes.add(page.evaluate(CODE))
        shots.append(page.screenshot(clip={"x": 50, "y": 100, "width": 1340, "height": 575}))
    page.mouse.up()
    assert len(codes) == len(shots), "another code in each frame"
    pixels = {Image.open(io.BytesIO(shot)).tobytes() for shot in shots}
    assert len(pixels) == len(shots), "and another picture"
    made = tmp_path / "drag.gif"
    film(shots, made)
    with Image.open(made) as found:
        assert getattr(found, "n_frames", 1) == len(shots)
    if keep := os.environ.get("LATENT_FILM"):
        shutil.copy(made, keep)
