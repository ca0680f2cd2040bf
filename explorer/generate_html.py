"""HTML of the Generate page: sheets of drawn digits, what an independent classifier reads in them,
a number, the agreement.

Strings from arrays, no Streamlit.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from explorer import images

SLIVER = 0.01  # of a bar; what the classifier deems less likely is left out


class Source(NamedTuple):
    """Whose hand a row is written in."""

    image: np.ndarray  # [28, 28]
    words: str


def reading(read: np.ndarray) -> str:
    """What the classifier makes of a digit, in words: "7 (98 %), 1 (2 %)"."""
    ranked = [int(digit) for digit in np.argsort(-read) if read[digit] >= SLIVER]
    return ", ".join(f"{digit} ({_share(float(read[digit]))})" for digit in ranked)


def _share(value: float) -> str:
    return f"{100 * value:.0f}\u2009%"


def bar(read: np.ndarray, colours: Sequence[str]) -> str:
    """The classifier's ten probabilities side by side, each in the colour of its digit."""
    parts = "".join(
        f'<i style="width:{100 * float(share):.0f}%;background:{colours[digit]}"></i>'
        for digit, share in enumerate(read)
        if share >= SLIVER
    )
    return f'<div class="reading">{parts}</div>'


def tile(
    image: np.ndarray,
    asked: int | None,
    read: np.ndarray | None,
    colours: Sequence[str],
    style: str = "",
) -> str:
    """One digit with what the classifier reads; it is marked where another digit was asked for."""
    if read is None:
        words = "a digit" if asked is None else f"a {asked}"
        return f'<figure class="tile">{images.picture(image, words, style)}</figure>'
    taken = int(read.argmax())
    words = (
        "" if asked is None else f"asked for {asked}; "
    ) + f"the classifier reads {reading(read)}"
    mark = "" if asked in (None, taken) else f"<b>{taken}</b>"
    return (
        f'<figure class="tile{" wrong" if mark else ""}" title="{html.escape(words)}">'
        f"{images.picture(image, words, style)}{mark}{bar(read, colours)}</figure>"
    )


def sheet(
    pictures: np.ndarray,
    asked: np.ndarray | None,
    read: np.ndarray | None,
    colours: Sequence[str],
    across: tuple[int, int],
    *,
    heads: bool = False,
    large: bool = False,
) -> str:
    """Digits [N, 28, 28] in rows; `across` are the columns on a wide and on a narrow screen."""
    labels = [None] * len(pictures) if asked is None else [int(label) for label in asked]
    cells = [
        tile(image, label, None if read is None else read[place], colours)
        for place, (image, label) in enumerate(zip(pictures, labels, strict=True))
    ]
    wide, narrow = across
    kind = "specimens large" if large else "specimens"
    top = head([label for label in labels[:wide] if label is not None], colours) if heads else ""
    return (
        f'<div class="{kind}" style="--wide:{wide};--narrow:{narrow}">{top}{"".join(cells)}</div>'
    )


def head(labels: Sequence[int], colours: Sequence[str]) -> str:
    """The digits above their columns, which tell what the colours of the bars mean."""
    return "".join(
        f'<div class="head"><i style="background:{colours[label]}"></i>{label}</div>'
        for label in labels
    )


def styles(
    pictures: np.ndarray,
    asked: Sequence[int],
    read: np.ndarray | None,
    colours: Sequence[str],
    sources: Sequence[Source] = (),
) -> str:
    """Rows of digits [S * D, 28, 28], a style each, each digit in its column; the source of a style
    stands before its row."""
    width, cells = len(asked), []
    for row in range(len(pictures) // width):
        if sources:
            cells.append(_source(sources[row]))
        for place, label in enumerate(asked, row * width):
            one = None if read is None else read[place]
            cells.append(tile(pictures[place], int(label), one, colours))
    corner = '<div class="head">style</div>' if sources else ""
    across = width + bool(sources)
    kind = "specimens styles sourced" if sources else "specimens styles"
    return (
        f'<div class="{kind}" style="--wide:{across};--narrow:{across}">'
        f"{corner}{head(asked, colours)}{''.join(cells)}</div>"
    )


def _source(source: Source) -> str:
    return (
        f'<figure class="tile source" title="{html.escape(source.words)}">'
        f"{images.picture(source.image, source.words)}</figure>"
    )


def seen(source: Source) -> str:
    """Whose hand it is, where there is one alone."""
    return (
        f'<div class="seen">{_source(source)}'
        f"<p>In the style of {html.escape(source.words)}.</p></div>"
    )


def number(
    letters: Sequence[np.ndarray],
    asked: Sequence[int],
    spaces: Sequence[int],
    read: np.ndarray | None,
    colours: Sequence[str],
) -> str:
    """A number in one hand, [28, W] each; it breaks into lines where the page ends."""
    cells = []
    for place, (letter, label) in enumerate(zip(letters, asked, strict=True)):
        cells += ['<span class="space"></span>'] * list(spaces).count(place)
        one = None if read is None else read[place]
        cells.append(tile(letter, label, one, colours, f"--w:{letter.shape[1]}"))
    whole = sum(letter.shape[1] + 3 for letter in letters) + 12 * len(spaces)
    line = f'<div class="written" style="--all:{whole}">{"".join(cells)}</div>'
    return f'<div class="paper">{line}</div>'


def readings(read: np.ndarray, colours: Sequence[str]) -> str:
    """How many of the N digits the classifier reads as each, from its probabilities [N, 10]."""
    counts = np.bincount(read.argmax(axis=1), minlength=10)
    each = "".join(
        f'<span><i style="background:{colours[digit]}"></i>'
        f"<strong>{digit}</strong><b>{count:,}</b></span>"
        for digit, count in enumerate(counts)
    )
    return (
        "<p>Nothing was asked for; the bars say what an independent classifier, trained on real "
        f'digits alone, takes each for.</p><div class="tally">{each}</div>'
    )


def agreement(asked: np.ndarray, read: np.ndarray) -> tuple[str, str]:
    """The share that is read as asked for, "98 %", and a sentence on those that are not."""
    taken = read.argmax(axis=1)
    right = taken == asked
    share = float(right.mean())
    # 99.7 is not rounded up to all
    shown = (
        f"{100 * share:.0f}" if right.all() or share < 0.99 else f"{np.floor(1000 * share) / 10:g}"
    )
    if right.all():
        return f"{shown}\u2009%", ""
    pairs: dict[tuple[int, int], int] = {}
    for pair in zip(asked[~right].tolist(), taken[~right].tolist(), strict=True):
        pairs[pair] = pairs.get(pair, 0) + 1
    ranked = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
    named = [
        f"{a} as {b}" + (f" ({pairs[a, b]}\u00d7)" if pairs[a, b] > 1 else "")
        for a, b in ranked[:6]
    ]
    more = f" and {len(ranked) - 6} more kinds" if len(ranked) > 6 else ""
    return f"{shown}\u2009%", f"Misread: {', '.join(named)}{more}."
