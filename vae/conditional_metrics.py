"""How good the digits are that a model draws on request: are they those that were asked for, are
they as various as real ones, can one learn from them, and does a style stay the same from digit to
digit. An independent classifier, a classifier trained on real digits alone, says what they are.
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

EACH = 1000  # digits of each kind that are asked for
STYLES = 1000  # test digits whose style is copied


@torch.inference_mode()
def draw(
    model: LatentModel,
    labels: Int[np.ndarray, " N"],
    *,
    seed: int = 0,
    temperature: float = 1.0,
    quiet: bool = True,
) -> tuple[Float[np.ndarray, "N 28 28"], Float[np.ndarray, "N Z"]]:
    """Images of the digits asked for and the codes they were drawn from, those of the prior."""
    codes = latent.conditional_codes(model.blocks, labels, seed=seed, temperature=temperature)
    images = np.empty((len(codes), 28, 28), np.float32)
    device = next(model.parameters()).device
    for start in tqdm(range(0, len(codes), 1000), unit="k digits", disable=quiet):
        part = torch.from_numpy(codes[start : start + 1000]).to(device)
        images[start : start + 1000] = cast(Decodes, model).decode(part).sigmoid().cpu().numpy()
    return images, codes


def asked(each: int = EACH) -> Int[np.ndarray, " N"]:
    """The digits 0 to 9, `each` of each."""
    return np.repeat(np.arange(10), each)


def pixels(images: Float[np.ndarray, "N 28 28"], labels: Int[np.ndarray, " N"]) -> Digits:
    """Drawn digits as a data set."""
    return Digits(np.rint(255 * images).astype(np.uint8), labels.astype(np.int64))


def diversity(drawn: Digits, real: Digits) -> float:
    """Mean pairwise Euclidean distance within a kind of drawn digits over that of real ones, mean
    over the kinds: 1 is as various as the real ones, 0 is one picture each."""

    def spread(digits: Digits, kind: int) -> float:
        rows = digits.images[digits.labels == kind][:EACH].reshape(-1, 784) / np.float32(255)
        squares = np.square(rows).sum(1)
        between = squares[:, None] + squares - 2 * rows @ rows.T
        distances = np.sqrt(np.maximum(between, 0))
        return float(distances.sum() / (len(rows) * (len(rows) - 1)))

    return float(np.mean([spread(drawn, kind) / spread(real, kind) for kind in range(10)]))


def learned_from(drawn: Digits, real: Digits, *, epochs: int = 5, quiet: bool = True) -> float:
    """Accuracy on real digits of a classifier that has seen drawn ones alone: a convolutional net,
    `epochs` epochs without distortions, so that what it knows it has from them."""
    torch.manual_seed(0)
    config = TrainConfig(epochs=epochs, batch=128, rate=2e-3)
    model = models.build("classifier", {"width": 16, "distort": 0.0})
    noise = Noise(torch.device("cpu"))
    step = models.MODELS["classifier"].make_step(model, config, noise)
    training.fit(step, Batches(drawn, 128, noise.generator.device), noise, epochs, bar=not quiet)
    model.load_state_dict(step.weights())
    return metrics.accuracy(cast(Classifies, model.eval()), real)


def slant(images: Float[np.ndarray, "N 28 28"]) -> Float[np.ndarray, " N"]:
    """How far the ink leans to the right for each pixel upwards: the covariance of its places over
    their variance from top to bottom."""
    y, x = np.mgrid[:28, :28]
    mass = np.maximum(images.sum((1, 2)), 1e-6)
    across, down = (images * x).sum((1, 2)) / mass, (images * y).sum((1, 2)) / mass
    dx, dy = x - across[:, None, None], y - down[:, None, None]
    covariance, variance = (images * dx * dy).sum((1, 2)), (images * dy * dy).sum((1, 2))
    return -covariance / np.maximum(variance, 1e-6)


def thickness(images: Float[np.ndarray, "N 28 28"]) -> Float[np.ndarray, " N"]:
    """Width of the stroke in pixels: a stroke of length L and width W has the area L W and an
    outline of 2 L, which is what the steps between neighbouring pixels add up to."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    right, down = np.diff(padded, axis=2)[:, :-1], np.diff(padded, axis=1)[:, :, :-1]
    outline = np.sqrt(np.square(right) + np.square(down)).sum((1, 2))
    return 2 * images.sum((1, 2)) / np.maximum(outline, 1e-6)


@torch.inference_mode()
def style(model: ConditionsEncoding, real: Digits, *, seed: int = 0) -> dict[str, float]:
    """Whether digits written in the style of another lean as it does and are as thick.

    The codes of STYLES test digits are decoded as all ten digits. Slant and thickness are measured
    in deviations from the mean of real digits of the same kind, for a 1 leans otherwise than a 7;
    then the correlation, over the styles, of the source's with the mean of its ten.
    """
    rows = np.random.default_rng(seed).permutation(len(real.images))[:STYLES]
    x, y = metrics.grey(real)[rows], torch.from_numpy(real.labels[rows])
    posterior = model.encode_given(x, torch.nn.functional.one_hot(y, 10).float())
    codes = posterior.mean[:, None].repeat(1, 10, 1)  # [S, 10, Z]
    codes[:, :, model.digit] = torch.eye(10)
    decoded = torch.cat([model.decode(part).sigmoid() for part in codes.split(100)]).numpy()
    found = {}
    for name, measure in (("slant", slant), ("thickness", thickness)):
        every = measure(real.images / np.float32(255))
        kinds = [every[real.labels == kind] for kind in range(10)]
        mean, spread = (np.array([f(kind) for kind in kinds]) for f in (np.mean, np.std))
        source = (measure(x.numpy()) - mean[y]) / spread[y]
        ten = (measure(decoded.reshape(-1, 28, 28)).reshape(-1, 10) - mean) / spread
        found[f"style_{name}"] = float(np.corrcoef(source, ten.mean(1))[0, 1])
    return found


def agreement(classifier: Classifies, drawn: Digits) -> float:
    """Share of the drawn digits that the classifier takes for those that were asked for."""
    return metrics.accuracy(classifier, drawn)


def evaluate(
    model: LatentModel, classifier: Classifies, real: Digits, *, seed: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Every figure of the digits that a model draws on request, codes from the prior."""
    drawn = pixels(draw(model, asked(), seed=seed)[0], asked())
    many = asked(6 * EACH)
    lessons = pixels(draw(model, many, seed=seed + 1, quiet=quiet)[0], many)
    figures = {
        "agreement": agreement(classifier, drawn),
        "diversity": diversity(drawn, real),
        "learned_from_drawn": learned_from(lessons, real, quiet=quiet),
    }
    if isinstance(model, ConditionsEncoding):
        figures |= style(cast(ConditionsEncoding, model), real, seed=seed)
    return {name: round(value, 4) for name, value in figures.items()}
