"""The distributions p(x | z) of samples, by name. A decoder returns their parameters.

A new likelihood is one class and one line in LIKELIHOODS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vae.dataspec import DataSpec
from vae.losses import LOG_2PI

# range of the log-deviation of values in [0, 1]: from a grey level of 256 to the whole range
LOG_DEVIATION = (-math.log(255), 0.0)


@runtime_checkable
class Likelihood(Protocol):
    """The distribution of one sample, given the parameters that a decoder returns.

    Parameters have shape [*B, *parameters], samples [*B, *shape].
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""
        ...

    @property
    def parameters(self) -> tuple[int, ...]:
        """The shape of the parameters of a sample."""
        ...

    @property
    def binary(self) -> bool:
        """Whether the values are 0 or 1, so that grey levels in between are probabilities."""
        ...

    def log_prob(
        self, parameters: Float[Tensor, "..."], x: Float[Tensor, "..."]
    ) -> Float[Tensor, "*B"]:
        """log p(x | z) in nats, summed over the values of each sample. Leading axes broadcast."""
        ...

    def mean(self, parameters: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The mean of x, in [0, 1] for images: what the pages show."""
        ...

    def sample(
        self, parameters: Float[Tensor, "..."], generator: torch.Generator | None = None
    ) -> Float[Tensor, "..."]:
        """Draw a sample from p(x | z)."""
        ...


@runtime_checkable
class Pairwise(Protocol):
    """A likelihood that computes all pairs of parameters and samples by a matrix product."""

    def pairwise_log_prob(
        self, parameters: Float[Tensor, "G ..."], x: Float[Tensor, "N ..."]
    ) -> Float[Tensor, "N G"]: ...


@runtime_checkable
class LearnsConstants(Protocol):
    """A likelihood with parameters that are the same for all samples: the last rows or planes of
    the parameters. The decoder learns them and does not compute them from the code."""

    constants: int  # how many rows or planes


@dataclass(frozen=True)
class Bernoulli:
    """Independent values of 0 or 1, given by their logits."""

    shape: tuple[int, ...]
    binary = True

    @property
    def parameters(self) -> tuple[int, ...]:
        """One logit for each value."""
        return self.shape

    def log_prob(
        self, parameters: Float[Tensor, "..."], x: Float[Tensor, "..."]
    ) -> Float[Tensor, "*B"]:
        """log p(x | logits); for x between 0 and 1 its expectation over binarisations of x."""
        # x l - softplus(l) is the stable form of x log s(l) + (1 - x) log(1 - s(l))
        axes = tuple(range(-len(self.shape), 0))
        return (x * parameters - F.softplus(parameters)).sum(axes)

    def pairwise_log_prob(
        self, parameters: Float[Tensor, "G ..."], x: Float[Tensor, "N ..."]
    ) -> Float[Tensor, "N G"]:
        """log p(x | logits) of each sample for each row of logits."""
        logits = parameters.flatten(1)
        return x.flatten(1) @ logits.T - F.softplus(logits).sum(1)

    def mean(self, parameters: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The probability of a 1."""
        return parameters.sigmoid()

    def sample(
        self, parameters: Float[Tensor, "..."], generator: torch.Generator | None = None
    ) -> Float[Tensor, "..."]:
        """Values of 0 or 1."""
        return torch.bernoulli(parameters.sigmoid(), generator=generator)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal values with means in [0, 1] and one deviation for all values, which is
    learned with the decoder (sigma-VAE, Rybkin et al. 2021).

    The parameters are the logits of the means, and after them, along the first axis, the log of the
    deviation.
    """

    shape: tuple[int, ...]
    binary = False
    constants = 1

    @property
    def parameters(self) -> tuple[int, ...]:
        """One logit for each value, and one more row or plane for the log-deviation."""
        return (self.shape[0] + self.constants, *self.shape[1:])

    def log_prob(
        self, parameters: Float[Tensor, "..."], x: Float[Tensor, "..."]
    ) -> Float[Tensor, "*B"]:
        """log N(x; mean, deviation): a density, which may be positive."""
        logits, log_deviation = self._split(parameters)
        standardised = (x - logits.sigmoid()) / log_deviation.exp()
        axes = tuple(range(-len(self.shape), 0))
        return (-0.5 * (standardised.square() + LOG_2PI) - log_deviation).sum(axes)

    def mean(self, parameters: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The means."""
        return self._split(parameters)[0].sigmoid()

    def sample(
        self, parameters: Float[Tensor, "..."], generator: torch.Generator | None = None
    ) -> Float[Tensor, "..."]:
        """The means with noise, which may leave [0, 1]."""
        logits, log_deviation = self._split(parameters)
        noise = torch.randn(logits.shape, generator=generator, device=logits.device)
        return logits.sigmoid() + log_deviation.exp() * noise

    def _split(self, parameters: Float[Tensor, "..."]) -> tuple[Tensor, Tensor]:
        """The logits and the log-deviation."""
        logits, log_deviation = parameters.split([self.shape[0], self.constants], -len(self.shape))
        return logits, log_deviation.clamp(*LOG_DEVIATION)


LIKELIHOODS: dict[str, Callable[[tuple[int, ...]], Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
}


def likelihood_of(spec: DataSpec) -> Likelihood:
    """The likelihood of a data set's samples. Raises ValueError for an unknown name."""
    if spec.likelihood not in LIKELIHOODS:
        raise ValueError(
            f"there is no likelihood {spec.likelihood!r}; choose one of {', '.join(LIKELIHOODS)}"
        )
    return LIKELIHOODS[spec.likelihood](spec.shape)
