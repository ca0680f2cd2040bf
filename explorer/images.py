"""Arrays as images: tiles, PNG, WebP, HTML. Grey [H, W] or colour [H, W, 3]. No Streamlit."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
from PIL import Image

WEBP_SIDE = 16_383  # pixels, the limit of the format


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Values in [0, 1] (or bytes already) as uint8, rounded; values outside are clipped."""
    if images.dtype == np.uint8:
        return images
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def tile(images: np.ndarray, columns: int, gap: int = 0, ground: int = 0) -> np.ndarray:
    """Lay images [N, H, W] or [N, H, W, 3] out row by row as one sheet, uint8.

    The sheet has rows * H by columns * W pixels. `gap` pixels of level `ground` separate the tiles;
    places beyond N have it too.

    Raises: ValueError for no image or fewer columns than 1.
    """
    if images.ndim not in (3, 4) or not len(images) or columns < 1:
        raise ValueError(f"cannot tile an array of shape {images.shape} in {columns} columns")
    count, height, width, *channels = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows, height + gap, columns, width + gap, *channels), ground, np.uint8)
    padded = np.full((rows * columns, height, width, *channels), ground, np.uint8)
    padded[:count] = to_uint8(images)
    in_rows = padded.reshape(rows, columns, height, width, *channels)
    sheet[:, :height, :, :width] = in_rows.swapaxes(1, 2)
    whole = sheet.reshape(rows * (height + gap), columns * (width + gap), *channels)
    return whole[: whole.shape[0] - gap, : whole.shape[1] - gap]


def png(image: np.ndarray) -> bytes:
    """An image [H, W] or [H, W, 3] as PNG, at the fastest compression level."""
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def enlarged(picture: np.ndarray, times: int) -> bytes:
    """A PNG with each pixel repeated `times` times, so that viewers do not smooth it."""
    return png(picture.repeat(times, axis=0).repeat(times, axis=1))


def webp(image: np.ndarray) -> bytes:
    """A large image as WebP, lossy: a sheet of 10,000 digits takes 1.4 MB.

    Raises: ValueError for a side beyond the format's limit.
    """
    if max(image.shape[:2]) > WEBP_SIDE:
        raise ValueError(f"WebP has {WEBP_SIDE:,} pixels a side at the most, not {image.shape}")
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "WEBP", quality=60, method=2)
    return buffer.getvalue()


def data_uri(image: np.ndarray) -> str:
    """A PNG of the image as a data URI, which needs no second request."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode("ascii")


def picture(image: np.ndarray, alt: str, style: str = "") -> str:
    """An <img> of [H, W] or [H, W, 3]. Its attributes give the aspect ratio; the style sheet, or
    `style`, sets its size."""
    height, width = image.shape[:2]
    own = f' style="{style}"' if style else ""
    size = f'width="{width}" height="{height}"'
    return f'<img src="{data_uri(image)}" alt="{escape(alt)}" {size}{own}>'


def difference(a: np.ndarray, b: np.ndarray, *, channels: bool = False) -> np.ndarray:
    """|a - b| of images in [0, 1] as a colour image, uint8 [..., H, W, 3]: black is equal.

    With `channels` the last axis holds the colour channels, whose mean difference is shown.
    """
    d = np.abs(a - b)
    d = d.mean(axis=-1, keepdims=True) if channels else d[..., None]
    heat = np.array([1.0, 0.55, 0.1], np.float32)  # orange, unlike ink
    return to_uint8(np.clip(d * heat * 1.25, 0, 1))
