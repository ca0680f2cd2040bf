"""What the renderers of all kinds return: a sample that a visitor entered, a file to save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

Way = Literal["draw", "upload", "type"]  # in which a sample is entered


class Entered(NamedTuple):
    """A sample that a visitor entered, and the steps of its preparation."""

    sample: np.ndarray  # float32 [*spec.array_shape], 0 to 1 for an image
    heading: str  # of the steps
    steps: list[tuple[str, np.ndarray]]  # title and picture of each, uint8


class Download(NamedTuple):
    """A file of generated samples, made when it is saved."""

    label: str  # of the button
    suffix: str
    media_type: str
    make: Callable[[], bytes]
