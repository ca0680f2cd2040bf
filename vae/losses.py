"""Losses and log-densities as pure functions, in nats per example. Only a training step averages
over the batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

if TYPE_CHECKING:
    from vae.posteriors import Posterior  # which imports the densities of this file

LOG_2PI = math.log(2 * math.pi)


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


def shared_information(
    p: Float[Tensor, "B *M K"], q: Float[Tensor, "B *M K"]
) -> Float[Tensor, "*M"]:
    """Mutual information of the classes of two versions of a sample, given their probabilities, in
    the batch: log K where both are sure, alike, and all classes equally frequent (invariant
    information clustering, Ji et al. 2019, arXiv 1807.06653, equation 3)."""
    joint = (p[..., :, None] * q[..., None, :]).mean(0)  # no matrix product: autocast would round
    joint = 0.5 * (joint + joint.mT)
    independent = joint.sum(-1, keepdim=True) * joint.sum(-2, keepdim=True)
    return (torch.xlogy(joint, joint) - torch.xlogy(joint, independent)).sum((-2, -1))


def gaussian_log_density(
    z: Float[Tensor, "*#B Z"], mean: Float[Tensor, "*#B Z"], logvar: Float[Tensor, "*#B Z"]
) -> Float[Tensor, "*#B"]:
    """log N(z; mean, exp logvar), summed over the dimensions."""
    return -0.5 * (LOG_2PI + logvar + (z - mean).square() * (-logvar).exp()).sum(-1)


def half_squared_error(a: Float[Tensor, "B *X"], b: Float[Tensor, "B *X"]) -> Float[Tensor, " B"]:
    """-log N(a; b, 1) without its constant: half the squared distance, summed over the values."""
    return 0.5 * (a - b).square().flatten(1).sum(1)


def standard_normal_log_density(z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B"]:
    """log N(z; 0, 1), summed over the dimensions."""
    return -0.5 * (LOG_2PI + z.square()).sum(-1)


def importance_weighted_bound(log_weights: Float[Tensor, "K ..."]) -> Float[Tensor, ...]:
    """log of the mean of K importance weights p(x, z_k) / q(z_k | x): a lower bound on log
    p(x).

    K = 1 is the ELBO; the bound tightens as K grows (Burda et al. 2015, eq. 8).
    """
    return torch.logsumexp(log_weights, dim=0) - math.log(log_weights.shape[0])


def negative_bound(
    q: Posterior,
    z: Float[Tensor, "K B Z"],
    cross_entropy: Float[Tensor, "K B"],
    kl_weight: Tensor | float,
) -> Float[Tensor, " B"]:
    """The loss of a VAE with K codes z per example, drawn from q(z | x), nats.

    cross_entropy is -log p(x | z). For K = 1 the negative ELBO, with the KL times kl_weight; for
    K > 1 the negative importance-weighted bound, which ignores kl_weight.
    """
    if len(z) == 1:
        return cross_entropy[0] + kl_weight * q.kl()
    # log p(x, z) / q(z | x)
    log_weights = q.prior_log_prob(z) - cross_entropy - q.log_prob(z)  # [K, B]
    return -importance_weighted_bound(log_weights)


def reweighted_wake_sleep(
    q: Posterior, z: Float[Tensor, "K B Z"], cross_entropy: Float[Tensor, "K B"]
) -> Float[Tensor, " B"]:
    """-log p(x) + KL(p(z | x) || q(z | x)), estimated with K codes z drawn from q without a
    gradient (Bornschein & Bengio 2015, reweighted wake-sleep), nats.

    The ELBO's KL(q || p) is small where q covers one mode of the posterior; this one is small only
    where q covers all of them. The first term trains the decoder, the second the encoder.
    """
    log_joint, log_q = q.prior_log_prob(z) - cross_entropy, q.log_prob(z)  # [K, B]
    bound = importance_weighted_bound(log_joint - log_q.detach())  # of log p(x)
    # normalised, the importance weights turn the codes into a sample of p(z | x)
    weights = (log_joint - log_q).detach().softmax(0)
    # log p(z | x) = log p(x, z) - log p(x)
    kl = (weights * (log_joint.detach() - log_q)).sum(0) - bound.detach()
    return kl - bound


def kl_weight(progress: Float[Tensor, ""], warm_up: float) -> Tensor | float:
    """Weight of the KL at `progress`, the share of training done.

    It rises linearly from 0 to 1 over the first `warm_up` of training, then stays 1.
    """
    return (progress / warm_up).clamp(max=1) if warm_up else 1.0
