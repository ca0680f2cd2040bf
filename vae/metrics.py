"""How good a model is: likelihoods by stated protocols, units in use, and what the codes know of
the digits.

All likelihoods are nats per image. "Dynamic" means that each test image is binarised once, by a
fixed seed, with its grey levels as probabilities; "grey" means that the grey levels themselves are
the targets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from vae import latent, losses
from vae.checkpoint import Encodings
from vae.data import Digits
from vae.interface import Autoencodes, Decodes, Encodes
from vae.optim import autocast

LABELS = (100, 600, 1000)
NEIGHBOURS = 5
TSNE_LEAST = 100  # images below which t-SNE, whose perplexity is 30, has nothing to say


def grey(digits: Digits) -> Float[Tensor, "N 28 28"]:
    """Grey levels in [0, 1]."""
    return torch.from_numpy(digits.images).float() / 255


def binarised(x: Float[Tensor, "N 28 28"], seed: int = 0) -> Float[Tensor, "N 28 28"]:
    """One draw of each pixel with its grey level as probability."""
    return (torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)) < x).float()


def _chunks(x: Tensor, size: int, words: str, quiet: bool) -> Iterator[Tensor]:
    yield from tqdm(x.split(size), desc=words, unit="batch", leave=False, disable=quiet)


@torch.inference_mode()
def elbo(
    model: Autoencodes, x: Float[Tensor, "N 28 28"], *, draws: int = 8, seed: int = 0
) -> tuple[Float[Tensor, " N"], Float[Tensor, "N Z"]]:
    """The two parts of the negative ELBO: cross-entropy [N], a mean over `draws` codes, and exact
    KL [N, Z]."""
    generator = torch.Generator().manual_seed(seed)
    cross_entropy, kl = [], []
    for part in x.split(500):
        mean, logvar = model.encode(part)
        total = torch.zeros(len(part))
        for _ in range(draws):
            z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=generator)
            total += losses.bernoulli_cross_entropy(model.decode(z), part)
        cross_entropy.append(total / draws)
        kl.append(losses.gaussian_kl(mean, logvar))
    return torch.cat(cross_entropy), torch.cat(kl)


@torch.inference_mode()
def importance_sampled(
    model: Autoencodes,
    x: Float[Tensor, "N 28 28"],
    *,
    samples: int = 500,
    seed: int = 0,
    quiet: bool = True,
) -> Float[Tensor, " N"]:
    """log p(x) of each image, estimated with `samples` codes from its own posterior (Burda et al.
    2015, eq. 8).

    A lower bound on average, whose gap closes as samples grow.
    """
    generator, values = torch.Generator().manual_seed(seed), []
    for part in _chunks(x, 20, f"log p(x), {samples} samples", quiet):
        mean, logvar = model.encode(part)
        z = mean + (0.5 * logvar).exp() * torch.randn(
            (samples, *mean.shape), generator=generator
        )  # [K, B, Z]
        with autocast(z.device):  # moves a mean over images by some 0.002 nats and halves the time
            logits = model.decode(z)
        log_weights = (
            losses.standard_normal_log_density(z)
            - losses.bernoulli_cross_entropy(logits, part)
            - losses.gaussian_log_density(z, mean, logvar)
        )
        values.append(losses.importance_weighted_bound(log_weights))
    return torch.cat(values)


@torch.inference_mode()
def grid_quadrature(
    model: Decodes,
    x: Float[Tensor, "N 28 28"],
    *,
    steps: int = 500,
    reach: float = 5.0,
    quiet: bool = True,
) -> Float[Tensor, " N"]:
    """log p(x) of each image for a 2-d model: the integral over the prior as a sum over a steps x
    steps grid.

    No encoder and no sampling take part. The grid spans [-reach, reach]; the prior beyond 5 weighs
    under 1e-6.
    """
    axis = torch.linspace(-reach, reach, steps)
    cell = 2 * math.log(2 * reach / (steps - 1))  # log of a cell's area
    z = torch.cartesian_prod(axis, axis)  # [steps^2, 2]
    pixels, total = x.flatten(1), torch.full((len(x),), -torch.inf)
    for part in _chunks(z, 5000, f"log p(x), {steps}x{steps} grid", quiet):
        logits = model.decode(part).flatten(1)  # [G, 784]
        # log p(x, z) = x . logits - sum softplus(logits) + log p(z): one matrix product for all
        # images and cells
        constant = losses.standard_normal_log_density(part) - torch.nn.functional.softplus(
            logits
        ).sum(1)
        total = torch.logaddexp(total, torch.logsumexp(pixels @ logits.T + constant, dim=1))
    return total + cell


def fewest_labels(labels: np.ndarray) -> int:
    """How often the rarest of the ten digits occurs; -1 stands for an unknown digit."""
    return int(np.bincount(labels[labels >= 0], minlength=10).min())


def nearest_neighbours(
    codes: Float[np.ndarray, "N Z"],
    labels: np.ndarray,
    test: Float[np.ndarray, "M Z"],
    test_labels: np.ndarray,
    count: int,
    *,
    draws: int = 5,
) -> float:
    """Accuracy on the test codes of the 5 nearest of `count` labelled codes, as many of each digit;
    mean of draws.

    Raises ValueError where a digit has fewer than count // 10 labelled codes.
    """
    if count // 10 > (least := fewest_labels(labels)):
        raise ValueError(
            f"{count} labels are {count // 10} of each digit, but of one there are {least}"
        )
    from sklearn.neighbors import KNeighborsClassifier

    scores = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(labels == d), count // 10, replace=False) for d in range(10)]
        )
        classifier = KNeighborsClassifier(NEIGHBOURS, weights="distance").fit(
            codes[rows], labels[rows]
        )
        scores.append(float(classifier.score(test, test_labels)))
    return float(np.mean(scores))


@torch.inference_mode()
def encode(model: nn.Module, digits: Digits, *, flat: bool = False) -> Encodings:
    """Codes of the images and the grey-scale ELBO parts of each: what a checkpoint carries of its
    test set. flat adds the t-SNE picture, about a minute for 10,000 codes.

    Raises ValueError for a model that does not both encode and decode.
    """
    if not isinstance(model, Encodes) or not isinstance(model, Decodes):
        raise ValueError(f"{type(model).__name__} does not both encode and decode: nothing to do")
    x = grey(digits)
    posteriors = [model.encode(part) for part in x.split(1000)]
    mean = torch.cat([p.mean for p in posteriors])
    logvar = torch.cat([p.logvar for p in posteriors])
    cross_entropy, kl = elbo(cast(Autoencodes, model), x)
    if not torch.isfinite(logvar).all():
        kl = torch.zeros_like(kl)  # a point has no KL to pay
    arrays = (mean, logvar, cross_entropy, kl.sum(1))
    mean, logvar, cross_entropy, kl = (a.numpy().astype(np.float32) for a in arrays)
    wanted = flat and mean.shape[1] > 2 and len(mean) > TSNE_LEAST
    tsne = latent.tsne(mean) if wanted else None
    return Encodings(mean, logvar, digits.labels, cross_entropy, kl, tsne)


def evaluate(
    model: nn.Module, train: Digits, test: Digits, *, seed: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Every figure that suits the model, by name. The test set is whole; the training set only
    lends kNN its labels.

    A kNN accuracy for which there are too few labels is left out.
    """
    encodings, x = encode(model, test), grey(test)
    coder = cast(Autoencodes, model)
    binary, train_codes = binarised(x, seed), encode_means(coder, train)
    figures: dict[str, Any] = {
        "test_images": len(test.images),
        "parameters": sum(p.numel() for p in model.parameters()),
        "active_units": int((encodings.mean.var(axis=0) > latent.ACTIVE).sum()),
        "grey_cross_entropy": float(encodings.cross_entropy.mean()),
    }
    if np.isfinite(encodings.logvar).all():
        cross_entropy, kl = elbo(coder, binary)
        figures |= {
            "grey_elbo": -float((encodings.cross_entropy + encodings.kl).mean()),
            "elbo": -float((cross_entropy + kl.sum(1)).mean()),
            "elbo_cross_entropy": float(cross_entropy.mean()),
            "elbo_kl": float(kl.sum(1).mean()),
            "kl_per_dimension": [round(v, 4) for v in kl.mean(0).tolist()],
            "log_likelihood_importance_500": float(
                importance_sampled(coder, binary, quiet=quiet).mean()
            ),
        }
        if encodings.mean.shape[1] == 2:
            figures["log_likelihood_grid"] = float(
                grid_quadrature(coder, binary, quiet=quiet).mean()
            )
    known = encodings.labels >= 0  # of a folder of images, say, the digits may be unknown
    for count in LABELS:
        if count // 10 > fewest_labels(train.labels) or not known.any():
            continue
        figures[f"knn_accuracy_{count}"] = nearest_neighbours(
            train_codes, train.labels, encodings.mean[known], encodings.labels[known], count
        )
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}


@torch.inference_mode()
def encode_means(model: Encodes, digits: Digits) -> Float[np.ndarray, "N Z"]:
    """The posterior means of images."""
    return torch.cat([model.encode(part).mean for part in grey(digits).split(1000)]).numpy()
