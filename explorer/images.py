"""Arrays as images: tiles, PNG, WebP, HTML. No Streamlit."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np
from PIL import Image

WEBP_SIDE = 16_383  # pixels, the limit of the format


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Grey levels in [0, 1] (or bytes already) as uint8, rounded; values outside are clipped."""
    if images.dtype == np.uint8:
        return images
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def tile(images: np.ndarray, columns: int, gap: int = 0, ground: int = 0) -> np.ndarray:
    """Lay images [N, H, W] out row by row as one sheet of rows * H by columns * W pixels, uint8.

    `gap` pixels of grey level `ground` separate the tiles; places beyond N have it too.

    Raises: ValueError for no image or fewer columns than 1.
    """
    if images.ndim != 3 or not len(images) or columns < 1:
        raise ValueError(f"cannot tile an array of shape {images.shape} in {columns} columns")
    count, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows, height + gap, columns, width + gap), ground, np.uint8)
    padded = np.full((rows * columns, height, width), ground, np.uint8)
    padded[:count] = to_uint8(images)
    sheet[:, :height, :, :width] = padded.reshape(rows, columns, height, width).swapaxes(1, 2)
    whole = sheet.reshape(rows * (height + gap), columns * (width + gap))
    return whole[: whole.shape[0] - gap, : whole.shape[1] - gap]


def png(image: np.ndarray) -> bytes:
    """An image [H, W] or [H, W, 3] as PNG, at the fastest compression level."""
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def pixels(picture: np.ndarray) -> str:
    """The grey levels of a digit, uint8 [28, 28], as base64 for the browser's canvas.

    Raises: ValueError for another shape or type.
    """
    if picture.shape != (28, 28) or picture.dtype != np.uint8:
        raise ValueError(f"a digit is uint8 [28, 28], not {picture.dtype} {list(picture.shape)}")
    return base64.b64encode(picture.tobytes()).decode()


def rounded(code: Iterable[float]) -> list[float]:
    """A latent code rounded to four decimals, as sent to the browser."""
    return [round(float(value), 4) for value in code]


def decoded_json(
    picture: np.ndarray,
    shares: Iterable[float],
    distance: float,
    decode_ms: float | None,
    hit_rate: float,
) -> dict[str, Any]:
    """A decoded digit as JSON for the decoded view, used by the script and the live channel.

    `shares` are by class, 0 to 1; `distance` is the distance of the code from the prior's centre.
    """
    return {
        "pixels": pixels(picture),  # base64: Streamlit sends bytes at the top level only
        "shares": [round(float(share), 3) for share in shares],
        "distance": round(distance, 3),
        "decode_ms": decode_ms,
        "hit_rate": round(hit_rate, 3),
    }


def webp(image: np.ndarray) -> bytes:
    """A large image [H, W] as WebP, lossy: a sheet of 10,000 digits takes 1.4 MB.

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
    """An <img> of [H, W] or [H, W, 3]; the style sheet, or `style`, sets its size."""
    own = f' style="{style}"' if style else ""
    return f'<img src="{data_uri(image)}" alt="{escape(alt)}"{own}>'


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a - b| of images in [0, 1] as a colour image, uint8 [..., H, W, 3]: black is equal."""
    d = np.abs(a - b)[..., None]
    heat = np.array([1.0, 0.55, 0.1], np.float32)  # orange, unlike ink
    return to_uint8(np.clip(d * heat * 1.25, 0, 1))
