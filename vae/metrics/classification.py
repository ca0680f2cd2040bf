"""Accuracy of a model's classifier, and of a nearest-neighbour classifier of its codes."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from vae.dataspec import Dataset
from vae.interface import Classifies
from vae.metrics.likelihood import part_size
from vae.tensors import to_tensor

NEIGHBOURS = 5


def fewest_labels(data: Dataset) -> int:
    """The number of samples of the rarest class; 0 for data without classes."""
    if not data.class_count:
        return 0
    return int(np.bincount(data.labels[data.labels >= 0], minlength=data.class_count).min())


def nearest_neighbours(
    codes: Float[np.ndarray, "N Z"],
    train: Dataset,
    test: Float[np.ndarray, "M Z"],
    test_labels: np.ndarray,
    count: int,
    *,
    draws: int = 5,
) -> float:
    """Test accuracy of a 5-nearest-neighbour classifier on `count` labelled codes of training
    samples, as many of each class; mean over `draws` choices of these codes.

    Raises ValueError where a class has too few labelled samples.
    """
    each = count // train.class_count
    if each > (least := fewest_labels(train)):
        raise ValueError(
            f"{count} labels need {each} codes of each class, but one class has {least}"
        )
    from sklearn.neighbors import KNeighborsClassifier

    scores = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        by_class = [np.flatnonzero(train.labels == y) for y in range(train.class_count)]
        rows = np.concatenate([rng.choice(group, each, replace=False) for group in by_class])
        classifier = KNeighborsClassifier(NEIGHBOURS, weights="distance").fit(
            codes[rows], train.labels[rows]
        )
        scores.append(float(classifier.score(test, test_labels)))
    return float(np.mean(scores))


@torch.inference_mode()
def accuracy(model: Classifies, data: Dataset) -> float:
    """Share of the labelled samples whose most probable class is their label, 0 to 1; there must be
    a labelled one."""
    labelled = data.select(data.labels >= 0)
    x = to_tensor(labelled.samples, labelled.spec)
    classes = [model.classify(part).argmax(1) for part in x.split(part_size(x, 1000))]
    return float((torch.cat(classes).numpy() == labelled.labels).mean())
