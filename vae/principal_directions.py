"""Principal directions of a generator's features as axes of its code (GANSpace, Härkönen et al.
2020, arXiv 2004.02546)."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

SAMPLES = 4000  # codes whose features are analysed


@torch.no_grad()
def principal_directions(model: Any, seed: int = 0) -> Float[Tensor, "Z Z"]:
    """An orthonormal basis of the generator's normal inputs, the rows.

    The first `directions` rows are those along which the features of the generator's first layer
    vary most: the codes are regressed on the principal components of the features (GANSpace,
    section 3), and the coefficients are made orthonormal in descending order of variance. Features
    of a conditional model are centred by class. The other rows complete the basis.
    """
    c = model.config
    device = model.rotation.device
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(SAMPLES, c.latent, generator=generator).to(device)
    classes = model.generator_inputs - c.latent
    labels = torch.arange(SAMPLES, device=device) % max(1, classes)
    one_hot = torch.eye(classes, device=device)[labels] if classes else z[:, :0]
    features = [
        model.generator.features(part).flatten(1) for part in torch.cat([z, one_hot], 1).split(1000)
    ]
    h, z = torch.cat(features).double(), z.double()  # so that rounding errors change no float32
    for label in range(max(1, classes)):
        h[labels == label] -= h[labels == label].mean(0)
    torch.manual_seed(seed)  # of the random projection
    _, _, components = torch.pca_lowrank(h, q=c.directions + 10, center=False)  # [F, K]
    scores = h @ components[:, : c.directions]  # [N, K]
    directions = torch.linalg.lstsq(scores, z).solution  # [K, Z]: z = scores directions
    noise = torch.randn(c.latent, c.latent - c.directions, generator=generator).to(z)
    basis, _ = torch.linalg.qr(torch.cat([directions.T, noise], 1))  # columns, in this order
    return _signed(basis, directions).T.float().contiguous()


def _signed(basis: Float[Tensor, "Z Z"], directions: Float[Tensor, "K Z"]) -> Float[Tensor, "Z Z"]:
    """The basis with its first columns in the sense of the directions, not against it."""
    sign = torch.ones(len(basis)).to(basis)
    sign[: len(directions)] = (basis[:, : len(directions)].T * directions).sum(1).sign()
    return basis * sign
