"""Choose the test samples of data that have no test set of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EVERY = 10  # one sample in so many is a test sample


def in_test(
    labels: np.ndarray, seed: int = 0, groups: Sequence[str] = (), *, every: int = EVERY
) -> np.ndarray:
    """Which samples are in the test set, bool [N]: one in `every` of each class, by a seed.

    At least one sample is in each part. Samples of one group, such as variants of one picture,
    are in the same part; a group counts as one sample, of the class of its first member.

    Raises ValueError for fewer than two samples or groups.
    """
    if len(groups):
        _, first, group_of = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
        return in_test(labels[first], seed, every=every)[group_of]
    count = len(labels)
    if count < 2:
        raise ValueError(f"{count} samples cannot be split into training and test: give 2 or more")
    shuffled = np.random.default_rng(seed).permutation(count)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    # every tenth of the samples in the order of their classes, so that each class has its share
    chosen = np.zeros(count, bool)
    chosen[by_class[min(every // 2, count // 2) :: every]] = True
    return chosen
