"""The encodings of a data set, and every metric that a model's abilities allow.

Where the likelihood is one of binary values, the samples are binarised once, by a fixed seed, with
their grey levels as probabilities; metrics called "grey" take the grey levels as targets.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae import attributes, latent
from vae.checkpoint import Encodings
from vae.dataspec import Dataset
from vae.gan_nets import Discriminator
from vae.interface import (
    Autoencodes,
    Classifies,
    Conditions,
    ConditionsEncoding,
    Decodes,
    Encodes,
    LatentModel,
)
from vae.likelihoods import Pairwise
from vae.metrics import reconstruction, sweeps
from vae.metrics.classification import accuracy, fewest_labels, nearest_neighbours
from vae.metrics.likelihood import (
    NegativeELBO,
    binarised,
    elbo,
    grid_quadrature,
    importance_sampled,
    part_size,
)
from vae.posteriors import Posterior
from vae.tensors import to_array, to_tensor

LABELS = (100, 600, 1000)
SQUARED_ERROR = attributes.SQUARED_ERROR
MIN_TSNE = 100  # images that t-SNE needs with its perplexity of 30


def as_tensor(data: Dataset) -> Float[Tensor, "N *X"]:
    """The samples as the models take them; images are in [0, 1]."""
    return to_tensor(data.samples, data.spec)


@torch.inference_mode()
def encode(model: nn.Module, data: Dataset, *, flat: bool = False) -> Encodings:
    """Posteriors of the samples and the terms of their ELBO, to be stored with a checkpoint; grey
    levels are not binarised. An implicit model has no cross-entropy: it is 0, and the attributes
    have the squared error of each reconstruction.

    flat adds a t-SNE embedding, which takes about a minute for 10,000 codes.

    Raises ValueError for a model that does not both encode and decode.
    """
    if not isinstance(model, Encodes) or not isinstance(model, Decodes):
        raise ValueError(f"{type(model).__name__} does not both encode and decode")
    x = as_tensor(data)
    parts = x.split(part_size(x, 1000))
    posteriors = [model.encode(part) for part in parts]
    measured = attributes.measure(data)
    if getattr(model, "implicit", False):
        kl_per_dimension = torch.cat([q.kl_per_dimension() for q in posteriors])
        terms = NegativeELBO(torch.zeros(len(x)), kl_per_dimension.sum(1), kl_per_dimension)
        measured[SQUARED_ERROR] = torch.cat(
            [_squared_error(model, part, q) for part, q in zip(parts, posteriors, strict=True)]
        ).numpy()
    else:
        terms = elbo(cast(Autoencodes, model), x)
    mean = torch.cat([q.code for q in posteriors]).numpy()
    free = _continuous(model, mean.shape[1])
    wanted = flat and len(free) > 2 and len(mean) > MIN_TSNE
    return Encodings(
        mean=mean,
        logvar=torch.cat([q.logvar for q in posteriors]).numpy(),
        labels=data.labels,
        cross_entropy=terms.cross_entropy.numpy(),
        kl=terms.kl.numpy(),
        kl_per_dimension=terms.kl_per_dimension.mean(0).numpy(),
        tsne=latent.tsne(mean[:, free]) if wanted else None,
        attributes=measured,
        names=tuple(data.names),
        digest=data.digest,
    )


def _squared_error(model: Decodes, x: Float[Tensor, "B *X"], q: Posterior) -> Float[Tensor, " B"]:
    """Mean over the values of a sample."""
    copies = model.likelihood.mean(model.decode(q.code))
    return (copies - x).square().flatten(1).mean(1)


@torch.inference_mode()
def encode_drawn(
    model: LatentModel, classifier: Classifies | None, *, count: int = 10_000, seed: int = 0
) -> Encodings:
    """Codes of the prior in place of encodings, for a model that decodes and cannot encode.

    The label is the class in the code, else that of the classifier, else unknown. The attributes
    are measured on the decoded samples. The t-SNE embedding is one of the discriminator's features,
    where there is a discriminator, as codes of a prior have no neighbours of their own.
    """
    codes = torch.from_numpy(latent.sample_prior(model.blocks, count, seed))
    decoder = cast(Decodes, model)
    parts = codes.split(part_size(model.likelihood.mean(decoder.decode(codes[:1])), 1000))
    x = torch.cat([model.likelihood.mean(decoder.decode(part)).float() for part in parts])
    labels = np.full(count, -1)
    if isinstance(model, Conditions):
        labels = codes[:, model.class_dims].argmax(1).numpy()
    elif classifier is not None:
        found = [classifier.classify(part).argmax(1) for part in x.split(part_size(x, 1000))]
        labels = torch.cat(found).numpy()
    tsne, discriminator = None, getattr(model, "discriminator", None)
    if isinstance(discriminator, Discriminator) and count > MIN_TSNE:
        features = [discriminator.features(part).float() for part in x.split(1000)]
        tsne = latent.tsne(torch.cat(features).numpy())
    levels = (255 * x).round().byte()
    drawn = Dataset(to_array(levels, model.spec), labels, model.spec)
    zeros = np.zeros(count, np.float32)
    return Encodings(
        mean=codes.numpy(),
        logvar=np.full(codes.shape, -np.inf, np.float32),
        labels=labels,
        cross_entropy=zeros,
        kl=zeros,
        tsne=tsne,
        attributes=attributes.measure(drawn),
    )


def _continuous(model: nn.Module, dims: int) -> list[int]:
    blocks = getattr(model, "blocks", ())
    return list(latent.continuous(blocks)) or list(range(dims))


def evaluate(
    model: nn.Module,
    train: Dataset,
    test: Dataset,
    *,
    classifier: Classifies | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> dict[str, Any]:
    """Every metric that the model's abilities allow, by name, on the whole test set.

    classifier is independent of the model, if there is one for such samples.

    The training set is for kNN; a metric that needs more labels than there are is left out. Raises
    ValueError for a model without any metric. `generation.evaluate` measures samples
    generated given a class.
    """
    figures: dict[str, Any] = {"test_images": len(test)}
    if parameters := sum(p.numel() for p in model.parameters()):  # unknown of an imported model
        figures["parameters"] = parameters
    if not isinstance(model, Classifies | Decodes):
        raise ValueError(f"{type(model).__name__} neither decodes nor classifies")
    if isinstance(model, Classifies) and (test.labels >= 0).any():
        figures["accuracy"] = accuracy(model, test)
    if isinstance(model, Autoencodes):
        figures |= _autoencoding(cast(Autoencodes, model), train, test, seed, quiet)
    if isinstance(model, LatentModel) and isinstance(model, Decodes):
        figures |= sweeps.evaluate(model, classifier, test)
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}


def _autoencoding(
    model: Autoencodes, train: Dataset, test: Dataset, seed: int, quiet: bool
) -> dict[str, Any]:
    """Likelihoods, active units and kNN accuracies."""
    encodings, x = encode(cast(nn.Module, model), test), as_tensor(test)
    free = _continuous(cast(nn.Module, model), encodings.mean.shape[1])
    implicit = getattr(model, "implicit", False)
    figures: dict[str, Any] = {
        "active_units": int((encodings.mean[:, free].var(axis=0) > latent.ACTIVE).sum())
    }
    if not implicit:
        figures["grey_cross_entropy"] = float(encodings.cross_entropy.mean())
    if test.spec.kind == "image" and not isinstance(model, Conditions):
        figures |= reconstruction.evaluate(model, train, test, len(free))
    labelled = encodings.labels >= 0
    if not implicit and np.isfinite(encodings.logvar[:, free]).all():
        figures["grey_elbo"] = -float((encodings.cross_entropy + encodings.kl).mean())
        figures |= _likelihoods(
            model, binarised(x, seed) if model.likelihood.binary else x, test, quiet
        )
    known = _codes(model, train)[:, free]
    for count in LABELS:
        if not labelled.any() or not 0 < count // max(1, train.class_count) <= fewest_labels(train):
            continue
        figures[f"knn_accuracy_{count}"] = nearest_neighbours(
            known,
            train,
            encodings.mean[labelled][:, free],
            encodings.labels[labelled],
            count,
        )
    return figures


@torch.inference_mode()
def _codes(model: Encodes, data: Dataset) -> Float[np.ndarray, "N Z"]:
    """The codes of the samples. Only a part of them at a time is converted to floats."""
    parts = np.array_split(data.samples, math.ceil(len(data) / 500))
    return np.concatenate([model.encode(to_tensor(p, data.spec)).code.numpy() for p in parts])


def _likelihoods(
    model: Autoencodes, x: Float[Tensor, "N *X"], test: Dataset, quiet: bool
) -> dict[str, Any]:
    """ELBO and log p(x), of binarised samples where the likelihood is one of binary values; for a
    conditional model those of log p(x | y)."""
    one_hot, given = None, ""
    if isinstance(model, ConditionsEncoding):
        if (test.labels < 0).any():
            return {}
        labels = torch.from_numpy(test.labels)
        one_hot = torch.nn.functional.one_hot(labels, test.class_count).float()
        given = "_given_y"
    terms = elbo(model, x, one_hot)
    figures: dict[str, Any] = {
        f"elbo{given}": -float(terms.total.mean()),
        "elbo_cross_entropy": float(terms.cross_entropy.mean()),
        "elbo_kl": float(terms.kl.mean()),
        "kl_per_dimension": [round(v, 4) for v in terms.kl_per_dimension.mean(0).tolist()],
    }
    for samples in (50, 500) if given else (500,):  # 50 is Sohn et al.'s number
        log_p = importance_sampled(model, x, one_hot, samples=samples, quiet=quiet)
        figures[f"log_likelihood{given}_importance_{samples}"] = float(log_p.mean())
    dims = terms.kl_per_dimension.shape[1]
    if dims == 2 and not given and isinstance(model.likelihood, Pairwise):
        figures["log_likelihood_grid"] = float(grid_quadrature(model, x, quiet=quiet).mean())
    return figures
