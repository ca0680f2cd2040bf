"""Images, grey or in colour, of any size: tiles, sheets, the large view, uploads, downloads."""

from __future__ import annotations

import base64
from math import isqrt
from typing import Any

import numpy as np

from explorer import images
from explorer.renderers.entry import Download, Entered, Way
from vae import image_file
from vae import prepare as preparation
from vae.dataspec import DataSpec
from vae.resize import as_sample, resize

# Values of a sheet of thumbnails: 10,000 of 28x28. WebP allows 16,383 pixels a side, and a browser
# needs 31 MB for a sheet of this size.
SHEET = 10_000 * 28 * 28
LARGE_SHEET = 400  # samples from which a downloaded sheet is not enlarged
LONG_SIDE = 112  # px that a downloaded tile has at least, where it is enlarged
GAP = 2  # px between the tiles of a downloaded sheet


def tile(sample: np.ndarray, title: str, style: str = "") -> str:
    """An <img> of the sample."""
    return images.picture(sample, title, style)


def comparison(original: np.ndarray, decoded: np.ndarray, title: str) -> list[tuple[str, str]]:
    """The original, its reconstruction and their difference."""
    apart = images.difference(original, decoded, channels=original.ndim == 3)
    return [
        ("original", tile(original, title)),
        ("reconstruction", tile(decoded, f"reconstruction of {title}")),
        ("difference", tile(apart, f"difference at {title}")),
    ]


def view(sample: np.ndarray) -> dict[str, Any]:
    """Height, width, channels, and the values as base64 for the browser's canvas.

    Raises ValueError for another type than uint8.
    """
    if sample.dtype != np.uint8 or sample.ndim not in (2, 3):
        raise ValueError(f"a picture is uint8, not {sample.dtype} {list(sample.shape)}")
    height, width, *channels = sample.shape
    # base64, because Streamlit sends bytes at the top level only
    return {
        "size": [height, width, *(channels or [1])],
        "pixels": base64.b64encode(sample.tobytes()).decode(),
    }


def sheet(samples: np.ndarray, columns: int, gap: int = 0) -> np.ndarray:
    """Tiles row by row; the gaps are black between grey tiles and white between colours."""
    return images.tile(samples, columns, gap, ground=0 if samples.ndim == 3 else 255)


def sheet_size(spec: DataSpec) -> tuple[int, int]:
    """Columns and tiles of a sheet of thumbnails of SHEET values at the most."""
    _, height, width = spec.shape
    tiles = max(1, SHEET // (height * width))
    columns = max(1, isqrt(tiles * height // width))  # so that the sheet is about a square
    return columns, columns * max(1, tiles // columns)


def aspect(spec: DataSpec) -> float:
    """The width over the height."""
    return spec.shape[2] / spec.shape[1]


def size(spec: DataSpec) -> int:
    """The number of values."""
    return int(np.prod(spec.shape))


def entries(spec: DataSpec) -> tuple[Way, ...]:
    """An image is uploaded; what was prepared as MNIST was can be drawn, too."""
    return ("draw", "upload") if spec.prepare == "mnist" else ("upload",)


def how_prepared(spec: DataSpec) -> str:
    """How an upload becomes a sample."""
    if spec.prepare == "mnist":
        return "The ink is centred and scaled as in MNIST."
    channels, height, width = spec.shape
    colours = "its colours are kept" if channels == 3 else "it becomes grey"
    return (
        f"The image is fitted into {width} \N{MULTIPLICATION SIGN} {height} pixels with its aspect "
        f"ratio; {colours}, and what is left is filled with the colour of its border."
    )


def read(content: bytes) -> np.ndarray:
    """The pixels of an image file. Raises ValueError where it cannot be read."""
    return image_file.read_image(content)


def prepare(pixels: np.ndarray, spec: DataSpec, invert: str | bool = "auto") -> Entered:
    """Pixels as a sample: prepared as MNIST was, or resized as the training data were.

    `invert` is for the first: True for dark ink on light paper, False for light on dark. Raises
    ValueError where there is no ink.
    """
    if spec.prepare == "mnist":
        steps = preparation.prepare(pixels, invert)
        return Entered(_scaled(steps.final), "Prepared as MNIST was", steps.steps())
    channels, height, width = spec.shape
    fitted = as_sample(pixels, spec)
    before = resize(pixels, *_proportional(pixels.shape, 4 * max(height, width)))
    title = f"Fitted into {width} \N{MULTIPLICATION SIGN} {height} pixels"
    heading = "Resized" if channels == 3 else "Resized and made grey"
    return Entered(_scaled(fitted), heading, [("Your image", before), (title, fitted)])


def _proportional(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Height and width of an image reduced so that neither exceeds `side`."""
    factor = min(1.0, side / max(shape[:2]))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _scaled(image: np.ndarray) -> np.ndarray:
    return image / np.float32(255)


def downloads(samples: np.ndarray, columns: int) -> list[Download]:
    """All samples on one sheet, as PNG; a sheet of few samples is enlarged."""

    def png() -> bytes:
        longer = max(samples.shape[1:3])
        times = max(1, LONG_SIDE // longer) if len(samples) <= LARGE_SHEET else 1
        return images.enlarged(sheet(samples, columns, GAP), times)

    return [Download("PNG", "png", "image/png", png)]
