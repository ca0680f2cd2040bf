"""Generated samples as arrays: requested labels, styles, the layout of a number, downloads. NumPy
only, no Streamlit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from explorer import text
from vae import latent
from vae.dataspec import DataSpec
from vae.latent import LatentBlock

MAX_SAMPLES = 10_000  # generated at once
MAX_VALUES = MAX_SAMPLES * 28 * 28  # of all samples generated at once: bounds memory to some 40 MB
SHOWN = 400  # samples of a sheet that are shown
SHOWN_VALUES = 400 * 32 * 32 * 3  # of these samples
MAX_CLASSES = 10  # side by side in each style
MAX_NUMBER = 40  # digits of a number
GAP, SPACE = 3, 12  # pixels between two digits of a number, and of a space
LINE = 420  # pixels of a line of the downloaded picture
TRACE = 0.12  # least intensity, of 1, of a pixel that belongs to a digit


def most(values: int) -> int:
    """How many samples of so many values are generated at once."""
    return max(1, min(MAX_SAMPLES, MAX_VALUES // values))


def most_shown(values: int) -> int:
    """How many samples of so many values a page shows."""
    return max(1, min(SHOWN, SHOWN_VALUES // values))


class Drawn(NamedTuple):
    """Generated samples: the three arrays that `python -m vae generate` writes. `labels` is empty
    where no class was requested."""

    images: np.ndarray  # uint8 [N, H, W] or [N, H, W, 3]
    labels: np.ndarray  # int64 [N], the requested classes
    codes: np.ndarray  # float32 [N, Z]
    # float32 [S, classes], of the independent classifier for the first S; None without a classifier
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


def in_turn(labels: Sequence[int], count: int) -> Int[np.ndarray, " N"]:
    """`count` labels that repeat the chosen ones in ascending order."""
    return np.resize(np.sort(np.array(labels, np.int64)), count)


def check_request(labels: Sequence[int], count: int, spec: DataSpec, limit: int) -> None:
    """Raises ValueError for no class, or a count that is not 1 to `limit`."""
    names = spec.classes
    if not labels:
        sort = f"{names[0]} to {names[-1]}" if text.names_digits(spec) else "the classes"
        raise ValueError(f"No {text.class_noun(spec)} is chosen: choose one or more of {sort}.")
    if not 1 <= count <= limit:
        raise ValueError(f"{count:,} {spec.nouns} cannot be drawn here: ask for 1 to {limit:,}.")


def digits_of(typed: str) -> tuple[list[int], list[int]]:
    """The digits of a text, and for each space the number of digits before it.

    Every character other than 0 to 9 is a space; spaces at the ends are dropped. Raises ValueError
    for a text without a digit, or with more than MAX_NUMBER.
    """
    kept = "".join(c if c in "0123456789" else " " for c in typed).strip()
    digits = [int(c) for c in kept if c != " "]
    if not digits:
        raise ValueError("There is no digit in this text: type a number, such as 2026 or 3.14159.")
    if len(digits) > MAX_NUMBER:
        raise ValueError(f"{len(digits)} digits are too many. Use at most {MAX_NUMBER} digits.")
    groups = kept.split(" ")
    return digits, np.cumsum([len(group) for group in groups])[:-1].tolist()


def columns(kinds: int, count: int) -> tuple[int, int]:
    """The number of columns of a sheet on a wide and on a narrow screen: where they fit, a multiple
    of `kinds`, so that each column holds a single class."""

    def fit(limit: int) -> int:
        return min(count, limit // kinds * kinds or limit)

    return fit(10 if count <= 100 else 20), fit(10)


# --- styles -------------------------------------------------------------------------------------


def rounded(styles: Float[np.ndarray, "S Z"]) -> Float[np.ndarray, "S Z"]:
    """Styles rounded to the four decimals of the downloaded Python lines, float32."""
    return np.round(styles.astype(np.float64), 4).astype(np.float32)


def style_of(codes: Float[np.ndarray, "N Z"], classes: slice) -> Float[np.ndarray, "N S"]:
    """The styles of codes: the dimensions outside the block of the class."""
    return np.delete(codes, np.arange(classes.start, classes.stop), axis=1)


def style_at_angle(
    pair: Float[np.ndarray, "2 Z"], degrees: float, blocks: Sequence[LatentBlock]
) -> Float[np.ndarray, " Z"]:
    """A style on a closed path through the first of two draws a, b from the prior of `blocks`; each
    point of the path has the distribution of the prior.

    A normal block is on the circle cos(t) a + sin(t) b, as the squared weights sum to 1. A uniform
    block would leave its range there: each of its coordinates moves from a at constant speed, is
    reflected at the ends of the range, and has covered it to and fro after 360 degrees. The sense
    of its movement is that of b. Other blocks stay at a.
    """
    angle, style = np.deg2rad(degrees), pair[0].astype(np.float64)
    for block, where in zip(blocks, latent.slices(blocks), strict=True):
        a, b = pair[:, where].astype(np.float64)
        if block.prior == "normal":
            style[where] = np.cos(angle) * a + np.sin(angle) * b
        elif block.prior == "uniform":
            low, high = block.limits
            sense = np.where(b < (low + high) / 2, -1, 1)
            # of the way to and fro, which is 2 long: 0 at the lowest value, 1 at the highest
            place = ((a - low) / (high - low) + sense * degrees / 180) % 2
            style[where] = low + (high - low) * np.minimum(place, 2 - place)
    return style.astype(np.float32)


# --- a number in one style ----------------------------------------------------------------------


def cropped(digits: UInt8[np.ndarray, "N H W"]) -> list[UInt8[np.ndarray, "H _"]]:
    """Digits cut to the width of their ink, to be set side by side."""
    cut = []
    for digit in digits:
        inked = np.flatnonzero(digit.max(axis=0) > 255 * TRACE)
        middle = digit.shape[1] // 2  # where there is no ink
        left, right = (inked[0], inked[-1]) if len(inked) else (middle - 4, middle + 3)
        cut.append(digit[:, max(0, left - 1) : right + 2])
    return cut


def number_picture(
    digits: UInt8[np.ndarray, "N H W"], spaces: Sequence[int], width: int = LINE
) -> UInt8[np.ndarray, "A B"]:
    """A number as a picture, broken into lines of `width` pixels at the most."""
    lines: list[list[np.ndarray]] = [[]]
    for place, digit in enumerate(cropped(digits)):
        used = sum(part.shape[1] for part in lines[-1])
        if lines[-1] and used + GAP + digit.shape[1] > width:
            lines.append([])
        if lines[-1]:
            gap = GAP + SPACE * list(spaces).count(place)
            lines[-1].append(np.zeros((len(digit), gap), np.uint8))
        lines[-1].append(digit)
    rows = [np.concatenate(line, axis=1) for line in lines]
    widest = max(row.shape[1] for row in rows)
    margin = [np.pad(row, ((4, 4), (8, 8 + widest - row.shape[1]))) for row in rows]
    return np.concatenate(margin)


# --- downloads ----------------------------------------------------------------------------------


def by_seed(name: str, labels: Sequence[int], count: int, seed: int, temperature: float) -> str:
    """Python code that generates `labels` in turn, with styles from the prior."""
    return _lines(
        name,
        f"np.resize({[int(label) for label in labels]}, {count})",
        f"seed={seed}, temperature={temperature}",
    )


def by_prior(name: str, count: int, seed: int, temperature: float, prior: str) -> str:
    """Python code that decodes samples from a prior of an unconditional model."""
    other = "" if prior == "normal" else f", prior={prior!r}"
    return (
        f"from vae import service\nmodel = service.load({name!r})\n"
        f"codes = model.sample_prior({count}, seed={seed}, temperature={temperature}{other})\n"
        "images = model.decode(codes)"
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
