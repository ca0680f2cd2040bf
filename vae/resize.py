"""Resize an image to the sides of a sample, with its aspect ratio and its colours kept."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vae.dataspec import DataSpec

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601: brightness of red, green, blue
NEARLY_WHITE = 0.9  # brightness from which an opaque part would vanish on white


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fit an image into height x width pixels, antialiased.

    Where the aspect ratio differs, the rest has the median colour of the image's border.
    Transparent parts are white, or black where what is opaque is nearly white.

    Args:
        image: uint8 [H, W], or [H, W, C] with C = 2 grey and alpha, 3 colour, 4 colour and alpha.

    Returns: uint8 [height, width], or [height, width, 3].
    """
    image = opaque(image)
    if image.shape[:2] == (height, width):
        return image
    factor = min(height / image.shape[0], width / image.shape[1])
    inner = (max(1, round(image.shape[0] * factor)), max(1, round(image.shape[1] * factor)))
    small = Image.fromarray(image).resize((inner[1], inner[0]), Image.Resampling.LANCZOS)
    if inner == (height, width):
        return np.asarray(small)
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    result = np.empty((height, width, *image.shape[2:]), np.uint8)
    result[:] = np.median(border, axis=0).astype(np.uint8)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    result[top : top + inner[0], left : left + inner[1]] = np.asarray(small)
    return result


def opaque(image: np.ndarray) -> np.ndarray:
    """An image without its alpha channel, uint8 [H, W] or [H, W, 3]."""
    if image.ndim == 2 or image.shape[2] == 3:
        return image
    colours = image[..., :-1].astype(np.float32)
    alpha = image[..., -1:].astype(np.float32) / 255
    brightness = colours.mean(axis=2)[alpha[..., 0] > 0.5] / 255
    paper = 0 if brightness.size and brightness.mean() > NEARLY_WHITE else 255
    if alpha.min() == 1:
        paper = 255
    mixed = np.rint(alpha * colours + (1 - alpha) * paper).astype(np.uint8)
    return mixed[..., 0] if mixed.shape[2] == 1 else mixed


def grey(images: np.ndarray) -> np.ndarray:
    """The brightness of images in colour, uint8 [..., H, W, 3] to [..., H, W]."""
    return np.rint(images.astype(np.float32) @ LUMA).astype(np.uint8)


def as_sample(image: np.ndarray, spec: DataSpec) -> np.ndarray:
    """An image as a sample of a data set of images, uint8 [*spec.array_shape].

    Args:
        image: as `resize` takes it.
    """
    _, height, width = spec.shape
    sample = resize(image, height, width)
    if len(spec.array_shape) == 2:
        return grey(sample) if sample.ndim == 3 else sample
    return np.repeat(sample[..., None], 3, axis=2) if sample.ndim == 2 else sample
