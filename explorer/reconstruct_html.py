"""HTML of the Reconstruct page's pictures: the columns of test samples, the steps, the draws.

All functions map arrays and HTML to strings and use no Streamlit.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from PIL import Image

from explorer import images

THUMBNAIL = 160  # pixels per side of the picture of a step, more than the page shows


def nats(value: float) -> str:
    """A figure in nats with one decimal and a minus sign, not a hyphen."""
    return f"{value:.1f}".replace("-", "\u2212")


def squared(value: float) -> str:
    """A squared error per value in four decimals; a dash where it is unknown."""
    return "\u2013" if np.isnan(value) else f"{value:.4f}"


def figure_rows(
    cross_entropy: float, kl: float | None, squared_error: float | None = None
) -> list[tuple[str, str]]:
    """The figures of one image by name, without KL and ELBO where `kl` is None; `squared_error` is
    that of an implicit model, which has neither cross-entropy nor ELBO."""
    if squared_error is not None:
        known = [] if kl is None else [("KL (nats)", nats(kl))]
        return [("squared error", squared(squared_error)), *known]
    if kl is None:
        return [("cross-entropy (nats)", nats(cross_entropy))]
    elbo = -cross_entropy - kl
    return [("cross-entropy", nats(cross_entropy)), ("KL", nats(kl)), ("ELBO (nats)", nats(elbo))]


def row_heads(top: str, rows: Sequence[str], names: Sequence[str]) -> str:
    """The heads of the rows of `column`; `top` is that of its head, as HTML."""
    tall = "".join(f'<div class="cell">{row}</div>' for row in rows)
    small = "".join(f'<div class="number">{name}</div>' for name in names)
    return f'<div class="column heads"><div class="head">{top}</div>{tall}{small}</div>'


def column(
    head: str, pictures: Sequence[str], numbers: Sequence[tuple[str, str]], picked: bool
) -> str:
    """The column of a sample: its head, its pictures one below the other, its metrics."""
    tall = "".join(f'<div class="cell">{one}</div>' for one in pictures)
    small = "".join(f'<div class="number">{value}</div>' for _, value in numbers)
    kind = "column picked" if picked else "column"
    return f'<div class="{kind}"><div class="head">{head}</div>{tall}{small}</div>'


def large(pictures: Sequence[tuple[str, str]]) -> str:
    """The rows of a comparison, each a name and HTML, side by side and enlarged."""
    figures = "".join(
        f"<figure>{one}<figcaption>{row}</figcaption></figure>" for row, one in pictures
    )
    return f'<div class="trio">{figures}</div>'


def figure_list(numbers: Sequence[tuple[str, str]]) -> str:
    """Figures with their names above."""
    terms = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in numbers)
    return f'<dl class="figures">{terms}</dl>'


def strip(pictures: Sequence[str], captions: Sequence[str]) -> str:
    """HTML of samples of one size in a row, each with its caption, which may be empty."""
    cells = "".join(
        f"<figure>{one}<figcaption>{caption or '&nbsp;'}</figcaption></figure>"
        for one, caption in zip(pictures, captions, strict=True)
    )
    return f'<div class="samples">{cells}</div>'


def steps(named: Sequence[tuple[str, np.ndarray]]) -> str:
    """The pictures of a preparation's steps, numbered, in squares of one size."""
    cells = "".join(
        f'<figure><div class="square{" colour" * (image.ndim == 3)}">'
        f"{images.picture(shrunk(image), title)}</div>"
        f"<figcaption><b>{number}</b> {html.escape(title)}</figcaption></figure>"
        for number, (title, image) in enumerate(named, 1)
    )
    return f'<div class="steps">{cells}</div>'


def shrunk(image: np.ndarray, side: int = THUMBNAIL) -> np.ndarray:
    """uint8 [H, W] or [H, W, 3] reduced so that neither side exceeds `side`; smaller ones stay as
    they are."""
    if max(image.shape[:2]) <= side:
        return image
    small = Image.fromarray(image)
    small.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(small)
