"""The figures are those of torch.distributions; the orders are what their names say."""

from typing import cast

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from explorer import reconstruction_metrics
from explorer.reconstruction_metrics import Figures, Way
from vae import latent


class Linear:
    """A model that can be seen through: two pixels make the code, the code makes two pixels."""

    def __init__(self, logvar: float) -> None:
        self.logvar = logvar

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = images[:, 0, :2].astype(np.float32)
        return mean, np.full_like(mean, self.logvar)

    def decode(self, z: np.ndarray) -> np.ndarray:
        images = np.full((len(z), 28, 28), 0.5, np.float32)
        images[:, 0, :2] = 1 / (1 + np.exp(-z))
        return images


def digits(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 28, 28), np.float32)


def test_cross_entropy_is_that_of_bernoulli_pixels() -> None:
    p, x = digits(10).reshape(2, 5, 28, 28)
    x = np.rint(x)
    expected = -Bernoulli(torch.from_numpy(p)).log_prob(torch.from_numpy(x)).sum((1, 2))
    assert np.allclose(reconstruction_metrics.cross_entropy(p, x), expected.numpy(), rtol=1e-4)


def test_grey_levels_weigh_both_outcomes() -> None:
    p = digits(1)[0]
    on, off = (reconstruction_metrics.cross_entropy(p, np.full((28, 28), v)) for v in (1.0, 0.0))
    grey = reconstruction_metrics.cross_entropy(p, np.full((28, 28), 0.3))
    assert grey == pytest.approx(0.3 * on + 0.7 * off)


def test_cross_entropy_is_finite_where_pixels_are_saturated() -> None:
    assert np.isfinite(reconstruction_metrics.cross_entropy(np.ones((28, 28)), np.zeros((28, 28))))


def test_the_kl_is_that_of_torch() -> None:
    mean, logvar = np.random.default_rng(1).normal(size=(2, 6, 3))
    deviation = torch.from_numpy(np.exp(0.5 * logvar))
    expected = kl_divergence(Normal(torch.from_numpy(mean), deviation), Normal(0.0, 1.0))
    assert np.allclose(latent.gaussian_kl(mean, logvar), expected.numpy())


def test_codes_are_drawn_from_the_posterior() -> None:
    mean, logvar = np.array([[1.0, -2.0]]), np.log(np.array([[0.25, 4.0]]))
    codes = reconstruction_metrics.draw_codes(mean, logvar, 20_000, seed=3)[0]
    assert np.allclose(codes.mean(0), mean[0], atol=0.05)
    assert np.allclose(codes.std(0), [0.5, 2.0], rtol=0.03)
    again, other = (
        reconstruction_metrics.draw_codes(mean, logvar, 20_000, seed)[0] for seed in (3, 4)
    )
    assert np.array_equal(codes, again)
    assert not np.array_equal(codes, other)


def test_a_point_is_drawn_as_itself() -> None:
    mean = np.array([[1.0, -2.0]])
    codes = reconstruction_metrics.draw_codes(mean, np.full((1, 2), -np.inf), 4, seed=0)
    assert np.array_equal(codes, np.tile(mean.astype(np.float32), (1, 4, 1)))


def test_the_figures_are_the_parts_of_the_elbo() -> None:
    x, model = digits(5), Linear(logvar=-1.0)
    figures = reconstruction_metrics.measure(model, x, draws=3, seed=7)
    mean, logvar = model.encode(x)
    codes = reconstruction_metrics.draw_codes(mean, logvar, 3, seed=7)
    each = [reconstruction_metrics.cross_entropy(model.decode(codes[:, s]), x) for s in range(3)]
    assert np.allclose(figures.cross_entropy, np.mean(each, axis=0))
    assert np.allclose(figures.kl, latent.gaussian_kl(mean, logvar).sum(1))
    assert np.allclose(figures.elbo, -figures.cross_entropy - figures.kl)
    assert not figures.deterministic


def test_a_deterministic_encoder_pays_no_kl() -> None:
    x, model = digits(5), Linear(logvar=-np.inf)
    figures = reconstruction_metrics.measure(model, x)
    assert figures.deterministic
    assert not figures.kl.any()
    direct = reconstruction_metrics.cross_entropy(model.decode(model.encode(x)[0]), x)
    assert np.allclose(figures.cross_entropy, direct)


def test_a_digit_within_the_code_pays_no_kl_and_the_rest_does() -> None:
    x, model = digits(5), Linear(logvar=-1.0)
    mean, logvar = model.encode(x)
    known = logvar.copy()
    known[:, 0] = -np.inf

    class Told(Linear):
        def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return mean, known

    figures = reconstruction_metrics.measure(Told(-1.0), x)
    assert not figures.deterministic
    expected = latent.gaussian_kl(mean[:, 1:], logvar[:, 1:]).sum(1)
    assert np.allclose(figures.kl, expected)


def test_one_image_has_the_figures_that_it_has_among_others() -> None:
    figures = reconstruction_metrics.measure(Linear(-1.0), digits(5))
    one = figures.one(3)
    assert len(one.mean) == len(one.kl) == 1
    assert one.elbo[0] == figures.elbo[3]


LABELS = np.array([3, 1, 3, 0, 3, 1])
SHAPE = np.zeros((6, 2), np.float32)
FIGURES = Figures(SHAPE, SHAPE, np.array([9.0, 5.0, 1.0, 7.0, 8.0, 2.0]), np.array([1.0] * 5 + [9]))


def test_orders() -> None:
    assert reconstruction_metrics.order("By index", LABELS, FIGURES).tolist() == [0, 1, 2, 3, 4, 5]
    assert reconstruction_metrics.order("By digit", LABELS, FIGURES, digit=3).tolist() == [0, 2, 4]
    assert reconstruction_metrics.order("By digit", LABELS, FIGURES, digit=8).tolist() == []
    assert reconstruction_metrics.order("Worst first", LABELS, FIGURES).tolist() == [
        5,
        0,
        4,
        3,
        1,
        2,
    ]


def test_the_random_order_is_a_permutation_of_its_seed() -> None:
    labels = np.zeros(50, int)
    first, again, other = (
        reconstruction_metrics.order("At random", labels, FIGURES, seed=seed).tolist()
        for seed in (1, 1, 2)
    )
    assert sorted(first) == list(range(50))
    assert first == again != other


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="'Best first'"):
        reconstruction_metrics.order(cast("Way", "Best first"), LABELS, FIGURES)
