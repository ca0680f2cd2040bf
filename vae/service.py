"""The one door for the interface: NumPy in, NumPy out, one model a process.

Listing, describing and reading encodings need no torch; `load` imports it.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from vae import checkpoint, latent
from vae.catalog import (
    CHECKPOINTS,
    JUDGE,
    History,
    ModelInfo,
    encodings,
    folder_of,
    has_judge,
    history,
    info,
    names,
)
from vae.checkpoint import CheckpointError, Encodings

if TYPE_CHECKING:
    import torch

    from vae.interface import LatentModel

FEW = 16  # codes that one thread decodes sooner than a team of threads is called together
CHUNK = 1024  # images a pass: bounds memory at some 40 MB whatever the number asked for

_loading = threading.Lock()
_loaded: set[str] = set()


def choose_device(name: str | None = None) -> torch.device:
    """The device named, else LATENT_DEVICE, else the best there is; warns and falls back where it
    is not there."""
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    best = next(device for device, available in there.items() if available)
    wanted = name or os.environ.get("LATENT_DEVICE") or best
    try:
        device = torch.device(wanted)
    except RuntimeError:
        device = None
    if device is None or not there.get(device.type, False):
        warnings.warn(
            f"device {wanted!r} is not available here; using {best!r}", RuntimeWarning, stacklevel=2
        )
        return torch.device(best)
    return device


@lru_cache(maxsize=1)
def _team() -> int:
    """Threads that torch starts with, asked before any decode has set another number."""
    import torch

    return torch.get_num_threads()


class Model:
    """A loaded model. Safe to call from several threads at once: nothing is changed after
    loading."""

    def __init__(self, name: str, module: LatentModel, device: torch.device) -> None:
        self.info = info(name)
        self.device = str(device)
        self._module: Any = module  # its abilities are asked for by name, below
        self._device = device
        self._threads = _team()

    def encode(
        self, images: Float[np.ndarray, "N 28 28"]
    ) -> tuple[Float[np.ndarray, "N Z"], Float[np.ndarray, "N Z"]]:
        """Posterior (mean, logvar) of images in [0, 1]; logvar is -inf where the encoder is
        deterministic.

        A memory-mapped array is read chunk by chunk. Raises ValueError for another shape, NaN, or
        values outside [0, 1], and where the model does not encode.
        """
        self._needs("encodes")
        mean = np.empty((len(images), self.info.dims), np.float32)
        logvar = np.empty_like(mean)
        for rows, part in self._stream(images):
            posterior = self._module.encode(part)
            mean[rows] = posterior.mean.cpu().numpy()
            logvar[rows] = posterior.logvar.cpu().numpy()
        return mean, logvar

    def classify(self, images: Float[np.ndarray, "N 28 28"]) -> Float[np.ndarray, "N 10"]:
        """Probabilities of the ten digits for images in [0, 1]. Raises as `encode`."""
        self._needs("classifies")
        probabilities = np.empty((len(images), 10), np.float32)
        for rows, part in self._stream(images):
            probabilities[rows] = self._module.classify(part).exp().cpu().numpy()
        return probabilities

    def _stream(self, images: np.ndarray) -> Iterator[tuple[slice, torch.Tensor]]:
        """Checked images on the device, chunk by chunk."""
        import torch

        images = np.asanyarray(images)
        if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype.kind != "f":
            raise ValueError(
                f"images are floats of shape [N, 28, 28], not {images.dtype} {list(images.shape)}"
            )
        with self._team_for(len(images)), torch.inference_mode():
            for start in range(0, len(images), CHUNK):
                part = np.array(images[start : start + CHUNK], np.float32)
                if not (part.min() >= 0 and part.max() <= 1):  # a NaN fails every comparison
                    raise ValueError(
                        f"images must lie in [0, 1]; these reach from {part.min()} to {part.max()}"
                    )
                yield slice(start, start + len(part)), torch.from_numpy(part).to(self._device)

    @contextmanager
    def _team_for(self, count: int) -> Iterator[None]:
        """The threads that `count` images are worth, and afterwards what was there before.

        Set for the calling thread: a visitor's run is a new thread each time, and OpenMP would
        gather a new team for it, which takes 13 ms where decoding one code takes 0.3.
        """
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1 if count <= FEW else self._threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def generate(
        self,
        labels: Int[np.ndarray, " N"],
        z: Float[np.ndarray, "N S"] | None = None,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> Float[np.ndarray, "N 28 28"]:
        """Images in [0, 1] of the digits asked for.

        z are the numbers of the code besides the digit; by default they are drawn from the prior by
        `seed`, its spread scaled by `temperature`. Raises ValueError for labels that are no digits,
        for z of another shape, and where the model is not told the digit.
        """
        return self.decode(self.codes(labels, z, seed, temperature))

    def codes(
        self,
        labels: Int[np.ndarray, " N"],
        z: Float[np.ndarray, "N S"] | None = None,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> Float[np.ndarray, "N Z"]:
        """The whole codes that `generate` decodes. Raises as it does."""
        self._needs("conditions")
        return latent.on_request(self.info.blocks, labels, z, seed=seed, temperature=temperature)

    def decode(
        self, z: Float[np.ndarray, "N Z"], out: Float[np.ndarray, "N 28 28"] | None = None
    ) -> Float[np.ndarray, "N 28 28"]:
        """Images in [0, 1] of codes, written to `out` (a memory-mapped array, say) where it is
        given.

        Raises ValueError for another shape, NaN or infinity, and where the model does not decode.
        """
        import torch

        self._needs("decodes")
        z = np.asanyarray(z)
        if z.ndim != 2 or z.shape[1] != self.info.dims or z.dtype.kind not in "fiu":
            raise ValueError(
                f"{self.info.name} decodes codes of shape [N, {self.info.dims}], "
                f"not {z.dtype} {list(z.shape)}"
            )
        images = np.empty((len(z), 28, 28), np.float32) if out is None else out
        if images.shape != (len(z), 28, 28):
            raise ValueError(f"{len(z)} images do not fit `out` of shape {list(images.shape)}")
        with self._team_for(len(z)), torch.inference_mode():
            for start in range(0, len(z), CHUNK):
                part = np.array(z[start : start + CHUNK], np.float32)
                if not np.isfinite(part).all():
                    bad = part[~np.isfinite(part)][0]
                    raise ValueError(f"a code must be finite numbers; this one holds {bad}")
                logits = self._module.decode(torch.from_numpy(part).to(self._device))
                images[start : start + CHUNK] = logits.sigmoid_().cpu().numpy()
        return images

    def encodings(self) -> Encodings:
        """The codes of the test digits, as `service.encodings`."""
        return encodings(self.info.name)

    def _needs(self, ability: str) -> None:
        if ability not in self.info.abilities:
            has = ", ".join(sorted(self.info.abilities))
            raise ValueError(f"{self.info.name} is not a model that {ability}; it {has}")


@lru_cache(maxsize=8)
def _load(name: str) -> Model:
    device = choose_device()
    return Model(name, checkpoint.read_model(folder_of(name), str(device)), device)


def load(name: str) -> Model:
    """The model of a shipped checkpoint's name or of a folder, loaded once a process and shared by
    all visitors.

    Raises ValueError for an unknown name, CheckpointError for files that are missing, damaged or
    too new.
    """
    with _loading:  # two visitors who ask at once wait for one load
        model = _load(name)
        _loaded.add(name)
        return model


def is_loaded(name: str) -> bool:
    """Whether `load` would return at once."""
    return name in _loaded


__all__ = [
    "CHECKPOINTS",
    "JUDGE",
    "CheckpointError",
    "Encodings",
    "History",
    "Model",
    "ModelInfo",
    "encodings",
    "has_judge",
    "history",
    "info",
    "is_loaded",
    "load",
    "names",
]
