"""What the samples of a data set are: DataSpec; and samples with labels and attributes: Dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

Kind = Literal["image", "sequence", "text"]
Preparation = Literal["mnist", "resize", "tokens"]
SIDES = (8, 128)  # px: the shortest and the longest side of an image that a loader gives


@dataclass(frozen=True)
class DataSpec:
    """The kind and the shape of a data set's samples, their likelihood and their classes.

    Networks are built from it, and pages choose by it how a sample is shown and entered. It
    consists of JSON scalars and lists. Raises ValueError for a shape that does not fit the kind, or
    an image side beyond `SIDES`.
    """

    kind: Kind
    shape: tuple[int, ...]  # (C, H, W) of an image, (T, D) of a sequence, (T,) of a text
    likelihood: str  # a name in likelihoods.LIKELIHOODS
    classes: tuple[str, ...] = ()  # names; a label is an index, -1 where unknown
    prepare: Preparation = "resize"  # how raw input becomes a sample
    vocabulary: tuple[str, ...] = ()  # of a text: the tokens, by their number
    noun: str = "image"  # what the pages call one sample

    def __post_init__(self) -> None:
        axes = {"image": 3, "sequence": 2, "text": 1}
        if self.kind not in axes:
            raise ValueError(f"kind {self.kind!r} is not one of {', '.join(get_args(Kind))}")
        if len(self.shape) != axes[self.kind] or not all(
            isinstance(n, int) and n > 0 for n in self.shape
        ):
            raise ValueError(
                f"shape {list(self.shape)} is not that of a sample of kind {self.kind}: "
                f"it needs {axes[self.kind]} positive numbers"
            )
        if self.prepare not in get_args(Preparation):
            raise ValueError(f"prepare {self.prepare!r} is not in {get_args(Preparation)}")
        if self.kind == "image":
            self._check_image()

    def _check_image(self) -> None:
        channels, *sides = self.shape
        if channels not in (1, 3):
            raise ValueError(f"an image has 1 channel (grey) or 3 (colour), not {channels}")
        if max(sides) > SIDES[1]:
            raise ValueError(
                f"an image has sides of {SIDES[1]} pixels at the most, not {sides[0]}x{sides[1]}; "
                "resize it with --size"
            )

    @property
    def array_shape(self) -> tuple[int, ...]:
        """The shape of a sample as an array: [H, W] grey, [H, W, 3] colour, else `shape`."""
        if self.kind != "image":
            return self.shape
        channels, height, width = self.shape
        return (height, width) if channels == 1 else (height, width, channels)

    @property
    def nouns(self) -> str:
        """What the pages call several samples."""
        return f"{self.noun}s"

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON scalars and lists."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, fields_by_name: Mapping[str, Any]) -> DataSpec:
        """The inverse of `as_json`. Raises ValueError for unknown or missing fields."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(fields_by_name) - known):
            raise ValueError(f"a data spec has no field {', '.join(unknown)}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields_by_name.items()
        }
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"the data spec is incomplete ({error})") from error


MNIST = DataSpec(
    "image", (1, 28, 28), "bernoulli", tuple("0123456789"), prepare="mnist", noun="digit"
)


@dataclass(frozen=True)
class Dataset:
    """Samples with their labels.

    Raises ValueError where labels, attributes or names do not fit the samples.
    """

    samples: np.ndarray  # uint8 [N, *spec.array_shape] of images
    labels: np.ndarray  # int64 [N], an index into spec.classes; -1 where unknown
    spec: DataSpec
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)  # float32 [N]; NaN: unknown
    names: Sequence[str] = ()  # one a sample, such as its file's; or empty

    def __post_init__(self) -> None:
        if self.samples.shape[1:] != self.spec.array_shape:
            raise ValueError(
                f"samples have shape {list(self.samples.shape[1:])}, and the spec says "
                f"{list(self.spec.array_shape)}"
            )
        columns = {"labels": self.labels} | dict(self.attributes)
        for name, column in columns.items():
            if column.shape != (len(self),):
                raise ValueError(f"{name} has shape {column.shape} for {len(self)} samples")
        if len(self.names) not in (0, len(self)):
            raise ValueError(f"there are {len(self.names)} names for {len(self)} samples")
        if len(self) and not -1 <= self.labels.min() <= self.labels.max() < self.class_count:
            bad = self.labels[(self.labels < -1) | (self.labels >= self.class_count)][0]
            raise ValueError(f"label {bad} is neither a class (0 to {self.class_count - 1}) nor -1")

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def digest(self) -> str:
        """A hash of the samples, by which encodings are known to belong to them."""
        return hashlib.sha256(np.ascontiguousarray(self.samples).data).hexdigest()

    @property
    def class_count(self) -> int:
        """The number of classes; 0 for unlabelled data."""
        return len(self.spec.classes)

    def select(self, rows: np.ndarray | slice) -> Dataset:
        """The samples of these rows, as an index array, a mask or a slice."""
        names = tuple(np.asarray(self.names)[rows].tolist()) if len(self.names) else ()
        attributes = {name: column[rows] for name, column in self.attributes.items()}
        return Dataset(self.samples[rows], self.labels[rows], self.spec, attributes, names)
