"""The rows that a training sees."""

import numpy as np
import pytest

from vae import batches, data


def test_balanced_rows_repeat_rare_classes() -> None:
    labels = np.repeat([0, 1, 2], [100, 25, 4])
    rows = batches.balanced_rows(labels)
    assert set(rows.tolist()) == set(range(129)), "no sample is dropped"
    assert np.bincount(labels[rows]).tolist() == [100, 50, 20]
    assert np.bincount(labels[batches.balanced_rows(labels, power=0.0)]).tolist() == [100] * 3
    assert np.bincount(labels[batches.balanced_rows(labels, power=1.0)]).tolist() == [100, 25, 4]
    with pytest.raises(ValueError, match=r"power 2\.0"):
        batches.balanced_rows(labels, power=2.0)


def test_people_do_not_dominate_balanced_emoji() -> None:
    emoji = data.load("emoji", "train")
    people = emoji.spec.classes.index("People & Body")
    balanced = emoji.labels[batches.balanced_rows(emoji.labels)]
    assert (emoji.labels == people).mean() > 0.59
    assert (balanced == people).mean() < 0.32
