"""Likelihoods are those of torch.distributions; every one of them keeps the contract."""

import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from vae import likelihoods
from vae.dataspec import DataSpec
from vae.likelihoods import LIKELIHOODS, Pairwise, likelihood_of

SPEC = DataSpec("image", (3, 6, 5), "bernoulli")
BERNOULLI = likelihoods.Bernoulli(SPEC.shape)


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", LIKELIHOODS)
class TestContract:
    def test_shapes(self, name: str) -> None:
        likelihood = likelihood_of(replace(SPEC, likelihood=name))
        parameters = numbers(4, 2, *likelihood.parameters)
        x = torch.rand(2, *SPEC.shape, generator=torch.Generator().manual_seed(1))
        assert likelihood.log_prob(parameters, x).shape == (4, 2)
        assert likelihood.mean(parameters).shape == (4, 2, *SPEC.shape)
        assert likelihood.sample(parameters).shape == (4, 2, *SPEC.shape)

    def test_the_mean_is_in_the_range_of_images(self, name: str) -> None:
        likelihood = likelihood_of(replace(SPEC, likelihood=name))
        mean = likelihood.mean(20 * numbers(50, *likelihood.parameters))
        assert 0 <= mean.min() < mean.max() <= 1

    def test_samples_have_the_mean_and_follow_the_generator(self, name: str) -> None:
        likelihood = likelihood_of(replace(SPEC, likelihood=name))
        parameters = numbers(1, *likelihood.parameters).expand(4000, *likelihood.parameters)
        one, other = (
            likelihood.sample(parameters, torch.Generator().manual_seed(2)) for _ in range(2)
        )
        assert torch.equal(one, other)
        expected = likelihood.mean(parameters[:1])[0]
        torch.testing.assert_close(one.mean(0), expected, atol=0.06, rtol=0)

    def test_the_gradient_is_finite(self, name: str) -> None:
        likelihood = likelihood_of(replace(SPEC, likelihood=name))
        parameters = (30 * numbers(8, *likelihood.parameters)).requires_grad_()
        likelihood.log_prob(parameters, torch.rand(8, *SPEC.shape)).sum().backward()
        assert parameters.grad is not None
        assert parameters.grad.isfinite().all()

    def test_all_pairs_are_those_one_by_one(self, name: str) -> None:
        likelihood = likelihood_of(replace(SPEC, likelihood=name))
        if not isinstance(likelihood, Pairwise):
            pytest.skip("no product of all pairs")
        parameters, x = numbers(4, *likelihood.parameters), torch.rand(3, *SPEC.shape)
        expected = likelihood.log_prob(parameters, x[:, None])
        torch.testing.assert_close(likelihood.pairwise_log_prob(parameters, x), expected)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="'poisson'; choose one of bernoulli"):
        likelihood_of(replace(SPEC, likelihood="poisson"))


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
def test_log_prob_is_that_of_torch(leading: tuple[int, ...]) -> None:
    logits = 4 * numbers(*leading, *SPEC.shape)
    x = (numbers(*leading, *SPEC.shape, seed=1) > 0).float()
    expected = Independent(Bernoulli(logits=logits), 3).log_prob(x)
    torch.testing.assert_close(BERNOULLI.log_prob(logits, x), expected)


def test_log_prob_of_grey_is_the_mean_over_binarisations() -> None:
    logits, grey = numbers(*SPEC.shape), torch.rand(SPEC.shape)
    draws = (
        torch.rand(5_000, *SPEC.shape, generator=torch.Generator().manual_seed(4)) < grey
    ).float()
    sampled = BERNOULLI.log_prob(logits.expand_as(draws), draws)
    error = sampled.std() / math.sqrt(len(draws))
    assert abs(sampled.mean() - BERNOULLI.log_prob(logits, grey)) < 4 * error


def test_log_prob_stays_finite_and_exact_for_extreme_logits() -> None:
    logits = torch.full((2, *SPEC.shape), 1e4)
    logits[1] = -1e4
    logits.requires_grad_()
    right, wrong = torch.ones(2, *SPEC.shape), torch.zeros(2, *SPEC.shape)
    right[1], wrong[1] = 0, 1
    assert BERNOULLI.log_prob(logits, right).tolist() == [0, 0]
    log_prob = BERNOULLI.log_prob(logits, wrong)
    torch.testing.assert_close(log_prob, torch.full((2,), -90 * 1e4))
    (gradient,) = torch.autograd.grad(log_prob.sum(), logits)
    assert gradient.abs().max() == 1


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
def test_the_gaussian_is_that_of_torch(leading: tuple[int, ...]) -> None:
    gaussian = likelihoods.Gaussian(SPEC.shape)
    parameters = numbers(*leading, *gaussian.parameters)
    parameters[..., 3, :, :] = -2.5
    x = torch.rand(*leading, *SPEC.shape, generator=torch.Generator().manual_seed(1))
    normal = Independent(Normal(gaussian.mean(parameters), math.exp(-2.5)), 3)
    torch.testing.assert_close(gaussian.log_prob(parameters, x), normal.log_prob(x))


def test_the_best_deviation_is_the_error_of_the_mean() -> None:
    """sigma-VAE, Rybkin et al. 2021, section 3.2."""
    gaussian = likelihoods.Gaussian(SPEC.shape)
    logits, x = numbers(20, *SPEC.shape), torch.rand(20, *SPEC.shape)
    best = (x - logits.sigmoid()).square().mean().sqrt().log()

    def log_prob(log_deviation: torch.Tensor) -> float:
        plane = log_deviation.expand(20, 1, *SPEC.shape[1:])
        return gaussian.log_prob(torch.cat([logits, plane], 1), x).sum().item()

    assert log_prob(best) > max(log_prob(best - 0.05), log_prob(best + 0.05))
