"""Tables: .csv files of pixels or of file names, and .parquet files with encoded images.

Both are read by packages that Streamlit depends on, pandas and pyarrow.
"""

from __future__ import annotations

import gzip
import json
import re
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vae.data.labels import Labels, names_of
from vae.data.pixels import as_images, to_uint8
from vae.data.source import ArrayImages, EncodedImages, Source
from vae.download import DataError

LABELS = ("label", "labels", "class", "target", "y", "digit", "category", "character", "emotion")
FILES = ("file", "filename", "path", "image", "image_path", "file_name", "filepath", "id")
PARTS = ("split", "usage", "subset", "set")
PIXEL = re.compile(r"(pixel|px|p|x|col|v)?[_\s]*\d+(x\d+)?", re.IGNORECASE)  # a column's name
SEPARATORS = (",", ";", "\t")
FEW = 4  # columns of a table of pixels at the least


def read_csv(path: Path) -> Source:
    """A .csv file: a row an image, of pixels and a label, or a file's name and a label.

    The label is the column named so (LABELS); without a header it is the first or the last, the
    others being a square number of pixels. Other columns of numbers are attributes.

    Raises: DataError for a file that cannot be read, ValueError for one that holds no images.
    """
    import pandas as pd

    try:
        separator = _separator(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row that is too long
            read = partial(pd.read_csv, path, sep=separator, skipinitialspace=True)
            first = read(nrows=1, header=None, dtype=str).iloc[0].tolist()
            header = None if _is_data(first) else 0
            table = read(header=header, low_memory=False, index_col=False)
    except (OSError, ValueError, IndexError, EOFError, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path} cannot be read as .csv ({reason}); save it as UTF-8, with as many values in "
            "each row"
        ) from error
    if header is None:
        return _headless(table.to_numpy(), path)
    unnamed = [name for name in table.columns if str(name).startswith("Unnamed: ")]
    table = table.drop(columns=unnamed)  # a column of pandas' row numbers
    if all(_is_number(name) for name in table.columns):
        return _headless(table.to_numpy(), path)
    return _from_table(table, path)


def _separator(path: Path) -> str:
    """The one of SEPARATORS that is most frequent in the first line of a .csv file."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        line = file.readline()
    return max(SEPARATORS, key=line.count)


def _is_data(row: Sequence[object]) -> bool:
    """Whether the first row of a table is a sample: numbers, but for a label at one end, which do
    not count the columns, as pandas' names of columns do."""
    inner = row[1:-1] or row
    if not all(_is_number(value) for value in inner):
        return False
    numbers = np.array(inner, float)
    return len(numbers) < FEW or not bool((np.diff(numbers) == 1).all())


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _headless(values: np.ndarray, path: Path) -> Source:
    """Rows of pixels, with the label in the first or the last column, or without one."""
    count, width = values.shape
    side = int(np.sqrt(width - 1))
    if side * side != width - 1 and 3 * int(np.sqrt((width - 1) / 3)) ** 2 != width - 1:
        return _of_pixels(values, None, path)
    at = max((0, width - 1), key=lambda column: _label_likeness(values[:, column]))
    note = f"the label is the {'last' if at else 'first'} of {width} columns"
    labels = names_of(values[:, at], count, str(path))
    return _of_pixels(np.delete(values, at, axis=1), labels, path, note)


def _label_likeness(column: np.ndarray) -> tuple[bool, int]:
    """How much the first or the last column of a table looks as labels do, beside the corner of an
    image: words, or several values, of which the rarest is frequent."""
    _, counts = np.unique(column.astype(str), return_counts=True)
    is_text = not all(_is_number(value) for value in column)
    return is_text, int(counts.min()) if len(counts) > 1 else 0


def _of_pixels(
    values: np.ndarray, labels: Labels | None, path: Path, *notes: str, **more: Any
) -> Source:
    try:
        numbers = values.astype(np.float32)
    except ValueError as error:
        raise ValueError(f"{path}: not all pixels are numbers ({error}); correct it") from error
    (pixels,), note = to_uint8([as_images(numbers, str(path))], str(path))
    return Source(
        ArrayImages(pixels), labels.names if labels else None, notes=(*notes, note), **more
    )


def _from_table(table: Any, path: Path) -> Source:
    """A table with named columns: pixels in columns of their own or in one, or files' names."""
    columns = {str(column).strip().lower(): column for column in table.columns}
    label = next((columns[name] for name in LABELS if name in columns), None)
    labels = None if label is None else names_of(_column(table, label), len(table), str(path))
    part = next((columns[name] for name in PARTS if name in columns), None)
    in_test = None if part is None else _in_test(_column(table, part))
    pixels = [name for name in table.columns if name != label and PIXEL.fullmatch(str(name))]
    notes = [f"the label is the column {label!r}" if label is not None else "there are no labels"]
    if "pixels" in columns:  # numbers in one text
        texts = table[columns["pixels"]].astype(str)
        values = np.stack([np.array(re.split(r"[\s,;]+", one.strip())) for one in texts])
        return _of_pixels(values, labels, path, *notes, in_test=in_test)
    if len(pixels) < FEW and label is not None and not any(name in columns for name in FILES):
        pixels = [name for name in table.columns if name not in (label, part)]
    used = {label, part, *pixels}
    attributes = {
        str(name): table[name].to_numpy(np.float32)
        for name in table.columns
        if name not in used and table[name].dtype.kind in "iufb"
    }
    if len(pixels) >= FEW:
        return _of_pixels(
            table[pixels].to_numpy(), labels, path, *notes, in_test=in_test, attributes=attributes
        )
    named = next((columns[name] for name in FILES if name in columns), None)
    if named is None:
        shown = ", ".join(str(name)[:20] for name in table.columns[:6]) or "none"
        raise ValueError(
            f"{path} has the columns {shown}: it needs one of "
            "pixels for each value, or `file` with the names of image files, and `label`"
        )
    names = [str(name) for name in table[named]]
    return Source(
        EncodedImages([path.parent / name for name in names]),
        labels.names if labels else None,
        in_test,
        names,
        {name: values for name, values in attributes.items() if name != named},
        notes=notes,
    )


def _column(table: Any, name: object) -> np.ndarray:
    """A column as an array of numbers or of text."""
    values = table[name].to_numpy()
    if values.dtype.kind in "biuf":
        return values
    pairs = zip(values, table[name].isna(), strict=True)
    return np.array(["" if missing else str(value) for value, missing in pairs])


def _in_test(parts: np.ndarray) -> np.ndarray | None:
    """Which rows are test samples; None where there is not both a test and a training part."""
    plain = np.array([str(part).lower() for part in parts])
    test = np.char.find(plain, "test") >= 0  # FER2013: Training, PublicTest, PrivateTest
    if not test.any():
        test = np.char.startswith(plain, "val")
    return test if 0 < test.sum() < len(test) else None


def read_parquet(path: Path) -> Source:
    """A .parquet file with a column of encoded images (bytes, or Hugging Face's struct with
    `bytes`), or with pixels in columns of their own. Class names are taken from Hugging Face's
    description of the columns.

    Raises: DataError for a file that cannot be read, ValueError for one that holds no images.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table: Any = parquet.read_table(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as .parquet ({error}); save it again") from error
    encoded = next((name for name in table.column_names if _is_encoded(table[name].type)), None)
    if encoded is None:
        return _from_table(table.to_pandas(), path)
    cells = table[encoded].to_pylist()
    contents = [(cell.get("bytes") if isinstance(cell, dict) else cell) or b"" for cell in cells]
    names = [
        str((isinstance(c, dict) and c.get("path")) or f"row {i}") for i, c in enumerate(cells)
    ]
    label = next((name for name in table.column_names if name.lower() in LABELS), None)
    if label is None:
        return Source(EncodedImages(contents), names=names, notes=["there are no labels"])
    classes = _classes(table.schema.metadata or {}, label)
    labels = names_of(
        _column(table.select([label]).to_pandas(), label), len(contents), str(path)
    ).names
    if classes:
        labels = [classes[int(name)] if name and name.isdecimal() else name for name in labels]
    return Source(
        EncodedImages(contents),
        labels,
        names=names,
        classes=classes,
        notes=[f"the label is the column {label!r}"],
    )


def _is_encoded(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _classes(metadata: dict[bytes, bytes], label: str) -> Sequence[str]:
    """The class names that Hugging Face's metadata give for a column; empty for none."""
    try:
        described = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
        return [str(name) for name in described]
    except (KeyError, TypeError, ValueError):
        return []
