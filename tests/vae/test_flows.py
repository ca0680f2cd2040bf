"""Flows are invertible, and their determinants are those of their Jacobians."""

import pytest
import torch

from vae.flows import Flow


def flow(size: int = 5, layers: int = 4) -> Flow:
    torch.manual_seed(0)
    made = Flow(size, layers)
    for parameter in made.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return made.double().requires_grad_(False)  # exact enough for steep functions


def codes(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("layers", [1, 2, 5])
@pytest.mark.parametrize("shape", [(7, 5), (3, 7, 5), (0, 5)])
def test_the_inverse_gives_the_code_back(layers: int, shape: tuple[int, ...]) -> None:
    one, u = flow(layers=layers), codes(*shape)
    back, log_det = one.inverse(one(u))
    torch.testing.assert_close(back, u, rtol=1e-4, atol=1e-4)
    assert log_det.shape == shape[:-1]
    assert layers == 1 or not len(u) or not torch.allclose(one(u), u), "it is not the identity"


def test_the_determinant_is_that_of_the_jacobian() -> None:
    one, z = flow(), codes(6, 5)
    jacobians = [torch.autograd.functional.jacobian(lambda v: one.inverse(v)[0], row) for row in z]
    expected = torch.stack([torch.linalg.slogdet(j).logabsdet for j in jacobians])  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(one.inverse(z)[1], expected, rtol=1e-4, atol=1e-4)


def test_every_coordinate_is_changed_by_two_layers() -> None:
    one, u = flow(layers=2), codes(1, 5)
    assert (one(u) != u).all()


def test_it_starts_near_the_identity_and_is_built_alike_each_time() -> None:
    u = codes(50, 8).float()
    torch.testing.assert_close(Flow(8, 8)(u), u, rtol=0, atol=0.2)
    for one, other in zip(Flow(8, 4).buffers(), Flow(8, 4).buffers(), strict=True):
        assert torch.equal(one, other)
