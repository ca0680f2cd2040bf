"""HTML of the Generate page: sheets of generated samples with the classifier's probabilities, a
number, the agreement.

All functions map arrays to strings and use no Streamlit.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from explorer import text
from explorer.renderers import renderer
from vae.dataspec import DataSpec

MIN_SHARE = 0.01  # smaller probabilities are left out of a bar


class Source(NamedTuple):
    """The sample that a row takes its style from."""

    sample: np.ndarray
    title: str  # "test digit 12, a 9"


class Palette(NamedTuple):
    """What the HTML of a sheet needs to know about the data: the spec, and a colour a class."""

    spec: DataSpec
    colours: Sequence[str]

    def tile(self, sample: np.ndarray, title: str, style: str = "") -> str:
        """One sample."""
        return renderer(self.spec).tile(sample, title, style)

    def name(self, label: int) -> str:
        """The name of a class as HTML."""
        return text.html(text.class_name(label, self.spec))


def probability_text(probabilities: np.ndarray, spec: DataSpec) -> str:
    """The classifier's probabilities as text, the largest first: "7 (98 %), 1 (2 %)"."""
    ranked = [
        int(label) for label in np.argsort(-probabilities) if probabilities[label] >= MIN_SHARE
    ]
    return ", ".join(
        f"{text.class_name(label, spec)} ({_share(float(probabilities[label]))})"
        for label in ranked
    )


def _share(value: float) -> str:
    return f"{100 * value:.0f}\u2009%"


def bar(probabilities: np.ndarray, colours: Sequence[str]) -> str:
    """The classifier's probabilities side by side, each in the colour of its class."""
    parts = "".join(
        f'<i style="width:{100 * float(share):.0f}%;background:{colours[label]}"></i>'
        for label, share in enumerate(probabilities)
        if share >= MIN_SHARE
    )
    return f'<div class="reading">{parts}</div>'


def tile(
    sample: np.ndarray,
    requested: int | None,
    probabilities: np.ndarray | None,
    palette: Palette,
    *,
    style: str = "",
    caption: bool = False,
) -> str:
    """One sample, with the bar of the classifier's probabilities [classes] where there are any, and
    the requested class below it with `caption`; marked where the predicted class is not the
    requested one."""
    below = (
        f"<figcaption>{palette.name(requested)}</figcaption>"
        if caption and requested is not None
        else ""
    )
    if probabilities is None:
        title = text.with_article(palette.spec.noun)
        if requested is not None:
            title = text.phrase(requested, palette.spec)
        return f'<figure class="tile">{palette.tile(sample, title, style)}{below}</figure>'
    predicted = int(probabilities.argmax())
    asked = "" if requested is None else f"asked for {text.class_name(requested, palette.spec)}; "
    title = f"{asked}classified as {probability_text(probabilities, palette.spec)}"
    mark = "" if requested in (None, predicted) else f"<b>{palette.name(predicted)}</b>"
    return (
        f'<figure class="tile{" wrong" if mark else ""}" title="{html.escape(title)}">'
        f"{palette.tile(sample, title, style)}{mark}{bar(probabilities, palette.colours)}{below}"
        "</figure>"
    )


def sheet(
    samples: np.ndarray,
    requested: np.ndarray | None,
    probabilities: np.ndarray | None,
    palette: Palette,
    across: tuple[int, int],
    *,
    heads: bool = False,
    large: bool = False,
) -> str:
    """Samples [N, ...] in rows; `across` is the number of columns on a wide and on a narrow screen.

    With `heads` the classes are named: above their columns, or below each sample where a column
    holds several classes.
    """
    labels = [None] * len(samples) if requested is None else [int(label) for label in requested]
    wide, narrow = across
    kinds = len(set(labels))
    above = heads and all(columns % kinds == 0 or columns >= len(labels) for columns in across)
    cells = [
        tile(
            sample,
            label,
            None if probabilities is None else probabilities[place],
            palette,
            caption=heads and not above,
        )
        for place, (sample, label) in enumerate(zip(samples, labels, strict=True))
    ]
    kind = "generated large" if large else "generated"
    top = head([label for label in labels[:wide] if label is not None], palette) if above else ""
    return (
        f'<div class="{kind}" style="--wide:{wide};--narrow:{narrow}">{top}{"".join(cells)}</div>'
    )


def head(labels: Sequence[int], palette: Palette) -> str:
    """The classes above their columns, which are also the legend of the bars' colours."""
    long = (
        ""
        if text.are_short([text.class_name(label, palette.spec) for label in labels])
        else " long"
    )
    return "".join(
        f'<div class="head{long}"><i style="background:{palette.colours[label]}"></i>'
        f"{palette.name(label)}</div>"
        for label in labels
    )


def styles(
    samples: np.ndarray,
    requested: Sequence[int],
    probabilities: np.ndarray | None,
    palette: Palette,
    sources: Sequence[Source] = (),
) -> str:
    """Samples [S * D, ...] as a table with a row for each style and a column for each class; a row
    starts with the source of its style, where given."""
    width, cells = len(requested), []
    for row in range(len(samples) // width):
        if sources:
            cells.append(_source(sources[row], palette))
        for place, label in enumerate(requested, row * width):
            one = None if probabilities is None else probabilities[place]
            cells.append(tile(samples[place], int(label), one, palette))
    corner = '<div class="head">style</div>' if sources else ""
    across = width + bool(sources)
    kind = "generated styles sourced" if sources else "generated styles"
    return (
        f'<div class="{kind}" style="--wide:{across};--narrow:{across}">'
        f"{corner}{head(requested, palette)}{''.join(cells)}</div>"
    )


def _source(source: Source, palette: Palette) -> str:
    return (
        f'<figure class="tile source" title="{html.escape(source.title)}">'
        f"{palette.tile(source.sample, source.title)}</figure>"
    )


def single_source(source: Source, palette: Palette) -> str:
    """The source of a single style."""
    return (
        f'<div class="single-source">{_source(source, palette)}'
        f"<p>In the style of {html.escape(source.title)}.</p></div>"
    )


def number(
    digits: Sequence[np.ndarray],
    requested: Sequence[int],
    spaces: Sequence[int],
    probabilities: np.ndarray | None,
    palette: Palette,
) -> str:
    """A number of digits [H, W] of one height each; it wraps at the width of the page."""
    cells = []
    for place, (digit, label) in enumerate(zip(digits, requested, strict=True)):
        cells += ['<span class="space"></span>'] * list(spaces).count(place)
        one = None if probabilities is None else probabilities[place]
        cells.append(tile(digit, label, one, palette, style=f"--w:{digit.shape[1]}"))
    whole = sum(digit.shape[1] + 3 for digit in digits) + 12 * len(spaces)
    high = digits[0].shape[0]
    line = f'<div class="number-line" style="--all:{whole};--high:{high}">{"".join(cells)}</div>'
    return f'<div class="number-picture">{line}</div>'


def class_counts(probabilities: np.ndarray, palette: Palette) -> str:
    """The number of samples that are classified as each class, from probabilities [N, classes]."""
    counts = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    each = "".join(
        f'<span><i style="background:{palette.colours[label]}"></i>'
        f"<strong>{palette.name(label)}</strong><b>{count:,}</b></span>"
        for label, count in enumerate(counts)
    )
    return (
        "<p>No class was asked for. The bars show the probabilities that an independent "
        f"classifier, trained only on real {text.html(palette.spec.nouns)}, assigns to each "
        f'image.</p><div class="tally">{each}</div>'
    )


def agreement(requested: np.ndarray, probabilities: np.ndarray, spec: DataSpec) -> tuple[str, str]:
    """The share of samples classified as requested, "98 %", and a sentence on the others."""
    predicted = probabilities.argmax(axis=1)
    right = predicted == requested
    share = float(right.mean())
    # 99.7 % is not rounded up to 100 %
    shown = (
        f"{100 * share:.0f}" if right.all() or share < 0.99 else f"{np.floor(1000 * share) / 10:g}"
    )
    if right.all():
        return f"{shown}\u2009%", ""
    pairs: dict[tuple[int, int], int] = {}
    for pair in zip(requested[~right].tolist(), predicted[~right].tolist(), strict=True):
        pairs[pair] = pairs.get(pair, 0) + 1
    ranked = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
    named = [
        f"{text.class_name(a, spec)} as {text.class_name(b, spec)}"
        + (f" ({pairs[a, b]}\u00d7)" if pairs[a, b] > 1 else "")
        for a, b in ranked[:6]
    ]
    more = f" and {len(ranked) - 6} more kinds" if len(ranked) > 6 else ""
    return f"{shown}\u2009%", f"Misclassified: {', '.join(named)}{more}."
