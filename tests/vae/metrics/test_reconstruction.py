"""PSNR, and the PCA that it is compared with."""

from typing import Any

import numpy as np
import pytest
import torch

from vae import models
from vae.dataspec import Dataset, DataSpec
from vae.metrics import reconstruction

SPEC = DataSpec("image", (3, 8, 9), "gaussian", ("a", "b"))


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, 8, 9, generator=torch.Generator().manual_seed(seed))


def dataset(count: int, seed: int = 0) -> Dataset:
    samples = np.random.default_rng(seed).integers(0, 256, (count, 8, 9, 3), np.uint8)
    return Dataset(samples, np.zeros(count, np.int64), SPEC)


@pytest.mark.parametrize(("error", "decibels"), [(1.0, 0.0), (0.1, 20.0), (0.0, 100.0)])
def test_psnr_is_ten_times_the_log_of_the_inverse_squared_error(
    error: float, decibels: float
) -> None:
    x = torch.zeros(4, 3, 8, 9)
    torch.testing.assert_close(reconstruction.psnr(x, x + error), torch.full((4,), decibels))


def test_pca_with_all_components_is_exact_and_with_one_is_the_best_line() -> None:
    train = images(12)
    exact = reconstruction.pca_reconstructions(train, train, 500)
    torch.testing.assert_close(exact, train, atol=1e-4, rtol=0)
    direction, along = images(1, seed=1)[0] * 0.1, torch.linspace(-1, 1, 9)[:, None, None, None]
    line = 0.5 + along * direction
    found = reconstruction.pca_reconstructions(line, line, 1)
    torch.testing.assert_close(found, line, atol=1e-4, rtol=0)


def test_more_components_reconstruct_better() -> None:
    train, x = images(40), images(40)
    values = [
        reconstruction.psnr(x, reconstruction.pca_reconstructions(train, x, n)) for n in (1, 4, 16)
    ]
    means = [float(value.mean()) for value in values]
    assert means == sorted(means)
    assert means[0] < means[-1]


def test_pca_stays_in_the_range_of_images() -> None:
    clipped = reconstruction.pca_reconstructions(images(10), 3 * images(10, 1) - 1, 3)
    assert clipped.min() >= 0
    assert clipped.max() <= 1


def test_figures_of_a_model() -> None:
    model: Any = models.build("vae", {"net": "residual", "hidden": 8, "depth": 0}, SPEC)
    model.eval().requires_grad_(False)
    train, test = dataset(20), dataset(10, seed=1)
    figures = reconstruction.evaluate(model, train, test, 2)
    x = torch.from_numpy(test.samples).movedim(-1, 1) / 255
    known = torch.from_numpy(train.samples).movedim(-1, 1) / 255
    pca = reconstruction.pca_reconstructions(known, x, 2)
    expected = float(reconstruction.psnr(x, pca).mean())
    assert figures["psnr_pca"] == pytest.approx(expected)
    decoded = model.likelihood.mean(model.decode(model.encode(x).code))
    errors = ((x - decoded) ** 2).mean((1, 2, 3))
    assert figures["psnr"] == pytest.approx(float((-10 * errors.log10()).mean()), abs=1e-4)
