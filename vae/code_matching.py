"""Matches the values of a categorical code to the classes of the data, one to one."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int

from vae.dataspec import Dataset
from vae.tensors import to_tensor


def code_of_each_class(model: Any, data: Dataset) -> Int[np.ndarray, " K"]:
    """The code that stands for each class, so that as many labelled samples as possible have the
    code of their class; `model.classify` gives the log-probabilities of the codes."""
    known = data.select(data.labels >= 0)
    device = next(model.parameters()).device
    parts = to_tensor(known.samples, known.spec).split(1000)
    codes = [model.classify(part.to(device)).argmax(1).cpu().numpy() for part in parts]
    return match(confusion(np.concatenate(codes), known.labels, data.class_count))


def confusion(
    codes: Int[np.ndarray, " N"], labels: Int[np.ndarray, " N"], size: int
) -> Int[np.ndarray, "K K"]:
    """How many samples have each code, the rows, and each class, the columns."""
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (codes, labels), 1)
    return counts


def match(counts: Int[np.ndarray, "K K"]) -> Int[np.ndarray, " K"]:
    """The code of each class, a permutation with the largest sum of counts[code, class]: the
    Hungarian method (Kuhn 1955)."""
    from scipy.optimize import linear_sum_assignment  # takes a third of a second to import

    codes, classes = linear_sum_assignment(counts, maximize=True)
    return codes[np.argsort(classes)]
