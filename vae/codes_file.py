"""Write the codes of samples for other programs: .csv, a row a sample, or .npz."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vae.checkpoint import Encodings, write_atomically
from vae.dataspec import Dataset
from vae.latent import LatentBlock

SUFFIXES = (".csv", ".npz")


def check_path(path: Path) -> None:
    """Raises ValueError for a file name that ends neither in .csv nor in .npz."""
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path} ends in {path.suffix!r}; give a name that ends in .csv or .npz")


def dimension_names(blocks: Sequence[LatentBlock], classes: Sequence[str]) -> list[str]:
    """A name for each coordinate of a code: z_1, z_2, ...; of a class its name."""
    names = []
    for block in blocks:
        if block.role == "class" and len(classes) == block.dims:
            names += [f"{block.name}_{name}" for name in classes]
        else:
            names += [f"{block.name}_{i}" for i in range(1, block.dims + 1)]
    return names


def write(
    path: Path, parts: Sequence[tuple[str, Dataset, Encodings]], names: Sequence[str]
) -> None:
    """Write the codes of the parts of a data set, their standard deviations and their attributes.

    A .csv has the columns name, part, class; a column for each of `names`; sd_ and the name for its
    deviation where it has one; cross_entropy and kl in nats; the attributes of the samples. An .npz
    has arrays: name, part, class, cross_entropy and kl [N]; codes and deviations [N, Z], with their
    names in dimensions [Z]; attributes [N, A], with theirs in attribute_names [A].

    Raises: ValueError for another ending; WriteError where the file cannot be written.
    """
    check_path(path)
    columns = {
        "name": np.concatenate([_sample_names(part, data) for part, data, _ in parts]),
        "part": np.concatenate([np.full(len(data), part) for part, data, _ in parts]),
        "class": np.concatenate([_class_names(data) for _, data, _ in parts]),
    }
    codes = np.concatenate([encodings.mean for *_, encodings in parts])
    deviations = np.exp(0.5 * np.concatenate([encodings.logvar for *_, encodings in parts]))
    terms = {
        name: np.concatenate([getattr(encodings, name) for *_, encodings in parts])
        for name in ("cross_entropy", "kl")
    }
    attributes = {
        name: np.concatenate([encodings.attributes[name] for *_, encodings in parts])
        for name in parts[0][2].attributes
    }
    if path.suffix.lower() == ".npz":
        arrays: dict[str, Any] = columns | terms | {"codes": codes, "deviations": deviations}
        arrays["dimensions"] = np.array(names)
        arrays["attributes"] = np.stack([*attributes.values()], 1) if attributes else codes[:, :0]
        arrays["attribute_names"] = np.array([*attributes], str)
        write_atomically(path, lambda temporary: np.savez_compressed(temporary, **arrays))
        return
    uncertain = [i for i in range(len(names)) if deviations[:, i].any()]
    columns |= {name: codes[:, i] for i, name in enumerate(names)}
    columns |= {f"sd_{names[i]}": deviations[:, i] for i in uncertain}
    _write_csv(path, columns | terms | attributes)


def _write_csv(path: Path, columns: dict[str, np.ndarray]) -> None:
    def write_rows(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*map(_cells, columns.values()), strict=True))

    write_atomically(path, write_rows)


def _cells(column: np.ndarray) -> list[str]:
    """The values as text; six digits are as precise as float32."""
    if column.dtype.kind == "f":
        return ["" if np.isnan(value) else f"{value:.6g}" for value in column]
    return column.tolist()


def _sample_names(part: str, data: Dataset) -> np.ndarray:
    """The samples' own names, else the part and their row in it."""
    return np.array(data.names if len(data.names) else [f"{part} {i}" for i in range(len(data))])


def _class_names(data: Dataset) -> np.ndarray:
    return np.array([*data.spec.classes, ""])[data.labels]
