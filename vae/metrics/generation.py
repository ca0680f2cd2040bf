"""Metrics of the samples that a conditional model generates: agreement with the given class,
diversity, accuracies of classifiers that learn from them, and whether classes share a style.

The independent classifier was trained on real samples only.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from vae import attributes, latent, metrics, mixture_prior, models, training
from vae.batches import Batches
from vae.dataspec import Dataset, DataSpec
from vae.distributed import Noise
from vae.interface import Classifies, ConditionsEncoding, Decodes, LatentModel
from vae.metrics.neighbours import nearest
from vae.mixture_prior import MixturePrior
from vae.optim import TrainConfig
from vae.tensors import to_array

EACH = 1000  # samples generated of each class
STYLES = 1000  # test samples whose style is transferred
MIN_PER_CLASS = 2  # test samples of each class: diversity is a distance between two


@torch.inference_mode()
def generate(
    model: LatentModel,
    labels: Int[np.ndarray, " N"] | None,
    *,
    count: int = 0,
    seed: int = 0,
    temperature: float = 1.0,
    mixture: MixturePrior | None = None,
    quiet: bool = True,
) -> tuple[Float[np.ndarray, "N *X"], Float[np.ndarray, "N Z"]]:
    """Samples of the classes `labels`, or `count` of any where it is None, images in [0, 1], and
    codes that they are decoded from, from the prior or the mixture."""
    count = count if labels is None else len(labels)
    codes = mixture_prior.sample(model.blocks, mixture, count, seed, temperature)
    if labels is not None:
        where = latent.class_slice(model.blocks)
        styles = codes if where is None else np.delete(codes, where, axis=1)
        codes = latent.conditional_codes(model.blocks, labels, styles)
    images = np.empty((len(codes), *model.spec.array_shape), np.float32)
    # an imported model has no parameters
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    for start in tqdm(range(0, len(codes), 1000), unit="k images", disable=quiet):
        part = torch.from_numpy(codes[start : start + 1000]).to(device)
        parameters = cast(Decodes, model).decode(part)
        images[start : start + 1000] = to_array(model.likelihood.mean(parameters), model.spec)
    return images, codes


def balanced_labels(classes: int, each: int = EACH) -> Int[np.ndarray, " N"]:
    """The classes from 0, each repeated `each` times."""
    return np.repeat(np.arange(classes), each)


def as_dataset(
    images: Float[np.ndarray, "N *X"], labels: Int[np.ndarray, " N"], spec: DataSpec
) -> Dataset:
    """Images in [0, 1] as a data set."""
    return Dataset(np.rint(255 * images).astype(np.uint8), labels.astype(np.int64), spec)


def diversity(generated: Dataset, real: Dataset) -> float:
    """Mean pairwise Euclidean distance of generated images of a class, divided by that of real
    ones; mean over the classes.

    1 for images as diverse as real ones, 0 for a single image repeated and for a class of which one
    image was generated, or none. Every class needs two real images.
    """

    def mean_distance(data: Dataset, y: int) -> float:
        rows = data.samples[data.labels == y][:EACH]
        if len(rows) < MIN_PER_CLASS:
            return 0.0
        rows = rows.reshape(len(rows), -1) / np.float32(255)
        squares = np.square(rows).sum(1)
        between = squares[:, None] + squares - 2 * rows @ rows.T
        distances = np.sqrt(np.maximum(between, 0))
        return float(distances.sum() / (len(rows) * (len(rows) - 1)))

    classes = range(real.class_count)
    return float(np.mean([mean_distance(generated, y) / mean_distance(real, y) for y in classes]))


def accuracy_of_trained_on(
    generated: Dataset, real: Dataset, *, epochs: int = 5, quiet: bool = True
) -> float:
    """Accuracy on real images of a classifier that is trained on generated ones only, without data
    augmentation."""
    torch.manual_seed(0)
    config = TrainConfig(epochs=epochs, batch=128, rate=2e-3)
    model = models.build("classifier", {"width": 16, "distort": 0.0}, real.spec)
    noise = Noise(torch.device("cpu"))
    step = models.MODELS["classifier"].make_step(model, config, noise)
    training.fit(
        step, Batches(generated, 128, noise.generator.device), noise, epochs, bar=not quiet
    )
    model.load_state_dict(step.weights())
    return metrics.accuracy(cast(Classifies, model.eval()), real)


def nearest_neighbour_error(generated: Dataset, real: Dataset, *, quiet: bool = True) -> float:
    """Share of the labelled real images whose class is not that of the nearest generated image, by
    the distance of their pixels, 0 to 1 (Radford et al. 2015, section 5.2)."""
    labelled = real.select(real.labels >= 0)
    known, x = (metrics.as_tensor(data).flatten(1) for data in (generated, labelled))
    found = generated.labels[nearest(known, x, quiet=quiet).numpy()]
    return float((found != labelled.labels).mean())


@torch.inference_mode()
def style(model: ConditionsEncoding, real: Dataset, *, seed: int = 0) -> dict[str, float]:
    """Correlation of slant and thickness between a test image and images decoded from its code.

    The codes of STYLES test images are decoded as all classes. Slant and thickness are measured in
    standard deviations from the mean of real images of the same class, and averaged over the
    decoded images. The images are grey.
    """
    classes = real.class_count
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(real.labels >= 0))[:STYLES]
    x, y = metrics.as_tensor(real.select(rows)), torch.from_numpy(real.labels[rows])
    q = model.encode_given(x, torch.nn.functional.one_hot(y, classes).float())
    codes = q.code[:, None].repeat(1, classes, 1)  # [S, C, Z]
    codes[:, :, model.class_dims] = torch.eye(classes)
    parts = [model.likelihood.mean(model.decode(z)) for z in codes.flatten(0, 1).split(1000)]
    decoded = to_array(torch.cat(parts), model.spec)
    figures = {}
    for name, measure in (("slant", attributes.shear), ("thickness", attributes.thickness)):
        values = measure(real.samples / np.float32(255))
        by_class = [values[real.labels == label] for label in range(classes)]
        mean, deviation = (np.array([f(group) for group in by_class]) for f in (np.mean, np.std))
        source = (values[rows] - mean[y]) / deviation[y]
        transferred = (measure(decoded).reshape(-1, classes) - mean) / deviation
        figures[f"style_{name}"] = float(np.corrcoef(source, transferred.mean(1))[0, 1])
    return figures


def agreement(classifier: Classifies, generated: Dataset) -> float:
    """Share of the generated samples that the classifier assigns to the given class, 0 to 1."""
    return metrics.accuracy(classifier, generated)


def evaluate(
    model: LatentModel, classifier: Classifies, real: Dataset, *, seed: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Every metric of samples generated from the prior, by name.

    There must be at least MIN_PER_CLASS real samples of each class.
    """

    def draw(each: int, seed: int) -> Dataset:
        labels = balanced_labels(real.class_count, each)
        images, _ = generate(model, labels, seed=seed, quiet=quiet)
        return as_dataset(images, labels, real.spec)

    generated, many = draw(EACH, seed), draw(6 * EACH, seed + 1)
    figures = {
        "agreement": agreement(classifier, generated),
        "diversity": diversity(generated, real),
        "nearest_neighbour_error": nearest_neighbour_error(generated, real, quiet=quiet),
        "learned_from_drawn": accuracy_of_trained_on(many, real, quiet=quiet),
    }
    if isinstance(model, ConditionsEncoding) and real.spec.shape[0] == 1:
        figures |= style(cast(ConditionsEncoding, model), real, seed=seed)
    return {name: round(value, 4) for name, value in figures.items()}
