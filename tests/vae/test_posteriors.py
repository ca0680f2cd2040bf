"""Distributions are normalised, their samples and KLs belong to their densities, and a Posterior
joins them block by block."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import Independent, MixtureSameFamily, Normal, kl_divergence

from vae.flows import Flow
from vae.posteriors import (
    POINTS,
    Categorical,
    DiagonalGaussian,
    Distribution,
    GaussianMixture,
    Point,
    Posterior,
    Transformed,
    TruncatedGaussian,
    Uniform,
    normal_points,
)

B = 3


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def gaussian(size: int = 2) -> DiagonalGaussian:
    return DiagonalGaussian(numbers(B, size), 0.5 * numbers(B, size, seed=1) - 1)


def mixture(components: int = 4, size: int = 2) -> GaussianMixture:
    shape = (B, components, size)
    weights = numbers(B, components, seed=2).log_softmax(-1)
    return GaussianMixture(weights, numbers(*shape, seed=3), 0.5 * numbers(*shape, seed=4) - 2)


def categorical(classes: int = 4) -> Categorical:
    return Categorical(numbers(B, classes, seed=5).log_softmax(-1))


def point(size: int = 2) -> Point:
    return Point(numbers(B, size, seed=6))


def truncated(size: int = 2) -> TruncatedGaussian:
    mean = 2 * torch.rand(B, size, generator=generator(9)) - 1
    return TruncatedGaussian(mean, numbers(B, size, seed=10) - 1)


def uniform(size: int = 2) -> Uniform:
    return Uniform(2 * torch.rand(B, size, generator=generator(11)) - 1)


def transformed() -> Transformed:
    torch.manual_seed(8)
    flow = Flow(2, 4)
    for parameter in flow.parameters():
        parameter.data.add_(0.2 * torch.randn_like(parameter))
    return Transformed(gaussian(), flow.requires_grad_(False))


MAKERS: dict[str, Callable[[], Distribution]] = {
    "gaussian": gaussian,
    "mixture": mixture,
    "categorical": categorical,
    "point": point,
    "transformed": transformed,
    "truncated": truncated,
    "uniform": uniform,
    "joined": lambda: Posterior((mixture(), categorical(), gaussian(3), point())),
    "infogan": lambda: Posterior((categorical(), truncated(), uniform(5))),
}


@pytest.fixture(params=MAKERS)
def q(request: pytest.FixtureRequest) -> Distribution:
    return MAKERS[request.param]()


def noise(q: Distribution, *leading: int, seed: int = 7) -> Tensor:
    return numbers(*leading, B, q.noise_size, seed=seed)


def grid(steps: int = 400, reach: float = 6.0) -> tuple[Tensor, float]:
    """Points [steps^2, B, 2] of a square, and the area of a cell."""
    axis = torch.linspace(-reach, reach, steps)
    z = torch.cartesian_prod(axis, axis)
    return z[:, None].expand(-1, B, -1), (2 * reach / (steps - 1)) ** 2


@pytest.mark.parametrize("make", [gaussian, mixture])
def test_density_integrates_to_1(make: Callable[[], Distribution]) -> None:
    z, cell = grid()
    mass = make().log_prob(z).exp().sum(0) * cell
    torch.testing.assert_close(mass, torch.ones(B), atol=1e-4, rtol=0)


@pytest.mark.parametrize("make", [truncated, uniform])
def test_a_density_on_an_interval_integrates_to_1_and_is_0_outside(
    make: Callable[[], Distribution],
) -> None:
    z, _ = grid(401, 1.0)  # ends included, so their cells count by halves
    weights = torch.where(z.abs() == 1, 0.5, 1.0).prod(-1) * 0.005**2
    mass = (make().log_prob(z).exp() * weights).sum(0)
    torch.testing.assert_close(mass, torch.ones(B), atol=1e-3, rtol=0)
    beyond = torch.tensor([1.01, 0.0]).expand(B, -1)
    assert make().log_prob(beyond).isneginf().all()
    assert make().prior_log_prob(beyond).isneginf().all()


def test_samples_of_a_truncated_gaussian_have_the_moments_of_the_density() -> None:
    q, (z, _) = truncated(), grid(401, 1.0)
    weights = torch.where(z.abs() == 1, 0.5, 1.0).prod(-1) * 0.005**2
    mass = (q.log_prob(z).exp() * weights)[..., None]  # [G, B, 1]
    drawn = q.sample(noise(q, 40_000))
    assert (drawn.abs() <= 1).all()
    for power in (1, 2):
        error = (drawn**power).std(0) / math.sqrt(len(drawn))
        expected = (mass * z**power).sum(0)
        assert ((drawn**power).mean(0) - expected).abs().lt(5 * error + 1e-3).all()


@pytest.mark.parametrize("mean", [-1.0, 0.3, 1.0])
@pytest.mark.parametrize("logvar", [-14.0, 0.0, 8.0])
def test_a_truncated_gaussian_is_finite_at_the_limits(mean: float, logvar: float) -> None:
    q = TruncatedGaussian(torch.full((B, 2), mean), torch.full((B, 2), logvar))
    assert q.kl().isfinite().all()
    assert q.kl().ge(-1e-5).all()
    assert q.log_prob(q.sample(noise(q, 100))).isfinite().all()


def test_a_wide_truncated_gaussian_is_the_prior() -> None:
    q = TruncatedGaussian(torch.zeros(B, 2), torch.full((B, 2), 12.0))
    z = uniform().sample(noise(uniform(), 50))
    torch.testing.assert_close(q.kl(), torch.zeros(B), atol=1e-4, rtol=0)
    torch.testing.assert_close(q.log_prob(z), q.prior_log_prob(z), atol=1e-3, rtol=0)


def test_probabilities_of_the_classes_sum_to_1() -> None:
    classes = torch.eye(4)[:, None].expand(-1, B, -1)
    torch.testing.assert_close(categorical().log_prob(classes).exp().sum(0), torch.ones(B))


def test_densities_are_those_of_torch() -> None:
    q, z = mixture(), numbers(6, 5, B, 2)
    components = Independent(Normal(q.means, (0.5 * q.logvars).exp()), 1)
    expected = MixtureSameFamily(TorchCategorical(logits=q.log_weights), components)
    torch.testing.assert_close(q.log_prob(z), expected.log_prob(z))
    torch.testing.assert_close(q.prior_log_prob(z), Normal(0, 1).log_prob(z).sum(-1))


@pytest.mark.parametrize("make", [gaussian, mixture])
def test_samples_have_the_moments_of_the_density(make: Callable[[], Distribution]) -> None:
    q = make()
    z, cell = grid()
    mass = q.log_prob(z).exp()[..., None] * cell  # [G, B, 1]
    drawn = q.sample(noise(q, 40_000))
    for power in (1, 2, 3):
        expected = (mass * z**power).sum(0)
        error = (drawn**power).std(0) / math.sqrt(len(drawn))
        assert ((drawn**power).mean(0) - expected).abs().lt(5 * error).all()


def test_sampled_classes_are_one_hot_with_their_probabilities() -> None:
    q = categorical()
    drawn = q.sample(noise(q, 20_000))
    assert ((drawn == 0) | (drawn == 1)).all()
    assert (drawn.sum(-1) == 1).all()
    torch.testing.assert_close(drawn.mean(0), q.code, atol=0.02, rtol=0)


def test_an_impossible_class_is_never_sampled_and_changes_no_kl() -> None:
    q = Categorical(torch.tensor([[0.5, 0.0, 0.5]]).log())
    assert (q.sample(numbers(500, 1, 1))[..., 1] == 0).all()
    assert float(q.kl()) == pytest.approx(math.log(3 / 2))


def test_kl_of_a_gaussian_is_that_of_torch() -> None:
    q = gaussian(5)
    expected = kl_divergence(Normal(q.mean, (0.5 * q.logvar).exp()), Normal(0, 1))
    torch.testing.assert_close(q.kl_per_dimension(), expected)
    torch.testing.assert_close(q.kl(), expected.sum(-1))


def test_kl_of_classes_is_that_of_torch() -> None:
    q = categorical()
    expected = kl_divergence(
        TorchCategorical(logits=q.log_probabilities), TorchCategorical(torch.ones(B, 4))
    )
    torch.testing.assert_close(q.kl(), expected)


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("components", [1, 3])
def test_equal_components_are_one_gaussian(components: int, size: int) -> None:
    one = gaussian(size)
    shape = (B, components, size)
    weights = numbers(B, components).log_softmax(-1)
    means, logvars = (part[:, None].expand(shape) for part in (one.mean, one.logvar))
    q, z = GaussianMixture(weights, means, logvars), numbers(4, B, size)
    torch.testing.assert_close(q.code, one.code)
    torch.testing.assert_close(q.logvar, one.logvar)
    torch.testing.assert_close(q.log_prob(z), one.log_prob(z))
    torch.testing.assert_close(q.kl(), one.kl(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(q.kl_per_dimension(), one.kl_per_dimension(), atol=1e-4, rtol=1e-4)


def test_kl_of_a_mixture_is_near_the_quadrature() -> None:
    q, (z, cell) = mixture(), grid()
    log_q = q.log_prob(z)
    expected = (log_q.exp() * (log_q - q.prior_log_prob(z))).sum(0) * cell
    torch.testing.assert_close(q.kl(), expected, atol=0.02, rtol=0)


def test_kl_of_a_marginal_is_near_the_quadrature() -> None:
    q, axis = mixture(), torch.linspace(-6, 6, 4000)
    densities = Normal(q.means, (0.5 * q.logvars).exp()).log_prob(axis[:, None, None, None])
    log_q = (densities + q.log_weights[..., None]).logsumexp(-2)  # [G, B, Z]
    log_p = Normal(0, 1).log_prob(axis)[:, None, None]
    expected = (log_q.exp() * (log_q - log_p)).sum(0) * (axis[1] - axis[0])
    torch.testing.assert_close(q.kl_per_dimension(), expected, atol=0.02, rtol=0)


def test_kl_is_the_mean_log_ratio_of_samples(q: Distribution) -> None:
    z = q.sample(noise(q, 20_000))
    log_ratio = q.log_prob(z) - q.prior_log_prob(z)
    error = 5 * log_ratio.std(0) / math.sqrt(len(z)) + 0.02
    assert (log_ratio.mean(0) - q.kl()).abs().lt(error).all()


def test_kl_and_code_are_the_same_at_every_call(q: Distribution) -> None:
    assert torch.equal(q.kl(), q.kl())
    assert torch.equal(q.sample(noise(q, 2)), q.sample(noise(q, 2)))


def test_shapes(q: Distribution) -> None:
    size = q.code.shape[-1]
    assert q.code.shape == q.logvar.shape == q.kl_per_dimension().shape == (B, size)
    assert q.kl().shape == (B,)
    for leading in ((), (5,), (2, 5), (0,)):
        z = q.sample(noise(q, *leading))
        assert z.shape == (*leading, B, size)
        assert q.log_prob(z).shape == q.prior_log_prob(z).shape == (*leading, B)


def test_the_code_of_a_mixture_is_the_mean_of_its_heaviest_component() -> None:
    q = GaussianMixture(
        torch.tensor([[0.2, 0.8], [0.6, 0.4]]).log(),
        torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]]),
        torch.tensor([[[-1.0], [-2.0]], [[-3.0], [-4.0]]]),
    )
    assert q.code.tolist() == [[2], [3]]
    assert q.logvar.tolist() == [[-2], [-3]]


def test_gradients_reach_what_a_sample_and_its_density_depend_on() -> None:
    raw = [part.clone().requires_grad_() for part in vars(mixture()).values()]
    q = GaussianMixture(raw[0].log_softmax(-1), *raw[1:])
    q.sample(noise(q, 50)).sum().backward()
    assert raw[0].grad is None  # the choice of a component is not differentiable
    assert all((part.grad != 0).any() for part in raw[1:])
    for part in raw:
        part.grad = None
    q.log_prob(numbers(50, B, 2)).sum().backward()
    assert all(part.grad is not None and part.grad.isfinite().all() for part in raw)


def test_a_far_code_has_a_finite_density() -> None:
    assert mixture().log_prob(torch.full((B, 2), 1e4)).isfinite().all()


def test_a_posterior_is_its_blocks_side_by_side() -> None:
    first, second = mixture(), categorical()
    joined = Posterior((first, second))
    z = torch.cat([numbers(6, B, 2), torch.eye(4)[:B].expand(6, -1, -1)], -1)
    for name in ("log_prob", "prior_log_prob"):
        parts = getattr(first, name)(z[..., :2]) + getattr(second, name)(z[..., 2:])
        torch.testing.assert_close(getattr(joined, name)(z), parts)
    torch.testing.assert_close(joined.kl(), first.kl() + second.kl())
    assert joined.logvar[:, 2:].isneginf().all()
    assert torch.equal(joined.code, torch.cat([first.code, second.code], -1))


def test_a_given_class_is_in_every_sample_and_changes_no_density() -> None:
    free, y = gaussian(), point(4)
    joined = Posterior((free, y))
    z = joined.draw(10, generator())
    assert (z[..., 2:] == y.code).all()
    torch.testing.assert_close(joined.log_prob(z), free.log_prob(z[..., :2]))
    assert torch.equal(joined.kl(), free.kl())


def test_draws_belong_to_their_generator() -> None:
    q = Posterior((mixture(), gaussian()))
    again = q.draw(5, generator())
    assert torch.equal(q.draw(5, generator()), again)
    assert not torch.equal(q.draw(5, generator(1)), again)


@pytest.mark.parametrize("size", [1, 2, 10])
def test_points_have_the_moments_of_the_normal(size: int) -> None:
    points = normal_points(POINTS, size)
    assert points.shape == (POINTS, size)
    torch.testing.assert_close(points.mean(0), torch.zeros(size), atol=1e-6, rtol=0)
    correlation = points.T @ points / POINTS
    torch.testing.assert_close(correlation.diagonal(), torch.ones(size))
    assert (correlation - torch.eye(size)).abs().max() < 0.25
