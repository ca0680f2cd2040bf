"""Posteriors q(z | x): a distribution for each block of the code, and Posterior, which joins them.

Leading axes come first: n samples of B codes are [n, B, Z]. A sample is a function of standard
normal noise that the caller draws, so that the same noise gives the same sample. The KL is that to
the prior of the distribution's kind: standard normal, or uniform over the classes or an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from vae import losses
from vae.flows import Flow

POINTS = 128  # per component, for the KL of a mixture


@runtime_checkable
class Distribution(Protocol):
    """The posterior of one block of Z coordinates, for a batch of B samples."""

    @property
    def code(self) -> Float[Tensor, "B Z"]:
        """The code that stands for the distribution, for instance on the map."""
        ...

    @property
    def logvar(self) -> Float[Tensor, "B Z"]:
        """Log-variance around the code; -inf without uncertainty."""
        ...

    @property
    def noise_size(self) -> int:
        """How many standard normal numbers a sample needs."""
        ...

    def sample(self, noise: Float[Tensor, "*K B N"]) -> Float[Tensor, "*K B Z"]:
        """The codes that belong to the noise."""
        ...

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        """log q(z | x)."""
        ...

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        """log p(z)."""
        ...

    def kl(self) -> Float[Tensor, " B"]:
        """KL(q(z | x) || p(z))."""
        ...

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        """KL(q(z_d | x) || p(z_d)) of each dimension: of the marginals."""
        ...


@dataclass(frozen=True, eq=False)
class DiagonalGaussian:
    """N(mean, exp logvar), independent in each dimension. Prior: N(0, 1)."""

    mean: Float[Tensor, "B Z"]
    logvar: Float[Tensor, "B Z"]

    @property
    def code(self) -> Float[Tensor, "B Z"]:
        return self.mean

    @property
    def noise_size(self) -> int:
        return self.mean.shape[-1]

    def sample(self, noise: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B Z"]:
        """mean + deviation * noise: the gradient reaches the encoder (Kingma & Welling 2013)."""
        return self.mean + (0.5 * self.logvar).exp() * noise

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return losses.gaussian_log_density(z, self.mean, self.logvar)

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return losses.standard_normal_log_density(z)

    def kl(self) -> Float[Tensor, " B"]:
        return self.kl_per_dimension().sum(-1)

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        return losses.gaussian_kl(self.mean, self.logvar)


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """A mixture of M diagonal Gaussians: sum_m w_m N(mean_m, exp logvar_m). Prior: N(0, 1).

    It can cover a posterior with several modes. The code is the mean of the heaviest component.
    """

    log_weights: Float[Tensor, "B M"]  # normalised
    means: Float[Tensor, "B M Z"]
    logvars: Float[Tensor, "B M Z"]

    @property
    def code(self) -> Float[Tensor, "B Z"]:
        return self._of_component(self.means, self.log_weights.argmax(-1))

    @property
    def logvar(self) -> Float[Tensor, "B Z"]:
        """Log-variance of the heaviest component."""
        return self._of_component(self.logvars, self.log_weights.argmax(-1))

    @property
    def noise_size(self) -> int:
        return self.means.shape[-1] + 1

    def sample(self, noise: Float[Tensor, "*K B N"]) -> Float[Tensor, "*K B Z"]:
        """A component by the last number, a code from it by the others.

        The gradient reaches the component's mean and log-variance, and not the weights.
        """
        uniform = torch.special.ndtr(noise[..., -1:])  # [*K, B, 1], on [0, 1]
        ends = self.log_weights.exp().cumsum(-1)[..., :-1]  # [B, M - 1]
        component = (uniform > ends).sum(-1)  # [*K, B]
        mean = self._of_component(self.means, component)
        logvar = self._of_component(self.logvars, component)
        return mean + (0.5 * logvar).exp() * noise[..., :-1]

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        densities = losses.gaussian_log_density(z[..., None, :], self.means, self.logvars)
        return torch.logsumexp(self.log_weights + densities, -1)

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return losses.standard_normal_log_density(z)

    def kl(self) -> Float[Tensor, " B"]:
        """It has no closed form: the mean over `POINTS` fixed points of each component.

        Exact for one component; for others of two dimensions within some 0.02 nats.
        """
        points = self._points()
        log_ratio = self.log_prob(points) - self.prior_log_prob(points)  # [S, M, B]
        return (self.log_weights.exp().T * log_ratio.mean(0)).sum(0)

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        """The same estimate for each marginal; a mixture's KL is not their sum."""
        dimensions = zip(self.means.unbind(-1), self.logvars.unbind(-1), strict=True)
        marginals = [
            GaussianMixture(self.log_weights, mean[..., None], logvar[..., None])
            for mean, logvar in dimensions
        ]
        return torch.stack([marginal.kl() for marginal in marginals], -1)

    def _points(self) -> Float[Tensor, "S M B Z"]:
        """Points spread like samples of each component."""
        noise = normal_points(POINTS, self.means.shape[-1]).to(self.means)  # [S, Z]
        points = self.means + (0.5 * self.logvars).exp() * noise[:, None, None]  # [S, B, M, Z]
        return points.transpose(1, 2)

    def _of_component(self, values: Tensor, component: Tensor) -> Tensor:
        """The entries of values [B, M, Z] that component [*K, B] names: [*K, B, Z]."""
        return values[torch.arange(len(values), device=values.device), component]


@dataclass(frozen=True, eq=False)
class Transformed:
    """u = f^-1(z) of a code z with a distribution of its own and an invertible f. Prior: N(0, 1) of
    u, so f(u) is a prior of z that is fitted to the data (Huang et al. 2019, arXiv 1905.13452).

    What has no closed form is a mean over `POINTS` fixed points of the distribution of z.
    """

    base: Distribution
    flow: Flow

    @property
    def code(self) -> Float[Tensor, "B Z"]:
        return self.flow.inverse(self.base.code)[0]

    @property
    def logvar(self) -> Float[Tensor, "B Z"]:
        """Log-variance of the points."""
        return self._points[0].var(0).log()

    @property
    def noise_size(self) -> int:
        return self.base.noise_size

    def sample(self, noise: Float[Tensor, "*K B N"]) -> Float[Tensor, "*K B Z"]:
        """f^-1 of the codes that belong to the noise."""
        return self.flow.inverse(self.base.sample(noise))[0]

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        """The density of u by the change of variables."""
        inner = self.flow(z)
        return self.base.log_prob(inner) - self.flow.inverse(inner)[1]

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return losses.standard_normal_log_density(z)

    def kl(self) -> Float[Tensor, " B"]:
        """The same for u and for z: a change of variables keeps it."""
        u, log_density = self._points
        return (log_density - self.prior_log_prob(u)).mean(0)

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        """KL of a Gaussian with the mean and the variance of each marginal; not summing to it."""
        u, _ = self._points
        return losses.gaussian_kl(u.mean(0), u.var(0).log())

    @cached_property  # the spread and both KLs are taken from them
    def _points(self) -> tuple[Float[Tensor, "S B Z"], Float[Tensor, "S B"]]:
        """Points spread like samples of u, and their log-densities."""
        code = self.base.code
        noise = normal_points(POINTS, self.noise_size).to(code)
        inner = self.base.sample(noise[:, None].expand(-1, len(code), -1))
        u, log_det = self.flow.inverse(inner)
        return u, self.base.log_prob(inner) - log_det


@dataclass(frozen=True, eq=False)
class Categorical:
    """A distribution over C classes, whose samples are one-hot. Prior: uniform."""

    log_probabilities: Float[Tensor, "B C"]

    @property
    def code(self) -> Float[Tensor, "B C"]:
        """The probabilities."""
        return self.log_probabilities.exp()

    @property
    def logvar(self) -> Float[Tensor, "B C"]:
        return torch.full_like(self.log_probabilities, -torch.inf)

    @property
    def noise_size(self) -> int:
        return 1

    def sample(self, noise: Float[Tensor, "*K B 1"]) -> Float[Tensor, "*K B C"]:
        """One-hot classes; they have no gradient."""
        uniform = torch.special.ndtr(noise)  # [*K, B, 1], on [0, 1]
        ends = self.log_probabilities.exp().cumsum(-1)[..., :-1]  # [B, C - 1]
        classes = self.log_probabilities.shape[-1]
        return torch.nn.functional.one_hot((uniform > ends).sum(-1), classes).to(noise.dtype)

    def log_prob(self, z: Float[Tensor, "*K B C"]) -> Float[Tensor, "*K B"]:
        """z is one-hot."""
        return torch.where(z > 0, z * self.log_probabilities, 0.0).sum(-1)

    def prior_log_prob(self, z: Float[Tensor, "*K B C"]) -> Float[Tensor, "*K B"]:
        return -math.log(z.shape[-1]) * z.sum(-1)

    def kl(self) -> Float[Tensor, " B"]:
        return self.kl_per_dimension().sum(-1)

    def kl_per_dimension(self) -> Float[Tensor, "B C"]:
        """q log(q / p) of each class: they sum to the KL."""
        q = self.log_probabilities.exp()
        return torch.xlogy(q, q * q.shape[-1])


@dataclass(frozen=True, eq=False)
class Point:
    """A code without uncertainty: of a deterministic encoder, or a class that is given.

    It has no density. It counts as a condition, not as a variable: log-densities and KL are 0.
    """

    code: Float[Tensor, "B Z"]

    @property
    def logvar(self) -> Float[Tensor, "B Z"]:
        return torch.full_like(self.code, -torch.inf)

    @property
    def noise_size(self) -> int:
        return 0

    def sample(self, noise: Float[Tensor, "*K B 0"]) -> Float[Tensor, "*K B Z"]:
        return self.code.expand(*noise.shape[:-1], -1)

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return torch.zeros_like(z[..., 0])

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return torch.zeros_like(z[..., 0])

    def kl(self) -> Float[Tensor, " B"]:
        return torch.zeros_like(self.code[:, 0])

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        return torch.zeros_like(self.code)


@dataclass(frozen=True, eq=False)
class TruncatedGaussian:
    """N(mean, exp logvar) in each dimension, truncated to [low, high], in which the mean lies.
    Prior: uniform there, so the KL is finite."""

    mean: Float[Tensor, "B Z"]  # of the Gaussian before truncation, so the mode
    logvar: Float[Tensor, "B Z"]
    low: float = -1.0
    high: float = 1.0

    @property
    def code(self) -> Float[Tensor, "B Z"]:
        return self.mean

    @property
    def noise_size(self) -> int:
        return self.mean.shape[-1]

    def sample(self, noise: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B Z"]:
        """The inverse of the distribution function at the noise's probability."""
        below, above = (torch.special.ndtr(end) for end in self._ends)
        share = below + (above - below) * torch.special.ndtr(noise)
        standard = torch.special.ndtri(share.clamp(1e-7, 1 - 1e-7))
        return (self.mean + self._deviation * standard).clamp(self.low, self.high)

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        inside = ((z >= self.low) & (z <= self.high)).all(-1)
        density = losses.gaussian_log_density(z, self.mean, self.logvar)
        return torch.where(inside, density - self._mass.log().sum(-1), -torch.inf)

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return uniform_log_density(z, self.low, self.high)

    def kl(self) -> Float[Tensor, " B"]:
        return self.kl_per_dimension().sum(-1)

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        """log(high - low) minus the entropy, which has a closed form."""
        a, b = self._ends
        normal = math.log(2 * math.pi)
        edges = a * (-0.5 * (a.square() + normal)).exp() - b * (-0.5 * (b.square() + normal)).exp()
        entropy = 0.5 * (1 + normal + self.logvar) + self._mass.log() + edges / (2 * self._mass)
        return math.log(self.high - self.low) - entropy

    @property
    def _deviation(self) -> Float[Tensor, "B Z"]:
        return (0.5 * self.logvar).exp()

    @property
    def _ends(self) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B Z"]]:
        """The limits in deviations from the mean."""
        return (self.low - self.mean) / self._deviation, (self.high - self.mean) / self._deviation

    @property
    def _mass(self) -> Float[Tensor, "B Z"]:
        """The probability of the interval before truncation."""
        below, above = (torch.special.ndtr(end) for end in self._ends)
        return above - below


@dataclass(frozen=True, eq=False)
class Uniform:
    """The uniform prior on [low, high]: of a block that the encoder does not infer.

    `code` is a typical draw of the prior.
    """

    code: Float[Tensor, "B Z"]
    low: float = -1.0
    high: float = 1.0

    @property
    def logvar(self) -> Float[Tensor, "B Z"]:
        return torch.full_like(self.code, math.log((self.high - self.low) ** 2 / 12))

    @property
    def noise_size(self) -> int:
        return self.code.shape[-1]

    def sample(self, noise: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B Z"]:
        return self.low + (self.high - self.low) * torch.special.ndtr(noise)

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return uniform_log_density(z, self.low, self.high)

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        return uniform_log_density(z, self.low, self.high)

    def kl(self) -> Float[Tensor, " B"]:
        return torch.zeros_like(self.code[:, 0])

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        return torch.zeros_like(self.code)


def uniform_log_density(z: Float[Tensor, "*B Z"], low: float, high: float) -> Float[Tensor, "*B"]:
    """log density of the uniform distribution on [low, high] in each dimension; -inf outside."""
    inside = ((z >= low) & (z <= high)).all(-1)
    density = torch.full_like(z[..., 0], -z.shape[-1] * math.log(high - low))
    return torch.where(inside, density, -torch.inf)


@dataclass(frozen=True, eq=False)
class Posterior:
    """q(z | x): independent distributions, one for each block of the code, in its order."""

    blocks: tuple[Distribution, ...]

    @property
    def code(self) -> Float[Tensor, "B Z"]:
        """The code that stands for the posterior."""
        return torch.cat([q.code for q in self.blocks], -1)

    @property
    def logvar(self) -> Float[Tensor, "B Z"]:
        """Log-variance around the code; -inf without uncertainty."""
        return torch.cat([q.logvar for q in self.blocks], -1)

    @property
    def noise_size(self) -> int:
        """How many standard normal numbers a sample needs."""
        return sum(q.noise_size for q in self.blocks)

    def sample(self, noise: Float[Tensor, "*K B N"]) -> Float[Tensor, "*K B Z"]:
        """The codes that belong to standard normal noise of `noise_size` numbers each."""
        parts = noise.split([q.noise_size for q in self.blocks], -1)
        return torch.cat([q.sample(n) for q, n in zip(self.blocks, parts, strict=True)], -1)

    def draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "K B Z"]:
        """`count` codes for each sample of the batch, with noise from the generator."""
        code = self.blocks[0].code
        shape = (count, len(code), self.noise_size)
        noise = torch.randn(shape, generator=generator, device=generator.device)
        return self.sample(noise.to(code))

    def log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        """log q(z | x)."""
        return self._sum(lambda q, part: q.log_prob(part), z)

    def prior_log_prob(self, z: Float[Tensor, "*K B Z"]) -> Float[Tensor, "*K B"]:
        """log p(z)."""
        return self._sum(lambda q, part: q.prior_log_prob(part), z)

    def kl(self) -> Float[Tensor, " B"]:
        """KL(q(z | x) || p(z))."""
        return torch.stack([q.kl() for q in self.blocks]).sum(0)

    def kl_per_dimension(self) -> Float[Tensor, "B Z"]:
        """KL of each dimension's marginal; they sum to the KL unless a block is a mixture."""
        return torch.cat([q.kl_per_dimension() for q in self.blocks], -1)

    def _sum(self, density: Callable[[Distribution, Tensor], Tensor], z: Tensor) -> Tensor:
        """A log-density of each block's coordinates, summed over the blocks."""
        parts = z.split([q.code.shape[-1] for q in self.blocks], -1)
        values = [density(q, part) for q, part in zip(self.blocks, parts, strict=True)]
        return torch.stack(values).sum(0)


def normal_points(count: int, size: int) -> Float[Tensor, "S Z"]:
    """`count` points spread evenly under a standard normal, with exactly its mean and its variance
    in each dimension.

    They are steps of a generalised golden ratio modulo 1 (Roberts 2018, the R sequence), mapped by
    the inverse of the normal distribution function.
    """
    ratio = 2.0
    for _ in range(50):  # converges to the root of ratio^(size + 1) = ratio + 1
        ratio = (1 + ratio) ** (1 / (size + 1))
    steps = torch.arange(1, count + 1, dtype=torch.float64)[:, None]
    powers = torch.arange(1, size + 1, dtype=torch.float64)
    uniform = (0.5 + steps * ratio**-powers) % 1  # [S, Z]
    points = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
    points -= points.mean(0)
    return (points / points.square().mean(0).sqrt()).float()
