"""Arrays in .npz and .npy files: images, labels and parts under the names in use.

Keras' x_train, y_train; medMNIST's train_images, val_labels; OpenML's data, target; arr_0, arr_1.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae.data.labels import from_texts, names_of, text
from vae.data.pixels import as_images, to_uint8
from vae.data.source import ArrayImages, Source
from vae.download import DataError

MAX_ARRAY = 4 << 30  # bytes of an array in a file, which a small compressed file may exceed
KINDS = {
    "images": (
        "images",
        "image",
        "x",
        "data",
        "imgs",
        "img",
        "samples",
        "pixels",
        "arr0",
        "inputs",
    ),
    "labels": ("labels", "label", "y", "targets", "target", "arr1", "class", "digits"),
    "names": ("names", "filenames", "files", "ids"),
    "classes": ("classes", "classnames", "labelnames", "targetnames", "categories"),
}
PARTS = {
    "train": ("training", "train"),
    "val": ("validation", "valid", "val", "dev"),
    "test": ("testing", "test"),
}
UNREADABLE = (
    *(OSError, ValueError, EOFError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)


class Key(NamedTuple):
    """What an array's name says."""

    kind: str  # a name in KINDS; "" for another
    part: str  # a name in PARTS; "" for none


def key_of(name: str) -> Key:
    """Read an array's name, such as x_train, trainX or test_images."""
    plain = re.sub(r"[\W_]", "", name.lower())
    for part, words in PARTS.items():
        for word in words:
            rest = plain.replace(word, "", 1)
            if rest != plain and (kind := _kind(rest)):
                return Key(kind, part)
    return Key(_kind(plain), "")


def _kind(word: str) -> str:
    return next((kind for kind, words in KINDS.items() if word in words), "")


def read_npz(path: Path) -> Source:
    """Images and labels of an .npz file, named as KINDS and PARTS list.

    Other arrays with a number an image are its attributes. Raises DataError for a damaged file or
    one that holds pickle, ValueError for arrays that are not images.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            _check_sizes(path)
            arrays = {name: _member(file, name, path) for name in file.files}
    except DataError:
        raise
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read as .npz ({error}); save it again") from error
    return from_arrays({name: a for name, a in arrays.items() if a is not None}, str(path))


def read_npy(path: Path) -> Source:
    """The images of an .npy file, with the labels of the file beside it, if there is one, such as
    x_labels.npy beside x.npy. Raises as `read_npz`."""
    images = load_npy(path)
    beside = next((one for one in _label_files(path) if one.is_file() and one != path), None)
    if beside is None:
        return from_arrays({"images": images}, str(path))
    source = from_arrays({"images": images, "labels": load_npy(beside)}, str(path))
    return replace(source, notes=(*source.notes, f"the labels are those of {beside.name}"))


def _label_files(path: Path) -> list[Path]:
    """The names that a file of labels may have, beside one of images."""
    stem = path.stem
    names = [f"{stem}{mark}{word}" for word in ("labels", "targets", "y") for mark in "_-."]
    names += [stem.replace("images", "labels"), re.sub(r"^x(?![a-z])", "y", stem, flags=re.I)]
    names += ["labels"] if key_of(stem) == Key("images", "") else []
    return [path.with_name(name + path.suffix) for name in names]


def load_npy(path: Path) -> np.ndarray:
    """The array of an .npy file. Raises DataError where it is damaged or needs pickle."""
    try:
        with path.open("rb") as raw:
            array: Any = np.load(raw, allow_pickle=False)
    except UNREADABLE as error:
        reason = str(error)
        if "pickle" in reason:
            reason = "it is no .npy file, or holds Python objects, which need pickle"
        raise DataError(
            f"{path} cannot be read as .npy ({reason}); save it by np.save, as numbers"
        ) from error
    return array


def _member(file: Any, name: str, path: Path) -> np.ndarray | None:
    """An array of an .npz; None for one of Python objects that is not needed."""
    try:
        return file[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        if not key_of(name).kind:
            return None
        raise DataError(
            f"{path}: `{name}` is an array of Python objects, which needs pickle, and pickle can "
            f"run code; save it as text or numbers, such as {name}.astype(str)"
        ) from error


def _check_sizes(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > MAX_ARRAY:
                raise DataError(
                    f"{path}: `{member.filename.removesuffix('.npy')}` has "
                    f"{member.file_size / 2**30:.1f} GiB, and {MAX_ARRAY >> 30} are read; "
                    "save fewer images, or save them as uint8"
                )


def from_arrays(arrays: Mapping[str, np.ndarray], where: str) -> Source:
    """Images, labels, parts and attributes from arrays by name. Raises ValueError."""
    keys = {name: key_of(name) for name in arrays}
    if len(arrays) == 1 and not any(key.kind for key in keys.values()):
        keys = {name: Key("images", "") for name in arrays}
    by_key = {key: arrays[name] for name, key in keys.items() if key.kind}
    parts = [part for part in (*PARTS, "") if Key("images", part) in by_key]
    if not parts:
        found = ", ".join(map(repr, sorted(arrays))) or "no arrays"
        raise ValueError(
            f"{where} has {found}: it needs `images`, and `labels` "
            "if they are known"
        )
    if len(parts) > 1 and "" in parts:
        parts.remove("")  # all images, beside those of the parts
    images = [as_images(by_key[Key("images", part)], where) for part in parts]
    if len({array.shape[1:] for array in images}) > 1:
        shapes = " and ".join("x".join(map(str, a.shape[1:])) for a in images)
        raise ValueError(f"{where}: the parts have images of {shapes}; save them in one shape")
    values, note = to_uint8(images, where)
    counts = [len(array) for array in images]
    notes, labels, names = [note], [], []
    for part, count in zip(parts, counts, strict=True):
        labels.append(_labels_of(by_key, part, count, where, notes))
        names.append(_texts(by_key.get(Key("names", part)), count, where))
    count = sum(counts)
    given = by_key.get(Key("classes", ""))
    classes = [] if given is None else from_texts(given.tolist(), where)
    joined = _joined(labels, counts)
    if joined and classes:
        joined = [_class_at(name, classes, where) for name in joined]
    attributes = _attributes(arrays, keys, count) if len(parts) == 1 else {}
    if unused := _unused(keys, parts, attributes):
        notes.append(f"not used: {', '.join(unused)}")
    return Source(
        ArrayImages(values[0] if len(values) == 1 else np.concatenate(values)),
        joined,
        _in_test(parts, counts, notes),
        [name or "" for name in _joined(names, counts) or ()],
        attributes,
        [name for name in classes if name],
        tuple(notes),
    )


def _labels_of(
    by_key: Mapping[Key, np.ndarray], part: str, count: int, where: str, notes: list[str]
) -> list[str | None] | None:
    values = by_key.get(Key("labels", part))
    if values is None:
        return None
    labels = names_of(values, count, where)
    if labels.note and labels.note not in notes:
        notes.append(labels.note)
    return labels.names


def _texts(values: np.ndarray | None, count: int, where: str) -> list[str | None] | None:
    if values is None or values.shape != (count,):
        return None
    return [text(value, where) for value in values.tolist()]


def _unused(
    keys: Mapping[str, Key], parts: Sequence[str], attributes: Mapping[str, np.ndarray]
) -> list[str]:
    """The names of arrays that are neither images, labels and names of a part, nor attributes."""
    return [
        name
        for name, key in keys.items()
        if name not in attributes
        and (not key.kind or (key.part not in parts and key.kind != "classes"))
    ]


def _class_at(name: str | None, classes: list[str | None], where: str) -> str | None:
    """The class that a label names, or whose index it is. Raises ValueError for another label."""
    if name is None or name in classes:
        return name
    if name.isdecimal() and int(name) < len(classes):
        return classes[int(name)]
    raise ValueError(
        f"{where}: the label {name} is none of the {len(classes)} names in `classes`, and no index "
        "of one; name every class, in the order of the labels"
    )


def _joined(lists: list[list[str | None] | None], counts: list[int]) -> list[str | None] | None:
    """The lists one after the other, with None in place of a missing one; None if all are."""
    if all(one is None for one in lists):
        return None
    pairs = zip(lists, counts, strict=True)
    return [value for one, count in pairs for value in (one or [None] * count)]


def _in_test(parts: list[str], counts: list[int], notes: list[str]) -> np.ndarray | None:
    """Which samples are test samples: the part `test`, else `val`; None where there is neither."""
    if len(parts) == 1:
        return None
    test = "test" if "test" in parts else "val"
    if test == "val":
        notes.append("the validation part is the test set")
    elif "val" in parts:
        notes.append("the validation part belongs to the training set")
    return np.repeat([part == test for part in parts], counts)


def _attributes(
    arrays: Mapping[str, np.ndarray], keys: Mapping[str, Key], count: int
) -> dict[str, np.ndarray]:
    return {
        name: array.astype(np.float32)
        for name, array in arrays.items()
        if not keys[name].kind and array.shape == (count,) and array.dtype.kind in "biuf"
    }
