"""Data sets: named ones, and folders, arrays and tables of the user's own.

One loader a source. `load` gives a part, `read` both parts with what was decided about them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from vae.data.arrays import read_npy, read_npz
from vae.data.digits import bundled_digits
from vae.data.emoji import noto_emoji
from vae.data.folder import read_folder
from vae.data.idx import is_idx, read_images
from vae.data.mnist import OFFICIAL
from vae.data.options import Options
from vae.data.samples import Loaded, assemble, restyled
from vae.data.source import Source
from vae.data.table import read_csv, read_parquet
from vae.dataspec import Dataset, DataSpec
from vae.download import DataError, Progress, expanded

__all__ = [
    "DATASETS",
    "FORMATS",
    "DataError",
    "Dataset",
    "Loaded",
    "Loader",
    "Options",
    "available",
    "fit_to",
    "load",
    "load_for",
    "read",
    "read_for",
]

LOG = logging.getLogger(__name__)
SPLITS = ("train", "test")


class Loader(Protocol):
    def __call__(self, split: str, *, progress: Progress | None = None) -> Dataset: ...


DATASETS: dict[str, Loader] = {**OFFICIAL, "digits": bundled_digits, "emoji": noto_emoji}
FORMATS: dict[str, Callable[[Path], Source]] = {
    ".npz": read_npz,
    ".npy": read_npy,
    ".csv": read_csv,
    ".parquet": read_parquet,
}


def load(
    source: str | Path,
    split: str,
    *,
    options: Options = Options(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Dataset:
    """Load one part of a data set; what is decided and what is skipped is logged.

    Args:
        source: a name in DATASETS, a folder, or a file of FORMATS or IDX.
        split: "train" or "test".
        progress: called with (bytes done, total bytes) during a download; it may raise to stop it.

    Raises:
        DataError: the data could not be downloaded or read.
        ValueError: an unknown source or split, or data that are not images.
    """
    _check_split(split)
    if str(source) in DATASETS:
        dataset = DATASETS[str(source)](split, progress=progress)
        return dataset if options == Options() else restyled(dataset, options, str(source))
    return _logged(read(source, options), source).part(split)


def _logged(loaded: Loaded, source: str | Path) -> Loaded:
    """Log the decisions and the skipped files, and return what was loaded."""
    if loaded.notes:
        LOG.info("%s: %s", source, "; ".join(loaded.notes))
    if loaded.warning:
        LOG.warning("%s: %s", source, loaded.warning)
    return loaded


def read(
    source: str | Path,
    options: Options = Options(),  # noqa: B008 - frozen
    *,
    like: DataSpec | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Load both parts of a data set, with the decisions and the files that were skipped.

    With `like`, the spec of a model, the user's own images get its size, its colours and its
    preparation. Raises as `load`.
    """
    if str(source) in DATASETS:
        train, test = (load(source, s, options=options, progress=progress) for s in SPLITS)
        return Loaded(train, test)
    if not str(source):  # of a model that was imported without data; Path("") is a folder
        raise ValueError("no data are named; name them by --data")
    path = expanded(source)
    return assemble(_reader(path)(path), options, str(path), like)


def _reader(path: Path) -> Callable[[Path], Source]:
    """The loader of a folder or file. Raises ValueError where it is none that can be read."""
    if path.is_dir():
        return read_folder
    if not path.is_file():
        raise ValueError(
            f"data {str(path)!r} is neither a known name ({', '.join(DATASETS)}), nor a folder of "
            "images, nor a file; check the path"
        )
    if is_idx(path):
        return read_images
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() in FORMATS:
        return FORMATS[suffix.lower()]
    raise ValueError(
        f"{path} is of no format that is read ({', '.join(FORMATS)}, IDX, or a folder of images); "
        "unpack an archive first, and save arrays by np.savez(path, images=..., labels=...)"
    )


def load_for(
    source: str | Path,
    options: Options,
    spec: DataSpec,
    split: str,
    *,
    progress: Progress | None = None,
) -> Dataset:
    """Load a part of a data set for a model with this spec: samples of its shape, labels that are
    indices into its classes.

    A class that the model does not have counts as unknown. Raises as `load`, and ValueError where
    the samples have another shape.
    """
    _check_split(split)
    if str(source) in DATASETS:
        return fit_to(load(source, split, options=options, progress=progress), spec, str(source))
    return read_for(source, options, spec).part(split)


def read_for(
    source: str | Path, options: Options, spec: DataSpec, *, relabel: bool = True
) -> Loaded:
    """Both parts of a data set for a model with this spec, as `load_for`; without `relabel` they
    keep their own classes."""
    loaded = _logged(read(source, options, like=spec), source)
    train, test = (fit_to(loaded.part(split), spec, str(source)) for split in SPLITS)
    return replace(loaded, train=train, test=test) if relabel else loaded


def fit_to(dataset: Dataset, spec: DataSpec, where: str) -> Dataset:
    """The samples with the classes of `spec`, matched by name; -1 where it has no such class.

    Raises ValueError where the samples have another shape than those of `spec`.
    """
    if dataset.spec.shape != spec.shape:
        raise ValueError(
            f"{where} has {_described(dataset.spec)}, and the model {_described(spec)}; name other "
            f"data, or resize them by --size {spec.shape[-1]} --colour "
            f"{'colour' if spec.shape[0] == 3 else 'grey'}"
        )
    order = {name: index for index, name in enumerate(spec.classes)}
    to_spec = np.array([*(order.get(name, -1) for name in dataset.spec.classes), -1], np.int64)
    return replace(dataset, labels=to_spec[dataset.labels], spec=spec)


def _described(spec: DataSpec) -> str:
    if spec.kind != "image":
        return f"samples of kind {spec.kind} and shape {list(spec.shape)}"
    channels, height, width = spec.shape
    return f"images of {height}x{width} in {'colour' if channels == 3 else 'grey'}"


def available(source: str | Path, split: str) -> bool:
    """Whether load(source, split) needs no download; this check uses no network."""
    _check_split(split)
    if str(source) in OFFICIAL:
        return OFFICIAL[str(source)].available(split)
    try:
        return str(source) in DATASETS or (bool(str(source)) and expanded(source).exists())
    except DataError:
        return False


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is unknown: use 'train' or 'test'")
