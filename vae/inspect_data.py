"""Describe a data set in a few lines, and draw some of its samples: python -m vae inspect DATA."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vae.checkpoint import write_atomically
from vae.data import Dataset, Loaded

SHOWN = 12  # classes that a line names
LONGEST = 40  # characters of a class name
ACROSS, DOWN = 12, 26  # samples in a row of the contact sheet, and rows
TILE = 48  # px that a sample has at least
MARGIN, CAPTION = 4, 120  # px between tiles, and for the name of a class
PAPER, INK = (250, 250, 250), (60, 60, 60)


def report(name: str, loaded: Loaded) -> str:
    """What a data set holds and how it is read: a line for each kind of fact."""
    parts = {"train": loaded.train, "test": loaded.test}
    spec, count = loaded.train.spec, len(loaded.train) + len(loaded.test)
    height, width = spec.array_shape[:2]
    facts = {
        "samples": f"{count:,}: {len(loaded.train):,} to train on, {len(loaded.test):,} to test on",
        "size": f"{height}x{width}, {'grey' if spec.shape[0] == 1 else 'colour'}",
        "classes": _classes(loaded),
        "values": _values(parts.values()),
        "prepared": {"mnist": "as MNIST's digits", "resize": "resized"}.get(spec.prepare, ""),
    }
    for attribute, values in _attributes(loaded).items():
        known = values[np.isfinite(values)]
        extent = f"{known.min():.4g} to {known.max():.4g}" if len(known) else "unknown"
        facts[f"attribute {attribute}"] = extent
    lines = [f"{title:10} {fact}" for title, fact in facts.items() if fact]
    notes = [f"{'' if row else 'decided':10} {note}" for row, note in enumerate(loaded.notes)]
    skipped = [f"{'skipped':10} {loaded.warning}"] if loaded.skipped else []
    return "\n".join([name, *lines, *notes, *skipped])


def _classes(loaded: Loaded) -> str:
    classes = loaded.train.spec.classes
    labels = np.concatenate([loaded.train.labels, loaded.test.labels])
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    named = [f"{_short(name)} {n:,}" for name, n in zip(classes, counts, strict=True)]
    more = [f"and {len(named) - SHOWN:,} more"] if len(named) > SHOWN else []
    unknown = int((labels < 0).sum())
    without = [f"without a class {unknown:,}"] if unknown else []
    listed = ", ".join([*named[:SHOWN], *more, *without])
    return f"{len(classes):,}: {listed}" if classes else "none"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _values(parts: Iterable[Dataset]) -> str:
    samples = [part.samples for part in parts if len(part)]
    low, high = min(int(s.min()) for s in samples), max(int(s.max()) for s in samples)
    mean = sum(float(s.mean(dtype=np.float64)) * len(s) for s in samples)
    return f"{low} to {high} of 255, mean {mean / sum(map(len, samples)):.1f}"


def _attributes(loaded: Loaded) -> dict[str, np.ndarray]:
    train, test = loaded.train.attributes, loaded.test.attributes
    return {name: np.concatenate([train[name], test[name]]) for name in train}


def contact_sheet(dataset: Dataset) -> np.ndarray:
    """Samples in rows, uint8 [height, width, 3]: a row a class with its name, or rows of samples
    spread over the data set where there are no classes."""
    rows = list(_rows(dataset))
    height, width = dataset.spec.array_shape[:2]
    scale = max(1, TILE // max(height, width))
    tile = (scale * width + MARGIN, scale * height + MARGIN)
    caption = CAPTION if dataset.spec.classes else 0
    size = (caption + ACROSS * tile[0] + MARGIN, len(rows) * tile[1] + MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    for down, (name, indices) in enumerate(rows):
        top = MARGIN + down * tile[1]
        draw.text((MARGIN, top), _fitted(name, caption - MARGIN, font), fill=INK, font=font)
        for across, index in enumerate(indices):
            image = Image.fromarray(dataset.samples[index])
            image = image.resize((scale * width, scale * height), Image.Resampling.NEAREST)
            sheet.paste(image.convert("RGB"), (caption + MARGIN + across * tile[0], top))
    return np.asarray(sheet)


def _rows(dataset: Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """The caption and the samples of each row."""
    classes = dataset.spec.classes
    found = [np.flatnonzero(dataset.labels == y) for y in range(len(classes))]
    if not classes:
        rows = _spread(np.arange(len(dataset)), ACROSS * ACROSS)
        found = np.array_split(rows, range(ACROSS, len(rows), ACROSS))
    names = classes or [""] * len(found)
    full = [(name, rows) for name, rows in zip(names, found, strict=True) if len(rows)]
    yield from ((name, _spread(rows, ACROSS)) for name, rows in full[:DOWN])


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]


def _fitted(text: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """The text, cut so that it fits `width` pixels."""
    while text and font.getlength(text) > width:
        text = text[:-2] + "…"
    return text


def write_sheet(path: Path, dataset: Dataset) -> None:
    """Write a contact sheet as PNG. Raises WriteError."""
    sheet = Image.fromarray(contact_sheet(dataset))
    write_atomically(path, lambda temporary: sheet.save(temporary, "PNG"))
