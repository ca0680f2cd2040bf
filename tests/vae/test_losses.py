"""Losses and densities are those of torch.distributions."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae import losses
from vae.posteriors import DiagonalGaussian, GaussianMixture, Posterior


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


SHAPES = [(1, 1), (4, 2), (3, 5, 7), (0, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_kl_is_that_of_torch(shape: tuple[int, ...]) -> None:
    mean, logvar = 3 * numbers(*shape), 2 * numbers(*shape, seed=1)
    expected = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0, 1))
    torch.testing.assert_close(losses.gaussian_kl(mean, logvar), expected)


def test_kl_is_0_at_the_prior_only() -> None:
    logvar = torch.arange(-50, 51)[:, None] / 10
    kl = losses.gaussian_kl(torch.zeros_like(logvar), logvar)
    assert kl[50] == 0
    assert (kl[:50] > 0).all()
    assert (kl[51:] > 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_densities_are_those_of_torch(shape: tuple[int, ...]) -> None:
    z, mean, logvar = numbers(*shape), numbers(*shape, seed=1), numbers(*shape, seed=2)
    expected = Normal(mean, (0.5 * logvar).exp()).log_prob(z).sum(-1)
    torch.testing.assert_close(losses.gaussian_log_density(z, mean, logvar), expected)
    standard = Normal(0, 1).log_prob(z).sum(-1)
    torch.testing.assert_close(losses.standard_normal_log_density(z), standard)


def test_density_of_many_codes_for_each_image() -> None:
    z, mean, logvar = numbers(6, 4, 2), numbers(4, 2, seed=1), numbers(4, 2, seed=2)
    each = torch.stack([losses.gaussian_log_density(one, mean, logvar) for one in z])
    torch.testing.assert_close(losses.gaussian_log_density(z, mean, logvar), each)


class Line:
    """x = w z + noise with z of one dimension: likelihood and posterior in closed form."""

    def __init__(self, size: int = 3) -> None:
        self.w, self.noise = numbers(size, seed=5), 0.5
        self.x = numbers(200, size, seed=6)

    def log_likelihood(self) -> torch.Tensor:
        covariance = torch.outer(self.w, self.w) + self.noise**2 * torch.eye(len(self.w))
        return MultivariateNormal(torch.zeros_like(self.w), covariance).log_prob(self.x)

    def posterior(self) -> tuple[torch.Tensor, torch.Tensor]:
        precision = 1 + self.w.dot(self.w) / self.noise**2
        mean = (self.x @ self.w / self.noise**2 / precision)[:, None]
        return mean, (-precision.log()).expand_as(mean)

    def cross_entropy(self, z: torch.Tensor) -> torch.Tensor:
        """-log p(x | z)."""
        return -Normal(z * self.w, self.noise).log_prob(self.x).sum(-1)

    def log_weights(self, mean: torch.Tensor, logvar: torch.Tensor, count: int) -> torch.Tensor:
        """[count, 200]: log p(x, z) - log q(z | x) for codes drawn from q."""
        z = mean + (0.5 * logvar).exp() * numbers(count, *mean.shape, seed=count)
        prior = losses.standard_normal_log_density(z)
        return prior - self.cross_entropy(z) - losses.gaussian_log_density(z, mean, logvar)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_bound_is_exact_with_the_true_posterior(count: int) -> None:
    line = Line()
    bound = losses.importance_weighted_bound(line.log_weights(*line.posterior(), count))
    torch.testing.assert_close(bound, line.log_likelihood(), atol=1e-4, rtol=1e-4)


def test_bound_rises_with_the_samples_towards_the_likelihood() -> None:
    line = Line()
    mean, logvar = line.posterior()
    weights = line.log_weights(mean + 0.3, logvar + 1, 4096)  # not the true posterior
    means = []
    for count in (1, 4, 16, 256):
        groups = weights.reshape(count, -1, weights.shape[-1])  # [K, groups, 200]
        means.append(float(losses.importance_weighted_bound(groups).mean()))
    assert means == sorted(means)
    exact = float(line.log_likelihood().mean())
    assert means[0] < exact - 0.1
    assert means[-1] == pytest.approx(exact, abs=0.01)


def test_bound_of_one_sample_is_the_elbo() -> None:
    weights = numbers(1, 9) * 100
    torch.testing.assert_close(losses.importance_weighted_bound(weights), weights[0])


def test_bound_is_finite_where_the_weights_underflow() -> None:
    weights = torch.tensor([[-5000.0], [-5001.0]])
    expected = -5000 + math.log((1 + math.exp(-1)) / 2)
    assert float(losses.importance_weighted_bound(weights)) == pytest.approx(expected)


def normal_posterior(mean: torch.Tensor, logvar: torch.Tensor) -> Posterior:
    return Posterior((DiagonalGaussian(mean, logvar),))


def test_wake_sleep_is_exact_with_the_true_posterior() -> None:
    line = Line()
    q = normal_posterior(*line.posterior())
    z = q.draw(20, torch.Generator().manual_seed(0))
    loss = losses.reweighted_wake_sleep(q, z, line.cross_entropy(z))
    torch.testing.assert_close(loss, -line.log_likelihood(), atol=1e-4, rtol=1e-4)


def test_wake_sleep_adds_the_kl_of_the_true_posterior() -> None:
    line = Line()
    mean, logvar = line.posterior()
    q = normal_posterior(mean + 0.3, logvar + 1)
    z = q.draw(4000, torch.Generator().manual_seed(0))
    loss = losses.reweighted_wake_sleep(q, z, line.cross_entropy(z))
    true, fitted = (Normal(m, (0.5 * v).exp()) for m, v in ((mean, logvar), (q.code, q.logvar)))
    expected = kl_divergence(true, fitted)[:, 0] - line.log_likelihood()
    assert float(loss.mean()) == pytest.approx(float(expected.mean()), abs=0.01)


def test_each_term_of_wake_sleep_trains_its_own_part() -> None:
    line = Line()
    mean, logvar = (part.clone().requires_grad_() for part in line.posterior())
    q = normal_posterior(mean, logvar + 1)
    z = q.draw(50, torch.Generator().manual_seed(0)).detach()
    cross_entropy = line.cross_entropy(z).requires_grad_()
    losses.reweighted_wake_sleep(q, z, cross_entropy).sum().backward()
    log_weights = (q.prior_log_prob(z) - cross_entropy - q.log_prob(z)).detach()
    weights = log_weights.softmax(0)
    torch.testing.assert_close(cross_entropy.grad, weights)  # that of the bound alone
    weighted = (weights * normal_posterior(mean, logvar + 1).log_prob(z)).sum()
    torch.testing.assert_close(mean.grad, -torch.autograd.grad(weighted, mean)[0])


def test_wake_sleep_makes_a_mixture_cover_both_modes() -> None:
    """x = z^2 + noise: the posterior has a mode on each side of 0."""
    generator, x = torch.Generator().manual_seed(0), torch.tensor(1.0)
    raw = [torch.zeros(1, 2), torch.tensor([[[0.4], [-0.2]]]), torch.zeros(1, 2, 1)]
    optimiser = torch.optim.Adam([part.requires_grad_() for part in raw], lr=0.05)
    for _ in range(150):
        q = Posterior((GaussianMixture(raw[0].log_softmax(-1), *raw[1:]),))
        z = q.draw(50, generator).detach()  # [50, 1, 1]
        cross_entropy = -Normal(z.square(), 0.2).log_prob(x).sum(-1)
        optimiser.zero_grad()
        losses.reweighted_wake_sleep(q, z, cross_entropy).mean().backward()
        optimiser.step()
    assert sorted(raw[1].flatten().tolist()) == pytest.approx([-1, 1], abs=0.15)
    assert raw[0].softmax(-1).min() > 0.3


class TestSharedInformation:
    def test_it_is_log_k_for_sure_equal_balanced_classes(self) -> None:
        p = torch.eye(5).repeat(4, 1)
        torch.testing.assert_close(losses.shared_information(p, p), torch.tensor(5.0).log())

    def test_it_is_0_for_independent_classes_or_one_class(self) -> None:
        p, q = torch.eye(2).repeat_interleave(2, 0), torch.eye(2).repeat(2, 1)
        same = torch.eye(2)[:1].repeat(4, 1)
        several = losses.shared_information(torch.stack([p, same], 1), torch.stack([q, same], 1))
        torch.testing.assert_close(several, torch.zeros(2))
