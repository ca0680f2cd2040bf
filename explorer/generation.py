"""Generated digits as arrays: requested labels, styles, the layout of a number, downloads. NumPy
and Pillow only, no Streamlit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from explorer import images

MAX_DIGITS = 10_000  # generated at once
MAX_NUMBER = 40  # digits of a number
SHOWN = 400  # digits of a sheet that are shown
GAP, SPACE = 3, 12  # pixels between two digits of a number, and of a space
LINE = 420  # pixels of a line of the downloaded picture
TRACE = 0.12  # least intensity, of 1, of a pixel that belongs to a digit


class Drawn(NamedTuple):
    """Generated digits: the three arrays that `python -m vae generate` writes. `labels` is empty
    where no class was requested."""

    images: np.ndarray  # uint8 [N, 28, 28]
    labels: np.ndarray  # int64 [N], the requested classes
    codes: np.ndarray  # float32 [N, Z]
    # float32 [S, 10], of the independent classifier for the first S; None without a classifier
    probabilities: np.ndarray | None

    def npz(self) -> bytes:
        """The arrays as a compressed file; `images` are grey levels 0 to 255."""
        buffer = io.BytesIO()
        requested: dict[str, Any] = {"labels": self.labels} if len(self.labels) else {}
        np.savez_compressed(buffer, images=self.images, **requested, codes=self.codes)
        return buffer.getvalue()


@dataclass
class SliderValues:
    """The values of several sliders. `revision` grows whenever Python sets them."""

    z: np.ndarray  # float32 [S]
    revision: int = 0

    def set(self, z: np.ndarray) -> None:
        """Set the values from Python."""
        self.z, self.revision = z.astype(np.float32), self.revision + 1


# --- requested labels ---------------------------------------------------------------------------


def in_turn(digits: Sequence[int], count: int) -> Int[np.ndarray, " N"]:
    """`count` labels that repeat the chosen digits in ascending order.

    Raises ValueError for no digit, or a count that is not 1 to MAX_DIGITS.
    """
    if not digits:
        raise ValueError("No digit is chosen: choose one or more of 0 to 9.")
    if not 1 <= count <= MAX_DIGITS:
        raise ValueError(f"{count:,} digits cannot be drawn here: ask for 1 to {MAX_DIGITS:,}.")
    return np.resize(np.sort(np.array(digits, np.int64)), count)


def digits_of(text: str) -> tuple[list[int], list[int]]:
    """The digits of a text, and for each space the number of digits before it.

    Every character other than 0 to 9 is a space; spaces at the ends are dropped. Raises ValueError
    for a text without a digit, or with more than MAX_NUMBER.
    """
    kept = "".join(c if c in "0123456789" else " " for c in text).strip()
    digits = [int(c) for c in kept if c != " "]
    if not digits:
        raise ValueError("There is no digit in this text: type a number, such as 2026 or 3.14159.")
    if len(digits) > MAX_NUMBER:
        raise ValueError(f"{len(digits)} digits are too many. Use at most {MAX_NUMBER} digits.")
    groups = kept.split(" ")
    return digits, np.cumsum([len(group) for group in groups])[:-1].tolist()


def columns(kinds: int, count: int) -> tuple[int, int]:
    """The number of columns of a sheet on a wide and on a narrow screen: a multiple of `kinds`, so
    that each column holds a single class."""

    def fit(most: int) -> int:
        return min(count, max(1, most // kinds) * kinds)

    return fit(10 if count <= 100 else 20), fit(10)


# --- styles -------------------------------------------------------------------------------------


def rounded(styles: Float[np.ndarray, "S Z"]) -> Float[np.ndarray, "S Z"]:
    """Styles rounded to the four decimals of the downloaded Python lines, float32."""
    return np.round(styles.astype(np.float64), 4).astype(np.float32)


def style_of(codes: Float[np.ndarray, "N Z"], digit: slice) -> Float[np.ndarray, "N S"]:
    """The styles of codes: the dimensions outside the class block `digit`."""
    return np.delete(codes, np.arange(digit.start, digit.stop), axis=1)


def style_at_angle(
    pair: Float[np.ndarray, "2 Z"], degrees: float, temperature: float = 1.0
) -> Float[np.ndarray, " Z"]:
    """A style on the circle through two draws from a normal prior: cos(t) a + sin(t) b.

    Each point of the circle has the same distribution, as the squared weights sum to 1.
    """
    angle = np.deg2rad(degrees)
    return (temperature * (np.cos(angle) * pair[0] + np.sin(angle) * pair[1])).astype(np.float32)


# --- a number in one style ----------------------------------------------------------------------


def cropped(digits: UInt8[np.ndarray, "N 28 28"]) -> list[UInt8[np.ndarray, "28 W"]]:
    """Digits cut to the width of their ink, to be set side by side."""
    cut = []
    for digit in digits:
        inked = np.flatnonzero(digit.max(axis=0) > 255 * TRACE)
        left, right = (inked[0], inked[-1]) if len(inked) else (10, 17)
        cut.append(digit[:, max(0, left - 1) : right + 2])
    return cut


def number_picture(
    digits: UInt8[np.ndarray, "N 28 28"], spaces: Sequence[int], width: int = LINE
) -> UInt8[np.ndarray, "H W"]:
    """A number as a picture, broken into lines of `width` pixels at the most."""
    lines: list[list[np.ndarray]] = [[]]
    for place, digit in enumerate(cropped(digits)):
        used = sum(part.shape[1] for part in lines[-1])
        if lines[-1] and used + GAP + digit.shape[1] > width:
            lines.append([])
        if lines[-1]:
            gap = GAP + SPACE * list(spaces).count(place)
            lines[-1].append(np.zeros((28, gap), np.uint8))
        lines[-1].append(digit)
    rows = [np.concatenate(line, axis=1) for line in lines]
    widest = max(row.shape[1] for row in rows)
    margin = [np.pad(row, ((4, 4), (8, 8 + widest - row.shape[1]))) for row in rows]
    return np.concatenate(margin)


# --- downloads ----------------------------------------------------------------------------------


def enlarged(picture: UInt8[np.ndarray, "H W"], times: int) -> bytes:
    """A PNG with each pixel repeated `times` times, so that viewers do not smooth it."""
    return images.png(picture.repeat(times, axis=0).repeat(times, axis=1))


def sheet(digits: UInt8[np.ndarray, "N 28 28"], across: int) -> bytes:
    """All digits on one sheet, as PNG; a sheet of up to SHOWN digits is enlarged four times."""
    return enlarged(images.tile(digits, across, gap=2), 4 if len(digits) <= SHOWN else 1)


def by_seed(name: str, labels: Sequence[int], count: int, seed: int, temperature: float) -> str:
    """Python code that generates `labels` in turn, with styles from the prior."""
    return _lines(
        name,
        f"np.resize({[int(label) for label in labels]}, {count})",
        f"seed={seed}, temperature={temperature}",
    )


def by_prior(name: str, count: int, seed: int, temperature: float) -> str:
    """Python code that decodes samples from the prior of an unconditional model."""
    return (
        f"from vae import latent, service\nmodel = service.load({name!r})\n"
        f"images = model.decode(latent.sample_prior(model.info.blocks, {count}, seed={seed}, "
        f"temperature={temperature}))"
    )


def by_styles(name: str, labels: Sequence[int], styles: Float[np.ndarray, "S Z"]) -> str:
    """Python code that generates `labels` once in each of the styles."""
    numbers = ", ".join(f"[{', '.join(f'{v}' for v in _plain(row))}]" for row in styles)
    return _lines(
        name,
        f"np.tile({[int(label) for label in labels]}, {len(styles)})",
        f"np.repeat(np.float32([{numbers}]), {len(labels)}, axis=0)",
    )


def _plain(row: np.ndarray) -> list[float]:
    return [float(f"{value:.4f}") for value in row]


def _lines(name: str, labels: str, rest: str) -> str:
    return (
        "import numpy as np\nfrom vae import service\n"
        f"images = service.load({name!r}).generate({labels}, {rest})"
    )
