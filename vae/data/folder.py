"""A folder of image files: classes by subfolder or file name, parts by folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

import numpy as np

from vae.data import arrays, idx
from vae.data.labels import as_digits, text
from vae.data.source import EncodedImages, Source
from vae.download import DataError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
SYSTEM = {"thumbs.db", "desktop.ini", "ehthumbs.db", "__macosx", "icon\r"}
TRAIN = {"train", "training", "trainingset", "trainset"}
TEST = {"test", "testing", "testset"}
VALIDATION = {"val", "valid", "validation", "validationset", "valset", "dev"}
PARTS = TRAIN | TEST | VALIDATION
NUMBERED = re.compile(r"(.+?)[\s_.-]+\d+")  # a file of a class, such as cat_12
LEADING = re.compile(r"([^\s_.-]+)[\s_.-].*")


def read_folder(folder: Path) -> Source:
    """All images in a folder and its subfolders, or its IDX or .npy files.

    The class is the name of the subfolder; without subfolders the beginning of the file names,
    where it is a digit or repeats. Folders such as train and test, in any case, are the parts.
    Hidden files, those of the operating system and other formats are listed in `skipped`.

    Raises: DataError where there is no image.
    """
    files = sorted(_files(folder))
    relative = [path.relative_to(folder) for path in files]
    reasons = [
        _reason(path) or _unreadable(file) for path, file in zip(relative, files, strict=True)
    ]
    images = [path for path, reason in zip(relative, reasons, strict=True) if not reason]
    if not images and (found := _other_format(folder, files)):
        return found
    skipped = [f"{path} {why}" for path, why in zip(relative, reasons, strict=True) if why]
    if not images:
        raise DataError(
            f"{folder} holds no images ({', '.join(sorted(s[1:] for s in SUFFIXES))})"
            + (f"; {skipped[0]}" if skipped else "")
        )
    at, in_test = _parts(images)
    if at is not None:  # an image in neither part might be one of either
        skipped += [
            f"{path} is in no part"
            for path, part in zip(images, in_test, strict=True)
            if part is None
        ]
        kept = [path for path, part in zip(images, in_test, strict=True) if part is not None]
        images, in_test = kept, [part for part in in_test if part is not None]
    inner = [path if at is None else _without(path, at) for path in images]
    labels, note = _labels(inner)
    return Source(
        EncodedImages([folder / path for path in images]),
        labels,
        np.array(in_test, bool) if in_test else None,
        [path.as_posix() for path in images],
        notes=[note],
        skipped=skipped,
    )


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """All files in a folder and its subfolders, also those that links lead to; folders that cannot
    be read. A link to a folder that contains it is not followed."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = list(folder.iterdir())
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.is_dir():
            yield from _files(entry, above | {real})
        else:
            yield entry


def _unreadable(path: Path) -> str:
    """Why a file of an image cannot be opened; "" where it can."""
    if path.is_dir():
        return "is a folder that cannot be read; change its permissions"
    if not path.is_file():
        return "is no file, or a link to a file that does not exist"
    return ""


def _reason(path: PurePath) -> str:
    """Why a file is skipped; "" for an image."""
    if any(part.startswith(".") for part in path.parts):
        return "is hidden"
    if any(part.lower() in SYSTEM for part in path.parts):
        return "belongs to the operating system"
    if path.suffix.lower() not in SUFFIXES:
        return f"is no image of a format that is read ({path.suffix or 'no ending'})"
    return ""


def _other_format(folder: Path, files: Sequence[Path]) -> Source | None:
    """The content of a folder of IDX files or of .npy files; None where it has neither."""
    images = [path for path in files if idx.is_idx(path) and "images" in path.name.lower()]
    sets = sorted({re.sub("train|t10k|test", "*", path.name.lower()) for path in images})
    if len(sets) > 1:
        raise DataError(f"{folder} holds {len(sets)} sets ({', '.join(sets)}): name one file")
    if images:
        return idx.read_images(images[0])
    saved = {path.stem: path for path in files if path.suffix == ".npy"}
    if saved:
        return arrays.from_arrays(
            {name: arrays.load_npy(path) for name, path in saved.items()}, str(folder)
        )
    return None


def _parts(paths: Sequence[PurePath]) -> tuple[int | None, list[bool | None]]:
    """The level of folders that are parts, and whether each image is in the test set: None for an
    image in neither part. No level and no values where the data have no split.

    Where there is a test folder and one for validation, the latter belongs to the training set.
    """
    for level in range(max(len(path.parts) for path in paths) - 1):
        names = [_plain(path.parts[level]) if len(path.parts) > level + 1 else "" for path in paths]
        found = set(names)
        if found & TRAIN and found & (TEST | VALIDATION):
            test = TEST if found & TEST else VALIDATION
            return level, [name in test if name in PARTS else None for name in names]
    return None, []


def _without(path: PurePath, level: int) -> PurePath:
    """The path without the folder of its part, and without a second one of such a name in it."""
    after = path.parts[level + 1 :]
    if len(after) > 1 and _plain(after[0]) in PARTS:
        after = after[1:]
    return PurePath(*path.parts[:level], *after)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _labels(paths: Sequence[PurePath]) -> tuple[list[str | None] | None, str]:
    """The class of each image, and a sentence that says where it comes from."""
    folders = [path.parts[:-1] for path in paths]
    while all(len(one) > 1 for one in folders) and len({one[0] for one in folders}) == 1:
        if as_digits([folders[0][0]]):
            break
        folders = [one[1:] for one in folders]  # such as the folder of an archive
    if any(folders):
        return _from_folders(folders)
    return _from_names([path.stem for path in paths])


def _from_folders(folders: Sequence[tuple[str, ...]]) -> tuple[list[str | None], str]:
    """Classes by the first level of folders, or by the last where only that means digits."""
    first = [text(one[0], "") if one else None for one in folders]
    last = [text(one[-1], "") if one else None for one in folders]
    digits = [as_digits(sorted({name for name in names if name})) for names in (first, last)]
    names = last if digits[1] and not digits[0] else first
    return names, "the class of an image is the name of its folder"


def _from_names(stems: Sequence[str]) -> tuple[list[str | None] | None, str]:
    """Classes by the beginning of file names: digits, or words before a number."""
    for pattern in (NUMBERED, LEADING):
        matches = [pattern.fullmatch(stem) for stem in stems]
        prefixes = [match[1] for match in matches if match]
        found = set(prefixes)
        if len(prefixes) < len(stems) or 2 * len(found) > len(stems):
            continue
        # IMG_20240131_1 has a number in its prefix, which is no class
        words = pattern is NUMBERED and len(found) > 1 and not re.search(r"\d", "".join(found))
        if words or as_digits(sorted(found)):
            return list(prefixes), "the class of an image is the beginning of its file name"
    return None, "there are no classes: no subfolders, and the file names tell none"
