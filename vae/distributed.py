"""Training in several processes under torchrun, with random numbers that do not depend on the
number of processes."""

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
    """The rank of this process, the number of processes, and its device."""

    rank: int
    world: int
    device: torch.device


@contextmanager
def workers(device: torch.device) -> Iterator[Workers]:
    """Join the process group of torchrun's environment; a single process without one."""
    if "LOCAL_RANK" not in os.environ:
        yield Workers(0, 1, device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size(), device)
        # Gloo's threads, which DistributedDataParallel keeps alive, release the tensors of a
        # finished collective late and take the GIL for it; if the interpreter is shutting down, the
        # process aborts. Waiting avoids that; the tensors of this last collective live to the end.
        last = cast(dist.Work, dist.barrier(async_op=True))
        last.wait()
        atexit.register(lambda kept: None, last)
    finally:
        dist.destroy_process_group()


class Noise:
    """A random generator whose numbers are the same for any number of processes.

    Each process draws the numbers of the whole batch and keeps the rows of its images.
    """

    def __init__(self, device: torch.device, rank: int = 0, world: int = 1) -> None:
        self.generator = torch.Generator(device)
        self.rank, self.world = rank, world

    def seed(self, seed: int) -> None:
        """Seed the numbers of an epoch."""
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
        """A sample of 0 or 1 for each probability; the first axis is the batch."""
        return (self.uniform(*p.shape) < p).float()
