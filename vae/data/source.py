"""What a loader of the user's own files returns, before size, colour and classes are decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from vae.image_file import image_size, read_image, white_of

# names in likelihoods.LIKELIHOODS, of images in grey and in colour
GREY_LIKELIHOOD, COLOUR_LIKELIHOOD = "bernoulli", "gaussian"
MAX_BYTES = 1 << 30  # of all samples as uint8: they are held in memory


@dataclass(frozen=True)
class ArrayImages:
    """Images as one array.

    `sizes` are (height, width) of each image; `image` is uint8 [H, W] or [H, W, 2 to 4].
    """

    values: np.ndarray  # uint8 [N, H, W] or [N, H, W, 2 to 4]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def sizes(self) -> Sequence[tuple[int, int] | None]:
        height, width = self.values.shape[1:3]
        return [(height, width)] * len(self)

    def image(self, index: int) -> np.ndarray:
        return self.values[index]


@dataclass(frozen=True)
class EncodedImages:
    """Image files, by their paths or their contents.

    `sizes` are read from the headers, None where that fails; `image` raises ValueError for a file
    that cannot be decoded.
    """

    files: Sequence[Path | bytes]

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def sizes(self) -> Sequence[tuple[int, int] | None]:
        return [_size(file) for file in self.files]

    @cached_property
    def white(self) -> float:
        """The value of white in all images of more than 8 bits, so that dark ones stay dark."""
        return max(white_of(file) for file in self.files)

    def image(self, index: int) -> np.ndarray:
        file = self.files[index]
        try:
            content = file if isinstance(file, bytes) else file.read_bytes()
            return read_image(content, self.white)
        except OSError as error:
            raise ValueError(f"it cannot be opened ({error.strerror or error})") from error


Images = ArrayImages | EncodedImages


def _size(file: Path | bytes) -> tuple[int, int] | None:
    try:
        return image_size(file)
    except ValueError:
        return None


@dataclass(frozen=True)
class Source:
    """The samples of a user's files, as they are, with what is known about each."""

    images: Images
    labels: Sequence[str | None] | None = None  # class names; None where unknown
    in_test: np.ndarray | None = None  # bool [N]; None where the data have no split
    names: Sequence[str] = ()
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)  # float32 [N]
    classes: Sequence[str] = ()  # in the order that the data give, if they do
    notes: Sequence[str] = ()  # what was decided, a sentence each
    skipped: Sequence[str] = ()  # files that hold no sample, with the reason
    transposed: bool = False  # whether rows and columns are known to be exchanged
