"""Drawings and image files that tests of image preparation share."""

import io

import numpy as np
from PIL import Image, ImageDraw

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
Colour = tuple[int, int, int]


def drawing(side: int = 280, width: int = 22) -> np.ndarray:
    """A handwritten 5, black on white, uint8 [side, side], not centred."""
    image = Image.new("L", (side, side), 255)
    points = [(150, 60), (90, 60), (85, 120), (130, 115), (150, 150), (120, 190), (75, 180)]
    scaled = [(x * side / 280, y * side / 280) for x, y in points]
    ImageDraw.Draw(image).line(scaled, fill=0, width=round(width * side / 280), joint="curve")
    return np.asarray(image)


def coloured(image: np.ndarray, ink: Colour, paper: Colour) -> np.ndarray:
    """Black on white in other colours, uint8 [H, W, 3]."""
    share = 1 - image[:, :, None] / 255
    mixed = np.array(paper) + (np.array(ink) - np.array(paper)) * share
    return np.round(mixed).astype(np.uint8)


def image_bytes(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The content of an image file; `kind` is the format as Pillow names it."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two digits, in 0..255."""
    return float(np.abs(a.astype(float) - b).mean())
