"""Turn the user's images into samples of one size, and state what was decided."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from vae.data import labels as label_names
from vae.data.options import Options
from vae.data.pixels import SHALLOW
from vae.data.plan import Plan, make_plan, some_rows
from vae.data.source import (
    COLOUR_LIKELIHOOD,
    GREY_LIKELIHOOD,
    MAX_BYTES,
    ArrayImages,
    Source,
)
from vae.data.split import in_test
from vae.dataspec import MNIST, SIDES, Dataset, DataSpec
from vae.download import DataError
from vae.prepare import is_prepared
from vae.resize import grey, opaque

COLOURED = 24  # of 255: difference of two channels from which a pixel has a colour
COLOURED_SHARE = 1e-3  # of the pixels of a data set in colour
CHUNK = 1024  # images inspected at a time
NAMED = 5  # skipped files that a sentence names


@dataclass(frozen=True)
class Loaded:
    """Both parts of a data set, and what was decided to make them."""

    train: Dataset
    test: Dataset
    notes: tuple[str, ...] = ()  # a sentence each
    skipped: tuple[str, ...] = ()  # files or images that are no samples, with the reason

    def part(self, split: str) -> Dataset:
        """The part "train" or "test"."""
        return self.test if split == "test" else self.train

    @property
    def warning(self) -> str:
        """The first few skipped files and their number; "" where there are none."""
        if not self.skipped:
            return ""
        more = len(self.skipped) - NAMED
        return (
            f"{len(self.skipped):,} file{'s were' if len(self.skipped) > 1 else ' was'} skipped: "
            + "; ".join(self.skipped[:NAMED])
            + (f"; and {more:,} more" if more > 0 else "")
        )


def assemble(source: Source, options: Options, where: str, like: DataSpec | None = None) -> Loaded:
    """Samples of one size from a source, split into training and test.

    Args:
        where: the file or folder, for messages.
        like: the spec of a model, whose size, colours and preparation the samples then have.

    Raises: ValueError for options that the images do not allow, too much data, or fewer than two
        usable images.
    """
    classes = _classes(source)
    digits = label_names.as_digits(classes)
    plan = make_plan(source, options, digits, like)
    samples, kept, skipped = _decoded(source, plan, where)
    samples, plan = _coloured(samples, plan, where)
    if plan.prepare == "auto":
        are_digits = digits is not None or (like is not None and like.prepare == "mnist")
        samples, plan = _recognised(samples, plan, are_digits)
    is_mnist = plan.prepare == "mnist"
    names = source.labels
    if digits and is_mnist:
        names = [digits.get(name or "") for name in names or ()]
        if renamed := [f"{name} is {digit}" for name, digit in digits.items() if name != digit]:
            plan = plan.noted(f"the names mean digits: {', '.join(renamed[:2])}")
        classes = list(MNIST.classes)
    labels = label_names.indices(names, classes, len(kept))[kept]
    spec = DataSpec(
        "image",
        (1 if samples.ndim == 3 else 3, *samples.shape[1:3]),
        GREY_LIKELIHOOD if samples.ndim == 3 else COLOUR_LIKELIHOOD,
        tuple(classes),
        "mnist" if is_mnist else "resize",
        noun="digit" if digits and is_mnist else "image",
    )
    dataset = Dataset(
        samples,
        labels,
        spec,
        {name: column[kept] for name, column in source.attributes.items()},
        [source.names[row] for row in np.flatnonzero(kept).tolist()] if source.names else (),
    )
    rows, note = _test_rows(source, kept, labels, options.seed, where)
    notes = (*source.notes, *plan.notes, note)
    return Loaded(dataset.select(~rows), dataset.select(rows), notes, (*source.skipped, *skipped))


def _decoded(source: Source, plan: Plan, where: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Samples, uint8; which images they are made of, bool [N]; and what was skipped."""
    images, count = source.images, len(source.images)
    _check_memory(count * plan.height * plan.width * 3, count, plan, where)
    if isinstance(images, ArrayImages) and plan.prepare != "mnist":
        values = images.values
        if plan.transpose:
            values = np.ascontiguousarray(values.swapaxes(1, 2))
        if values.shape[1:3] == (plan.height, plan.width) and values.shape[3:] in ((), (3,)):
            return (255 - values if plan.invert is True else values), np.ones(count, bool), []
    samples, kept, skipped, top = _each(source, plan, 1.0)
    if not isinstance(images, ArrayImages) and 0 < top <= SHALLOW[-1]:
        # images of few bits, such as masks of 0 and 1
        full = next(value for value in SHALLOW if value >= top)
        samples, kept, skipped, _ = _each(source, plan, 255 / full)
    if not kept.any():
        raise DataError(f"{where}: none of {count:,} images can be used: {skipped[0]}")
    return samples[kept], kept, skipped


def _check_memory(size: int, count: int, plan: Plan, where: str) -> None:
    if size > MAX_BYTES:
        side = int((MAX_BYTES / (3 * count)) ** 0.5)
        advice = f"add --size {side}" if side >= SIDES[0] else "give fewer images"
        raise ValueError(
            f"{where}: {count:,} images of {plan.height}x{plan.width} need {size / 2**30:.1f} GiB "
            f"of memory, and {MAX_BYTES >> 30} is the limit; {advice}"
        )


def _each(source: Source, plan: Plan, gain: float) -> tuple[np.ndarray, np.ndarray, list[str], int]:
    """One image after the other: samples [N, H, W, 3], whether each is usable, the reasons why
    others are not, and the largest value of all."""
    images, count = source.images, len(source.images)
    samples = np.zeros((count, plan.height, plan.width, 3), np.uint8)
    kept, skipped, top = np.zeros(count, bool), [], 0
    for row in tqdm(range(count), desc="images", leave=False, disable=None):
        try:
            image = opaque(images.image(row))
            top = max(top, int(image.max()))
            if gain != 1:
                image = np.rint(np.minimum(image * gain, 255)).astype(np.uint8)
            if not isinstance(images, ArrayImages) and np.ptp(image) == 0:
                raise ValueError("the image is blank: all its pixels are the same")
            sample = plan.sample(image)
        except ValueError as error:
            skipped.append(f"{source.names[row] if source.names else f'image {row}'}: {error}")
            continue
        samples[row] = sample if sample.ndim == 3 else sample[..., None]
        kept[row] = True
    return samples, kept, skipped, top


def _coloured(samples: np.ndarray, plan: Plan, where: str) -> tuple[np.ndarray, Plan]:
    """The samples in grey or in colour: as the plan says, else as the pixels are."""
    has_colour = samples.ndim == 4 and _has_colour(samples)
    if plan.prepare == "mnist":
        return grey_samples(samples), plan
    if plan.colour is None:
        plan = plan.noted("they are in colour (--colour grey)" if has_colour else "they are grey")
    wanted = has_colour if plan.colour is None else plan.colour
    if not wanted:
        return grey_samples(samples), plan
    if samples.ndim == 3:
        _check_memory(3 * samples.size, len(samples), plan, where)
        samples = np.repeat(samples[..., None], 3, axis=3)
    return samples, plan


def _has_colour(samples: np.ndarray) -> bool:
    """Whether more than a few pixels, such as JPEG's errors, have a colour."""
    count = 0
    for start in range(0, len(samples), CHUNK):
        part = samples[start : start + CHUNK]
        count += int((part.max(axis=3) - part.min(axis=3) > COLOURED).sum())
    return count > COLOURED_SHARE * samples.size / 3


def grey_samples(samples: np.ndarray) -> np.ndarray:
    """The brightness of samples, uint8 [N, H, W]."""
    if samples.ndim == 3:
        return samples
    parts = [grey(samples[i : i + CHUNK]) for i in range(0, len(samples), CHUNK)]
    return np.concatenate(parts)


def _recognised(samples: np.ndarray, plan: Plan, are_digits: bool) -> tuple[np.ndarray, Plan]:
    """Digits that look as MNIST's are MNIST's kind of data; dark ink on light paper is inverted."""
    plan = replace(plan, prepare="resize")
    if not are_digits or samples.shape[1:] != (28, 28):
        return samples, plan
    few = samples[some_rows(len(samples))]
    if 2 * sum(is_prepared(image) for image in few) > len(few):
        return samples, replace(plan, prepare="mnist").noted("they are digits as in MNIST")
    if plan.invert == "auto" and 2 * sum(is_prepared(255 - image) for image in few) > len(few):
        plan = replace(plan, prepare="mnist")
        return 255 - samples, plan.noted(
            "they are digits as in MNIST, and are inverted to white ink on black "
            "(--invert no keeps them)"
        )
    return samples, plan


def _classes(source: Source) -> list[str]:
    """The class names in order."""
    found = {name for name in source.labels or () if name is not None}
    if source.classes and found <= set(source.classes):
        return list(source.classes)
    return label_names.ordered(found)


def _test_rows(
    source: Source, kept: np.ndarray, labels: np.ndarray, seed: int, where: str
) -> tuple[np.ndarray, str]:
    """Which samples are test samples, bool, and a sentence that says so."""
    if source.in_test is not None:
        rows = source.in_test[kept]
        if not 0 < rows.sum() < len(rows):
            part = "training" if rows.any() else "test"
            raise ValueError(f"{where}: the {part} part has no usable image")
        return rows, f"the test set is the data's own, {int(rows.sum()):,} of {len(rows):,} images"
    if len(labels) < 2:
        raise ValueError(f"{where} has 1 usable image: give one to train on and one to test on")
    rows = in_test(labels, seed)
    return rows, (
        f"the test set is a tenth of each class, {int(rows.sum()):,} of {len(rows):,} images, "
        f"by seed {seed}"
    )


def restyled(dataset: Dataset, options: Options, where: str) -> Dataset:
    """A named data set with the size, the colours and the orientation that the options give."""
    channels, height, width = dataset.spec.shape
    colour = {"grey": False, "colour": True}.get(options.colour, channels == 3)
    height, width = (options.size or height), (options.size or width)
    plan = Plan("resize", height, width, colour, options.transpose is True, options.invert)
    source = Source(ArrayImages(dataset.samples))
    samples, _, _ = _decoded(source, plan, where)
    samples, _ = _coloured(samples, plan, where)
    shape = (3 if colour else 1, height, width)
    as_before = shape == dataset.spec.shape and not plan.transpose and plan.invert is not True
    kept = dataset.spec.prepare if as_before and options.prepare == "auto" else "resize"
    spec = replace(dataset.spec, shape=shape, prepare=kept)
    if shape[0] != channels:
        spec = replace(spec, likelihood=COLOUR_LIKELIHOOD if colour else GREY_LIKELIHOOD)
    return replace(dataset, samples=samples, spec=spec)
