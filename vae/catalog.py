"""The checkpoints by name, and their files other than the weights. Imports no torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae import checkpoint, latent
from vae.cache import cached
from vae.checkpoint import CheckpointError, Encodings, Manifest
from vae.dataspec import MNIST, DataSpec
from vae.latent import LatentBlock
from vae.mixture_prior import MixturePrior

CHECKPOINTS = Path(
    os.environ.get("LATENT_CHECKPOINTS")
    or Path(__file__).resolve().parent.parent / "assets" / "checkpoints"
)
CLASSIFIER = "classifier"  # the shipped classifier of digits, independent of all other models
RENAMED = {"judge": CLASSIFIER}  # former names of shipped checkpoints
LONGEST = 255  # bytes of a checkpoint's name, which is that of a folder
PRIOR_SAMPLES = 2000  # on the map of a model that cannot encode
ENCODINGS_MEMORY = 256 << 20  # bytes; those of a 20-d model with 10,000 test samples have 1.8 MB


@dataclass(frozen=True)
class ModelInfo:
    """A model's description, without its weights."""

    name: str
    title: str
    description: str
    abilities: frozenset[str]  # "encodes", "decodes", "inverts", "conditions", "classifies"
    blocks: tuple[LatentBlock, ...]
    figures: dict[str, Any]  # metrics.json
    kl: tuple[float, ...]  # nats per dimension, mean over the test samples; 0 if deterministic
    active: tuple[bool, ...]  # whether a dimension is in use
    spec: DataSpec = MNIST  # of the data that it was trained on
    data: str = "mnist"  # a name in data.DATASETS, or a path
    options: Mapping[str, Any] = field(default_factory=dict)  # how these were read: data.Options
    implicit: bool = False  # whether samples have no likelihood given their code, as those of a GAN
    has_mixture: bool = False  # whether a Gaussian mixture was fitted to the codes

    @property
    def priors(self) -> tuple[str, ...]:
        """What codes can be drawn from: "normal", the prior of the blocks, unless the decoder was
        trained without it, as an autoencoder's is, and "mixture"."""
        normal = not self.encodes or self.implicit or any(self.kl)
        return ("normal",) * normal + ("mixture",) * self.has_mixture

    @property
    def dims(self) -> int:
        """Latent dimensions in all."""
        return latent.dims(self.blocks)

    @property
    def encodes(self) -> bool:
        """Whether the encodings are those of test samples; else they are samples of the prior."""
        return "encodes" in self.abilities

    @property
    def inverts(self) -> bool:
        """Whether the codes of given samples are found by gradient steps."""
        return "inverts" in self.abilities

    @property
    def noise_dims(self) -> int:
        """The number of dimensions that are noise, not to be explored."""
        return len(latent.noise_dims(self.blocks))

    @property
    def code_noun(self) -> str:
        """What one of the encodings is called: "test digit" or "prior sample"."""
        return f"test {self.spec.noun}" if self.encodes else "prior sample"

    @property
    def order(self) -> tuple[int, ...]:
        """The continuous dimensions by KL, the largest first; those not in use come last."""
        continuous = latent.continuous(self.blocks)
        return tuple(sorted(continuous, key=lambda d: (not self.active[d], -self.kl[d], d)))

    @property
    def class_dims(self) -> slice | None:
        """The dimensions of the class in the code, None for a model whose code has none."""
        return latent.class_slice(self.blocks)


def folder_of(name: str) -> Path:
    """The folder of a shipped checkpoint, or the given folder. Raises ValueError where neither
    exists."""
    for shipped in (name, RENAMED.get(name, name)):
        if (CHECKPOINTS / shipped / checkpoint.CONFIG).exists():
            return CHECKPOINTS / shipped
    if Path(name).is_dir():
        return Path(name)
    raise ValueError(
        f"there is no model {name!r}; choose one of {', '.join(names()) or '(none is shipped)'}"
    )


def new_folder(name: str, *, overwrite: bool = False) -> Path:
    """The folder of a checkpoint to be written. Raises ValueError for a path in place of a name,
    and for a checkpoint that exists, unless `overwrite`."""
    if len(name.encode()) > LONGEST:
        raise ValueError(f"{name[:20]}... is too long a name; give a shorter one")
    if Path(name).name != name or not name.strip(" ."):
        raise ValueError(f"{name!r} is not a checkpoint's name: give a name without a path")
    folder = CHECKPOINTS / name
    if folder.exists() and not overwrite:
        raise ValueError(f"{folder} exists; choose another name, or add --replace")
    return folder


def names() -> list[str]:
    """The names of the shipped checkpoints: plain VAEs first, then by length and alphabet.

    Those without a latent space, which are classifiers, are left out: `load(CLASSIFIER)`.
    """
    found = [folder.name for folder in _folders() if not _without_latent_space(folder)]
    return sorted(found, key=lambda n: (not n.startswith("vae"), len(n), n))


def _folders() -> list[Path]:
    return [path.parent for path in CHECKPOINTS.glob(f"*/{checkpoint.CONFIG}")]


def _without_latent_space(folder: Path) -> bool:
    if folder.name == CLASSIFIER:
        return True
    try:
        return not checkpoint.read_manifest(folder).blocks
    except CheckpointError:
        return False  # a damaged one is listed: whoever opens it says what is wrong


def classifiers(spec: DataSpec) -> list[str]:
    """The names of the independent classifiers of samples of this kind, CLASSIFIER first.

    Raises CheckpointError for a damaged one.
    """
    found = []
    for folder in _folders():
        manifest = checkpoint.read_manifest(folder)
        if manifest.model == "classifier" and _same_samples(manifest.spec, spec):
            found.append(folder.name)
    return sorted(found, key=lambda name: (name != CLASSIFIER, name))


def _same_samples(a: DataSpec, b: DataSpec) -> bool:
    return (a.shape, a.classes) == (b.shape, b.classes)


def knows_classes(spec: DataSpec) -> bool:
    """Whether the independent classifier is there, and was trained on samples of this kind. Raises
    CheckpointError where its description is damaged."""
    if not has_classifier():
        return False
    return _same_samples(info(CLASSIFIER).spec, spec)


def has_classifier() -> bool:
    """Whether an independent classifier is shipped."""
    return (CHECKPOINTS / CLASSIFIER / checkpoint.CONFIG).exists()


def _encodings_size(found: Encodings) -> int:
    return sum(array.nbytes for array in found.arrays) + sum(map(sys.getsizeof, found.names))


@cached(ENCODINGS_MEMORY, _encodings_size)
def encodings(name: str) -> Encodings:
    """The encoded test samples; read once, shared and read-only. Of a model that decodes but cannot
    encode, samples of its prior, always the same: those of its file, or else unlabelled ones.

    Raises ValueError for an unknown name, CheckpointError for a missing or damaged file.
    """
    folder = folder_of(name)
    manifest = checkpoint.read_manifest(folder)
    decodes_only = {"encodes", "decodes"} & set(manifest.abilities) == {"decodes"}
    if decodes_only and not (folder / checkpoint.ENCODINGS).exists():
        read = _prior_samples(manifest)
    else:
        read = checkpoint.read_encodings(folder)
    for array in read.arrays:
        array.setflags(write=False)
    return read


def _prior_samples(manifest: Manifest) -> Encodings:
    """PRIOR_SAMPLES codes of the prior as encodings without uncertainty. The label is the class in
    the code, if it has one of the data's classes."""
    codes = latent.sample_prior(manifest.blocks, PRIOR_SAMPLES, seed=0)
    labels, zeros = np.full(len(codes), -1), np.zeros(len(codes), np.float32)
    where = latent.class_slice(manifest.blocks)
    if where is not None and where.stop - where.start == len(manifest.spec.classes):
        labels = codes[:, where].argmax(axis=1)
    return Encodings(codes, np.full_like(codes, -np.inf), labels, zeros, zeros)


@lru_cache(maxsize=256)  # some kB each
def info(name: str) -> ModelInfo:
    """Describe a model without importing torch. Raises as `encodings`."""
    folder = folder_of(name)
    manifest = checkpoint.read_manifest(folder)
    dims = latent.dims(manifest.blocks)
    kl, active = np.zeros(dims), np.ones(dims, bool)
    if "encodes" in manifest.abilities:
        kl, active = _kl_and_activity(name, folder, dims)
    return ModelInfo(
        name=name,
        title=manifest.title,
        description=manifest.description,
        abilities=frozenset(manifest.abilities),
        blocks=manifest.blocks,
        spec=manifest.spec,
        data=manifest.data,
        options=manifest.options,
        implicit=manifest.implicit,
        has_mixture=(folder / checkpoint.PRIOR).exists(),
        figures=checkpoint.read_metrics(folder),
        kl=tuple(kl.tolist()),
        active=tuple(active.tolist()),
    )


def _kl_and_activity(name: str, folder: Path, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """KL of each dimension [Z], nats, mean over the test samples, and whether it is in use [Z]."""
    codes = encodings(name)
    if codes.mean.shape[1] != dims:
        raise CheckpointError(
            f"{folder / checkpoint.ENCODINGS} has codes of {codes.mean.shape[1]} dimensions, "
            f"the model {dims}; make it again with: python -m vae encode {folder}"
        )
    classes = len(checkpoint.read_manifest(folder).spec.classes)
    if codes.labels.max(initial=-1) >= classes:
        raise CheckpointError(
            f"{folder / checkpoint.ENCODINGS} has the label {codes.labels.max()}, and the model's "
            f"data {classes} classes; make it again with: python -m vae encode {folder}"
        )
    return checkpoint.kl_per_dimension(codes), codes.mean.var(axis=0) > latent.ACTIVE


def mixture_prior(name: str) -> MixturePrior:
    """The Gaussian mixture that was fitted to a model's codes. Raises ValueError for an unknown
    name, CheckpointError for a missing or damaged file."""
    folder = folder_of(name)
    return checkpoint.read_prior(folder, checkpoint.read_manifest(folder).blocks)


class History(NamedTuple):
    """Samples and losses of each training epoch."""

    sheets: np.ndarray  # uint8 [epochs, S, *array_shape], decoded from the same codes; may be empty
    curves: dict[str, np.ndarray]  # "loss", "validation_loss", ...: [epochs]


def history(name: str) -> History:
    """The log of a model's training; imports no torch. Raises as `encodings`."""
    folder, spec = folder_of(name), info(name).spec
    return History(checkpoint.read_sheets(folder, spec), checkpoint.read_log(folder))
