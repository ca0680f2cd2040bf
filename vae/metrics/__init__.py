"""Metrics, one file a question: likelihood, classification, reconstruction, the distribution of
samples, and generation given a class.

`evaluation` computes those of the first three that a model's abilities allow. `distribution` and
`generation`, which need independent classifiers or train one, are imported by their own names.
"""

from vae.metrics.classification import accuracy, fewest_labels, nearest_neighbours
from vae.metrics.evaluation import as_tensor, encode, encode_drawn, evaluate
from vae.metrics.likelihood import (
    NegativeELBO,
    binarised,
    elbo,
    grid_quadrature,
    importance_sampled,
)

__all__ = [
    "NegativeELBO",
    "accuracy",
    "as_tensor",
    "binarised",
    "elbo",
    "encode",
    "encode_drawn",
    "evaluate",
    "fewest_labels",
    "grid_quadrature",
    "importance_sampled",
    "nearest_neighbours",
]
