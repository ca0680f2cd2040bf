"""Arrays of images: their layout, and the range of their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt
from typing import NamedTuple

import numpy as np

from vae.dataspec import SIDES

CHANNELS = (1, 2, 3, 4)  # grey, grey and alpha, colour, colour and alpha
# the largest value of images of 1, 2, 3, 4, 4 (UCI's digits), 5 and 6 bits
SHALLOW = (1, 3, 7, 15, 16, 31, 63)
DEEP = (255, 256, 1023, 4095, 16_383, 65_535)  # of 8 to 16 bits
PERCENT = 100
TOLERANCE = 1e-3  # by which floats may lie outside their range, as after resizing
CHUNK = 4096  # images converted at a time: floats of all would need four times their memory


def as_images(array: np.ndarray, where: str) -> np.ndarray:
    """An array of images as [N, H, W], or [N, H, W, C] with C = 2 to 4.

    Args:
        array: [N, H, W], [N, H, W, C], [N, C, H, W], or [N, D] where D is the number of values of a
            square image, grey or in colour.

    Raises: ValueError for another shape, or for no images.
    """
    shape = "x".join(map(str, array.shape)) or "()"
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{where}: images of the type {array.dtype} cannot be read; save them as numbers"
        )
    if len(array.shape) == 0 or len(array) == 0:
        raise ValueError(f"{where} has no images: its shape is {shape}")
    if array.ndim == 2:
        array = _unflattened(array, where)
    if array.ndim == 4 and array.shape[3] not in CHANNELS and array.shape[1] in CHANNELS:
        array = np.moveaxis(array, 1, 3)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] not in CHANNELS):
        raise ValueError(
            f"{where}: images have shape {shape}; give [N, H, W], [N, H, W, 3], [N, 3, H, W] or "
            "flat squares such as [N, 784]"
        )
    if 0 in array.shape:
        raise ValueError(f"{where} has empty images: its shape is {shape}")
    return array


def _unflattened(array: np.ndarray, where: str) -> np.ndarray:
    count, length = array.shape
    for channels in (1, 3):
        side = isqrt(length // channels)
        if channels * side * side == length and SIDES[0] <= side <= SIDES[1]:
            if channels == 1:
                return array.reshape(count, side, side)
            last = array.reshape(count, side, side, 3)
            first = np.moveaxis(array.reshape(count, 3, side, side), 1, 3)
            # the channels of a pixel lie beside one another, or one channel follows the other:
            # in the true order neighbouring pixels differ less
            return min((last, first), key=_roughness)
    raise ValueError(
        f"{where}: images have shape {count}x{length}, and {length} values are no square image; "
        "save them as [N, H, W]"
    )


def _roughness(images: np.ndarray) -> float:
    few = images[:100].astype(np.float32)
    return float(np.abs(np.diff(few, axis=1)).mean() + np.abs(np.diff(few, axis=2)).mean())


class Range(NamedTuple):
    """Values `low` to `high` that become 0 to 255."""

    low: float
    high: float
    name: str  # of the range, for messages


def to_uint8(arrays: Sequence[np.ndarray], where: str) -> tuple[list[np.ndarray], str]:
    """Images of any number type as uint8, and a sentence that says how.

    The range is decided once over all arrays, so that a dark image stays dark.

    Raises: ValueError for values that are not finite or all the same.
    """
    if all(array.dtype == bool for array in arrays):
        return [array.astype(np.uint8) * 255 for array in arrays], "true is white, false black"
    found = value_range(arrays, where)
    note = f"values {found.name} are scaled to 0..255, decided over the whole array"
    if (found.low, found.high) == (0, 255):
        note = f"values {found.name} are taken as they are"
    return [_scaled(array, found) for array in arrays], note


def value_range(arrays: Sequence[np.ndarray], where: str) -> Range:
    """The range of values that the arrays use. Raises as `to_uint8`."""
    low = min(float(array.min()) for array in arrays)
    high = max(float(array.max()) for array in arrays)
    if not np.isfinite([low, high]).all():
        raise ValueError(_not_finite(arrays, where))
    if low == high:
        raise ValueError(
            f"{where}: the images are blank, all their values are {low:g}; give images with content"
        )
    whole = all(a.dtype.kind in "biu" for a in arrays) or _all(arrays, lambda a: a == np.round(a))
    if low < -TOLERANCE:
        return _signed(low, high)
    if not whole:
        return _fractional(high)
    return _whole(low, high)


def _not_finite(arrays: Sequence[np.ndarray], where: str) -> str:
    """A sentence that names the first image with a value that is missing or infinite."""
    rows = [~np.isfinite(a).all(axis=tuple(range(1, a.ndim))) for a in arrays]
    bad = np.flatnonzero(np.concatenate(rows))
    images = "image has values" if len(bad) == 1 else "images have values"
    return (
        f"{where}: {len(bad):,} {images} that are missing, NaN or infinite, the first is image "
        f"{bad[0]}, counted from 0; correct them or leave these images out"
    )


def _all(arrays: Sequence[np.ndarray], test: Callable[[np.ndarray], np.ndarray]) -> bool:
    parts = (a[i : i + CHUNK] for a in arrays for i in range(0, len(a), CHUNK))
    return all(bool(test(part).all()) for part in parts)


def _signed(low: float, high: float) -> Range:
    """Values below 0: half of the usual ranges are symmetric, others were standardised."""
    for bound in (0.5, 1.0, 127.5, 128.0):
        if -bound - TOLERANCE <= low and high <= bound + TOLERANCE and low <= -0.8 * bound:
            return Range(-bound, bound, f"-{bound:g}..{bound:g}")
    if low >= -1 and high <= 1:
        return Range(-1, 1, "-1..1")
    return _stretched(low, high)


def _fractional(high: float) -> Range:
    if high <= 1 + TOLERANCE:
        return Range(0, 1, "0..1")
    if SHALLOW[-1] < high <= 255 + TOLERANCE:
        return Range(0, 255, "0..255")
    return _stretched(0, high)


def _whole(low: float, high: float) -> Range:
    if high == PERCENT:
        return Range(0, PERCENT, f"0..{PERCENT}")
    for full in (*SHALLOW, *DEEP):
        if high <= full:
            return Range(0, full, f"0..{full}")
    return _stretched(low, high)


def _stretched(low: float, high: float) -> Range:
    return Range(low, high, f"{low:.4g}..{high:.4g}, which are in no usual range,")


def _scaled(array: np.ndarray, found: Range) -> np.ndarray:
    if array.dtype == np.uint8 and (found.low, found.high) == (0, 255):
        return array
    scaled = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), CHUNK):
        part = array[start : start + CHUNK].astype(np.float32)
        part = (part - found.low) * (255 / (found.high - found.low))
        scaled[start : start + CHUNK] = np.rint(np.clip(part, 0, 255))
    return scaled
