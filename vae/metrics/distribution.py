"""How far samples of a model's prior are from the test set: Frechet distance, precision and recall
in the features of independent classifiers, diversity, and sharpness.

As many samples are drawn as the test set has, at most SAMPLES; a conditional model is asked for the
classes of the test set. A sample is the mean of p(x | z). The same figures of training samples are
the floor: what a perfect model would reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vae.dataspec import Dataset
from vae.interface import Conditions, LatentModel
from vae.metrics.classification import fewest_labels
from vae.metrics.generation import (
    MIN_PER_CLASS,
    as_dataset,
    diversity,
    generate,
    nearest_neighbour_error,
)
from vae.metrics.likelihood import part_size
from vae.metrics.neighbours import CHUNK, squared_distances, squared_radii
from vae.models.classifier import Classifier
from vae.tensors import to_tensor

SAMPLES = 10_000  # drawn, and test samples at the most
MIN_SAMPLES = 100  # test samples: fewer say nothing about a distribution
NEIGHBOURS = 3  # whose distance is the radius around a sample, as Kynkäänniemi et al. take
SURE = 0.9  # probability of the most probable class, from which the classifier counts as sure


class Moments(NamedTuple):
    """Mean and covariance of features."""

    mean: Float[np.ndarray, " F"]
    covariance: Float[np.ndarray, "F F"]


def moments(features: Float[Tensor, "N F"]) -> Moments:
    """Mean and covariance of the features of two samples or more, in double precision."""
    x = features.double().numpy()
    return Moments(x.mean(0), np.atleast_2d(np.cov(x, rowvar=False)))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Frechet distance of two Gaussians (Dowson and Landau 1982; FID, Heusel et al. 2017):
    |m - m'|^2 + tr(C + C' - 2 (C C')^1/2).

    The trace of (C C')^1/2 is that of (C^1/2 C' C^1/2)^1/2, a symmetric matrix.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ b.covariance @ root).clip(min=0)).sum()
    traces = np.trace(a.covariance) + np.trace(b.covariance)
    return max(0.0, float(np.square(a.mean - b.mean).sum() + traces - 2 * shared))


class Manifold(NamedTuple):
    """Features, and around each a ball that reaches its k-th nearest neighbour: an estimate of
    where the distribution has its mass."""

    features: Float[Tensor, "N F"]
    squared_radii: Float[Tensor, " N"]


def manifold(
    features: Float[Tensor, "N F"],
    neighbours: int = NEIGHBOURS,
    *,
    chunk: int = CHUNK,
    quiet: bool = True,
) -> Manifold:
    """The balls of features. Raises ValueError for `neighbours` samples or fewer."""
    x = features.double()  # distances of near duplicates are differences of large squares
    return Manifold(x, squared_radii(x, neighbours, chunk=chunk, quiet=quiet))


def precision_recall(
    real: Manifold, generated: Manifold, *, chunk: int = CHUNK, quiet: bool = True
) -> tuple[float, float]:
    """Precision: share of the generated samples that lie in a ball of a real one. Recall: share of
    the real samples that lie in a ball of a generated one (Kynkäänniemi et al. 2019, eq. 1, 2)."""
    like_real = 0
    covered = torch.zeros(len(real.features), dtype=torch.bool)
    for rows, between in squared_distances(
        generated.features, real.features, chunk=chunk, label="precision, recall", quiet=quiet
    ):
        like_real += int((between <= real.squared_radii).any(1).sum())
        covered |= (between <= generated.squared_radii[rows, None]).any(0)
    return like_real / len(generated.features), float(covered.float().mean())


def gradient_energy(images: Dataset) -> float:
    """Mean squared difference of neighbouring pixels in [0, 1], of both directions together."""
    x = to_tensor(images.samples, images.spec)
    parts = x.split(part_size(x, 1000))
    energy = sum(float(p.diff(dim=axis).square().sum()) for p in parts for axis in (-1, -2))
    return energy / x.numel()


@torch.inference_mode()
def features(classifier: Classifier, data: Dataset) -> Float[Tensor, "N F"]:
    """The classifier's features of each sample."""
    x = to_tensor(data.samples, data.spec)
    return torch.cat([classifier.features(part) for part in x.split(part_size(x, 500))])


@torch.inference_mode()
def probabilities(classifier: Classifier, data: Dataset) -> Float[Tensor, "N C"]:
    """The classifier's probabilities of the classes of each sample."""
    x = to_tensor(data.samples, data.spec)
    return torch.cat([classifier.classify(part).exp() for part in x.split(part_size(x, 500))])


class Reference:
    """The real samples, and what is computed of them once for all samples they are compared with.

    The first classifier is the one that the figures without a suffix are of.
    """

    def __init__(
        self, classifiers: Mapping[str, Classifier], real: Dataset, *, quiet: bool = True
    ) -> None:
        self.classifiers, self.real, self.quiet = dict(classifiers), real, quiet
        self.energy = gradient_energy(real)
        self.spaces: dict[str, tuple[Moments, Manifold]] = {}
        for name, classifier in self.classifiers.items():
            found = features(classifier, real)
            self.spaces[name] = moments(found), manifold(found, quiet=quiet)

    def compare(self, samples: Dataset) -> dict[str, float]:
        """The figures of samples: `frechet`, `precision` and `recall`, each followed by the name of
        a further classifier where they are of its features, `sure` and `sharpness`."""
        figures: dict[str, float] = {}
        for index, (name, classifier) in enumerate(self.classifiers.items()):
            suffix = f"_{name}" if index else ""
            (mean, balls), found = self.spaces[name], features(classifier, samples)
            precision, recall = precision_recall(
                balls, manifold(found, quiet=self.quiet), quiet=self.quiet
            )
            figures[f"frechet{suffix}"] = frechet_distance(mean, moments(found))
            figures |= {f"precision{suffix}": precision, f"recall{suffix}": recall}
        highest = probabilities(next(iter(self.classifiers.values())), samples).amax(1)
        figures["sure"] = float((highest >= SURE).float().mean())
        if self.energy:
            figures["sharpness"] = gradient_energy(samples) / self.energy
        return figures


def measurable(test: Dataset) -> bool:
    """Whether there are enough test samples, of each class and in all."""
    return len(test) >= MIN_SAMPLES and fewest_labels(test) >= MIN_PER_CLASS


def draw(model: LatentModel, real: Dataset, *, seed: int = 0, quiet: bool = True) -> Dataset:
    """As many samples of the prior as there are real ones, labelled where the model is conditional:
    it is asked for the classes of the real ones, of which those that are unlabelled are left out.
    """
    if not isinstance(model, Conditions):
        images, _ = generate(model, None, count=len(real), seed=seed, quiet=quiet)
        return as_dataset(images, np.full(len(images), -1), real.spec)
    asked = np.resize(real.labels[real.labels >= 0], len(real))
    images, _ = generate(model, asked, seed=seed, quiet=quiet)
    return as_dataset(images, asked, real.spec)


def evaluate(
    model: LatentModel,
    classifiers: Mapping[str, Classifier],
    train: Dataset,
    test: Dataset,
    *,
    seed: int = 0,
    quiet: bool = False,
) -> dict[str, Any]:
    """The figures of the model's samples, and under "floor" those of as many training samples.

    The classifiers were trained on real samples only; the test samples are `measurable`. The
    diversity of a conditional model is left to `generation.evaluate`; that of another one is within
    the classes that the first classifier finds.
    """
    rng = np.random.default_rng(seed)

    def some(data: Dataset, count: int) -> Dataset:
        return data.select(rng.permutation(len(data))[:count])

    real = some(test, SAMPLES)
    reference = Reference(classifiers, real, quiet=quiet)
    known, drawn = some(train, len(real)), draw(model, real, seed=seed, quiet=quiet)
    figures, floor = reference.compare(drawn), reference.compare(known)
    floor["diversity"] = diversity(known, test)
    if (labelled := known.select(known.labels >= 0)).labels.size:
        floor["nearest_neighbour_error"] = nearest_neighbour_error(labelled, test, quiet=quiet)
    if not isinstance(model, Conditions):
        found = probabilities(next(iter(classifiers.values())), drawn).argmax(1)
        figures["diversity"] = diversity(replace(drawn, labels=found.numpy()), test)
    rounded = {name: round(value, 4) for name, value in figures.items()}
    return rounded | {"floor": {name: round(value, 4) for name, value in floor.items()}}
