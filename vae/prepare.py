"""Prepare an image of a digit as MNIST was: 28x28, white ink on black.

The steps are those of LeCun, Cortes and Burges: scale the ink into a box of 20 pixels with its
aspect ratio kept, antialiased, and put its centre of mass in the middle of 28x28.
"""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

SIDE, BOX = 28, 20  # pixels: the image, and the box that the ink fits into
MIDDLE = 14  # pixel index of the centre of mass in MNIST, within half a pixel
WORK_SIDE = 512  # pixels; larger images are reduced to this before anything else
MIN_CONTRAST = 0.08  # of ink and paper, in the range 0 to 1; with less the page is blank


class Prepared(NamedTuple):
    """The steps from an image to a digit, each uint8 and two-dimensional, in order."""

    grey: np.ndarray  # [H, W] brightness, transparent parts filled with paper
    inverted: np.ndarray  # [H, W] white ink on even black paper
    cropped: np.ndarray  # [h, w] the bounding box of the ink
    scaled: np.ndarray  # [20, w] or [h, 20]
    final: np.ndarray  # [28, 28]

    def steps(self) -> list[tuple[str, np.ndarray]]:
        """Title and image of each step, in order."""
        titles = ("Grey", "White ink on black", "Cropped to the ink", "Fitted to 20 pixels")
        return list(zip((*titles, "Centred by its mass"), self, strict=True))


def prepare(image: np.ndarray, invert: str | bool = "auto") -> Prepared:
    """Prepare an image as MNIST was.

    Args:
        image: [H, W] or [H, W, C] with C = 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha;
            whole numbers 0..255 or floats 0..1.
        invert: True for dark ink on light paper, False for light on dark, "auto" to decide by the
            border.

    Raises: ValueError when the array is not such an image or holds no ink.
    """
    if invert not in ("auto", True, False):
        raise ValueError(f"invert={invert!r} is none of 'auto', True, False")
    pixels = as_uint8(image)
    grey = _grey(_reduce(pixels))
    light_paper = _paper_is_light(grey) if invert == "auto" else bool(invert)
    if not light_paper and is_prepared(pixels):
        return _unchanged(pixels.reshape(SIDE, SIDE))
    ink = _ink(1 - grey if light_paper else grey)
    cropped = _crop(ink)
    scaled = _fit(cropped)
    final = _centre(scaled)
    return Prepared(*(_to_uint8(step) for step in (grey, ink, cropped, scaled, final)))


def enlarge(small: np.ndarray) -> np.ndarray:
    """Enlarge a small image, float [h, w] in 0..1, four times, with sharp strokes.

    Each value of the 8x8 digits counts the ink of a block of 4x4. Interpolation gives a smooth
    ridge along the stroke; its upper part has the thickness and the mean brightness of MNIST.
    """
    padded = np.pad(small.astype(np.float32), 1)
    height, width = (4 * side for side in padded.shape)
    ridge = np.asarray(Image.fromarray(padded).resize((width, height), Image.Resampling.LANCZOS))
    return np.clip((ridge - 0.35) / 0.45, 0, 1)


def as_uint8(image: np.ndarray) -> np.ndarray:
    """Check an image that `prepare` accepts and convert it to uint8 [H, W] or [H, W, C]."""
    image = np.asarray(image)
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or 0 in image.shape:
        raise ValueError(f"an image has shape [H, W] or [H, W, 1 to 4], not {image.shape}")
    if image.ndim == 3 and channels == 1:
        image = image[:, :, 0]
    if image.dtype == bool:
        return image.astype(np.uint8) * 255
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind not in "iuf":
        raise ValueError(f"an image holds numbers, not {image.dtype}")
    top = 1 if image.dtype.kind == "f" else 255
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= top):  # false for NaN too
        raise ValueError(f"an image of {image.dtype} lies in 0 to {top}, not in {low} to {high}")
    return _to_uint8(image / top)


def _reduce(pixels: np.ndarray) -> np.ndarray:
    """Average a large image so that its longer side has WORK_SIDE pixels."""
    if max(pixels.shape[:2]) <= WORK_SIDE:
        return pixels
    image = Image.fromarray(pixels)
    image.thumbnail((WORK_SIDE, WORK_SIDE), Image.Resampling.BOX)
    return np.asarray(image)


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Brightness, float32 [H, W] in 0..1, with transparent parts filled with paper."""
    values = pixels.astype(np.float32) / 255
    if values.ndim == 2:
        return values
    colours = values[:, :, :3] if values.shape[2] >= 3 else values[:, :, :1]
    alpha = values[:, :, -1] if values.shape[2] in (2, 4) else None
    grey = colours @ np.array([0.299, 0.587, 0.114], np.float32) if colours.shape[2] == 3 else None
    if grey is None:
        return _on_paper(colours[:, :, 0], alpha)
    candidates = [_on_paper(one, alpha) for one in (grey, *np.moveaxis(colours, 2, 0))]
    spans = [float(np.ptp(one)) for one in candidates]
    # red on green and yellow on white differ in one channel but hardly in brightness
    best = int(np.argmax(spans))
    return candidates[best] if spans[best] > 2 * spans[0] else candidates[0]


def _on_paper(grey: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Composite a transparent image over paper: black for light ink, white for dark ink."""
    if alpha is None or alpha.min() > 0.99:
        return grey
    solid = alpha > 0.5
    if not solid.any():
        raise ValueError("the image is blank: all of it is transparent")
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    area = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    low, high = np.percentile(grey[solid], [1, 99])
    if solid.sum() > 0.85 * area and high - low > 0.3:
        paper = float(np.median(grey[solid]))  # opaque paper with a transparent rim
    else:
        paper = float(grey[solid].mean() < 0.5)  # transparent all round the ink
    return alpha * grey + (1 - alpha) * paper


def _border(grey: np.ndarray) -> np.ndarray:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _paper_is_light(grey: np.ndarray) -> bool:
    """Whether the border is nearer to the brightest parts than to the darkest.

    A threshold of one half would fail: paper on a photograph in poor light is dark grey.
    """
    low, high = np.percentile(grey, [0.1, 99.9])
    return bool(2 * np.median(_border(grey)) > low + high)


def _ink(values: np.ndarray) -> np.ndarray:
    """Flatten the paper and stretch the contrast of light ink: 0 is paper, 1 is ink.

    Raises: ValueError when no ink stands out from the paper.
    """
    border = _border(values)
    ink = values - np.median(border)
    low, high = np.percentile(border, [10, 90])
    if high - low > 0.04:
        ink = values - _uneven_paper(values)
    # the k-th brightest, not the brightest, which may be a single hot pixel
    strongest = min(max(4, ink.size // 2000), ink.size)
    top = float(np.partition(ink, -strongest, axis=None)[-strongest])
    paper = ink[ink < top / 2]
    noise = 1.48 * float(np.median(np.abs(paper))) if paper.size else 0.0
    if top < max(MIN_CONTRAST, 6 * noise):
        raise ValueError("the image is blank: no ink stands out from the paper")
    top = float(np.percentile(ink[ink > top / 2], 90))
    return np.where(ink > 3 * noise, np.clip(ink / top, 0, 1), 0)


def _uneven_paper(values: np.ndarray) -> np.ndarray:
    """The brightness of paper under uneven light, float [H, W].

    A quadratic in x and y, fitted by least squares; pixels well above it are ink and are left out
    of the next fit.
    """
    height, width = values.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)  # [H, W, 6]
    step = max(1, max(height, width) // 96)
    few_terms, few = terms[::step, ::step].reshape(-1, 6), values[::step, ::step].ravel()
    kept = few <= np.percentile(few, 75)
    surface = np.zeros(6)
    for _ in range(6):
        surface = np.linalg.lstsq(few_terms[kept], few[kept], rcond=None)[0]
        rest = few - few_terms @ surface
        kept = np.abs(rest) < max(0.02, 2.5 * 1.48 * float(np.median(np.abs(rest))))
    return (terms @ surface).astype(np.float32)


def _crop(ink: np.ndarray) -> np.ndarray:
    """Crop to the ink, float [h, w]; specks far smaller than the digit are removed."""
    mask = ink > 0.1
    labelled: Any = ndimage.label(mask, np.ones((3, 3)))
    pieces, count = labelled
    if count > 1:
        mass = np.bincount(pieces.ravel(), ink.ravel(), minlength=count + 1)
        mass[0] = 0  # the paper
        mask = (mass > 0.03 * mass.max())[pieces]
        # the faint rim of the strokes is kept
        ink = ink * ndimage.binary_dilation(mask, iterations=2)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(cropped: np.ndarray) -> np.ndarray:
    """Resize so that the longer side has 20 pixels, float in 0..1, antialiased."""
    height, width = cropped.shape
    factor = BOX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    image = Image.fromarray(cropped.astype(np.float32))
    return np.clip(np.asarray(image.resize(size, Image.Resampling.LANCZOS)), 0, 1)


def _centre(scaled: np.ndarray) -> np.ndarray:
    """Put the centre of mass on the middle pixel of 28x28 and stretch the contrast."""
    height, width = scaled.shape
    final = np.zeros((SIDE, SIDE), np.float32)
    mass = scaled.sum()
    # whole pixels, as in MNIST, and never so far that ink would be cut off
    top = int(np.clip(round(MIDDLE - scaled.sum(1) @ np.arange(height) / mass), 0, SIDE - height))
    left = int(np.clip(round(MIDDLE - scaled.sum(0) @ np.arange(width) / mass), 0, SIDE - width))
    # antialiasing dims thin strokes, while most of the ink of MNIST is saturated
    full = np.percentile(scaled[scaled > scaled.max() / 2], 90)
    final[top : top + height, left : left + width] = np.minimum(scaled / full, 1)
    return final


def is_prepared(pixels: np.ndarray) -> bool:
    """Whether an image has the size, box and centre of MNIST, so that preparing twice is safe."""
    if pixels.shape != (SIDE, SIDE) or pixels.max() < 250:
        return False
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    mass = pixels.sum(dtype=np.int64)
    middle = [pixels.sum(axis) @ np.arange(SIDE) / mass for axis in (0, 1)]
    return bool(longest in (BOX - 1, BOX) and max(abs(m - MIDDLE) for m in middle) <= 0.5)


def _unchanged(digit: np.ndarray) -> Prepared:
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Prepared(digit, digit, cut, cut, digit)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
