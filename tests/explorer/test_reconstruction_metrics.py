"""The metrics equal those of the model; the orders agree with their names."""

from typing import cast

import numpy as np
import pytest

from explorer import reconstruction_metrics
from explorer.reconstruction_metrics import Figures, Way


class Known:
    """A model whose figures are numbers of the image."""

    def __init__(self, logvar: float) -> None:
        self.logvar = logvar

    def reconstruct(
        self, images: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        mean = images[:, 0, :2]
        return mean, np.full_like(mean, self.logvar), images[:, 1, 0], images[:, 1, 1]


def digits(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 28, 28), np.float32)


def test_the_figures_are_the_terms_of_the_elbo() -> None:
    x = digits(5)
    figures = reconstruction_metrics.measure(Known(logvar=-1.0), x)
    assert np.array_equal(figures.mean, x[:, 0, :2])
    assert np.array_equal(figures.elbo, -x[:, 1, 0] - x[:, 1, 1])
    assert not figures.deterministic


def test_an_encoder_to_points_is_deterministic_and_one_with_a_known_class_is_not() -> None:
    figures = reconstruction_metrics.measure(Known(logvar=-np.inf), digits(5))
    assert figures.deterministic
    logvar = figures.logvar.copy()
    logvar[:, 0] = -1
    assert not figures._replace(logvar=logvar).deterministic


def test_one_image_has_the_figures_that_it_has_among_others() -> None:
    figures = reconstruction_metrics.measure(Known(-1.0), digits(5))
    one = figures.one(3)
    assert len(one.mean) == len(one.kl) == 1
    assert one.elbo[0] == figures.elbo[3]


LABELS = np.array([3, 1, 3, 0, 3, 1])
SHAPE = np.zeros((6, 2), np.float32)
FIGURES = Figures(SHAPE, SHAPE, np.array([9.0, 5.0, 1.0, 7.0, 8.0, 2.0]), np.array([1.0] * 5 + [9]))


def test_orders() -> None:
    assert reconstruction_metrics.order("By index", LABELS, FIGURES).tolist() == [0, 1, 2, 3, 4, 5]
    assert reconstruction_metrics.order("By class", LABELS, FIGURES, label=3).tolist() == [0, 2, 4]
    assert reconstruction_metrics.order("By class", LABELS, FIGURES, label=8).tolist() == []
    assert reconstruction_metrics.order("Worst first", LABELS, FIGURES).tolist() == [
        5,
        0,
        4,
        3,
        1,
        2,
    ]


def test_the_worst_of_an_implicit_model_has_the_largest_squared_error() -> None:
    errors = np.array([0.2, 0.5, 0.1, 0.0, 0.4, 0.3])
    figures = FIGURES._replace(squared_error=errors)
    assert reconstruction_metrics.order("Worst first", LABELS, figures)[:3].tolist() == [1, 4, 5]
    assert figures.one(4).squared_error == pytest.approx([0.4])
    assert FIGURES.one(4).squared_error is None


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
