"""How well a model reconstructs images: their PSNR, beside that of PCA with as many dimensions."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vae.dataspec import Dataset
from vae.interface import Autoencodes
from vae.tensors import to_tensor

MAX_VALUES = 1 << 27  # of the training images that PCA is fitted to: 0.5 GB as floats
EXACT = 1e-10  # mean squared error below which a reconstruction counts as exact: 100 dB


def psnr(x: Float[Tensor, "N *X"], reconstruction: Float[Tensor, "N *X"]) -> Float[Tensor, " N"]:
    """Peak signal-to-noise ratio of each image in dB; images are in [0, 1]."""
    error = (x - reconstruction).square().flatten(1).mean(1)
    return -10 * error.clamp(min=EXACT).log10()


@torch.inference_mode()
def reconstructions(model: Autoencodes, x: Float[Tensor, "N *X"]) -> Float[Tensor, "N *X"]:
    """The mean of p(x | z) at the code of each image's posterior."""
    parts = (model.decode(model.encode(part).code) for part in x.split(100))
    return torch.cat([model.likelihood.mean(parameters) for parameters in parts])


def pca_reconstructions(
    train: Float[Tensor, "N *X"], x: Float[Tensor, "M *X"], dimensions: int
) -> Float[Tensor, "M *X"]:
    """Projections of images onto the first principal components of the training images, clipped to
    [0, 1]. There are fewer components where there are fewer training images."""
    from sklearn.decomposition import PCA

    components = min(dimensions, len(train), train[0].numel())
    pca = PCA(components, random_state=0).fit(train.flatten(1).numpy())
    projected = pca.inverse_transform(pca.transform(x.flatten(1).numpy()))
    return torch.from_numpy(np.clip(projected, 0, 1)).to(x.dtype).view_as(x)


def evaluate(
    model: Autoencodes, train: Dataset, test: Dataset, dimensions: int
) -> dict[str, float]:
    """PSNR in dB, mean over the test images: of the model, and of PCA with `dimensions` components
    that are fitted to the training images (to as many of them, evenly spread, as have MAX_VALUES).
    """
    every = math.ceil(train.samples.size / MAX_VALUES)
    fitted = train.samples[::every]
    x, known = (to_tensor(samples, test.spec) for samples in (test.samples, fitted))
    return {
        "psnr": float(psnr(x, reconstructions(model, x)).mean()),
        "psnr_pca": float(psnr(x, pca_reconstructions(known, x, dimensions)).mean()),
    }
