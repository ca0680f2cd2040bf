"""The one door for the interface: NumPy in, NumPy out, each model loaded once a process.

Listing, describing and reading encodings need no torch; `load` imports it.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import warnings
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from vae import checkpoint, latent
from vae.cache import PictureCache, Tally
from vae.catalog import (
    CHECKPOINTS,
    CLASSIFIER,
    History,
    ModelInfo,
    encodings,
    folder_of,
    has_classifier,
    history,
    info,
    names,
)
from vae.checkpoint import CheckpointError, Encodings

if TYPE_CHECKING:
    import torch

# Of all models, so that memory is bounded whatever their number: what is drawn in sheets, and the
# codes that hands have passed of late, which are many and seldom come again.
_sheets, _singles = PictureCache(48 << 20), PictureCache(4 << 20)
_marks = itertools.count()
_loading = threading.Lock()
_loaded: dict[str, Model] = {}


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


class Engine(NamedTuple):
    """What decodes a model's codes."""

    device: str
    half: bool  # bfloat16
    decode_ms: float | None  # of one code, running mean; None before the first
    cache: Tally  # of all models' pictures


class Reconstruction(NamedTuple):
    """Posteriors of N images, and the two terms of the negative ELBO of each, nats."""

    mean: Float[np.ndarray, "N Z"]
    logvar: Float[np.ndarray, "N Z"]  # -inf where the code has no uncertainty
    cross_entropy: Float[np.ndarray, " N"]  # a mean over codes drawn from the posterior
    kl: Float[np.ndarray, " N"]  # 0 for a deterministic encoder


class Model:
    """A loaded model. Safe to call from several threads at once."""

    def __init__(self, name: str, module: Any, device: torch.device) -> None:
        from vae.decoding import Decoder

        self.info = info(name)
        self.device = str(device)
        self._module = module  # its abilities are asked for by name, below
        self._device = device
        self._packed: Any = None  # for reading many images, once that is asked for
        self._mark = f"{name} {next(_marks)}"  # of this very model in the cache
        self._took: float | None = None  # ms to decode one code
        if "decodes" in self.info.abilities:
            trial = latent.sample_prior(self.info.blocks, 256, seed=0)
            self._decoder = Decoder(module.decode, device, trial)

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
        reader = self._reader(len(images))
        for rows, part in self._stream(images):
            posterior = reader.encode(part)
            mean[rows] = posterior.mean.cpu().numpy()
            logvar[rows] = posterior.logvar.cpu().numpy()
        return mean, logvar

    def reconstruct(self, images: Float[np.ndarray, "N 28 28"], seed: int = 0) -> Reconstruction:
        """Encode images in [0, 1] and measure what is decoded, as `metrics.elbo`.

        Raises as `encode` and `decode`.
        """
        from vae import metrics

        self._needs("encodes")
        self._needs("decodes")
        mean, logvar = self.encode(images)
        cross_entropy, kl = np.empty((2, len(images)), np.float32)
        for rows, part in self._stream(images):
            terms = metrics.elbo(self._module, part, seed=seed + rows.start)
            cross_entropy[rows] = terms.cross_entropy.cpu().numpy()
            kl[rows] = terms.kl.sum(1).cpu().numpy()
        return Reconstruction(mean, logvar, cross_entropy, kl)

    def classify(self, images: Float[np.ndarray, "N 28 28"]) -> Float[np.ndarray, "N 10"]:
        """Probabilities of the ten digits for images in [0, 1]. Raises as `encode`."""
        self._needs("classifies")
        probabilities = np.empty((len(images), 10), np.float32)
        reader = self._reader(len(images))
        for rows, part in self._stream(images):
            probabilities[rows] = reader.classify(part).exp().cpu().numpy()
        return probabilities

    def _reader(self, count: int) -> Any:
        """What reads `count` images soonest: the model, or a copy packed for many."""
        from vae import encoding
        from vae.decoding import FEW

        if count <= FEW or not encoding.packs(self._device):
            return self._module
        if self._packed is None:  # two visitors at once may both pack: either copy will do
            self._packed = encoding.packed(self._module)
        return self._packed

    def _stream(self, images: np.ndarray) -> Iterator[tuple[slice, torch.Tensor]]:
        """Checked images on the device, chunk by chunk."""
        import torch

        from vae import encoding
        from vae.decoding import CHUNK, team_for

        size = min(CHUNK, encoding.CHUNK) if self._device.type == "cpu" else CHUNK
        images = np.asanyarray(images)
        if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype.kind != "f":
            raise ValueError(
                f"images are floats of shape [N, 28, 28], not {images.dtype} {list(images.shape)}"
            )
        with team_for(len(images)), torch.inference_mode():
            for start in range(0, len(images), size):
                part = np.array(images[start : start + size], np.float32)
                if not (part.min() >= 0 and part.max() <= 1):  # a NaN fails every comparison
                    raise ValueError(
                        f"images must lie in [0, 1]; these reach from {part.min()} to {part.max()}"
                    )
                yield slice(start, start + len(part)), torch.from_numpy(part).to(self._device)

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
        return latent.conditional_codes(
            self.info.blocks, labels, z, seed=seed, temperature=temperature
        )

    def decode(
        self, z: Float[np.ndarray, "N Z"], out: Float[np.ndarray, "N 28 28"] | None = None
    ) -> Float[np.ndarray, "N 28 28"]:
        """Images in [0, 1] of codes, written to `out` (a memory-mapped array, say) where it is
        given.

        Raises ValueError for another shape, NaN or infinity, and where the model does not decode.
        """
        import torch

        from vae.decoding import CHUNK, team_for

        z = self._checked(z)
        images = np.empty((len(z), 28, 28), np.float32) if out is None else out
        if images.shape != (len(z), 28, 28):
            raise ValueError(f"{len(z)} images do not fit `out` of shape {list(images.shape)}")
        with team_for(len(z)), torch.inference_mode():
            for start in range(0, len(z), CHUNK):
                part = _finite(z[start : start + CHUNK])
                logits = self._module.decode(torch.from_numpy(part).to(self._device))
                images[start : start + CHUNK] = logits.sigmoid_().cpu().numpy()
        return images

    def pictures(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N 28 28"]:
        """Grey levels 0 to 255 of codes, as the screen shows them; read-only, and kept: the same
        codes are not decoded twice while there is room. Raises as `decode`.

        On CUDA these may differ from `decode` by one level (half precision).
        """
        codes = _finite(self._checked(z))
        cache = _singles if len(codes) == 1 else _sheets
        return cache.get(self._mark, codes, partial(self._draw, codes))

    def _draw(self, codes: np.ndarray) -> np.ndarray:
        start = time.perf_counter()
        drawn = self._decoder(codes)
        if len(codes) == 1:
            took = (time.perf_counter() - start) * 1e3
            self._took = took if self._took is None else 0.9 * self._took + 0.1 * took
        return drawn

    def engine(self) -> Engine:
        """What decodes, and how fast it has been."""
        return Engine(
            self.device, self._decoder.half, self._took, _sheets.tally() + _singles.tally()
        )

    def _checked(self, z: np.ndarray) -> np.ndarray:
        self._needs("decodes")
        z = np.asanyarray(z)
        if z.ndim != 2 or z.shape[1] != self.info.dims or z.dtype.kind not in "fiu":
            raise ValueError(
                f"{self.info.name} decodes codes of shape [N, {self.info.dims}], "
                f"not {z.dtype} {list(z.shape)}"
            )
        return z

    def encodings(self) -> Encodings:
        """The codes of the test digits, as `service.encodings`."""
        return encodings(self.info.name)

    def _needs(self, ability: str) -> None:
        if ability not in self.info.abilities:
            has = ", ".join(sorted(self.info.abilities))
            raise ValueError(f"{self.info.name} is not a model that {ability}; it {has}")


def _finite(z: np.ndarray) -> np.ndarray:
    """A copy of codes as float32. Raises ValueError for NaN and infinity."""
    codes = np.array(z, np.float32)
    if not np.isfinite(codes).all():
        bad = codes[~np.isfinite(codes)][0]
        raise ValueError(f"a code must be finite numbers; this one holds {bad}")
    return codes


def load(name: str) -> Model:
    """The model of a shipped checkpoint's name or of a folder, loaded once a process and shared by
    all visitors.

    Raises ValueError for an unknown name, CheckpointError for files that are missing, damaged or
    too new.
    """
    with _loading:  # two visitors who ask at once wait for one load
        if name not in _loaded:
            device = choose_device()
            _loaded[name] = Model(name, checkpoint.read_model(folder_of(name), str(device)), device)
        return _loaded[name]


def is_loaded(name: str) -> bool:
    """Whether `load` would return at once."""
    return name in _loaded


__all__ = [
    "CHECKPOINTS",
    "CLASSIFIER",
    "CheckpointError",
    "Encodings",
    "Engine",
    "History",
    "Model",
    "ModelInfo",
    "Reconstruction",
    "encodings",
    "has_classifier",
    "history",
    "info",
    "is_loaded",
    "load",
    "names",
]
