"""Metrics of the images that a conditional model generates: agreement with the given class,
diversity, accuracy of a classifier trained on them, and whether classes share a style.

The independent classifier was trained on real images only.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from vae import latent, metrics, models, training
from vae.batches import Batches
from vae.data import Digits
from vae.distributed import Noise
from vae.interface import Classifies, ConditionsEncoding, Decodes, LatentModel
from vae.optim import TrainConfig

EACH = 1000  # images generated of each class
STYLES = 1000  # test images whose style is transferred
MIN_PER_CLASS = 2  # test images of each class: diversity is a distance between two


@torch.inference_mode()
def generate(
    model: LatentModel,
    labels: Int[np.ndarray, " N"],
    *,
    seed: int = 0,
    temperature: float = 1.0,
    quiet: bool = True,
) -> tuple[Float[np.ndarray, "N 28 28"], Float[np.ndarray, "N Z"]]:
    """Images in [0, 1] of the classes `labels`, and the codes from the prior that they are decoded
    from."""
    codes = latent.conditional_codes(model.blocks, labels, seed=seed, temperature=temperature)
    images = np.empty((len(codes), 28, 28), np.float32)
    device = next(model.parameters()).device
    for start in tqdm(range(0, len(codes), 1000), unit="k images", disable=quiet):
        part = torch.from_numpy(codes[start : start + 1000]).to(device)
        images[start : start + 1000] = cast(Decodes, model).decode(part).sigmoid().cpu().numpy()
    return images, codes


def balanced_labels(each: int = EACH) -> Int[np.ndarray, " N"]:
    """The classes 0 to 9, each repeated `each` times."""
    return np.repeat(np.arange(10), each)


def as_digits(images: Float[np.ndarray, "N 28 28"], labels: Int[np.ndarray, " N"]) -> Digits:
    """Images in [0, 1] as a data set."""
    return Digits(np.rint(255 * images).astype(np.uint8), labels.astype(np.int64))


def diversity(generated: Digits, real: Digits) -> float:
    """Mean pairwise Euclidean distance of generated images of a class, divided by that of real
    ones; mean over the classes.

    1 for images as diverse as real ones, 0 for a single image repeated. Every class needs two
    images of each kind.
    """

    def mean_distance(digits: Digits, y: int) -> float:
        rows = digits.images[digits.labels == y][:EACH].reshape(-1, 784) / np.float32(255)
        squares = np.square(rows).sum(1)
        between = squares[:, None] + squares - 2 * rows @ rows.T
        distances = np.sqrt(np.maximum(between, 0))
        return float(distances.sum() / (len(rows) * (len(rows) - 1)))

    return float(np.mean([mean_distance(generated, y) / mean_distance(real, y) for y in range(10)]))


def accuracy_of_trained_on(
    generated: Digits, real: Digits, *, epochs: int = 5, quiet: bool = True
) -> float:
    """Accuracy on real images of a classifier that is trained on generated ones only, without data
    augmentation."""
    torch.manual_seed(0)
    config = TrainConfig(epochs=epochs, batch=128, rate=2e-3)
    model = models.build("classifier", {"width": 16, "distort": 0.0})
    noise = Noise(torch.device("cpu"))
    step = models.MODELS["classifier"].make_step(model, config, noise)
    training.fit(
        step, Batches(generated, 128, noise.generator.device), noise, epochs, bar=not quiet
    )
    model.load_state_dict(step.weights())
    return metrics.accuracy(cast(Classifies, model.eval()), real)


def slant(images: Float[np.ndarray, "N 28 28"]) -> Float[np.ndarray, " N"]:
    """Horizontal shift of the ink per pixel upwards: covariance of the ink's coordinates divided by
    their vertical variance."""
    y, x = np.mgrid[:28, :28]
    mass = np.maximum(images.sum((1, 2)), 1e-6)
    mean_x, mean_y = (images * x).sum((1, 2)) / mass, (images * y).sum((1, 2)) / mass
    dx, dy = x - mean_x[:, None, None], y - mean_y[:, None, None]
    covariance, variance = (images * dx * dy).sum((1, 2)), (images * dy * dy).sum((1, 2))
    return -covariance / np.maximum(variance, 1e-6)


def thickness(images: Float[np.ndarray, "N 28 28"]) -> Float[np.ndarray, " N"]:
    """Width of the stroke in pixels: twice the ink divided by the length of its outline.

    A stroke of length L and width W has the area L W and an outline of 2 L, the sum of the
    gradients.
    """
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    right, down = np.diff(padded, axis=2)[:, :-1], np.diff(padded, axis=1)[:, :, :-1]
    outline = np.sqrt(np.square(right) + np.square(down)).sum((1, 2))
    return 2 * images.sum((1, 2)) / np.maximum(outline, 1e-6)


@torch.inference_mode()
def style(model: ConditionsEncoding, real: Digits, *, seed: int = 0) -> dict[str, float]:
    """Correlation of slant and thickness between a test image and images decoded from its code.

    The codes of STYLES test images are decoded as all ten classes. Slant and thickness are measured
    in standard deviations from the mean of real images of the same class, and averaged over the ten
    decoded images.
    """
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(real.labels >= 0))[:STYLES]
    x, y = metrics.grey(real)[rows], torch.from_numpy(real.labels[rows])
    posterior = model.encode_given(x, torch.nn.functional.one_hot(y, 10).float())
    codes = posterior.mean[:, None].repeat(1, 10, 1)  # [S, 10, Z]
    codes[:, :, model.class_dims] = torch.eye(10)
    decoded = torch.cat([model.decode(part).sigmoid() for part in codes.split(100)]).numpy()
    figures = {}
    for name, measure in (("slant", slant), ("thickness", thickness)):
        values = measure(real.images / np.float32(255))
        by_class = [values[real.labels == label] for label in range(10)]
        mean, deviation = (np.array([f(group) for group in by_class]) for f in (np.mean, np.std))
        source = (measure(x.numpy()) - mean[y]) / deviation[y]
        transferred = (measure(decoded.reshape(-1, 28, 28)).reshape(-1, 10) - mean) / deviation
        figures[f"style_{name}"] = float(np.corrcoef(source, transferred.mean(1))[0, 1])
    return figures


def agreement(classifier: Classifies, generated: Digits) -> float:
    """Share of the generated images that the classifier assigns to the given class, 0 to 1."""
    return metrics.accuracy(classifier, generated)


def evaluate(
    model: LatentModel, classifier: Classifies, real: Digits, *, seed: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Every metric of images generated from the prior, by name.

    There must be at least MIN_PER_CLASS real images of each class.
    """
    labels = balanced_labels()
    generated = as_digits(generate(model, labels, seed=seed)[0], labels)
    labels = balanced_labels(6 * EACH)
    many = as_digits(generate(model, labels, seed=seed + 1, quiet=quiet)[0], labels)
    figures = {
        "agreement": agreement(classifier, generated),
        "diversity": diversity(generated, real),
        "learned_from_drawn": accuracy_of_trained_on(many, real, quiet=quiet),
    }
    if isinstance(model, ConditionsEncoding):
        figures |= style(cast(ConditionsEncoding, model), real, seed=seed)
    return {name: round(value, 4) for name, value in figures.items()}
