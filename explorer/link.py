"""A code in an address: how it is read, and what is said where it cannot be. No Streamlit."""

from __future__ import annotations

import numpy as np

from vae.latent import FARTHEST

QUOTED = 60  # characters of what is wrong that are said on the page
DOUBT = 0.01  # by which ten rounded probabilities may miss 1


def index(text: str, count: int) -> int:
    """The index of one of `count` test digits. Raises ValueError where it is none."""
    try:
        found = int(text)
    except ValueError:
        found = -1
    if not 0 <= found < count:
        raise ValueError(
            f"`digit={brief(text)}` is no test digit, for those count from 0 to {count - 1:,}"
        )
    return found


def code(text: str, dims: int, digit: slice | None) -> np.ndarray:
    """The code [dims] that stands in the address; `digit` is where its digit is, if it has one.

    Raises ValueError for what is not that many numbers, for numbers that no picture can be made of,
    and where no digit is chosen.
    """
    try:
        values = np.array([float(part) for part in text.split(",")])
    except ValueError:
        values = np.empty(0)
    if len(values) != dims or not (abs(values) <= FARTHEST).all():  # NaN is not
        raise ValueError(
            f"`z={brief(text)}` is not {dims} finite numbers parted by commas, "
            f"none beyond {FARTHEST:,.0f}"
        )
    # where a classifier was in doubt, the digit of a test digit's code is ten probabilities
    if digit and ((values[digit] < 0).any() or abs(values[digit].sum() - 1) > DOUBT):
        raise ValueError(
            f"`z={brief(text)}` chooses no digit: of its numbers {digit.start + 1} to "
            f"{digit.stop} one has to be 1 and the others 0"
        )
    return values


def brief(text: str) -> str:
    """What an address says, as it can be quoted in backticks on a page: no Markdown of its own."""
    text = text.replace("`", "'")  # which would end the code it is quoted as
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}..."
