"""The one door for the interface: NumPy in, NumPy out, one model a process.

Listing, describing and reading encodings need no torch; `load` imports it.
"""

from __future__ import annotations

import os
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from vae import checkpoint, latent
from vae.checkpoint import CheckpointError, Encodings
from vae.latent import LatentBlock

if TYPE_CHECKING:
    import torch

    from vae.interface import LatentModel

CHECKPOINTS = Path(
    os.environ.get("LATENT_CHECKPOINTS")
    or Path(__file__).resolve().parent.parent / "assets" / "checkpoints"
)
FEW = 16  # codes that one thread decodes sooner than a team of threads is called together
CHUNK = 1024  # images a pass: bounds memory at some 40 MB whatever the number asked for

_loading = threading.Lock()
_loaded: set[str] = set()


@dataclass(frozen=True)
class ModelInfo:
    """What can be said of a model without its weights."""

    name: str
    title: str
    description: str
    abilities: frozenset[str]  # "encodes", "decodes"
    blocks: tuple[LatentBlock, ...]
    figures: dict[str, Any]  # metrics.json
    kl: tuple[
        float, ...
    ]  # nats a dimension, mean over the test digits; all 0 for a deterministic encoder
    active: tuple[bool, ...]  # whether a dimension is in use

    @property
    def dims(self) -> int:
        """Latent dimensions in all."""
        return sum(block.size for block in self.blocks)

    @property
    def order(self) -> tuple[int, ...]:
        """Dimensions, the one that carries most nats first; those not in use come last."""
        return tuple(sorted(range(self.dims), key=lambda d: (not self.active[d], -self.kl[d], d)))


def folder_of(name: str) -> Path:
    """The folder of a shipped checkpoint's name, or of a path. Raises ValueError where there is
    neither."""
    if (CHECKPOINTS / name / checkpoint.CONFIG).exists():
        return CHECKPOINTS / name
    if Path(name).is_dir():
        return Path(name)
    raise ValueError(
        f"there is no model {name!r}; choose one of {', '.join(names()) or '(none is shipped)'}"
    )


def names() -> list[str]:
    """The shipped checkpoints, the plain VAEs first and by size."""
    found = [path.parent.name for path in CHECKPOINTS.glob(f"*/{checkpoint.CONFIG}")]
    return sorted(found, key=lambda n: (not n.startswith("vae"), len(n), n))


@lru_cache(maxsize=32)
def encodings(name: str) -> Encodings:
    """The codes of the 10,000 test digits; read once and shared, so not to be written to.

    Raises ValueError for an unknown name, CheckpointError for a missing or damaged file.
    """
    read = checkpoint.read_encodings(folder_of(name))
    for array in read:
        if array is not None:
            array.setflags(write=False)
    return read


@lru_cache(maxsize=32)
def info(name: str) -> ModelInfo:
    """Describe a model without importing torch. Raises as `encodings`."""
    folder = folder_of(name)
    manifest, codes = checkpoint.read_manifest(folder), encodings(name)
    if codes.mean.shape[1] != (dims := sum(block.size for block in manifest.blocks)):
        raise CheckpointError(
            f"{folder / checkpoint.ENCODINGS} has codes of {codes.mean.shape[1]} dimensions, "
            f"the model {dims}; make it again with: python -m vae encode {folder}"
        )
    active = codes.mean.var(axis=0) > latent.ACTIVE
    kl = latent.gaussian_kl(codes.mean, codes.logvar).mean(axis=0)
    if not np.isfinite(kl).all():
        kl = np.zeros_like(kl)
    return ModelInfo(
        name=name,
        title=manifest.title,
        description=manifest.description,
        abilities=frozenset(manifest.abilities),
        blocks=manifest.blocks,
        figures=checkpoint.read_metrics(folder),
        kl=tuple(kl.tolist()),
        active=tuple(active.tolist()),
    )


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
        import torch

        self._needs("encodes")
        images = np.asanyarray(images)
        if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype.kind != "f":
            raise ValueError(
                f"encode takes floats of shape [N, 28, 28], not {images.dtype} {list(images.shape)}"
            )
        mean = np.empty((len(images), self.info.dims), np.float32)
        logvar = np.empty_like(mean)
        with torch.inference_mode():
            for start in range(0, len(images), CHUNK):
                part = np.array(images[start : start + CHUNK], np.float32)
                if not (part.min() >= 0 and part.max() <= 1):  # a NaN fails every comparison
                    raise ValueError(
                        f"images must lie in [0, 1]; these reach from {part.min()} to {part.max()}"
                    )
                posterior = self._module.encode(torch.from_numpy(part).to(self._device))
                mean[start : start + CHUNK] = posterior.mean.cpu().numpy()
                logvar[start : start + CHUNK] = posterior.logvar.cpu().numpy()
        return mean, logvar

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
        # set for the calling thread: a visitor's run is a new thread each time, and OpenMP would
        # gather a new team for it, which takes 13 ms where decoding one code takes 0.3
        torch.set_num_threads(1 if len(z) <= FEW else self._threads)
        images = np.empty((len(z), 28, 28), np.float32) if out is None else out
        if images.shape != (len(z), 28, 28):
            raise ValueError(f"{len(z)} images do not fit `out` of shape {list(images.shape)}")
        with torch.inference_mode():
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
    "CheckpointError",
    "Encodings",
    "Model",
    "ModelInfo",
    "encodings",
    "info",
    "is_loaded",
    "load",
    "names",
]
