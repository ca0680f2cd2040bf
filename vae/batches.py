"""Training samples: splits for validation and few labels, shuffled batches on the device, and the
targets of the reconstruction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vae.dataspec import Dataset
from vae.distributed import Noise
from vae.interface import Batch, LatentModel
from vae.optim import TrainConfig
from vae.tensors import to_tensor


class Batches:
    """Shuffled batches of samples that are kept on the device and indexed there, batch by batch.

    An epoch has all samples, or those of `rows`, which may repeat some. Every process uses the same
    order and takes its rows of each batch. A last incomplete batch is dropped. Raises ValueError
    where there are fewer samples than a batch, or the batch size is not a multiple of the number of
    processes.
    """

    def __init__(
        self,
        data: Dataset,
        batch: int,
        device: torch.device,
        rank: int = 0,
        world: int = 1,
        rows: np.ndarray | None = None,
    ) -> None:
        if batch % world:
            raise ValueError(f"a batch of {batch} is not a multiple of {world} processes")
        if len(data) < batch:
            raise ValueError(
                f"{len(data)} {data.spec.nouns} are fewer than one batch of {batch}; "
                f"add --batch {len(data)} or less"
            )
        self.spec = data.spec
        # images stay uint8: a quarter of float32
        self.samples = torch.from_numpy(np.ascontiguousarray(data.samples)).to(device)
        self.labels = torch.from_numpy(np.ascontiguousarray(data.labels)).to(device)
        self.rows = torch.from_numpy(np.arange(len(data)) if rows is None else rows).to(device)
        self.batch, self.rank, self.world = batch, rank, world

    def __len__(self) -> int:
        return len(self.rows) // self.batch

    def epoch(self, noise: Noise) -> Iterator[Batch]:
        """The batches of one epoch, in an order drawn from `noise`."""
        count, device = len(self.rows), self.samples.device
        order = self.rows[torch.randperm(count, generator=noise.generator, device=device)]
        for index in range(len(self)):
            rows = order[index * self.batch : (index + 1) * self.batch][self.rank :: self.world]
            # index_select copies whole samples: a fifth of the time of self.samples[rows]
            chosen = self.samples.index_select(0, rows)
            yield Batch(to_tensor(chosen, self.spec), self.labels[rows])


def targets(model: LatentModel, x: Float[Tensor, "B *X"], noise: Noise) -> Float[Tensor, "B *X"]:
    """What the decoder is to reconstruct: x, or a draw of binary values whose probabilities are x
    where the model's config says `binarise` and the likelihood is one of binary values."""
    binarise = model.config.binarise and model.likelihood.binary
    return noise.bernoulli(x) if binarise else x


def epoch_rows(data: Dataset, config: TrainConfig) -> np.ndarray:
    """The rows of an epoch: `config.passes` times those of all samples, or of classes that are
    balanced by `config.balance`."""
    rows = np.arange(len(data))
    if config.balance < 1:
        rows = balanced_rows(data.labels, power=config.balance, seed=config.seed)
    return np.tile(rows, config.passes)


def balanced_rows(labels: np.ndarray, *, power: float = 0.5, seed: int = 0) -> np.ndarray:
    """Rows for `Dataset.select`, each at least once, int64 [M] with M >= N, in shuffled order.

    A class of n samples gets a share in proportion to n^power: 1 keeps the frequencies, 0 makes
    all classes equally frequent. Samples without a class (-1) count as one class.

    Raises ValueError for a power outside 0 to 1.
    """
    if not 0 <= power <= 1:
        raise ValueError(f"power {power} is not in 0 to 1")
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    rows = []
    for label, count in zip(classes, counts, strict=True):
        own = rng.permutation(np.flatnonzero(labels == label))
        rows.append(np.resize(own, round(count * (counts.max() / count) ** (1 - power))))
    return rng.permutation(np.concatenate(rows)) if rows else np.empty(0, np.int64)


def hold_out(data: Dataset, count: int, seed: int) -> tuple[Dataset, Dataset | None]:
    """Split samples into (training, validation) at random by `seed`; validation is None for a count
    of 0. Raises ValueError where none would be left to train on."""
    if not 0 <= count < len(data):
        raise ValueError(
            f"cannot hold out {count} of {len(data)} {data.spec.nouns}; add --validation "
            f"{len(data) // 10} or less"
        )
    order = np.random.default_rng(seed).permutation(len(data))
    training, validation = np.sort(order[count:]), np.sort(order[:count])
    return data.select(training), data.select(validation) if count else None


def with_labels(data: Dataset, count: int, seed: int) -> Dataset:
    """Keep the labels of `count` samples at random by `seed`, as many of each class; others are -1.
    Where the classes do not divide count, some classes at random have one more.

    The labelled samples are repeated until they make up a fifth of the data, so that each batch has
    some. A count of 0 keeps all labels. Raises ValueError where a class has too few samples, and
    for fewer labels than classes.
    """
    if not count:
        return data
    classes = data.class_count
    if not classes or count < classes:
        raise ValueError(
            f"{count} labels are too few for {classes} classes; give one of each class or more, or "
            "0 for all labels"
        )
    rng = np.random.default_rng(seed)
    by_class = [np.flatnonzero(data.labels == y) for y in range(classes)]
    wanted = np.full(classes, count // classes)
    if rest := count % classes:
        wanted[rng.permutation(classes)[:rest]] += 1
    for rows, each in zip(by_class, wanted, strict=True):
        if each > len(rows):
            raise ValueError(
                f"{count} labels need {each} {data.spec.nouns} of each class; one class has "
                f"{len(rows)}"
            )
    chosen = [rng.choice(rows, n, replace=False) for rows, n in zip(by_class, wanted, strict=True)]
    labelled = np.concatenate(chosen)
    times = max(1, round(len(data) / 4 / count))
    rows = np.concatenate([np.arange(len(data)), np.tile(labelled, times)])
    labels = np.concatenate([np.full(len(data), -1), np.tile(data.labels[labelled], times)])
    return replace(data.select(rows), labels=labels)
