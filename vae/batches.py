"""Training images on the device: held out, told their digits or not, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from vae.data import Digits
from vae.distributed import Noise
from vae.interface import Batch


class Batches:
    """Training images on the device, cut into shuffled batches with no work per sample.

    Every process sees the same order and takes its own rows of each batch. What is left over when
    the images do not divide evenly sits out for one epoch; the next shuffle leaves others.
    """

    def __init__(
        self, digits: Digits, batch: int, device: torch.device, rank: int = 0, world: int = 1
    ) -> None:
        if batch % world:
            raise ValueError(f"a batch of {batch} does not divide among {world} processes")
        if len(digits.images) < batch:
            raise ValueError(
                f"{len(digits.images)} images are fewer than one batch of {batch}; "
                "take a smaller batch"
            )
        self.images = torch.from_numpy(np.ascontiguousarray(digits.images)).to(
            device
        )  # uint8: a quarter of float32
        self.labels = torch.from_numpy(np.ascontiguousarray(digits.labels)).to(device)
        self.batch, self.rank, self.world = batch, rank, world

    def __len__(self) -> int:
        return len(self.images) // self.batch

    def epoch(self, noise: Noise) -> Iterator[Batch]:
        """The batches of one epoch, in an order that `noise` decides."""
        order = torch.randperm(
            len(self.images), generator=noise.generator, device=self.images.device
        )
        for index in range(len(self)):
            rows = order[index * self.batch : (index + 1) * self.batch][self.rank :: self.world]
            # index_select gathers whole images at a time: a fifth of what self.images[rows] takes
            yield Batch(self.images.index_select(0, rows).float() / 255, self.labels[rows])


def hold_out(digits: Digits, count: int, seed: int) -> tuple[Digits, Digits | None]:
    """Split images into (training, validation) by a fixed draw; a count of 0 holds nothing out."""
    if not 0 <= count < len(digits.images):
        raise ValueError(f"cannot hold out {count} of {len(digits.images)} images")
    order = np.random.default_rng(seed).permutation(len(digits.images))
    kept, out = np.sort(order[count:]), np.sort(order[:count])
    held = Digits(digits.images[out], digits.labels[out]) if count else None
    return Digits(digits.images[kept], digits.labels[kept]), held


def with_labels(digits: Digits, count: int, seed: int) -> Digits:
    """Tell the digits of `count` images only, as many of each by a fixed draw; other labels are -1.

    The told ones are repeated until they make up a fifth, so that each batch holds some. A count of
    0 tells all. Raises ValueError where a digit has too few images.
    """
    if not count:
        return digits
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(digits.labels == digit) for digit in range(10)]
    if count // 10 > (least := min(map(len, places))):
        raise ValueError(
            f"{count} labels are {count // 10} of each digit; of one there are {least}"
        )
    told = np.concatenate([rng.choice(each, count // 10, replace=False) for each in places])
    times = max(1, round(len(digits.images) / 4 / count))
    images = np.concatenate([digits.images, np.tile(digits.images[told], (times, 1, 1))])
    labels = np.concatenate([np.full(len(digits.images), -1), np.tile(digits.labels[told], times)])
    return Digits(images, labels)
