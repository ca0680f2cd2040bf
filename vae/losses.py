"""Losses and log-densities as pure functions, in nats per example. Only a training step averages
over the batch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


def bernoulli_cross_entropy(
    logits: Float[Tensor, "*B 28 28"], x: Float[Tensor, "*#B 28 28"]
) -> Float[Tensor, "*B"]:
    """-log p(x | logits), summed over the pixels.

    x in {0, 1} gives a likelihood; grey levels in [0, 1] give its expectation over binarisations.
    """
    # softplus(l) - x l is the stable form of -x log s(l) - (1 - x) log(1 - s(l))
    return (F.softplus(logits) - x * logits).sum((-2, -1))


def gaussian_kl(
    mean: Float[Tensor, "*B Z"], logvar: Float[Tensor, "*B Z"]
) -> Float[Tensor, "*B Z"]:
    """KL(N(mean, exp logvar) || N(0, 1)) of each dimension (Kingma & Welling 2013, appendix B).

    0 where logvar = -inf: a point has no density, and its KL is not defined.
    """
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar)
    return torch.where(logvar.isneginf(), 0.0, kl)


def class_cross_entropy(
    log_probabilities: Float[Tensor, "B C"], y: Int[Tensor, " B"]
) -> Float[Tensor, " B"]:
    """-log p(y); 0 where the class is unknown, y = -1."""
    log_p = log_probabilities.gather(1, y.clamp(min=0)[:, None])[:, 0]
    return torch.where(y < 0, 0.0, -log_p)


def class_error(log_probabilities: Float[Tensor, "B C"], y: Int[Tensor, " B"]) -> Float[Tensor, ""]:
    """Share of the examples of known class whose most probable class is another."""
    labelled = y >= 0
    wrong = (log_probabilities.argmax(1) != y) & labelled
    return wrong.sum() / labelled.sum().clamp(min=1)


def gaussian_log_density(
    z: Float[Tensor, "*#B Z"], mean: Float[Tensor, "*#B Z"], logvar: Float[Tensor, "*#B Z"]
) -> Float[Tensor, "*#B"]:
    """log N(z; mean, exp logvar), summed over the dimensions."""
    return -0.5 * (LOG_2PI + logvar + (z - mean).square() * (-logvar).exp()).sum(-1)


def standard_normal_log_density(z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B"]:
    """log N(z; 0, 1), summed over the dimensions."""
    return -0.5 * (LOG_2PI + z.square()).sum(-1)


def importance_log_weights(
    z: Float[Tensor, "*B Z"],
    mean: Float[Tensor, "*#B Z"],
    logvar: Float[Tensor, "*#B Z"],
    cross_entropy: Float[Tensor, "*B"],
) -> Float[Tensor, "*B"]:
    """log p(x, z) / q(z | x) of codes z drawn from q; cross_entropy is -log p(x | z)."""
    log_q = gaussian_log_density(z, mean, logvar)
    return standard_normal_log_density(z) - cross_entropy - log_q


def importance_weighted_bound(log_weights: Float[Tensor, "K ..."]) -> Float[Tensor, ...]:
    """log of the mean of K importance weights p(x, z_k) / q(z_k | x): a lower bound on log
    p(x).

    K = 1 is the ELBO; the bound tightens as K grows (Burda et al. 2015, eq. 8).
    """
    return torch.logsumexp(log_weights, dim=0) - math.log(log_weights.shape[0])


def negative_bound(
    z: Float[Tensor, "B K Z"],
    mean: Float[Tensor, "B Z"],
    logvar: Float[Tensor, "B Z"],
    cross_entropy: Float[Tensor, "B K"],
    kl_weight: Tensor | float,
) -> Float[Tensor, " B"]:
    """The loss of a VAE with K codes z per example, nats.

    For K = 1 the negative ELBO, with the exact KL times kl_weight; for K > 1 the negative
    importance-weighted bound, which ignores kl_weight.
    """
    if cross_entropy.shape[1] == 1:
        return cross_entropy[:, 0] + kl_weight * gaussian_kl(mean, logvar).sum(-1)
    log_weights = importance_log_weights(z, mean[:, None], logvar[:, None], cross_entropy)  # [B, K]
    return -importance_weighted_bound(log_weights.T)


def kl_weight(progress: Float[Tensor, ""], warm_up: float) -> Tensor | float:
    """Weight of the KL at `progress`, the share of training done.

    It rises linearly from 0 to 1 over the first `warm_up` of training, then stays 1.
    """
    return (progress / warm_up).clamp(max=1) if warm_up else 1.0
