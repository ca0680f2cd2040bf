"""What runs a checkpoint: NumPy arrays in, NumPy arrays out. Imports no framework."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from vae.dataspec import DataSpec

CHUNK = 1024 * 28 * 28  # values of the samples in a forward pass: bounds memory to some 40 MB


class Inversion(NamedTuple):
    """Codes of N samples that were found by gradient steps, the nearest of each sample first."""

    codes: Float[np.ndarray, "N S Z"]
    squared_error: Float[np.ndarray, "N S"]  # mean over the values of a sample


# called after each step with the steps done, their number, and what was found; True stops
OnStep = Callable[[int, int, Inversion], bool]


@runtime_checkable
class Runtime(Protocol):
    """Runs the encoder, the decoder and the classifier of a model, those that it has.

    Samples are float32 [N, *spec.array_shape], images in [0, 1]. Safe to call from several threads.
    """

    @property
    def device(self) -> str:
        """Where it runs, such as "cpu"."""
        ...

    @property
    def half(self) -> bool:
        """Whether it decodes in bfloat16."""
        ...

    @property
    def size(self) -> int:
        """Bytes in memory."""
        ...

    def encode(
        self, samples: Float[np.ndarray, "N *X"]
    ) -> tuple[Float[np.ndarray, "N Z"], Float[np.ndarray, "N Z"]]:
        """The code of each sample's posterior, and the log-variance around it."""
        ...

    def draw(
        self, samples: Float[np.ndarray, "N *X"], count: int, seed: int
    ) -> Float[np.ndarray, "N K Z"]:
        """`count` codes from the posterior of each sample."""
        ...

    def elbo(
        self, samples: Float[np.ndarray, "N *X"], seed: int
    ) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """The two terms of the negative ELBO, nats: the cross-entropy, 0 for an implicit model, and
        the KL."""
        ...

    def invert(
        self, samples: Float[np.ndarray, "N *X"], seed: int, on_step: OnStep | None
    ) -> Inversion:
        """Codes whose decoded samples come near to the given ones, by gradient steps."""
        ...

    def classify(self, samples: Float[np.ndarray, "N *X"]) -> Float[np.ndarray, "N C"]:
        """The probabilities of the classes."""
        ...

    def decode(self, z: Float[np.ndarray, "N Z"], out: Float[np.ndarray, "N *X"]) -> None:
        """Write the means of the decoded distributions to `out`."""
        ...

    def levels(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N *X"]:
        """Decoded images in levels of 0 to 255."""
        ...


def chunk_size(spec: DataSpec, values: int = CHUNK) -> int:
    """How many samples a forward pass takes."""
    return max(1, values // math.prod(spec.shape))


def chunks(samples: np.ndarray, spec: DataSpec, size: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Samples in parts of `size`, float32, with the rows of each.

    A memory-mapped array is read part by part. Raises ValueError for another shape, and for images
    with NaN or values outside [0, 1].
    """
    samples = np.asanyarray(samples)
    shape = ["N", *spec.array_shape]
    if samples.shape[1:] != spec.array_shape or samples.dtype.kind != "f":
        wanted = f"[{', '.join(map(str, shape))}]"
        raise ValueError(
            f"{spec.nouns} are floats of shape {wanted}, not {samples.dtype} {list(samples.shape)}"
        )
    for start in range(0, len(samples), size):
        part = np.array(samples[start : start + size], np.float32)
        if spec.kind == "image" and not (part.min() >= 0 and part.max() <= 1):  # NaN fails, too
            raise ValueError(
                f"{spec.nouns} must lie in [0, 1]; these reach from {part.min()} to {part.max()}"
            )
        yield slice(start, start + len(part)), part
