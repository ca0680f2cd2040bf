"""Processes that train one model together under torchrun, and random numbers that are the same
however many there are."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import torch
import torch.distributed as dist
from torch import Tensor


class Workers(NamedTuple):
    """This process among those that train together."""

    rank: int
    world: int
    device: torch.device


@contextmanager
def workers(device: torch.device) -> Iterator[Workers]:
    """Join the process group that torchrun announces in the environment; alone without it."""
    if "LOCAL_RANK" not in os.environ:
        yield Workers(0, 1, device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size(), device)
        # Gloo's threads, which a DistributedDataParallel keeps alive, drop a finished collective's
        # tensors late and need the interpreter for it: one that asks while it closes aborts the
        # process. Waiting lets them in; what this last collective holds is kept to the end.
        last = cast(dist.Work, dist.barrier(async_op=True))
        last.wait()
        atexit.register(lambda kept: None, last)
    finally:
        dist.destroy_process_group()


class Noise:
    """Random numbers of one epoch, equal however many processes share the batch.

    Each process draws the numbers of the whole batch and keeps the rows of its own images.
    """

    def __init__(self, device: torch.device, rank: int = 0, world: int = 1) -> None:
        self.generator = torch.Generator(device)
        self.rank, self.world = rank, world

    def seed(self, seed: int) -> None:
        """Start the numbers of an epoch; the same seed gives the same numbers."""
        self.generator.manual_seed(seed)

    def _rows(self, draw: Callable[..., Tensor], shape: tuple[int, ...]) -> Tensor:
        whole = (shape[0] * self.world, *shape[1:])
        numbers = draw(whole, generator=self.generator, device=self.generator.device)
        return numbers[self.rank :: self.world]

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers; the first axis is the batch."""
        return self._rows(torch.randn, shape)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers on [0, 1); the first axis is the batch."""
        return self._rows(torch.rand, shape)

    def bernoulli(self, p: Tensor) -> Tensor:
        """0 or 1 anew for each probability; the first axis is the batch."""
        return (self.uniform(*p.shape) < p).float()
