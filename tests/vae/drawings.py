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


def bars(lean: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Vertical strokes, float32 [N, 28, 28]; `lean` pixels to the right for each upwards."""
    y, x = np.mgrid[:28, :28].astype(float)
    middle = 13.5 + lean[:, None, None] * (13.5 - y)
    inside = width[:, None, None] / 2 - np.abs(x - middle) + 0.5
    ink = np.clip(inside, 0, 1) * ((y > 4) & (y < 23))
    return ink.astype(np.float32)


def random_bars(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lean, width [N] and images of bars."""
    rng = np.random.default_rng(seed)
    lean, width = rng.uniform(-0.4, 0.4, count), rng.uniform(2, 6, count)
    return lean, width, bars(lean, width)
