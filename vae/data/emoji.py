"""Noto emoji, shipped with the app: 3,781 pictures of 32x32 in colour, in nine categories."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vae.data.source import COLOUR_LIKELIHOOD
from vae.data.split import in_test
from vae.dataspec import Dataset, DataSpec
from vae.download import DataError, Progress

FILE = Path(__file__).resolve().parents[2] / "assets" / "data" / "emoji" / "emoji32.npz"


def group_of(name: str) -> str:
    """What an emoji shows: its name without skin tone, hair and gender, which follow a colon."""
    return name.partition(":")[0].strip()


def noto_emoji(split: str, *, progress: Progress | None = None) -> Dataset:
    """Noto emoji on white, uint8 [N, 32, 32, 3]. `names` are Unicode's.

    A tenth of each category is the test set; variants of one emoji are on the same side. Six in
    ten show people: a training balances the classes by `TrainConfig.balance`.

    Raises: DataError when the file is missing or damaged.
    Source: Google's Noto Emoji, Apache License 2.0 (assets/data/emoji/NOTICE)
    """
    del progress
    try:
        with FILE.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            images, labels, names = (file[key] for key in ("images", "labels", "names"))
            classes = tuple(str(name) for name in file["classes"])
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds
        raise DataError(
            f"{FILE} cannot be read ({error}): restore it with git checkout -- assets"
        ) from error
    spec = DataSpec("image", (3, *images.shape[1:3]), COLOUR_LIKELIHOOD, classes, noun="emoji")
    rows = in_test(labels, groups=[group_of(str(name)) for name in names])
    rows = rows if split == "test" else ~rows
    return Dataset(images[rows], labels[rows].astype(np.int64), spec, names=names[rows].tolist())
