"""What the Reconstruct page works on: originals, their order, and the figures that a model earns
on them. NumPy only, no Streamlit."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
from jaxtyping import Float

from vae.latent import gaussian_kl

Way = Literal["By index", "By digit", "At random", "Worst first"]
WAYS: tuple[Way, ...] = get_args(Way)
DRAWS = 8  # codes from each posterior: as many as the shipped cross-entropies are means over
SMALLEST = 1e-7  # probability kept away from 0 and 1, where float32's sigmoid saturates


class Autoencodes(Protocol):
    """What is asked of a model here; `vae.service.Model` has it."""

    def encode(self, images: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]: ...

    def decode(self, z: np.ndarray, /) -> np.ndarray: ...


class Figures(NamedTuple):
    """What a model makes of N images: posteriors, and the parts of the negative ELBO in nats."""

    mean: np.ndarray  # float32 [N, Z]
    logvar: np.ndarray  # float32 [N, Z]; -inf where the code is a point
    cross_entropy: np.ndarray  # [N], the mean over DRAWS codes from the posterior
    kl: np.ndarray  # [N]; 0 for a deterministic encoder

    @property
    def deterministic(self) -> bool:
        """Whether the encoder answers with points: there is no KL, no ELBO, nothing to draw."""
        return not np.isfinite(self.logvar).any()

    @property
    def elbo(self) -> np.ndarray:
        """The evidence lower bound of each image, nats [N]."""
        return -(self.cross_entropy + self.kl)

    def one(self, index: int) -> Figures:
        """The figures of a single image, still with N = 1."""
        return Figures(*(array[index : index + 1] for array in self))


def cross_entropy(
    decoded: Float[np.ndarray, "*B 28 28"], images: Float[np.ndarray, "*B 28 28"]
) -> Float[np.ndarray, "*B"]:
    """-log p(x) of independent Bernoulli pixels, summed over the image, nats.

    `decoded` holds the pixels' probabilities; grey levels of `images` count as expectations.
    """
    p = np.clip(decoded.astype(np.float64), SMALLEST, 1 - SMALLEST)
    return -(images * np.log(p) + (1 - images) * np.log1p(-p)).sum(axis=(-2, -1))


def draw_codes(
    mean: Float[np.ndarray, "N Z"], logvar: Float[np.ndarray, "N Z"], count: int, seed: int
) -> Float[np.ndarray, "N S Z"]:
    """`count` codes from each posterior, float32. A deterministic encoder's are all its mean."""
    noise = np.random.default_rng(seed).standard_normal((len(mean), count, mean.shape[1]))
    return (mean[:, None] + np.exp(0.5 * logvar)[:, None] * noise).astype(np.float32)


def measure(
    model: Autoencodes, images: Float[np.ndarray, "N 28 28"], draws: int = DRAWS, seed: int = 0
) -> Figures:
    """Encode images in [0, 1] and weigh what comes back. Raises as the model does."""
    mean, logvar = model.encode(images)
    codes = draw_codes(mean, logvar, draws, seed)
    decoded = model.decode(codes.reshape(-1, mean.shape[1])).reshape(len(images), draws, 28, 28)
    found = cross_entropy(decoded, images[:, None]).mean(axis=1)
    return Figures(mean, logvar, found, gaussian_kl(mean, logvar).sum(axis=1))


def order(
    way: Way, labels: np.ndarray, figures: Figures, digit: int = 0, seed: int = 0
) -> np.ndarray:
    """The indices of the originals in the order that `way` shows them.

    "By digit" leaves out all but `digit`; "At random" depends on the seed alone; "Worst first"
    begins with the lowest ELBO. Raises ValueError for another way.
    """
    if way == "By index":
        return np.arange(len(labels))
    if way == "By digit":
        return np.flatnonzero(labels == digit)
    if way == "At random":
        return np.random.default_rng(seed).permutation(len(labels))
    if way == "Worst first":
        return np.argsort(figures.elbo, kind="stable")
    raise ValueError(f"way {way!r} is none of {', '.join(WAYS)}")
