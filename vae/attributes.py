"""Attributes of samples: named numbers that a map can be coloured by. Imports no torch.

Shapes of strokes are measured as in Morpho-MNIST (Castro et al. 2019, arXiv 1809.10780), on bright
ink before a dark ground: from moments and profiles of the grey levels, without a skeleton.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from vae.dataspec import Dataset

CHUNK = 1000  # images measured at a time
OUTSIDE = 0.02  # share of the ink beyond each end of a width or a height
SQUARED_ERROR = "squared error"  # of the reconstructions of an implicit model
NO_INK = 1e-6  # the least divisor: an image without ink has finite attributes

Grey = Float[np.ndarray, "N H W"]  # in [0, 1]
Colour = Float[np.ndarray, "N H W 3"]  # in [0, 1]
Values = Float[np.ndarray, " N"]


def shear(images: Grey) -> Values:
    """Horizontal shift of the ink per pixel upwards: covariance of the ink's coordinates divided by
    their vertical variance."""
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    mass = np.maximum(images.sum((1, 2)), NO_INK)
    mean_x, mean_y = (images * x).sum((1, 2)) / mass, (images * y).sum((1, 2)) / mass
    dx, dy = x - mean_x[:, None, None], y - mean_y[:, None, None]
    covariance, variance = (images * dx * dy).sum((1, 2)), (images * dy * dy).sum((1, 2))
    return -covariance / np.maximum(variance, NO_INK)


def slant(images: Grey) -> Values:
    """Angle of the ink to the vertical in radians, positive to the right: arctan of `shear`."""
    return np.arctan(shear(images))


def thickness(images: Grey) -> Values:
    """Width of the stroke in pixels: twice the ink divided by the length of its outline.

    A stroke of length L and width W has the area L W and an outline of 2 L, the sum of the
    gradients.
    """
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    right, down = np.diff(padded, axis=2)[:, :-1], np.diff(padded, axis=1)[:, :, :-1]
    outline = np.sqrt(np.square(right) + np.square(down)).sum((1, 2))
    return 2 * images.sum((1, 2)) / np.maximum(outline, NO_INK)


def width(images: Grey) -> Values:
    """Width in pixels of the parallelogram around the ink that has its slant.

    Each row is shifted back by the slant; `OUTSIDE` of the ink lies beyond either side.
    """
    count, height, across = images.shape
    from_middle = np.arange(height) - (height - 1) / 2
    shifts = shear(images)[:, None] * from_middle  # [N, H]; rows are counted downwards
    reach = int(np.ceil(np.abs(shifts).max(initial=0)))
    # a pixel covers a length of 1, so its ink is divided between the two columns that it overlaps
    whole = np.floor(shifts).astype(int)
    part = (shifts - whole)[:, :, None]
    bins = across + 2 * reach + 1
    left = np.arange(across) + whole[:, :, None] + reach + bins * np.arange(count)[:, None, None]
    profile = np.bincount(left.ravel(), (images * (1 - part)).ravel(), count * bins)
    profile += np.bincount(left.ravel() + 1, (images * part).ravel(), count * bins + 1)[:-1]
    return _extent(profile.reshape(count, bins))


def height(images: Grey) -> Values:
    """Height in pixels of the ink; `OUTSIDE` of it lies beyond the top and beyond the bottom."""
    return _extent(images.sum(2))


def _extent(profile: Float[np.ndarray, "N B"]) -> Values:
    """The length that holds the middle 1 - 2 * OUTSIDE of each profile, in bins; 0 where it is
    empty. Within a bin the ink is spread evenly."""
    total = profile.sum(1, keepdims=True)
    summed = np.pad(np.cumsum(profile, 1), ((0, 0), (1, 0)))

    def position(share: float) -> Values:
        wanted = share * total
        after = np.argmax(summed > wanted, axis=1)[:, None]  # the first edge beyond; 0 where empty
        before = np.maximum(after - 1, 0)
        low, high = (np.take_along_axis(summed, edge, 1) for edge in (before, after))
        return (before + (wanted - low) / np.maximum(high - low, NO_INK))[:, 0]

    return np.where(total[:, 0] > NO_INK, position(1 - OUTSIDE) - position(OUTSIDE), 0)


def brightness(images: Colour) -> Values:
    """Mean of the three channels over all pixels, 0 to 1."""
    return images.mean((1, 2, 3))


def saturation(images: Colour) -> Values:
    """Mean over the pixels of the difference between the largest and the smallest channel, 0 (grey)
    to 1."""
    return (images.max(3) - images.min(3)).mean((1, 2))


def warmth(images: Colour) -> Values:
    """Mean red minus mean blue, -1 to 1. (A hue is an angle, which no scale from low to high
    fits.)"""
    return images[..., 0].mean((1, 2)) - images[..., 2].mean((1, 2))


class Measure(NamedTuple):
    """How an attribute is measured, and how it is explained to a reader."""

    values: Callable[[np.ndarray], Values]
    unit: str
    help: str


GREY = {
    "thickness": Measure(thickness, "px", "Width of the stroke"),
    "slant": Measure(slant, "rad", "Angle of the ink to the vertical, positive to the right"),
    "width": Measure(width, "px", "Width of the ink along its slant"),
    "height": Measure(height, "px", "Height of the ink"),
}
COLOUR = {
    "brightness": Measure(brightness, "", "Mean of all channels, 0 to 1"),
    "saturation": Measure(saturation, "", "Mean distance from grey, 0 to 1"),
    "warmth": Measure(warmth, "", "Mean red minus mean blue, -1 to 1"),
}
MEASURES = GREY | COLOUR


def measure(dataset: Dataset) -> dict[str, Float[np.ndarray, " N"]]:
    """The attributes of a data set's samples by name, float32 [N]: its own, or else those measured
    on its images, grey or colour; none for other kinds."""
    if dataset.attributes:
        return {name: np.asarray(v, np.float32) for name, v in dataset.attributes.items()}
    if dataset.spec.kind != "image":
        return {}
    measures = GREY if dataset.spec.shape[0] == 1 else COLOUR
    found = {name: np.empty(len(dataset), np.float32) for name in measures}
    for start in range(0, len(dataset), CHUNK):
        rows = slice(start, start + CHUNK)
        images = dataset.samples[rows] / np.float32(255)
        for name, values in found.items():
            values[rows] = measures[name].values(images)
    return found
