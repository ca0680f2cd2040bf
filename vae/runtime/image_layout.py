"""The arrangement of an image's values in a network: channels first, last, or flat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from vae.dataspec import DataSpec

ORDERS = ("CHW", "HWC")  # of the axes that a flat image is made of


class Layout(NamedTuple):
    """How a network arranges the values of one image."""

    shape: tuple[int, ...]
    channels_first: bool

    def to_arrays(self, values: Float[np.ndarray, "N ..."], spec: DataSpec) -> np.ndarray:
        """The values of a network as images [N, *spec.array_shape]."""
        channels, height, width = spec.shape
        if self.channels_first:
            values = values.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
        return values.reshape(len(values), *spec.array_shape)

    def from_arrays(self, images: Float[np.ndarray, "N ..."], spec: DataSpec) -> np.ndarray:
        """Images [N, *spec.array_shape] as the values of a network."""
        channels, height, width = spec.shape
        values = images.reshape(-1, height, width, channels)
        if self.channels_first:
            values = values.transpose(0, 3, 1, 2)
        return values.reshape(len(images), *self.shape)


def layouts(spec: DataSpec, order: str) -> list[Layout]:
    """The arrangements that an image of this spec may have; `order` is that of a flat one."""
    channels, height, width = spec.shape
    return [
        Layout((channels, height, width), channels_first=True),
        Layout((height, width, channels), channels_first=False),
        Layout((channels * height * width,), channels_first=order == "CHW"),
        *([Layout((height, width), channels_first=False)] if channels == 1 else []),
    ]


def find_layout(shape: Sequence[int | None], spec: DataSpec, order: str) -> Layout | None:
    """The layout of images [N, *shape], None where there is none; a size of None fits any."""
    for layout in layouts(spec, order):
        if len(shape) == len(layout.shape) and all(
            have in (None, want) for have, want in zip(shape, layout.shape, strict=True)
        ):
            return layout
    return None


def image_shape(shape: Sequence[int]) -> tuple[int, int, int] | None:
    """(C, H, W) of a network's image [*shape]; a flat one is square. None where it is no image."""
    match list(shape):
        case [1 | 3 as channels, height, width]:
            return channels, height, width
        case [height, width, 1 | 3 as channels]:
            return channels, height, width
        case [height, width]:
            return 1, height, width
        case [values]:
            for channels in (1, 3):
                side = round((values / channels) ** 0.5)
                if channels * side * side == values:
                    return channels, side, side
    return None
