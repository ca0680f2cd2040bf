"""Metrics of the Reconstruct page: the terms of the ELBO of each image, and orders of the samples.
NumPy only, no Streamlit."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
from jaxtyping import Float

Way = Literal["By index", "By class", "At random", "Worst first"]
WAYS: tuple[Way, ...] = get_args(Way)
DRAWS = 8  # samples from a posterior that the page shows


class Reconstructs(Protocol):
    """The method of `vae.service.Model` that is used here."""

    def reconstruct(
        self, samples: np.ndarray, /
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]: ...


class Figures(NamedTuple):
    """Posteriors of N samples, and the two terms of the negative ELBO of each, nats."""

    mean: np.ndarray  # float32 [N, Z]
    logvar: np.ndarray  # float32 [N, Z]; -inf where the code is a point
    cross_entropy: np.ndarray  # [N]
    kl: np.ndarray  # [N]; 0 for a deterministic encoder

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
        return Figures(*(array[index : index + 1] for array in self))


def measure(model: Reconstructs, samples: Float[np.ndarray, "N ..."]) -> Figures:
    """The figures of samples, images in [0, 1]. Raises as `vae.service.Model.reconstruct`."""
    return Figures(*model.reconstruct(samples))


def order(
    way: Way, labels: np.ndarray, figures: Figures, label: int = 0, seed: int = 0
) -> np.ndarray:
    """Indices of the samples in the order `way`.

    "By class" has only the samples of class `label`; "At random" is a permutation by the seed;
    "Worst first" is by ascending ELBO. Raises ValueError for another order.
    """
    if way == "By index":
        return np.arange(len(labels))
    if way == "By class":
        return np.flatnonzero(labels == label)
    if way == "At random":
        return np.random.default_rng(seed).permutation(len(labels))
    if way == "Worst first":
        return np.argsort(figures.elbo, kind="stable")
    raise ValueError(f"order {way!r} is not one of {', '.join(WAYS)}")
