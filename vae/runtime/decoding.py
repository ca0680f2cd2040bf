"""Fast decoding of codes to levels of 0 to 255: one thread for a few codes; on CUDA a graph, and
half precision where the levels stay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

FEW = 16  # codes up to which one thread is faster than starting several

Network = Callable[[Tensor], Tensor]  # codes [B, Z] -> images [B, *X] in [0, 1]


@lru_cache(maxsize=1)
def _default_threads() -> int:
    """The number of threads that torch starts with, read before any decode sets another number."""
    return torch.get_num_threads()


@contextmanager
def threads_for(count: int) -> Iterator[None]:
    """Set the number of torch threads for `count` images, and reset it afterwards.

    It holds for the calling thread. Each script run is a new thread, for which OpenMP would start
    new workers: that takes 13 ms, decoding one code 0.3 ms.
    """
    default, before = _default_threads(), torch.get_num_threads()
    torch.set_num_threads(1 if count <= FEW else default)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def levels(network: Network, z: Float[Tensor, "B Z"]) -> UInt8[Tensor, "B *X"]:
    """Decoded images in levels of 0 to 255, on the device of the codes."""
    return network(z).mul(255).round_().to(torch.uint8)


def in_half(network: Network, device: torch.device) -> Network:
    """The same network in bfloat16 where autocast allows it."""

    def half(z: Tensor) -> Tensor:
        # no cache: a cached copy of the weights would not survive the capture of a graph
        with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            return network(z)

    return half


def same_pictures(a: Network, b: Network, z: Float[Tensor, "B Z"]) -> bool:
    """Whether two networks decode the codes z to levels that differ by at most 1 of 255."""
    one, other = levels(a, z).short(), levels(b, z).short()
    return bool((one - other).abs().max() <= 1)


class Replay:
    """A CUDA graph that decodes one code.

    For a single code, launching the kernels one by one takes longer than running them (PyTorch's
    notes, "CUDA Graphs").
    """

    def __init__(self, network: Network, dims: int, device: torch.device) -> None:
        self._code = torch.zeros(1, dims, device=device)
        self._lock = Lock()  # all threads share the input and the output tensor
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):  # the warm-up that the notes require
            for _ in range(3):
                levels(network, self._code)
        torch.cuda.current_stream(device).wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        # other threads may decode meanwhile
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._picture = levels(network, self._code)

    def __call__(self, z: Float[Tensor, "1 Z"]) -> UInt8[Tensor, "1 *X"]:
        with self._lock:
            self._code.copy_(z)
            self._graph.replay()
            return self._picture.cpu()


class Decoder:
    """Decodes codes to levels of 0 to 255 on a device.

    Half precision is used on CUDA if the pictures of the codes `trial` [B, Z] stay the same.
    """

    def __init__(
        self, network: Network, device: torch.device, trial: Float[np.ndarray, "B Z"]
    ) -> None:
        self._network, self._device, self._one = network, device, None
        self.half = False
        if device.type != "cuda":
            return
        with torch.inference_mode():
            half, codes = in_half(network, device), torch.from_numpy(trial).to(device)
            if torch.cuda.is_bf16_supported() and same_pictures(network, half, codes):
                self._network, self.half = half, True
            self._one = Replay(self._network, trial.shape[1], device)

    def __call__(self, z: Float[np.ndarray, "N Z"], chunk: int) -> UInt8[np.ndarray, "N *X"]:
        """Levels of float32 codes, decoded `chunk` at a time."""
        with threads_for(len(z)), torch.inference_mode():
            codes = torch.from_numpy(z)
            if self._one is not None and len(z) == 1:
                return self._one(codes).numpy()
            parts = [
                levels(self._network, part.to(self._device)).cpu() for part in codes.split(chunk)
            ]
            return torch.cat(parts).numpy()
