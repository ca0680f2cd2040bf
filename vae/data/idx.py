"""IDX files, the format of MNIST and EMNIST: raw or gzip, images with labels beside them."""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from io import BufferedIOBase
from pathlib import Path


import numpy as np

from vae.data.labels import names_of
from vae.data.pixels import as_images, to_uint8
from vae.data.source import ArrayImages, Source
from vae.download import DataError

# the third byte of the file says the type of the values
TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MAX_FILE = 4 << 30  # bytes of the values
NAME = re.compile(r"[.-]idx\d(-|\.|$)|-ubyte(\.|$)", re.IGNORECASE)
PARTS = (("train", False), ("t10k", True), ("test", True))  # in a file's name: in the test set?


def is_idx(path: Path) -> bool:
    """Whether a file is named as an IDX file."""
    return bool(NAME.search(path.name))


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file, raw or gzip, in the shape and type given by its header.

    No more is unpacked than the header gives, and MAX_FILE at the most.

    Raises: DataError that names the file when it is unreadable, too large or contradicts its
        header.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b" or path.suffix == ".gz"
        with gzip.open(path) if is_packed else path.open("rb") as file:
            shape, kind = _header(file, path)
            size = math.prod(shape) * kind.itemsize
            content = file.read(min(size, MAX_FILE) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}); download it again") from error
    if len(content) > MAX_FILE:
        raise DataError(
            f"{path} has more than {MAX_FILE >> 30} GiB of values, the limit; split the file"
        )
    if len(content) != size:
        held = f"more than {size:,}" if len(content) > size else f"{len(content):,}"
        raise DataError(
            f"{path} holds {held} bytes after its header, which gives the shape "
            f"{'x'.join(map(str, shape))} and {size:,} bytes; download it again"
        )
    return np.frombuffer(content, kind).reshape(shape).astype(kind.newbyteorder("="))


def _header(file: BufferedIOBase, path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the values that follow."""
    # two zeros, the type, the number of dimensions; then each size, big-endian
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\x00\x00" or start[2] not in TYPES:
        raise DataError(
            f"{path} is not an IDX file: it starts with {start.hex() or 'nothing'}; "
            "download it again"
        )
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(
            f"{path} ends within its header of {start[3]} dimensions; download it again"
        )
    return struct.unpack(f">{start[3]}I", sizes), np.dtype(TYPES[start[2]])


def read_images(path: Path) -> Source:
    """The images of an IDX file and of its counterpart, training or test, with their labels.

    Raises: DataError for a file that cannot be read or has no images.
    """
    files = _with_counterpart(path)
    arrays = [read_idx(file) for file in files]
    for file, array in zip(files, arrays, strict=True):
        if array.ndim < 2:
            raise DataError(
                f"{file} holds {array.ndim}-dimensional values, not images; name the file of images"
            )
    values, note = to_uint8([as_images(array, str(path)) for array in arrays], str(path))
    labels = [_labels(file, len(array)) for file, array in zip(files, arrays, strict=True)]
    known = any(one is not None for one in labels)
    joined = [
        name for one, a in zip(labels, arrays, strict=True) for name in (one or [None] * len(a))
    ]
    in_test = np.repeat([_in_test(file) for file in files], [len(array) for array in arrays])
    transposed = "emnist" in path.name.lower()
    return Source(
        ArrayImages(np.concatenate(values)),
        joined if known else None,
        in_test if len(files) > 1 else None,
        notes=(note, *([] if known else [f"no file of labels was found beside {path.name}"])),
        transposed=transposed,
    )


def _in_test(path: Path) -> bool:
    return next((test for part, test in PARTS if part in path.name.lower()), False)


def _with_counterpart(path: Path) -> list[Path]:
    """The file, and that of the other part of the same set where it lies beside it."""
    lower = path.name.lower()
    for part, _ in PARTS:
        if part in lower:
            at = lower.index(part)
            others = [other for other, test in PARTS if test != dict(PARTS)[part]]
            names = [path.name[:at] + other + path.name[at + len(part) :] for other in others]
            found = [path.with_name(name) for name in names if path.with_name(name).is_file()]
            return sorted([path, *found[:1]], key=_in_test)
    return [path]


def _labels(path: Path, count: int) -> list[str | None] | None:
    """The class names of the images in `path`, from the file of labels beside it."""
    for old, new in (("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1")):
        beside = path.with_name(path.name.replace(old, new))
        if beside == path:
            continue
        for found in (beside, beside.with_suffix(""), beside.with_name(beside.name + ".gz")):
            if found.is_file() and found != path:
                return _named(names_of(read_idx(found), count, str(found)).names, path)
    return None


def _named(labels: list[str | None], path: Path) -> list[str | None]:
    """Labels by the characters of EMNIST: from its mapping, or A to Z for its letters."""
    start = re.match(r"(emnist-\w+?)-", path.name.lower())
    if not start:
        return labels
    mapping = path.with_name(f"{start[1]}-mapping.txt")
    if mapping.is_file():
        rows = [line.split() for line in mapping.read_text(encoding="utf-8").splitlines()]
        characters = {row[0]: chr(int(row[1])) for row in rows if len(row) > 1}
    elif start[1] == "emnist-letters":
        characters = {str(i): chr(ord("A") + i - 1) for i in range(1, 27)}
    else:
        return labels
    return [characters.get(label or "", label) for label in labels]
