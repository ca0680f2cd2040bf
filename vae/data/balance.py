"""Repeat the rows of rare classes, so that a frequent one does not dominate a training."""

from __future__ import annotations

import numpy as np


def balanced_rows(labels: np.ndarray, *, power: float = 0.5, seed: int = 0) -> np.ndarray:
    """Rows for `Dataset.select`, each at least once, int64 [M] with M >= N, in shuffled order.

    A class of n samples gets a share in proportion to n^power: 1 keeps the frequencies, 0 makes
    all classes equally frequent. Samples without a class (-1) count as one class.

    Raises ValueError for a power outside 0 to 1.
    """
    if not 0 <= power <= 1:
        raise ValueError(f"power {power} is not in 0 to 1")
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    rows = []
    for label, count in zip(classes, counts, strict=True):
        own = rng.permutation(np.flatnonzero(labels == label))
        rows.append(np.resize(own, round(count * (counts.max() / count) ** (1 - power))))
    return rng.permutation(np.concatenate(rows)) if rows else np.empty(0, np.int64)
