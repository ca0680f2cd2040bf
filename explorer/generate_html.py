"""HTML of the Generate page: sheets of generated digits with the classifier's probabilities, a
number, the agreement.

All functions map arrays to strings and use no Streamlit.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from explorer import images, text

MIN_SHARE = 0.01  # smaller probabilities are left out of a bar


class Source(NamedTuple):
    """The image that a row of digits takes its style from."""

    image: np.ndarray  # [28, 28]
    title: str  # "test digit 12, a 9"


def probability_text(probabilities: np.ndarray) -> str:
    """The classifier's probabilities as text, the largest first: "7 (98 %), 1 (2 %)"."""
    ranked = [
        int(digit) for digit in np.argsort(-probabilities) if probabilities[digit] >= MIN_SHARE
    ]
    return ", ".join(f"{digit} ({_share(float(probabilities[digit]))})" for digit in ranked)


def _share(value: float) -> str:
    return f"{100 * value:.0f}\u2009%"


def bar(probabilities: np.ndarray, colours: Sequence[str]) -> str:
    """The classifier's ten probabilities side by side, each in the colour of its digit."""
    parts = "".join(
        f'<i style="width:{100 * float(share):.0f}%;background:{colours[digit]}"></i>'
        for digit, share in enumerate(probabilities)
        if share >= MIN_SHARE
    )
    return f'<div class="reading">{parts}</div>'


def tile(
    image: np.ndarray,
    requested: int | None,
    probabilities: np.ndarray | None,
    colours: Sequence[str],
    style: str = "",
) -> str:
    """One digit with the bar of the classifier's probabilities [10]; marked where the predicted
    class is not the requested one."""
    if probabilities is None:
        title = text.with_article("digit" if requested is None else text.class_name(requested))
        return f'<figure class="tile">{images.picture(image, title, style)}</figure>'
    predicted = int(probabilities.argmax())
    request = "" if requested is None else f"asked for {text.class_name(requested)}; "
    title = f"{request}classified as {probability_text(probabilities)}"
    mark = "" if requested in (None, predicted) else f"<b>{predicted}</b>"
    return (
        f'<figure class="tile{" wrong" if mark else ""}" title="{html.escape(title)}">'
        f"{images.picture(image, title, style)}{mark}{bar(probabilities, colours)}</figure>"
    )


def sheet(
    pictures: np.ndarray,
    requested: np.ndarray | None,
    probabilities: np.ndarray | None,
    colours: Sequence[str],
    across: tuple[int, int],
    *,
    heads: bool = False,
    large: bool = False,
) -> str:
    """Digits [N, 28, 28] in rows; `across` is the number of columns on a wide and on a narrow
    screen."""
    labels = [None] * len(pictures) if requested is None else [int(label) for label in requested]
    cells = [
        tile(image, label, None if probabilities is None else probabilities[place], colours)
        for place, (image, label) in enumerate(zip(pictures, labels, strict=True))
    ]
    wide, narrow = across
    kind = "digits large" if large else "digits"
    top = head([label for label in labels[:wide] if label is not None], colours) if heads else ""
    return (
        f'<div class="{kind}" style="--wide:{wide};--narrow:{narrow}">{top}{"".join(cells)}</div>'
    )


def head(labels: Sequence[int], colours: Sequence[str]) -> str:
    """The classes above their columns, which are also the legend of the bars' colours."""
    return "".join(
        f'<div class="head"><i style="background:{colours[label]}"></i>{label}</div>'
        for label in labels
    )


def styles(
    pictures: np.ndarray,
    requested: Sequence[int],
    probabilities: np.ndarray | None,
    colours: Sequence[str],
    sources: Sequence[Source] = (),
) -> str:
    """Digits [S * D, 28, 28] as a table with a row for each style and a column for each class; a
    row starts with the source of its style, where given."""
    width, cells = len(requested), []
    for row in range(len(pictures) // width):
        if sources:
            cells.append(_source(sources[row]))
        for place, label in enumerate(requested, row * width):
            one = None if probabilities is None else probabilities[place]
            cells.append(tile(pictures[place], int(label), one, colours))
    corner = '<div class="head">style</div>' if sources else ""
    across = width + bool(sources)
    kind = "digits styles sourced" if sources else "digits styles"
    return (
        f'<div class="{kind}" style="--wide:{across};--narrow:{across}">'
        f"{corner}{head(requested, colours)}{''.join(cells)}</div>"
    )


def _source(source: Source) -> str:
    return (
        f'<figure class="tile source" title="{html.escape(source.title)}">'
        f"{images.picture(source.image, source.title)}</figure>"
    )


def single_source(source: Source) -> str:
    """The source of a single style."""
    return (
        f'<div class="single-source">{_source(source)}'
        f"<p>In the style of {html.escape(source.title)}.</p></div>"
    )


def number(
    digits: Sequence[np.ndarray],
    requested: Sequence[int],
    spaces: Sequence[int],
    probabilities: np.ndarray | None,
    colours: Sequence[str],
) -> str:
    """A number of digits [28, W] each; it wraps at the width of the page."""
    cells = []
    for place, (digit, label) in enumerate(zip(digits, requested, strict=True)):
        cells += ['<span class="space"></span>'] * list(spaces).count(place)
        one = None if probabilities is None else probabilities[place]
        cells.append(tile(digit, label, one, colours, f"--w:{digit.shape[1]}"))
    whole = sum(digit.shape[1] + 3 for digit in digits) + 12 * len(spaces)
    line = f'<div class="number-line" style="--all:{whole}">{"".join(cells)}</div>'
    return f'<div class="number-picture">{line}</div>'


def class_counts(probabilities: np.ndarray, colours: Sequence[str]) -> str:
    """The number of digits that are classified as each class, from probabilities [N, 10]."""
    counts = np.bincount(probabilities.argmax(axis=1), minlength=10)
    each = "".join(
        f'<span><i style="background:{colours[digit]}"></i>'
        f"<strong>{digit}</strong><b>{count:,}</b></span>"
        for digit, count in enumerate(counts)
    )
    return (
        "<p>No class was asked for. The bars show the probabilities that an independent "
        "classifier, trained only on real digits, assigns to each image.</p>"
        f'<div class="tally">{each}</div>'
    )


def agreement(requested: np.ndarray, probabilities: np.ndarray) -> tuple[str, str]:
    """The share of digits classified as requested, "98 %", and a sentence on the others."""
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
        f"{a} as {b}" + (f" ({pairs[a, b]}\u00d7)" if pairs[a, b] > 1 else "")
        for a, b in ranked[:6]
    ]
    more = f" and {len(ranked) - 6} more kinds" if len(ranked) > 6 else ""
    return f"{shown}\u2009%", f"Misclassified: {', '.join(named)}{more}."
