"""Metrics of the Reconstruct page: the terms of the ELBO of each image, and orders of the samples.
NumPy only, no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from jaxtyping import Float

Way = Literal["By index", "By class", "At random", "Worst first"]
WAYS: tuple[Way, ...] = get_args(Way)
DRAWS = 8  # samples from a posterior that the page shows


class Reconstructs(Protocol):
    """The method of `vae.service.Model` that is used here."""

    def reconstruct(self, samples: np.ndarray, /) -> Sequence[Any]: ...


class Figures(NamedTuple):
    """Posteriors of N samples, and the two terms of the negative ELBO of each, nats."""

    mean: np.ndarray  # float32 [N, Z]
    logvar: np.ndarray  # float32 [N, Z]; -inf where the code is a point
    cross_entropy: np.ndarray  # [N]
    kl: np.ndarray  # [N]; 0 for a deterministic encoder
    # [N], mean over the values of a sample, for an implicit model, which has no cross-entropy
    squared_error: np.ndarray | None = None

    @property
    def deterministic(self) -> bool:
        """Whether the encoder is deterministic, so that there is no KL, no ELBO and no sample."""
        return not np.isfinite(self.logvar).any()

    @property
    def elbo(self) -> np.ndarray:
        """The evidence lower bound of each sample, nats [N]."""
        return -(self.cross_entropy + self.kl)

    def one(self, index: int) -> Figures:
        """The figures of a single sample, still with N = 1."""
        one, error = slice(index, index + 1), self.squared_error
        first = Figures(self.mean[one], self.logvar[one], self.cross_entropy[one], self.kl[one])
        return first._replace(squared_error=None if error is None else error[one])


def measure(model: Reconstructs, samples: Float[np.ndarray, "N ..."]) -> Figures:
    """The figures of samples, images in [0, 1]. Raises as `vae.service.Model.reconstruct`."""
    return Figures(*model.reconstruct(samples))


def order(
    way: Way, labels: np.ndarray, figures: Figures | None, label: int = 0, seed: int = 0
) -> np.ndarray:
    """Indices of the samples in the order `way`.

    "By class" has only the samples of class `label`; "At random" is a permutation by the seed;
    "Worst first" is by ascending ELBO, or by the squared error of an implicit model, and needs the
    figures. Raises ValueError for another order.
    """
    if way == "By index":
        return np.arange(len(labels))
    if way == "By class":
        return np.flatnonzero(labels == label)
    if way == "At random":
        return np.random.default_rng(seed).permutation(len(labels))
    if way == "Worst first" and figures is not None:
        goodness = figures.elbo if figures.squared_error is None else -figures.squared_error
        return np.argsort(goodness, kind="stable")
    raise ValueError(f"order {way!r} is not one of {', '.join(WAYS)}")
