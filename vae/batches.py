"""Training images: splits for validation and few labels, and shuffled batches on the device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from vae.data import Digits
from vae.distributed import Noise
from vae.interface import Batch


class Batches:
    """Shuffled batches of images that are kept on the device and indexed there, batch by batch.

    Every process uses the same order and takes its rows of each batch. A last incomplete batch is
    dropped. Raises ValueError where there are fewer images than a batch, or the batch size is not a
    multiple of the number of processes.
    """

    def __init__(
        self, digits: Digits, batch: int, device: torch.device, rank: int = 0, world: int = 1
    ) -> None:
        if batch % world:
            raise ValueError(f"a batch of {batch} is not a multiple of {world} processes")
        if len(digits.images) < batch:
            raise ValueError(
                f"{len(digits.images)} images are fewer than one batch of {batch}; "
                "take a smaller --batch"
            )
        self.images = torch.from_numpy(np.ascontiguousarray(digits.images)).to(
            device
        )  # uint8: a quarter of float32
        self.labels = torch.from_numpy(np.ascontiguousarray(digits.labels)).to(device)
        self.batch, self.rank, self.world = batch, rank, world

    def __len__(self) -> int:
        return len(self.images) // self.batch

    def epoch(self, noise: Noise) -> Iterator[Batch]:
        """The batches of one epoch, in an order drawn from `noise`."""
        order = torch.randperm(
            len(self.images), generator=noise.generator, device=self.images.device
        )
        for index in range(len(self)):
            rows = order[index * self.batch : (index + 1) * self.batch][self.rank :: self.world]
            # index_select copies whole images: a fifth of the time of self.images[rows]
            yield Batch(self.images.index_select(0, rows).float() / 255, self.labels[rows])


def hold_out(digits: Digits, count: int, seed: int) -> tuple[Digits, Digits | None]:
    """Split images into (training, validation) at random by `seed`; validation is None for a count
    of 0. Raises ValueError where none would be left to train on."""
    if not 0 <= count < len(digits.images):
        raise ValueError(
            f"cannot hold out {count} of {len(digits.images)} images; take a smaller --validation"
        )
    order = np.random.default_rng(seed).permutation(len(digits.images))
    training, validation = np.sort(order[count:]), np.sort(order[:count])
    held_out = Digits(digits.images[validation], digits.labels[validation]) if count else None
    return Digits(digits.images[training], digits.labels[training]), held_out


def with_labels(digits: Digits, count: int, seed: int) -> Digits:
    """Keep the labels of `count` images, as many of each class at random by `seed`; others are -1.

    The labelled images are repeated until they make up a fifth of the data, so that each batch has
    some. A count of 0 keeps all labels. Raises ValueError where a class has too few images.
    """
    if not count:
        return digits
    rng = np.random.default_rng(seed)
    by_class = [np.flatnonzero(digits.labels == y) for y in range(10)]
    if count // 10 > (least := min(map(len, by_class))):
        raise ValueError(
            f"{count} labels need {count // 10} images of each class; one class has {least}"
        )
    labelled = np.concatenate([rng.choice(rows, count // 10, replace=False) for rows in by_class])
    times = max(1, round(len(digits.images) / 4 / count))
    images = np.concatenate([digits.images, np.tile(digits.images[labelled], (times, 1, 1))])
    labels = np.concatenate(
        [np.full(len(digits.images), -1), np.tile(digits.labels[labelled], times)]
    )
    return Digits(images, labels)
