"""Metrics of a model on a test set: likelihoods, active units, accuracy of classifiers.

All likelihoods are in nats per image. The images are binarised once, by a fixed seed, with their
grey levels as probabilities; metrics called "grey" take the grey levels as targets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

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
    Conditions,
    ConditionsEncoding,
    Decodes,
    Encodes,
    InfersClass,
    Posterior,
)
from vae.optim import autocast

LABELS = (100, 600, 1000)
NEIGHBOURS = 5
MIN_TSNE = 100  # images that t-SNE needs with its perplexity of 30
DRAWS = 8  # codes per image whose mean estimates a cross-entropy
NEGLIGIBLE = 1e-6  # class probability below which a class is left out


def grey(digits: Digits) -> Float[Tensor, "N 28 28"]:
    """Grey levels in [0, 1]."""
    return torch.from_numpy(digits.images).float() / 255


def binarised(x: Float[Tensor, "N 28 28"], seed: int = 0) -> Float[Tensor, "N 28 28"]:
    """One draw of each pixel with its grey level as probability."""
    return (torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)) < x).float()


def _chunks(x: Tensor, size: int, label: str, quiet: bool) -> Iterator[Tensor]:
    yield from tqdm(x.split(size), desc=label, unit="batch", leave=False, disable=quiet)


class NegativeELBO(NamedTuple):
    """The two terms of -ELBO(x), nats."""

    cross_entropy: Float[Tensor, " N"]  # E_q[-log p(x | z)]
    kl: Float[Tensor, "N Z"]  # KL(q(z | x) || p(z)), by latent dimension


@torch.inference_mode()
def elbo(
    model: Autoencodes,
    x: Float[Tensor, "N 28 28"],
    one_hot: Float[Tensor, "N 10"] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> NegativeELBO:
    """The negative ELBO of images: a cross-entropy, estimated with `draws` codes each, and the
    exact KL.

    Where the class y is given by `one_hot`, it bounds log p(x | y). Otherwise it bounds log p(x);
    for a model that infers the class it is then a sum over the classes,
    E_q(y | x)[ELBO(x, y)] - KL(q(y | x) || p(y)) with uniform p(y) (Kingma et al. 2014, eq. 7), and
    the dimensions of the class in `kl` hold q log(q / p) of each class.

    Raises ValueError without `one_hot` for a conditional model that does not infer the class.
    """
    generator = torch.Generator().manual_seed(seed)
    chunks = x.split(500)
    if one_hot is not None:
        pairs = zip(chunks, one_hot.split(500), strict=True)
        parts = [_elbo(model, part, y, draws, generator) for part, y in pairs]
    elif isinstance(model, InfersClass):
        parts = [_elbo_over_classes(model, part, draws, generator) for part in chunks]
    else:
        parts = [_elbo(model, part, None, draws, generator) for part in chunks]
    return NegativeELBO(*map(torch.cat, zip(*parts, strict=True)))


def _elbo(
    model: Autoencodes,
    x: Float[Tensor, "B 28 28"],
    one_hot: Float[Tensor, "B 10"] | None,
    draws: int,
    generator: torch.Generator,
) -> NegativeELBO:
    mean, logvar = _posterior(model, x, one_hot)
    total = torch.zeros(len(x), device=x.device)
    for _ in range(draws):
        noise = torch.randn(mean.shape, generator=generator).to(x.device)
        z = mean + (0.5 * logvar).exp() * noise
        total += losses.bernoulli_cross_entropy(model.decode(z), x)
    return NegativeELBO(total / draws, losses.gaussian_kl(mean, logvar))


def _elbo_over_classes(
    model: InfersClass, x: Float[Tensor, "B 28 28"], draws: int, generator: torch.Generator
) -> NegativeELBO:
    # Classes of negligible probability are left out and q(y | x) is normalised again, which saves
    # time: most images have a single probable class. The bound holds for every q.
    q = model.classify(x).exp()
    q = torch.where(q < NEGLIGIBLE, 0.0, q)
    q /= q.sum(1, keepdim=True)
    rows, classes = q.nonzero(as_tuple=True)  # [P] each, the pairs (x, y)
    cross_entropy = torch.zeros(len(x), device=x.device)
    kl = torch.zeros(len(x), model.class_dims.stop, device=x.device)
    for row, y in zip(rows.split(500), classes.split(500), strict=True):
        one_hot = nn.functional.one_hot(y, q.shape[1]).float()
        given = _elbo(model, x[row], one_hot, draws, generator)
        cross_entropy.index_add_(0, row, q[row, y] * given.cross_entropy)
        kl.index_add_(0, row, q[row, y, None] * given.kl)
    kl[:, model.class_dims] = torch.xlogy(q, q * q.shape[1])  # q log(q / p)
    return NegativeELBO(cross_entropy, kl)


def _posterior(
    model: Autoencodes, x: Float[Tensor, "B 28 28"], one_hot: Float[Tensor, "B 10"] | None
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
    x: Float[Tensor, "N 28 28"],
    one_hot: Float[Tensor, "N 10"] | None = None,
    *,
    samples: int = 500,
    seed: int = 0,
    quiet: bool = True,
) -> Float[Tensor, " N"]:
    """log p(x) of each image, estimated with `samples` codes from its posterior (Burda et al. 2015,
    eq. 8): a lower bound in expectation, tighter with more samples.

    With `one_hot`, the class y, it estimates log p(x | y). Raises ValueError without it for a
    conditional model.
    """
    generator, values = torch.Generator().manual_seed(seed), []
    for index, part in enumerate(_chunks(x, 20, f"log p(x), {samples} samples", quiet)):
        given = None if one_hot is None else one_hot[20 * index : 20 * index + len(part)]
        mean, logvar = _posterior(model, part, given)
        z = mean + (0.5 * logvar).exp() * torch.randn(
            (samples, *mean.shape), generator=generator
        )  # [K, B, Z]
        with autocast(z.device):  # changes a mean over images by some 0.002 nats, in half the time
            logits = model.decode(z)
        free = logvar[0].isfinite()  # the given class has no density
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
    steps grid, without the encoder.

    The grid spans [-reach, reach]; the prior has less than 1e-6 of its mass beyond 5.
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
    """The number of images of the rarest of the ten classes; labels of -1 are ignored."""
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
    """Test accuracy of a 5-nearest-neighbour classifier on `count` labelled codes, as many of each
    class; mean over `draws` choices of these codes.

    Raises ValueError where a class has fewer than count // 10 labelled codes.
    """
    if count // 10 > (least := fewest_labels(labels)):
        raise ValueError(
            f"{count} labels need {count // 10} codes of each class, but one class has {least}"
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
    """Posteriors of the images and the terms of their grey ELBO, to be stored with a checkpoint.

    flat adds a t-SNE embedding, which takes about a minute for 10,000 codes.

    Raises ValueError for a model that does not both encode and decode.
    """
    if not isinstance(model, Encodes) or not isinstance(model, Decodes):
        raise ValueError(f"{type(model).__name__} does not both encode and decode images")
    x = grey(digits)
    posteriors = [model.encode(part) for part in x.split(1000)]
    mean = torch.cat([p.mean for p in posteriors])
    logvar = torch.cat([p.logvar for p in posteriors])
    cross_entropy, kl = elbo(cast(Autoencodes, model), x)
    arrays = (mean, logvar, cross_entropy, kl.sum(1))
    mean, logvar, cross_entropy, kl = (a.numpy().astype(np.float32) for a in arrays)
    free = _continuous(model, mean.shape[1])
    wanted = flat and len(free) > 2 and len(mean) > MIN_TSNE
    tsne = latent.tsne(mean[:, free]) if wanted else None
    return Encodings(mean, logvar, digits.labels, cross_entropy, kl, tsne)


def _continuous(model: nn.Module, dims: int) -> list[int]:
    blocks = getattr(model, "blocks", ())
    return list(latent.continuous(blocks)) or list(range(dims))


def evaluate(
    model: nn.Module, train: Digits, test: Digits, *, seed: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Every metric that the model's abilities allow, by name, on the whole test set.

    The training set is for kNN; a metric that needs more labels than there are is left out. Raises
    ValueError for a model without any metric. `conditional_metrics.evaluate` measures images
    generated given a class.
    """
    figures: dict[str, Any] = {
        "test_images": len(test.images),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    if not isinstance(model, Classifies | Autoencodes):
        name = type(model).__name__
        raise ValueError(f"{name} does not both encode and decode images, nor classify them")
    if isinstance(model, Classifies) and (test.labels >= 0).any():
        figures["accuracy"] = accuracy(model, test)
    if isinstance(model, Autoencodes):
        figures |= _autoencoding(cast(Autoencodes, model), train, test, seed, quiet)
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}


@torch.inference_mode()
def accuracy(model: Classifies, digits: Digits) -> float:
    """Share of the labelled images whose most probable class is their label, 0 to 1; there must be
    a labelled image."""
    labelled = digits.labels >= 0
    x = torch.from_numpy(digits.images[labelled]).float() / 255
    classes = torch.cat([model.classify(part).argmax(1) for part in x.split(1000)])
    return float((classes.numpy() == digits.labels[labelled]).mean())


def _autoencoding(
    model: Autoencodes, train: Digits, test: Digits, seed: int, quiet: bool
) -> dict[str, Any]:
    """Likelihoods, active units and kNN accuracies."""
    encodings, x = encode(cast(nn.Module, model), test), grey(test)
    free = _continuous(cast(nn.Module, model), encodings.mean.shape[1])
    figures: dict[str, Any] = {
        "active_units": int((encodings.mean[:, free].var(axis=0) > latent.ACTIVE).sum()),
        "grey_cross_entropy": float(encodings.cross_entropy.mean()),
    }
    labelled = encodings.labels >= 0
    if np.isfinite(encodings.logvar[:, free]).all():
        figures["grey_elbo"] = -float((encodings.cross_entropy + encodings.kl).mean())
        figures |= _likelihoods(model, binarised(x, seed), test.labels, quiet)
    with torch.inference_mode():
        codes = torch.cat([model.encode(part).mean[:, free] for part in grey(train).split(1000)])
    for count in LABELS:
        if count // 10 > fewest_labels(train.labels) or not labelled.any():
            continue
        figures[f"knn_accuracy_{count}"] = nearest_neighbours(
            codes.numpy(),
            train.labels,
            encodings.mean[labelled][:, free],
            encodings.labels[labelled],
            count,
        )
    return figures


def _likelihoods(
    model: Autoencodes, binary: Float[Tensor, "N 28 28"], labels: np.ndarray, quiet: bool
) -> dict[str, Any]:
    """ELBO and log p(x) of binarised images; for a conditional model those of log p(x | y)."""
    one_hot, given = None, ""
    if isinstance(model, ConditionsEncoding):
        if (labels < 0).any():
            return {}
        one_hot = torch.nn.functional.one_hot(torch.from_numpy(labels), 10).float()
        given = "_given_y"
    cross_entropy, kl = elbo(model, binary, one_hot)
    figures: dict[str, Any] = {
        f"elbo{given}": -float((cross_entropy + kl.sum(1)).mean()),
        "elbo_cross_entropy": float(cross_entropy.mean()),
        "elbo_kl": float(kl.sum(1).mean()),
        "kl_per_dimension": [round(v, 4) for v in kl.mean(0).tolist()],
    }
    for samples in (50, 500) if given else (500,):  # 50 is Sohn et al.'s number
        log_p = importance_sampled(model, binary, one_hot, samples=samples, quiet=quiet)
        figures[f"log_likelihood{given}_importance_{samples}"] = float(log_p.mean())
    if kl.shape[1] == 2 and not given:
        figures["log_likelihood_grid"] = float(grid_quadrature(model, binary, quiet=quiet).mean())
    return figures
