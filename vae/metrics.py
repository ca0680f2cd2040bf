"""Metrics of a model on a test set: likelihoods, active units, accuracy of classifiers.

All likelihoods are in nats per sample. Where the likelihood is one of binary values, the samples
are binarised once, by a fixed seed, with their grey levels as probabilities; metrics called "grey"
take the grey levels as targets.
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

from vae import attributes, latent, losses, reconstruction_metrics
from vae.checkpoint import Encodings
from vae.dataspec import Dataset
from vae.interface import (
    Autoencodes,
    Classifies,
    Conditions,
    ConditionsEncoding,
    Decodes,
    Encodes,
    InfersClass,
)
from vae.likelihoods import Pairwise
from vae.optim import autocast
from vae.posteriors import Categorical, Posterior
from vae.tensors import to_tensor

LABELS = (100, 600, 1000)
NEIGHBOURS = 5
MIN_TSNE = 100  # images that t-SNE needs with its perplexity of 30
DRAWS = 8  # codes per image whose mean estimates a cross-entropy
NEGLIGIBLE = 1e-6  # class probability below which a class is left out


def as_tensor(data: Dataset) -> Float[Tensor, "N *X"]:
    """The samples as the models take them; images are in [0, 1]."""
    return to_tensor(data.samples, data.spec)


def binarised(x: Float[Tensor, "N *X"], seed: int = 0) -> Float[Tensor, "N *X"]:
    """One draw of each value with its grey level as probability."""
    return (torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)) < x).float()


def _part_size(x: Float[Tensor, "N *X"], count: int) -> int:
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
    size = _part_size(x, 500)
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
    size = _part_size(x, 20)
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
    for part in _chunks(z, _part_size(x, 5000), f"log p(x), {steps}x{steps} grid", quiet):
        # log p(x, z) of all samples and cells
        joint = model.likelihood.pairwise_log_prob(model.decode(part), x)  # [N, G]
        joint += losses.standard_normal_log_density(part)
        total = torch.logaddexp(total, torch.logsumexp(joint, dim=1))
    return total + cell


def fewest_labels(data: Dataset) -> int:
    """The number of samples of the rarest class; 0 for data without classes."""
    if not data.class_count:
        return 0
    return int(np.bincount(data.labels[data.labels >= 0], minlength=data.class_count).min())


def nearest_neighbours(
    codes: Float[np.ndarray, "N Z"],
    train: Dataset,
    test: Float[np.ndarray, "M Z"],
    test_labels: np.ndarray,
    count: int,
    *,
    draws: int = 5,
) -> float:
    """Test accuracy of a 5-nearest-neighbour classifier on `count` labelled codes of training
    samples, as many of each class; mean over `draws` choices of these codes.

    Raises ValueError where a class has too few labelled samples.
    """
    each = count // train.class_count
    if each > (least := fewest_labels(train)):
        raise ValueError(
            f"{count} labels need {each} codes of each class, but one class has {least}"
        )
    from sklearn.neighbors import KNeighborsClassifier

    scores = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        by_class = [np.flatnonzero(train.labels == y) for y in range(train.class_count)]
        rows = np.concatenate([rng.choice(group, each, replace=False) for group in by_class])
        classifier = KNeighborsClassifier(NEIGHBOURS, weights="distance").fit(
            codes[rows], train.labels[rows]
        )
        scores.append(float(classifier.score(test, test_labels)))
    return float(np.mean(scores))


@torch.inference_mode()
def encode(model: nn.Module, data: Dataset, *, flat: bool = False) -> Encodings:
    """Posteriors of the samples and the terms of their ELBO, to be stored with a checkpoint; grey
    levels are not binarised.

    flat adds a t-SNE embedding, which takes about a minute for 10,000 codes.

    Raises ValueError for a model that does not both encode and decode.
    """
    if not isinstance(model, Encodes) or not isinstance(model, Decodes):
        raise ValueError(f"{type(model).__name__} does not both encode and decode")
    x = as_tensor(data)
    posteriors = [model.encode(part) for part in x.split(_part_size(x, 1000))]
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
        attributes=attributes.measure(data),
        names=tuple(data.names),
        digest=data.digest,
    )


def _continuous(model: nn.Module, dims: int) -> list[int]:
    blocks = getattr(model, "blocks", ())
    return list(latent.continuous(blocks)) or list(range(dims))


def evaluate(
    model: nn.Module, train: Dataset, test: Dataset, *, seed: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Every metric that the model's abilities allow, by name, on the whole test set.

    The training set is for kNN; a metric that needs more labels than there are is left out. Raises
    ValueError for a model without any metric. `conditional_metrics.evaluate` measures samples
    generated given a class.
    """
    figures: dict[str, Any] = {"test_images": len(test)}
    if parameters := sum(p.numel() for p in model.parameters()):  # unknown of an imported model
        figures["parameters"] = parameters
    if not isinstance(model, Classifies | Autoencodes):
        name = type(model).__name__
        raise ValueError(f"{name} does not both encode and decode, nor classify")
    if isinstance(model, Classifies) and (test.labels >= 0).any():
        figures["accuracy"] = accuracy(model, test)
    if isinstance(model, Autoencodes):
        figures |= _autoencoding(cast(Autoencodes, model), train, test, seed, quiet)
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}


@torch.inference_mode()
def accuracy(model: Classifies, data: Dataset) -> float:
    """Share of the labelled samples whose most probable class is their label, 0 to 1; there must be
    a labelled one."""
    labelled = data.select(data.labels >= 0)
    x = as_tensor(labelled)
    classes = [model.classify(part).argmax(1) for part in x.split(_part_size(x, 1000))]
    return float((torch.cat(classes).numpy() == labelled.labels).mean())


def _autoencoding(
    model: Autoencodes, train: Dataset, test: Dataset, seed: int, quiet: bool
) -> dict[str, Any]:
    """Likelihoods, active units and kNN accuracies."""
    encodings, x = encode(cast(nn.Module, model), test), as_tensor(test)
    free = _continuous(cast(nn.Module, model), encodings.mean.shape[1])
    figures: dict[str, Any] = {
        "active_units": int((encodings.mean[:, free].var(axis=0) > latent.ACTIVE).sum()),
        "grey_cross_entropy": float(encodings.cross_entropy.mean()),
    }
    if test.spec.kind == "image" and not isinstance(model, Conditions):
        figures |= reconstruction_metrics.evaluate(model, train, test, len(free))
    labelled = encodings.labels >= 0
    if np.isfinite(encodings.logvar[:, free]).all():
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
