"""Metrics of models that have them in closed form, and of synthetic codes."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, kl_divergence

from vae import checkpoint, losses, metrics, models
from vae.dataspec import MNIST, Dataset, DataSpec
from vae.latent import LatentBlock
from vae.likelihoods import likelihood_of
from vae.posteriors import DiagonalGaussian, Point, Posterior


class Constant(nn.Module):
    """A decoder that ignores z, and an encoder that uses `used` of `size` dimensions."""

    def __init__(self, size: int = 2, used: int = 0, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.spec, self.likelihood = MNIST, likelihood_of(MNIST)
        self.logits = nn.Parameter(torch.randn(1, 28, 28, generator=generator))
        self.map = torch.randn(784, size, generator=generator)
        self.map[:, used:] = 0

    def encode(self, x: Tensor) -> Posterior:
        mean = x.flatten(1) @ self.map / 28
        return Posterior((DiagonalGaussian(mean, torch.zeros_like(mean)),))

    def decode(self, z: Tensor) -> Tensor:
        return self.logits.expand(*z.shape[:-1], 1, 28, 28)


@pytest.fixture
def few(test_digits: Dataset) -> Dataset:
    return test_digits.select(slice(25))


@pytest.fixture
def trained(checkpoints: Path) -> Any:
    return checkpoint.read_model(checkpoints / "vae-2d")


def test_a_binarisation_is_fixed_by_its_seed_and_has_the_grey_levels_as_means() -> None:
    grey = torch.linspace(0, 1, 5)[:, None, None].expand(5, 28, 28).repeat(40, 1, 1)
    one = metrics.binarised(grey)
    assert set(one.unique().tolist()) == {0, 1}
    assert torch.equal(one, metrics.binarised(grey))
    assert not torch.equal(one, metrics.binarised(grey, seed=1))
    shares = one.reshape(40, 5, -1).mean((0, 2))
    torch.testing.assert_close(shares, torch.linspace(0, 1, 5), atol=0.01, rtol=0)


def test_grid_quadrature_is_exact_where_the_decoder_ignores_z(few: Dataset) -> None:
    model, x = Constant(), metrics.binarised(metrics.as_tensor(few))
    exact = model.likelihood.log_prob(model.logits, x)
    torch.testing.assert_close(
        metrics.grid_quadrature(model, x, steps=60), exact, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(("side", "codes"), [(8, 40), (55, 40), (111, 8)])
def test_larger_samples_are_taken_in_smaller_parts(side: int, codes: int) -> None:
    spec = DataSpec("image", (1, side, side), "bernoulli")
    model: Any = models.build("vae", {"net": "mlp", "hidden": 4, "depth": 0}, spec)
    passes, decode = [], model.decode
    model.decode = lambda z: passes.append(math.prod(z.shape[:-1])) or decode(z)
    found = metrics.importance_sampled(model, torch.rand(30, *spec.shape), samples=2)
    assert found.shape == (30,)
    assert sum(passes) == 30 * 2
    assert max(passes) == codes


def test_importance_sampling_is_exact_with_the_true_posterior(few: Dataset) -> None:
    model, x = Constant(used=0), metrics.binarised(metrics.as_tensor(few))  # q = p(z) = p(z | x)
    exact = model.likelihood.log_prob(model.logits, x)
    sampled = metrics.importance_sampled(model, x, samples=5)
    torch.testing.assert_close(sampled, exact, rtol=1e-5, atol=1e-3)


def test_quadrature_and_sampling_agree_and_the_elbo_is_below(trained: Any, few: Dataset) -> None:
    x = metrics.binarised(metrics.as_tensor(few))
    exact = metrics.grid_quadrature(trained, x, steps=200)
    torch.testing.assert_close(
        metrics.grid_quadrature(trained, x, steps=150), exact, atol=0.01, rtol=0
    )
    sampled = metrics.importance_sampled(trained, x, samples=2000)
    assert (sampled - exact).abs().mean() < 0.3
    assert abs(float((sampled - exact).mean())) < 0.1
    bound = -metrics.elbo(trained, x, draws=64).total
    assert bound.mean() < exact.mean()
    assert (bound < exact + 0.5).all(), "up to the noise of 64 draws"


def test_the_elbo_of_a_constant_decoder_is_known(few: Dataset) -> None:
    model, x = Constant(used=1), metrics.as_tensor(few)
    terms = metrics.elbo(model, x, draws=2)
    torch.testing.assert_close(terms.cross_entropy, -model.likelihood.log_prob(model.logits, x))
    kl = 0.5 * model.encode(x).code[:, 0] ** 2
    torch.testing.assert_close(terms.kl, kl, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(terms.kl_per_dimension[:, 0], kl, rtol=1e-3, atol=1e-5)
    assert not terms.kl_per_dimension[:, 1].any()


class Mixture(nn.Module):
    """One Bernoulli image a class, whatever the code: log p(x) and p(y | x) are known.

    A temperature of 1 makes q(y | x) the true posterior.
    """

    blocks = (LatentBlock("z", 2, "normal"), LatentBlock("class", 10, "categorical", role="class"))
    class_dims = slice(2, 12)

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.spec, self.likelihood = MNIST, likelihood_of(MNIST)
        self.logits = nn.Parameter(torch.randn(10, 1, 28, 28, generator=generator) / 20)
        self.temperature = temperature

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, y), [N, 10]."""
        return self.likelihood.log_prob(self.logits, x[:, None]) - math.log(10)

    def classify(self, x: Tensor) -> Tensor:
        return (self.log_joint(x) / self.temperature).log_softmax(-1)

    def encode_given(self, x: Tensor, one_hot: Tensor) -> Posterior:
        mean = torch.zeros(len(x), 2)
        return Posterior((DiagonalGaussian(mean, torch.zeros_like(mean)), Point(one_hot)))

    def encode(self, x: Tensor) -> Posterior:
        return self.encode_given(x, self.classify(x).exp())

    def decode(self, z: Tensor) -> Tensor:
        return (z[..., self.class_dims] @ self.logits.flatten(1)).unflatten(-1, (1, 28, 28))


class TestElboOverClasses:
    """A model that infers the class has the class among its latent variables."""

    @torch.no_grad()
    @pytest.mark.parametrize("temperature", [0.01, 0.5, 1.0, 4.0])
    def test_the_gap_to_the_likelihood_is_the_kl_of_the_posteriors(
        self, temperature: float, few: Dataset
    ) -> None:
        model, x = Mixture(temperature), metrics.as_tensor(few)
        terms = metrics.elbo(model, x)
        log_joint, log_q = model.log_joint(x), model.classify(x)
        log_p = log_joint.logsumexp(1)
        gap = (log_q.exp() * (log_q - log_joint.log_softmax(1))).sum(1)
        if temperature == 1:
            torch.testing.assert_close(gap, torch.zeros_like(gap))
        torch.testing.assert_close(terms.total, gap - log_p, rtol=0, atol=5e-3)

    @torch.no_grad()
    def test_the_kl_of_the_class_is_that_to_the_uniform_prior(self, few: Dataset) -> None:
        model, x = Mixture(), metrics.as_tensor(few)
        terms = metrics.elbo(model, x)
        q = Categorical(logits=model.classify(x))
        expected = kl_divergence(q, Categorical(torch.full((10,), 0.1)))
        torch.testing.assert_close(terms.kl, expected, rtol=1e-3, atol=1e-3)
        per_class = terms.kl_per_dimension[:, model.class_dims]
        torch.testing.assert_close(per_class.sum(1), expected, rtol=1e-3, atol=1e-3)
        assert not terms.kl_per_dimension[:, :2].any(), "q(z | x) is the prior here"

    def test_the_terms_are_means_over_the_classes(self, checkpoints: Path, few: Dataset) -> None:
        """By enumeration of all classes, with a model whose encoder is given the class."""
        model: Any = checkpoint.read_model(checkpoints / "cvae")
        x = metrics.as_tensor(few)
        q = model.classify(x).exp()
        expected = torch.zeros(len(x))
        for y in range(10):
            one_hot = torch.eye(10)[y].expand(len(x), 10)
            expected += q[:, y] * metrics.elbo(model, x, one_hot, draws=64).total
        expected += (q * (10 * q).log()).sum(1)
        total = metrics.elbo(model, x, draws=64).total
        assert total.mean() == pytest.approx(expected.mean(), abs=0.5)
        torch.testing.assert_close(total, expected, rtol=0, atol=6)

    def test_a_conditional_model_has_no_likelihood_without_the_class(self, few: Dataset) -> None:
        x = metrics.as_tensor(few)
        with pytest.raises(ValueError, match="Mixture is conditional: its likelihood needs the"):
            metrics.importance_sampled(Mixture(), x)

    def test_of_no_images_it_is_empty(self, few: Dataset) -> None:
        for model in (Mixture(), Constant()):
            terms = metrics.elbo(model, metrics.as_tensor(few)[:0])
            assert len(terms.cross_entropy) == len(terms.kl) == 0


class TestNeighbours:
    labels = np.repeat(np.arange(10), 30)

    def data(self, labels: np.ndarray) -> Dataset:
        return Dataset(np.zeros((len(labels), 28, 28), np.uint8), labels, MNIST)

    def codes(self, spread: float, seed: int) -> np.ndarray:
        centres = np.stack([np.cos(np.arange(10)), np.sin(np.arange(10))], axis=1)[self.labels]
        noise = np.random.default_rng(seed).standard_normal(centres.shape)
        return (centres + spread * noise).astype(np.float32)

    @pytest.mark.parametrize("count", [50, 100, 300])
    def test_codes_in_separate_clusters_are_classified(self, count: int) -> None:
        train, test = self.codes(0.01, 0), self.codes(0.01, 1)
        score = metrics.nearest_neighbours(train, self.data(self.labels), test, self.labels, count)
        assert score == 1

    def test_codes_without_information_are_guessed(self) -> None:
        train, test = self.codes(1e6, 0), self.codes(1e6, 1)
        score = metrics.nearest_neighbours(train, self.data(self.labels), test, self.labels, 100)
        assert 0.02 < score < 0.2

    @pytest.mark.parametrize("unknown", [-1, 3])
    def test_too_few_labels_are_refused(self, unknown: int) -> None:
        labels = np.where(self.labels == 9, unknown, self.labels)
        codes = self.codes(0.01, 0)
        with pytest.raises(
            ValueError, match="100 labels need 10 codes of each class, but one class has 0"
        ):
            metrics.nearest_neighbours(codes, self.data(labels), codes, labels, 100)


@pytest.mark.parametrize(("size", "used"), [(2, 0), (5, 3), (4, 4)])
def test_active_units_are_those_that_vary_with_the_images(
    size: int, used: int, train_digits: Dataset, few: Dataset
) -> None:
    figures = metrics.evaluate(Constant(size, used), train_digits, few, quiet=True)
    assert figures["active_units"] == used
    assert len(figures["kl_per_dimension"]) == size
    assert ("log_likelihood_grid" in figures) == (size == 2)


def test_every_figure_of_a_vae_is_there_and_finite(
    trained: Any, train_digits: Dataset, few: Dataset
) -> None:
    figures = metrics.evaluate(trained, train_digits, few, quiet=True)
    numbers = [
        v for value in figures.values() for v in (value if isinstance(value, list) else [value])
    ]
    assert all(math.isfinite(number) for number in numbers)
    assert figures["test_images"] == 25
    assert figures["parameters"] == sum(p.numel() for p in trained.parameters())
    assert figures["elbo"] == pytest.approx(
        -figures["elbo_cross_entropy"] - figures["elbo_kl"], abs=1e-3
    )
    assert sum(figures["kl_per_dimension"]) == pytest.approx(figures["elbo_kl"], abs=1e-3)
    assert figures["elbo"] < figures["log_likelihood_grid"] < 0
    assert figures["log_likelihood_importance_500"] == pytest.approx(
        figures["log_likelihood_grid"], abs=1
    )
    assert 0.1 < figures["knn_accuracy_100"] <= figures["knn_accuracy_1000"] + 0.1 <= 1.1


def test_an_autoencoder_has_no_likelihood(
    checkpoints: Path, train_digits: Dataset, few: Dataset
) -> None:
    figures = metrics.evaluate(
        checkpoint.read_model(checkpoints / "ae-2d"), train_digits, few, quiet=True
    )
    assert not {name for name in figures if "likelihood" in name or "elbo" in name or "kl" in name}
    assert figures["grey_cross_entropy"] > 0
    assert "knn_accuracy_1000" in figures


def test_figures_that_need_more_labels_are_left_out(checkpoints: Path, few: Dataset) -> None:
    trained: Any = checkpoint.read_model(checkpoints / "vae-5d")
    rows = np.tile(np.arange(25), 8)
    # 20 a class: 100 labels, not 600
    labelled = Dataset(few.samples[rows], np.arange(200) % 10, MNIST)
    figures = metrics.evaluate(trained, labelled, few, quiet=True)
    assert {name for name in figures if name.startswith("knn")} == {"knn_accuracy_100"}
    unknown = Dataset(few.samples, np.full(25, -1), MNIST)
    assert "elbo" in metrics.evaluate(trained, unknown, unknown, quiet=True)


@pytest.mark.parametrize("name", ["vae-2d", "ae-2d"])
def test_encodings_have_the_terms_of_the_elbo(name: str, checkpoints: Path, few: Dataset) -> None:
    model: Any = checkpoint.read_model(checkpoints / name)
    encodings = metrics.encode(model, few)
    expected = model.encode(metrics.as_tensor(few))
    np.testing.assert_allclose(encodings.mean, expected.code.numpy(), rtol=1e-5)
    assert encodings.labels.tolist() == few.labels.tolist()
    assert (encodings.cross_entropy > 0).all()
    np.testing.assert_allclose(encodings.kl, expected.kl().numpy(), rtol=1e-3)
    assert encodings.kl_per_dimension is not None
    assert encodings.kl_per_dimension.sum() == pytest.approx(encodings.kl.mean(), rel=1e-3)
    assert encodings.kl.any() == (name == "vae-2d")


def test_a_model_that_neither_encodes_nor_decodes_is_refused(few: Dataset) -> None:
    with pytest.raises(ValueError, match="Linear neither decodes nor classifies"):
        metrics.evaluate(nn.Linear(1, 1), few, few, quiet=True)


def test_a_conditional_model_is_measured_given_the_class(
    checkpoints: Path, train_digits: Dataset, few: Dataset
) -> None:
    model: Any = checkpoint.read_model(checkpoints / "cvae")
    few = few.select(slice(8))
    figures = metrics.evaluate(model, train_digits, few, quiet=True)
    assert {"grey_elbo", "grey_cross_entropy"} <= set(figures)
    assert {"elbo_given_y", "log_likelihood_given_y_importance_50", "accuracy"} <= set(figures)
    assert not {"elbo", "log_likelihood_importance_500", "log_likelihood_grid"} & set(figures)
    assert figures["active_units"] <= 3, "the class is no latent unit"
    found = figures["log_likelihood_given_y_importance_500"]
    assert figures["elbo_given_y"] < figures["log_likelihood_given_y_importance_50"] + 1, (
        "up to noise"
    )
    assert figures["log_likelihood_given_y_importance_50"] < found + 1, "up to noise"

    # computed here: with y given, only z is sampled and only z has a density
    x, y = metrics.binarised(metrics.as_tensor(few)), torch.eye(10)[torch.from_numpy(few.labels)]
    q = model.encode_given(x, y)
    mean, logvar = q.code, q.logvar
    z = torch.randn(4000, *mean.shape, generator=torch.Generator().manual_seed(1))
    z = mean + (0.5 * logvar).exp() * z
    weights = (
        losses.standard_normal_log_density(z[..., :3])
        + model.likelihood.log_prob(model.decode(z), x)
        - losses.gaussian_log_density(z[..., :3], mean[:, :3], logvar[:, :3])
    )
    expected = losses.importance_weighted_bound(weights).mean().item()
    assert found == pytest.approx(expected, abs=0.5)


def test_of_unlabelled_images_a_conditional_model_has_the_grey_elbo_alone(
    checkpoints: Path, few: Dataset
) -> None:
    model: Any = checkpoint.read_model(checkpoints / "cvae")
    unknown = Dataset(few.samples[:8], np.full(8, -1), MNIST)
    figures = metrics.evaluate(model, unknown, unknown, quiet=True)
    assert all(np.isfinite(v) for v in figures.values())
    assert figures["grey_elbo"] < 0
    assert not {name for name in figures if "given_y" in name or name in {"accuracy", "elbo"}}
