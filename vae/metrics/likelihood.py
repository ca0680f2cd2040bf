"""Likelihoods of a model: the ELBO, log p(x) by importance sampling, and by quadrature on a grid.

All are in nats per sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from vae import losses
from vae.interface import Autoencodes, Conditions, ConditionsEncoding, Decodes, InfersClass
from vae.likelihoods import Pairwise
from vae.optim import autocast
from vae.posteriors import Categorical, Posterior

DRAWS = 8  # codes per image whose mean estimates a cross-entropy
NEGLIGIBLE = 1e-6  # class probability below which a class is left out


def binarised(x: Float[Tensor, "N *X"], seed: int = 0) -> Float[Tensor, "N *X"]:
    """One draw of each value with its grey level as probability."""
    return (torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)) < x).float()


def part_size(x: Float[Tensor, "N *X"], count: int) -> int:
    """How many samples a forward pass takes: `count` of 28x28 values, fewer of larger ones, so that
    the memory of a pass is bounded."""
    return max(1, min(count, count * 28 * 28 // math.prod(x.shape[1:])))


def _chunks(x: Tensor, size: int, label: str, quiet: bool) -> Iterator[Tensor]:
    yield from tqdm(x.split(size), desc=label, unit="batch", leave=False, disable=quiet)


class NegativeELBO(NamedTuple):
    """The two terms of -ELBO(x), nats."""

    cross_entropy: Float[Tensor, " N"]  # E_q[-log p(x | z)]
    kl: Float[Tensor, " N"]  # KL(q(z | x) || p(z))
    kl_per_dimension: Float[Tensor, "N Z"]  # of the marginals; they sum to it without mixtures

    @property
    def total(self) -> Float[Tensor, " N"]:
        """-ELBO(x)."""
        return self.cross_entropy + self.kl


@torch.inference_mode()
def elbo(
    model: Autoencodes,
    x: Float[Tensor, "N *X"],
    one_hot: Float[Tensor, "N C"] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> NegativeELBO:
    """The negative ELBO of samples: a cross-entropy, estimated with `draws` codes each, and the KL.

    Where the class y is given by `one_hot`, it bounds log p(x | y). Otherwise it bounds log p(x);
    for a model that infers the class it is then a sum over the classes,
    E_q(y | x)[ELBO(x, y)] - KL(q(y | x) || p(y)) with uniform p(y) (Kingma et al. 2014, eq. 7), and
    the dimensions of the class in `kl_per_dimension` hold q log(q / p) of each class.

    Raises ValueError without `one_hot` for a conditional model that does not infer the class.
    """
    generator = torch.Generator().manual_seed(seed)
    size = part_size(x, 500)
    chunks = x.split(size)
    if one_hot is not None:
        pairs = zip(chunks, one_hot.split(size), strict=True)
        parts = [_elbo(model, part, y, draws, generator) for part, y in pairs]
    elif isinstance(model, InfersClass):
        parts = [_elbo_over_classes(model, part, draws, generator) for part in chunks]
    else:
        parts = [_elbo(model, part, None, draws, generator) for part in chunks]
    return NegativeELBO(*map(torch.cat, zip(*parts, strict=True)))


def _elbo(
    model: Autoencodes,
    x: Float[Tensor, "B *X"],
    one_hot: Float[Tensor, "B C"] | None,
    draws: int,
    generator: torch.Generator,
) -> NegativeELBO:
    q = _posterior(model, x, one_hot)
    total = torch.zeros(len(x), device=x.device)
    for _ in range(draws):
        z = q.draw(1, generator)[0]
        total -= model.likelihood.log_prob(model.decode(z), x)
    return NegativeELBO(total / draws, q.kl(), q.kl_per_dimension())


def _elbo_over_classes(
    model: InfersClass, x: Float[Tensor, "B *X"], draws: int, generator: torch.Generator
) -> NegativeELBO:
    # Classes of negligible probability are left out and q(y | x) is normalised again, which saves
    # time: most samples have a single probable class. The bound holds for every q.
    probabilities = model.classify(x).exp()
    probabilities = torch.where(probabilities < NEGLIGIBLE, 0.0, probabilities)
    q = Categorical((probabilities / probabilities.sum(1, keepdim=True)).log())
    rows, classes = q.code.nonzero(as_tuple=True)  # [P] each, the pairs (x, y)
    cross_entropy, kl = torch.zeros(2, len(x), device=x.device)
    per_dimension = torch.zeros(len(x), model.class_dims.stop, device=x.device)
    for row, y in zip(rows.split(500), classes.split(500), strict=True):
        one_hot = nn.functional.one_hot(y, q.code.shape[1]).float()
        given, weight = _elbo(model, x[row], one_hot, draws, generator), q.code[row, y]
        cross_entropy.index_add_(0, row, weight * given.cross_entropy)
        kl.index_add_(0, row, weight * given.kl)
        per_dimension.index_add_(0, row, weight[:, None] * given.kl_per_dimension)
    per_dimension[:, model.class_dims] = q.kl_per_dimension()
    return NegativeELBO(cross_entropy, kl + q.kl(), per_dimension)


def _posterior(
    model: Autoencodes, x: Float[Tensor, "B *X"], one_hot: Float[Tensor, "B C"] | None
) -> Posterior:
    """q(z | x), or q(z | x, y). Raises ValueError where the model needs y."""
    if one_hot is not None:
        return cast(ConditionsEncoding, model).encode_given(x, one_hot)
    if isinstance(model, Conditions):
        raise ValueError(f"{type(model).__name__} is conditional: its likelihood needs the class")
    return model.encode(x)


@torch.inference_mode()
def importance_sampled(
    model: Autoencodes,
    x: Float[Tensor, "N *X"],
    one_hot: Float[Tensor, "N C"] | None = None,
    *,
    samples: int = 500,
    seed: int = 0,
    quiet: bool = True,
) -> Float[Tensor, " N"]:
    """log p(x) of each sample, estimated with `samples` codes from its posterior (Burda et al.
    2015, eq. 8): a lower bound in expectation, tighter with more codes.

    With `one_hot`, the class y, it estimates log p(x | y). Raises ValueError without it for a
    conditional model.
    """
    generator, values = torch.Generator().manual_seed(seed), []
    size = part_size(x, 20)
    for index, part in enumerate(_chunks(x, size, f"log p(x), {samples} samples", quiet)):
        given = None if one_hot is None else one_hot[size * index : size * index + len(part)]
        q = _posterior(model, part, given)
        z = q.draw(samples, generator)  # [K, B, Z]
        with autocast(z.device):  # changes a mean over images by some 0.002 nats, in half the time
            parameters = model.decode(z)
        log_p = model.likelihood.log_prob(parameters, part) + q.prior_log_prob(z)
        values.append(losses.importance_weighted_bound(log_p - q.log_prob(z)))
    return torch.cat(values)


@torch.inference_mode()
def grid_quadrature(
    model: Decodes,
    x: Float[Tensor, "N *X"],
    *,
    steps: int = 500,
    reach: float = 5.0,
    quiet: bool = True,
) -> Float[Tensor, " N"]:
    """log p(x) of each sample for a 2-d model: the integral over the prior as a sum over a steps x
    steps grid, without the encoder.

    The grid spans [-reach, reach]; the prior has less than 1e-6 of its mass beyond 5. Raises
    ValueError for a likelihood that is not `Pairwise`.
    """
    if not isinstance(model.likelihood, Pairwise):
        raise ValueError(f"the grid needs a likelihood of all pairs, not {model.likelihood}")
    axis = torch.linspace(-reach, reach, steps)
    cell = 2 * math.log(2 * reach / (steps - 1))  # log of a cell's area
    z = torch.cartesian_prod(axis, axis)  # [steps^2, 2]
    total = torch.full((len(x),), -torch.inf)
    for part in _chunks(z, part_size(x, 5000), f"log p(x), {steps}x{steps} grid", quiet):
        # log p(x, z) of all samples and cells
        joint = model.likelihood.pairwise_log_prob(model.decode(part), x)  # [N, G]
        joint += losses.standard_normal_log_density(part)
        total = torch.logaddexp(total, torch.logsumexp(joint, dim=1))
    return total + cell
