"""HTML of the Reconstruct page's pictures: the columns of test digits, the steps, the samples.

All functions map arrays to strings and use no Streamlit. Digits are white on black, differences
orange on black.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from PIL import Image

from explorer import images

ROWS = ("original", "reconstruction", "difference")
THUMBNAIL = 160  # pixels per side of the picture of a step, more than the page shows


def nats(value: float) -> str:
    """A figure in nats with one decimal and a minus sign, not a hyphen."""
    return f"{value:.1f}".replace("-", "\u2212")


def trio(original: np.ndarray, decoded: np.ndarray, title: str) -> list[str]:
    """The three pictures of a pair [28, 28] in [0, 1]; `title` is the original's."""
    return [
        images.picture(original, title),
        images.picture(decoded, f"reconstruction of {title}"),
        images.picture(images.difference(original, decoded), f"difference at {title}"),
    ]


def figure_rows(cross_entropy: float, kl: float | None) -> list[tuple[str, str]]:
    """The figures of one image by name, without KL and ELBO where `kl` is None."""
    if kl is None:
        return [("cross-entropy (nats)", nats(cross_entropy))]
    elbo = -cross_entropy - kl
    return [("cross-entropy", nats(cross_entropy)), ("KL", nats(kl)), ("ELBO (nats)", nats(elbo))]


def row_heads(names: Sequence[str]) -> str:
    """The heads of the rows of `column`."""
    tall = "".join(f'<div class="cell">{row}</div>' for row in ROWS)
    small = "".join(f'<div class="number">{name}</div>' for name in names)
    return (
        f'<div class="column heads"><div class="head"><b>digit</b> index</div>{tall}{small}</div>'
    )


def column(
    head: str, pictures: Sequence[str], numbers: Sequence[tuple[str, str]], picked: bool
) -> str:
    """The column of a digit: its head, its pictures one below the other, its metrics."""
    tall = "".join(f'<div class="cell">{one}</div>' for one in pictures)
    small = "".join(f'<div class="number">{value}</div>' for _, value in numbers)
    kind = "column picked" if picked else "column"
    return f'<div class="{kind}"><div class="head">{head}</div>{tall}{small}</div>'


def large(pictures: Sequence[str]) -> str:
    """An image, its reconstruction and their difference side by side, enlarged."""
    figures = "".join(
        f"<figure>{one}<figcaption>{row}</figcaption></figure>"
        for row, one in zip(ROWS, pictures, strict=True)
    )
    return f'<div class="trio">{figures}</div>'


def figure_list(numbers: Sequence[tuple[str, str]]) -> str:
    """Figures with their names above."""
    terms = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in numbers)
    return f'<dl class="figures">{terms}</dl>'


def strip(pictures: Sequence[np.ndarray], captions: Sequence[str]) -> str:
    """Pictures of one size in a row, each with its caption, which may be empty."""
    cells = "".join(
        f"<figure>{images.picture(one, caption or 'sample')}"
        f"<figcaption>{caption or '&nbsp;'}</figcaption></figure>"
        for one, caption in zip(pictures, captions, strict=True)
    )
    return f'<div class="samples">{cells}</div>'


def steps(named: Sequence[tuple[str, np.ndarray]]) -> str:
    """The steps of a preparation, uint8 [H, W] each, numbered, in squares of one size."""
    cells = "".join(
        f'<figure><div class="square">{images.picture(shrunk(image), title)}</div>'
        f"<figcaption><b>{number}</b> {html.escape(title)}</figcaption></figure>"
        for number, (title, image) in enumerate(named, 1)
    )
    return f'<div class="steps">{cells}</div>'


def shrunk(image: np.ndarray, side: int = THUMBNAIL) -> np.ndarray:
    """uint8 [H, W] reduced so that neither side exceeds `side`; smaller ones stay as they are."""
    if max(image.shape) <= side:
        return image
    small = Image.fromarray(image)
    small.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(small)
