"""What is on offer: checkpoints by name, what can be said of each without its weights. No torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae import checkpoint, latent
from vae.checkpoint import CheckpointError, Encodings
from vae.latent import LatentBlock

CHECKPOINTS = Path(
    os.environ.get("LATENT_CHECKPOINTS")
    or Path(__file__).resolve().parent.parent / "assets" / "checkpoints"
)
CLASSIFIER = "classifier"  # the shipped classifier that says what drawn digits are


@dataclass(frozen=True)
class ModelInfo:
    """What can be said of a model without its weights."""

    name: str
    title: str
    description: str
    abilities: frozenset[str]  # "encodes", "decodes", "conditions", "classifies"
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
        """Dimensions that move little by little, the one that carries most nats first; those not
        in use come last."""
        free = latent.continuous(self.blocks)
        return tuple(sorted(free, key=lambda d: (not self.active[d], -self.kl[d], d)))

    @property
    def digit(self) -> slice | None:
        """Where in the code the digit stands, for a model that is told it."""
        return latent.block_slice(self.blocks, latent.DIGIT)


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
    """The shipped checkpoints, the plain VAEs first and by size. The independent classifier, which
    has no latent space, is not among them: `load(CLASSIFIER)`."""
    found = {path.parent.name for path in CHECKPOINTS.glob(f"*/{checkpoint.CONFIG}")} - {CLASSIFIER}
    return sorted(found, key=lambda n: (not n.startswith("vae"), len(n), n))


def has_classifier() -> bool:
    """Whether an independent classifier is shipped."""
    return (CHECKPOINTS / CLASSIFIER / checkpoint.CONFIG).exists()


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
    manifest = checkpoint.read_manifest(folder)
    dims = sum(block.size for block in manifest.blocks)
    kl, active = np.zeros(dims), np.ones(dims, bool)
    if "encodes" in manifest.abilities:
        kl, active = _use(name, folder, dims)
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


def _use(name: str, folder: Path, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each dimension, mean over the test digits, and whether it is in use."""
    codes = encodings(name)
    if codes.mean.shape[1] != dims:
        raise CheckpointError(
            f"{folder / checkpoint.ENCODINGS} has codes of {codes.mean.shape[1]} dimensions, "
            f"the model {dims}; make it again with: python -m vae encode {folder}"
        )
    kl = latent.gaussian_kl(codes.mean, codes.logvar).mean(axis=0)
    return kl, codes.mean.var(axis=0) > latent.ACTIVE


class History(NamedTuple):
    """How a training went, epoch by epoch."""

    sheets: np.ndarray  # uint8 [epochs, 10, 28, 28], drawn from the same codes; may be empty
    curves: dict[str, np.ndarray]  # "loss", "validation_loss", ...: [epochs]


def history(name: str) -> History:
    """What was kept of a model's training; needs no torch. Raises as `encodings`."""
    folder = folder_of(name)
    return History(checkpoint.read_sheets(folder), checkpoint.read_log(folder))
