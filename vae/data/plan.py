"""How the user's images become samples: what the options leave open is decided by the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vae.data.options import Options
from vae.data.source import ArrayImages, Images, Source
from vae.dataspec import SIDES, DataSpec
from vae.prepare import prepare
from vae.resize import opaque, resize

USUAL = 64  # px: the sides of images that have several sizes, or larger ones
FEW = 64  # images that decide what all of them are
EVEN_PAPER = 0.6  # share of the pixels of a digit's image that are paper


@dataclass(frozen=True)
class Plan:
    """How every image becomes a sample."""

    prepare: str  # "mnist", "resize", or "auto": resized, and what they are is seen then
    height: int  # px
    width: int
    colour: bool | None  # None: as most are
    transpose: bool
    invert: bool | str
    notes: tuple[str, ...] = field(default=())

    def noted(self, note: str) -> Plan:
        return replace(self, notes=(*self.notes, note))

    def sample(self, image: np.ndarray) -> np.ndarray:
        """A sample, uint8 [height, width] or [height, width, 3]. Raises ValueError where the image
        is blank."""
        if self.transpose:
            image = image.swapaxes(0, 1)
        if self.prepare == "mnist":
            return prepare(np.ascontiguousarray(image), self.invert).final
        image = resize(np.ascontiguousarray(image), self.height, self.width)
        return 255 - image if self.invert is True else image


def make_plan(
    source: Source, options: Options, digits: dict[str, str] | None, like: DataSpec | None
) -> Plan:
    """The options, completed by the model's spec or by the images. Raises ValueError for options
    that contradict one another or the spec."""
    sizes = sorted({size for size in source.images.sizes if size})
    preparation, colour = options.prepare, {"grey": False, "colour": True}.get(options.colour)
    if like is not None:
        _check_options(options, like)
        preparation = like.prepare if preparation == "auto" else preparation
        colour = len(like.array_shape) == 3
    elif preparation == "auto" and digits and not options.size and colour is not True:
        preparation = "mnist" if _are_drawn(source.images, len(digits)) else "auto"
    if preparation == "mnist" and (options.size not in (0, 28) or colour is True):
        raise ValueError("images prepared as MNIST are grey, of 28x28 pixels; add --prepare resize")
    notes = []
    if preparation == "mnist":
        height = width = 28
        if isinstance(source.images, ArrayImages) and sizes == [(28, 28)]:
            preparation = "auto"  # they may be prepared already, or inverted
        else:
            notes.append(
                "images are prepared as MNIST was: 28x28, white ink on black "
                "(--prepare resize keeps whole images)"
            )
    elif like is not None:
        height, width = like.shape[1:]
    elif options.size:
        height = width = options.size
    elif len(sizes) == 1 and all(SIDES[0] <= side <= SIDES[1] for side in sizes[0]):
        height, width = sizes[0]
    else:
        height = width = USUAL
    transpose = source.transposed if options.transpose == "auto" else bool(options.transpose)
    if transpose and not options.size and like is None:
        height, width = width, height
    if preparation != "mnist":
        notes.append(_size_note(sizes, height, width))
    if transpose:
        notes.append("rows and columns are exchanged (--transpose no keeps them)")
    return Plan(preparation, height, width, colour, transpose, options.invert, tuple(notes))


def _check_options(options: Options, like: DataSpec) -> None:
    channels, height, width = like.shape
    if options.size and (options.size, options.size) != (height, width):
        raise ValueError(f"the model has images of {height}x{width}; leave --size out")
    if options.colour != "auto" and (options.colour == "colour") != (channels == 3):
        name = "in colour" if channels == 3 else "in grey"
        raise ValueError(f"the model has images {name}; leave --colour out")


def _size_note(sizes: Sequence[tuple[int, int]], height: int, width: int) -> str:
    if len(sizes) == 1 and sizes[0] == (height, width):
        return f"images keep their size, {height}x{width}"
    if len(sizes) == 1:
        return f"images of {sizes[0][0]}x{sizes[0][1]} are resized to {height}x{width}"
    return (
        f"images of {len(sizes):,} sizes are resized to {height}x{width}, with their aspect ratio "
        "kept"
    )


def some_rows(count: int) -> list[int]:
    """The rows of a few of `count` images, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, FEW)).astype(int)).tolist()


def _are_drawn(images: Images, classes: int) -> bool:
    """Whether images with digits as classes are pictures of digits, to be prepared as MNIST was.

    Classes named 0 and 1 may mean anything; then most of each picture must be even paper.
    """
    if isinstance(images, ArrayImages):  # the labels are numbers, which may mean anything
        sizes = images.sizes[0]
        if sizes is None or max(sizes) <= SIDES[1]:
            return False
    elif classes == 10:
        return True
    shares = []
    for row in some_rows(len(images)):
        try:
            image = opaque(images.image(row))
        except ValueError:
            continue
        values = image.astype(np.float32).reshape(*image.shape[:2], -1).mean(axis=2)
        border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
        spread = float(np.ptp(values))
        shares.append(float((np.abs(values - np.median(border)) <= spread / 5).mean()))
    return bool(shares) and float(np.median(shares)) >= EVEN_PAPER
