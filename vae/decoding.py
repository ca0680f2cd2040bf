"""Codes to pictures as fast as the device allows: one thread for one code, and on CUDA a captured
graph and half precision where nobody can see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

FEW = 16  # codes that one thread decodes sooner than a team of threads is called together
CHUNK = 1024  # images a pass: bounds memory at some 40 MB whatever the number asked for

Network = Callable[[Tensor], Tensor]  # [B, Z] -> logits [B, 28, 28]


@lru_cache(maxsize=1)
def _team() -> int:
    """Threads that torch starts with, asked before any decode has set another number."""
    return torch.get_num_threads()


@contextmanager
def team_for(count: int) -> Iterator[None]:
    """The threads that `count` images are worth, and afterwards what was there before.

    Set for the calling thread: a visitor's run is a new thread each time, and OpenMP would gather a
    new team for it, which takes 13 ms where decoding one code takes 0.3.
    """
    team, before = _team(), torch.get_num_threads()
    torch.set_num_threads(1 if count <= FEW else team)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def grey(network: Network, z: Float[Tensor, "B Z"]) -> UInt8[Tensor, "B 28 28"]:
    """Grey levels 0 to 255 of codes, on their device."""
    return network(z).float().sigmoid_().mul_(255).round_().to(torch.uint8)


def in_half(network: Network, device: torch.device) -> Network:
    """The same network computed in bfloat16 where that is safe."""

    def half(z: Tensor) -> Tensor:
        # no cache: a cached copy of the weights would not survive the capture of a graph
        with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            return network(z)

    return half


def looks_the_same(a: Network, b: Network, z: Float[Tensor, "B Z"]) -> bool:
    """Whether two networks draw the codes z alike to one grey level of 255."""
    one, other = grey(a, z).short(), grey(b, z).short()
    return bool((one - other).abs().max() <= 1)


class Replay:
    """A CUDA graph of one code's decode: the processor starts it at once instead of launching each
    kernel, which for one code takes longer than the kernels (PyTorch's notes, "CUDA Graphs")."""

    def __init__(self, network: Network, dims: int, device: torch.device) -> None:
        self._code = torch.zeros(1, dims, device=device)
        self._lock = Lock()  # the code and the picture are one place each for all visitors
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):  # as the notes ask: libraries set themselves up before
            for _ in range(3):
                grey(network, self._code)
        torch.cuda.current_stream(device).wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        # other visitors' threads may decode meanwhile
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._picture = grey(network, self._code)

    def __call__(self, z: Float[Tensor, "1 Z"]) -> UInt8[Tensor, "1 28 28"]:
        with self._lock:
            self._code.copy_(z)
            self._graph.replay()
            return self._picture.cpu()


class Decoder:
    """A network on its device, as the pictures of the interface need it.

    `trial` are codes [B, Z] by which half precision is judged on CUDA.
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
            if torch.cuda.is_bf16_supported() and looks_the_same(network, half, codes):
                self._network, self.half = half, True
            self._one = Replay(self._network, trial.shape[1], device)

    def __call__(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N 28 28"]:
        """Grey levels of codes, float32."""
        with team_for(len(z)), torch.inference_mode():
            codes = torch.from_numpy(z)
            if self._one is not None and len(z) == 1:
                return self._one(codes).numpy()
            parts = [
                grey(self._network, part.to(self._device)).cpu() for part in codes.split(CHUNK)
            ]
            return torch.cat(parts).numpy() if parts else np.empty((0, 28, 28), np.uint8)
