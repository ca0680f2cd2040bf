"""A Gaussian mixture fitted to the codes of a trained model, as a prior to draw samples from (Ghosh
et al. 2019, arXiv 1903.12436, ex-post density estimation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from vae import latent
from vae.latent import LatentBlock

PRIORS = ("normal", "mixture")  # of the blocks, or fitted to the codes
COMPONENTS = (1, 2, 5, 10, 20, 30, 50)  # numbers that are tried
PER_COMPONENT = 10  # codes for each coordinate of a component's mean, or fewer are tried
HELD_OUT = 0.25  # share of the codes that the number of components is chosen by
FEWEST = 50  # codes to fit a mixture to


@dataclass(frozen=True, eq=False)
class MixturePrior:
    """sum over k of w_k N(m_k, L_k L_k^T), a density of the code's explored normal coordinates."""

    weights: np.ndarray  # float [K]; they sum to 1
    means: np.ndarray  # float [K, D]
    factors: np.ndarray  # float [K, D, D], lower triangular

    def __post_init__(self) -> None:
        k, d = self.means.shape if self.means.ndim == 2 else (0, 0)
        arrays = (self.weights, self.means, self.factors)
        if not k or self.weights.shape != (k,) or self.factors.shape != (k, d, d):
            raise ValueError(f"arrays of shapes {[list(a.shape) for a in arrays]} are no mixture")
        if not all(np.isfinite(a).all() for a in arrays):
            raise ValueError("not all of its numbers are finite")
        if (self.weights < 0).any() or abs(self.weights.sum() - 1) > 1e-3:
            raise ValueError("its weights are no probabilities")

    @property
    def size(self) -> int:
        """Coordinates of a draw."""
        return self.means.shape[1]

    def sample(self, count: int, seed: int, temperature: float = 1.0) -> Float[np.ndarray, "N D"]:
        """Draws, float32; temperature scales the deviation of each component from its mean."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.weights), count, p=self.weights / self.weights.sum())
        noise = temperature * rng.standard_normal((count, self.size))
        drawn = self.means[chosen].astype(np.float64)
        for k in np.unique(chosen):
            drawn[chosen == k] += noise[chosen == k] @ self.factors[k].T
        return drawn.astype(np.float32)


def coordinates(blocks: Sequence[LatentBlock]) -> tuple[int, ...]:
    """The coordinates of a code that a mixture is of: those of normal blocks, without noise."""
    kept = [b.prior == "normal" and b.role == "code" for b in blocks for _ in range(b.dims)]
    return tuple(np.flatnonzero(kept).tolist())


def sample(
    blocks: Sequence[LatentBlock],
    mixture: MixturePrior | None,
    count: int,
    seed: int,
    temperature: float = 1.0,
) -> Float[np.ndarray, "N Z"]:
    """Codes from the prior of the blocks, their normal coordinates from the mixture if there is
    one, float32. Raises as `latent.sample_prior`."""
    codes = latent.sample_prior(blocks, count, seed, temperature)
    if mixture is not None:
        codes[:, coordinates(blocks)] = mixture.sample(count, seed, temperature)
    return codes


def fit(
    codes: Float[np.ndarray, "N D"], *, components: Sequence[int] = COMPONENTS, seed: int = 0
) -> MixturePrior:
    """The mixture with full covariances of the number of components that gives held-out codes the
    largest likelihood.

    Raises ValueError for fewer than `FEWEST` codes.
    """
    from sklearn.mixture import GaussianMixture  # takes half a second to import

    if len(codes) < FEWEST:
        raise ValueError(f"a mixture needs {FEWEST} codes or more, not {len(codes)}")
    # in double precision: covariances of single precision need not be positive definite
    shuffled = np.random.default_rng(seed).permutation(codes.astype(np.float64))
    held_out, rest = np.split(shuffled, [int(HELD_OUT * len(shuffled))])
    floor = 1e-3 * max(float(rest.var(0).mean()), 1e-6)  # of a variance: codes may be repeated
    most = max(1, len(rest) // (PER_COMPONENT * (codes.shape[1] + 1)))
    best: Any = None
    score = -np.inf
    for count in [count for count in components if count <= most] or [1]:
        found = GaussianMixture(count, reg_covar=floor, random_state=seed).fit(rest)
        if (reached := float(found.score(held_out))) <= score:
            break
        best, score = found, reached
    assert best is not None, "the likelihood of finite codes is finite"
    return MixturePrior(best.weights_, best.means_, np.linalg.cholesky(best.covariances_))
