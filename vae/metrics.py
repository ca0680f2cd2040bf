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
from vae.interface import (
    Autoencodes,
    Classifies,
    ConditionsEncoding,
    Decodes,
    Encodes,
    Posterior,
)
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
    model: Autoencodes,
    x: Float[Tensor, "N 28 28"],
    digit: Float[Tensor, "N 10"] | None = None,
    *,
    draws: int = 8,
    seed: int = 0,
) -> tuple[Float[Tensor, " N"], Float[Tensor, "N Z"]]:
    """The two parts of the negative ELBO: cross-entropy [N], a mean over `draws` codes, and exact
    KL [N, Z]. Of log p(x given y) where `digit`, y as one-hot rows, is given."""
    generator = torch.Generator().manual_seed(seed)
    cross_entropy, kl = [], []
    for start in range(0, len(x), 500):
        part = x[start : start + 500]
        mean, logvar = _posterior(model, part, digit, start)
        total = torch.zeros(len(part))
        for _ in range(draws):
            z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=generator)
            total += losses.bernoulli_cross_entropy(model.decode(z), part)
        cross_entropy.append(total / draws)
        kl.append(losses.gaussian_kl(mean, logvar))
    return torch.cat(cross_entropy), torch.cat(kl)


def _posterior(
    model: Autoencodes, part: Tensor, digit: Float[Tensor, "N 10"] | None, start: int
) -> Posterior:
    if digit is None:
        return model.encode(part)
    return cast(ConditionsEncoding, model).encode_given(part, digit[start : start + len(part)])


@torch.inference_mode()
def importance_sampled(
    model: Autoencodes,
    x: Float[Tensor, "N 28 28"],
    digit: Float[Tensor, "N 10"] | None = None,
    *,
    samples: int = 500,
    seed: int = 0,
    quiet: bool = True,
) -> Float[Tensor, " N"]:
    """log p(x) of each image, estimated with `samples` codes from its own posterior (Burda et al.
    2015, eq. 8).

    A lower bound on average, whose gap closes as samples grow. Of log p(x given y) where `digit`,
    y as one-hot rows, is given.
    """
    generator, values = torch.Generator().manual_seed(seed), []
    for index, part in enumerate(_chunks(x, 20, f"log p(x), {samples} samples", quiet)):
        mean, logvar = _posterior(model, part, digit, 20 * index)
        z = mean + (0.5 * logvar).exp() * torch.randn(
            (samples, *mean.shape), generator=generator
        )  # [K, B, Z]
        with autocast(z.device):  # moves a mean over images by some 0.002 nats and halves the time
            logits = model.decode(z)
        free = logvar[0].isfinite()  # what is a point, the digit that is given, has no density
        z, mean, logvar = z[..., free], mean[:, free], logvar[:, free]
        cross_entropy = losses.bernoulli_cross_entropy(logits, part)
        log_weights = losses.importance_log_weights(z, mean, logvar, cross_entropy)
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
    arrays = (mean, logvar, cross_entropy, kl.sum(1))
    mean, logvar, cross_entropy, kl = (a.numpy().astype(np.float32) for a in arrays)
    free = _continuous(model, mean.shape[1])
    wanted = flat and len(free) > 2 and len(mean) > TSNE_LEAST
    tsne = latent.tsne(mean[:, free]) if wanted else None
    return Encodings(mean, logvar, digits.labels, cross_entropy, kl, tsne)


def _continuous(model: nn.Module, dims: int) -> list[int]:
    blocks = getattr(model, "blocks", ())
    return list(latent.continuous(blocks)) or list(range(dims))


def evaluate(
    model: nn.Module, train: Digits, test: Digits, *, seed: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Every figure that suits the model, by name. The test set is whole; the training set only
    lends kNN its labels.

    A kNN accuracy for which there are too few labels is left out. Raises ValueError for a model of
    which nothing can be measured. How good the digits are that a
    model draws on request is `conditional_metrics.evaluate`'s to say.
    """
    figures: dict[str, Any] = {
        "test_images": len(test.images),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    if not isinstance(model, Classifies | Autoencodes):
        what = type(model).__name__
        raise ValueError(f"{what} does not both encode and decode, nor classify: nothing to do")
    if isinstance(model, Classifies):
        figures["accuracy"] = accuracy(model, test)
    if isinstance(model, Autoencodes):
        figures |= _autoencoding(cast(Autoencodes, model), train, test, seed, quiet)
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}


@torch.inference_mode()
def accuracy(model: Classifies, digits: Digits) -> float:
    """Share of the images with a known digit that are taken for what they are."""
    known = digits.labels >= 0
    x = torch.from_numpy(digits.images[known]).float() / 255
    named = torch.cat([model.classify(part).argmax(1) for part in x.split(1000)])
    return float((named.numpy() == digits.labels[known]).mean())


def _autoencoding(
    model: Autoencodes, train: Digits, test: Digits, seed: int, quiet: bool
) -> dict[str, Any]:
    """Likelihoods, units in use, and what the codes know of the digits."""
    encodings, x = encode(cast(nn.Module, model), test), grey(test)
    free = _continuous(cast(nn.Module, model), encodings.mean.shape[1])
    figures: dict[str, Any] = {
        "active_units": int((encodings.mean[:, free].var(axis=0) > latent.ACTIVE).sum()),
        "grey_cross_entropy": float(encodings.cross_entropy.mean()),
    }
    known = encodings.labels >= 0  # of a folder of images, say, the digits may be unknown
    if np.isfinite(encodings.logvar[:, free]).all():
        figures["grey_elbo"] = -float((encodings.cross_entropy + encodings.kl).mean())
        figures |= _likelihoods(model, binarised(x, seed), test.labels, quiet)
    with torch.inference_mode():
        codes = torch.cat([model.encode(part).mean[:, free] for part in grey(train).split(1000)])
    for count in LABELS:
        if count // 10 > fewest_labels(train.labels) or not known.any():
            continue
        figures[f"knn_accuracy_{count}"] = nearest_neighbours(
            codes.numpy(),
            train.labels,
            encodings.mean[known][:, free],
            encodings.labels[known],
            count,
        )
    return figures


def _likelihoods(
    model: Autoencodes, binary: Float[Tensor, "N 28 28"], labels: np.ndarray, quiet: bool
) -> dict[str, Any]:
    """ELBO and log p(x) of binarised images; log p(x given y) where the model is told the digit."""
    digit, given = None, ""
    if isinstance(model, ConditionsEncoding):
        if (labels < 0).any():
            return {}  # without the digits there is nothing to be given
        digit, given = torch.nn.functional.one_hot(torch.from_numpy(labels), 10).float(), "_given_y"
    cross_entropy, kl = elbo(model, binary, digit)
    figures: dict[str, Any] = {
        f"elbo{given}": -float((cross_entropy + kl.sum(1)).mean()),
        "elbo_cross_entropy": float(cross_entropy.mean()),
        "elbo_kl": float(kl.sum(1).mean()),
        "kl_per_dimension": [round(v, 4) for v in kl.mean(0).tolist()],
    }
    for samples in (50, 500) if given else (500,):  # 50: as Sohn et al.'s figure was measured
        found = importance_sampled(model, binary, digit, samples=samples, quiet=quiet)
        figures[f"log_likelihood{given}_importance_{samples}"] = float(found.mean())
    if kl.shape[1] == 2 and not given:
        figures["log_likelihood_grid"] = float(grid_quadrature(model, binary, quiet=quiet).mean())
    return figures
