"""scikit-learn's digits, which need no network."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae.data.split import in_test
from vae.dataspec import MNIST, Dataset
from vae.download import Progress
from vae.prepare import enlarge, prepare


def bundled_digits(split: str, *, progress: Progress | None = None) -> Dataset:
    """scikit-learn's 1,797 digits of 8x8, prepared as MNIST was.

    A fifth of each class, chosen by a fixed seed, is the test set.

    Source: Alpaydin and Kaynak, UCI Optical Recognition of Handwritten Digits
    """
    del progress
    from sklearn.datasets import load_digits  # takes most of a second; nothing else needs it

    small: Any = load_digits()
    labels = small.target.astype(np.int64)
    rows = in_test(labels, every=5)
    rows = rows if split == "test" else ~rows
    images = [prepare(enlarge(image / 16), invert=False).final for image in small.images[rows]]
    return Dataset(np.stack(images), labels[rows], MNIST)
