"""Labels of any kind as class names, and class names that mean digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

UNKNOWN = {"", "nan", "none", "null", "-1"}
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ABOUT_DIGITS = {"digit", "digits", "number", "num", "no"}  # words beside the digit itself
WRITERS = re.compile(r"(?:sample|img)0*(\d+)", re.IGNORECASE)  # Chars74K: Sample001 is the digit 0


class Labels(NamedTuple):
    """The classes of a data set's samples."""

    names: list[str | None]  # the class of each sample; None where unknown
    note: str  # what was decided; "" where nothing was


def names_of(values: np.ndarray, count: int, where: str) -> Labels:
    """Class names from an array of labels.

    Args:
        values: [N] or [N, 1] of numbers, strings or bytes; or [N, K], one-hot. -1, NaN and empty
            strings mean that the class is unknown.
        count: N, the number of images.
        where: the file, for messages.

    Raises: ValueError for labels of another shape or number, or numbers that are not whole.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    note = ""
    if values.ndim == 2 and len(values) == count:
        if not _is_one_hot(values):
            shape = "x".join(map(str, values.shape))
            return Labels(
                [None] * count, f"labels of {shape} are not one class an image, and are not used"
            )
        values, note = values.argmax(1), "labels are one-hot"
    if values.shape != (count,):
        shape = "x".join(map(str, values.shape)) or "no number"
        raise ValueError(
            f"{where}: there are {shape} labels for {count:,} images; give one label for each "
            "image, in the same order"
        )
    if values.dtype.kind in "iub":
        return Labels([_name(value) for value in values.tolist()], note)
    if values.dtype.kind == "f":
        known = values[np.isfinite(values)]
        if len(fractions := known[known != np.round(known)]):
            raise ValueError(
                f"{where}: label {fractions[0]:g} is not a whole number; classes are whole numbers "
                "or names"
            )
        return Labels([_name(v) if np.isfinite(v) else None for v in values.tolist()], note)
    return Labels(from_texts(values.tolist(), where), note)


def _is_one_hot(values: np.ndarray) -> bool:
    return values.dtype.kind in "biuf" and bool(
        np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all()
    )


def _name(value: bool | int | float) -> str | None:
    name = str(value) if isinstance(value, bool) else str(int(value))
    return None if name in UNKNOWN else name


def from_texts(values: Iterable[object], where: str) -> list[str | None]:
    """Class names from strings or bytes; "7.0" is "7" where all are numbers."""
    texts = [text(value, where) for value in values]
    names = [None if one.lower() in UNKNOWN else one for one in texts]
    given = {name for name in names if name}
    if given and all(re.fullmatch(r"[+-]?\d+(\.0*)?", name, re.ASCII) for name in given):
        numbers = {name: str(int(float(name))) for name in given}
        names = [numbers[name] if name else None for name in names]
    return names


def text(value: object, where: str) -> str:
    """A string in one line, also from bytes. Raises ValueError for bytes that are not UTF-8."""
    if not isinstance(value, bytes):
        return " ".join(str(value).split())
    try:
        return " ".join(value.decode("utf-8").split())
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: label {value!r} is not text in UTF-8; save it as text") from error


def ordered(names: Iterable[str]) -> list[str]:
    """Class names in order: numbers by value, also within names."""
    return sorted(
        set(names),
        key=lambda name: [
            (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
            for part in re.split(r"(\d+)", name)
            if part
        ],
    )


def as_digits(names: Sequence[str]) -> dict[str, str] | None:
    """The digit "0" to "9" that each class name means; None unless all clearly mean one, each
    another."""
    if not names:
        return None
    found = {name: _digit(name) for name in names}
    if None in found.values():
        found = {name: _chars74k(name) for name in names}
        if len(names) != 10:
            return None
    digits = [digit for digit in found.values() if digit is not None]
    if len(digits) < len(names) or len(set(digits)) < len(digits):
        return None
    return {name: str(digit) for name, digit in found.items()}


def _digit(name: str) -> int | None:
    """0 to 9 for names such as 7, 07, seven, digit_7, 7-seven."""
    parts = [part for part in re.split(r"[\W_]+|(?<=[a-z])(?=\d)", name.lower()) if part]
    values = set()
    for part in parts:
        if re.fullmatch(r"0*\d", part, re.ASCII):
            values.add(int(part))
        elif part in WORDS:
            values.add(WORDS.index(part))
        elif part not in ABOUT_DIGITS:
            return None
    return values.pop() if len(values) == 1 else None


def _chars74k(name: str) -> int | None:
    match = WRITERS.fullmatch(name)
    return int(match[1]) - 1 if match and 1 <= int(match[1]) <= 10 else None


def indices(names: Sequence[str | None] | None, classes: Sequence[str], count: int) -> np.ndarray:
    """Labels as indices into `classes`, int64 [N]; -1 for an unknown name or none."""
    if names is None:
        return np.full(count, -1, np.int64)
    order = {name: index for index, name in enumerate(classes)}
    return np.array([order.get(name or "", -1) for name in names], np.int64)
