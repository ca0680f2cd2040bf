"""Inversion finds codes of samples that a small decoder drew, and can be stopped."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.explorer import small_checkpoints
from vae import catalog, inversion, latent, models, service
from vae.dataspec import DataSpec
from vae.interface import LatentModel, abilities
from vae.inversion import Found, Settings
from vae.latent import LatentBlock
from vae.service import Inversion

SPEC = DataSpec("image", (1, 6, 6), "bernoulli", ("a", "b", "c"))
QUICK = Settings(candidates=64, starts=2, steps=60)


class LinearDecoder(LatentModel):
    """A linear map of the code to logits; each class adds a pattern of its own."""

    blocks = (
        LatentBlock("direction", 2, "normal"),
        LatentBlock("noise", 2, "normal", role="noise"),
        LatentBlock("angle", 1, "uniform"),
        LatentBlock("class", 3, "categorical", role="class"),
    )

    def __init__(self, spec: DataSpec = SPEC) -> None:
        super().__init__(spec)
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(8, *self.likelihood.parameters, generator=generator)
        self.weight = nn.Parameter(weight)

    def decode(self, z: Tensor) -> Tensor:
        return torch.tensordot(z, self.weight, dims=1)


def drawn(model: LinearDecoder, count: int, seed: int = 5) -> tuple[Tensor, Tensor]:
    """Codes of the prior and their samples."""
    codes = torch.from_numpy(latent.sample_prior(model.blocks, count, seed))
    with torch.no_grad():
        return codes, model.likelihood.mean(model.decode(codes))


def inverted(model: LinearDecoder, x: Tensor, settings: Settings = QUICK, **rest: Any) -> Found:
    candidates = inversion.draw_candidates(model, settings, seed=0)
    return inversion.invert(model, x, candidates, settings, **rest)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_code_of_a_drawn_sample_is_found_with_its_noise_and_class(likelihood: str) -> None:
    spec = DataSpec("image", (1, 6, 6), likelihood, ("a", "b", "c"))
    model = LinearDecoder(spec)
    codes, x = drawn(model, 6)
    settings = Settings(candidates=256, starts=4, steps=150, pull=0.0)
    found = inverted(model, x, settings)
    assert found.squared_error[:, 0].max() < 1e-4
    torch.testing.assert_close(found.codes[:, 0], codes, atol=0.1, rtol=0)


def test_found_codes_are_codes_of_the_model() -> None:
    model = LinearDecoder()
    _, x = drawn(model, 5)
    found = inverted(model, x)
    assert found.codes.shape == (5, 2, 8)
    classes, angle = found.codes[..., 5:], found.codes[..., 4]
    assert (classes.sort(dim=-1).values == torch.tensor([0.0, 0.0, 1.0])).all()
    assert angle.abs().max() <= 1, "a uniform coordinate stays within its range"
    assert (found.squared_error[:, 0] <= found.squared_error[:, 1]).all()
    with torch.no_grad():
        again = model.likelihood.mean(model.decode(found.codes[:, 0]))
    torch.testing.assert_close((again - x).square().mean((1, 2, 3)), found.squared_error[:, 0])


def test_no_step_makes_it_worse() -> None:
    model = LinearDecoder()
    _, x = drawn(model, 4)
    errors: list[Tensor] = []

    def note(done: int, total: int, found: Found) -> bool:
        assert total == QUICK.steps
        errors.append(found.squared_error[:, 0])
        return False

    found = inverted(model, x, on_step=note)
    assert len(errors) == QUICK.steps
    assert (torch.stack(errors).diff(dim=0) <= 0).all()
    assert (errors[-1] < 0.5 * errors[0]).all()
    assert torch.equal(errors[-1], found.squared_error[:, 0])


def test_a_stopped_one_returns_the_best_so_far() -> None:
    model = LinearDecoder()
    _, x = drawn(model, 3)
    seen: list[Found] = []

    def stop_at_four(done: int, total: int, found: Found) -> bool:
        seen.append(found)
        return done == 4

    found = inverted(model, x, on_step=stop_at_four)
    assert len(seen) == 4
    assert found is seen[-1]
    assert (found.squared_error < seen[0].squared_error).any()


def test_samples_are_inverted_alone_as_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LinearDecoder()
    _, x = drawn(model, 5)
    together = inverted(model, x)
    # two samples in a step: three parts
    monkeypatch.setattr(inversion, "STEP_VALUES", 2 * 36 * QUICK.starts)
    counted: list[tuple[int, int]] = []

    def count(done: int, total: int, found: Found) -> bool:
        counted.append((done, total))
        return False

    apart = inverted(model, x, on_step=count)
    assert counted[-1] == (3 * QUICK.steps, 3 * QUICK.steps)
    torch.testing.assert_close(apart.squared_error, together.squared_error, atol=1e-5, rtol=0)


@pytest.mark.parametrize("field", ["candidates", "starts", "steps"])
def test_settings_of_nothing_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} are 1 or more, not 0"):
        Settings(**{field: 0})
    with pytest.raises(ValueError, match="5 starts"):
        Settings(candidates=4, starts=5)


def test_what_decodes_and_cannot_encode_inverts() -> None:
    assert abilities(LinearDecoder()) == {"decodes", "inverts"}
    assert "inverts" not in abilities(models.build("vae", {"latent": 2, "hidden": 8}, SPEC))
    assert "inverts" not in abilities(models.build("classifier", {"width": 2}, SPEC))


# --- through the service ------------------------------------------------------------------------


@pytest.fixture
def gan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> service.Model:
    small_checkpoints.write(tmp_path / "gan", 5, model="dcgan")
    small_checkpoints.forget()
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(inversion, "SETTINGS", QUICK)
    return service.load("gan")


def test_a_loaded_gan_inverts_deterministically(gan: service.Model) -> None:
    assert gan.info.abilities == {"decodes", "inverts"}
    codes = latent.sample_prior(gan.info.blocks, 2, seed=9)
    x = gan.decode(codes)
    first, again, other = gan.invert(x), gan.invert(x), gan.invert(x, seed=1)
    np.testing.assert_array_equal(first.codes, again.codes)
    assert not np.array_equal(first.codes, other.codes)
    near = np.square(gan.decode(first.codes[:, 0]) - x).mean((1, 2))
    np.testing.assert_allclose(near, first.squared_error[:, 0], rtol=1e-3, atol=1e-7)


def test_it_is_stopped_through_the_service(gan: service.Model) -> None:
    done: list[int] = []

    def stop(step: int, steps: int, found: Inversion) -> bool:
        done.append(step)
        return step == 3

    found = gan.invert(gan.decode(latent.sample_prior(gan.info.blocks, 1, seed=9)), on_step=stop)
    assert done == [1, 2, 3]
    assert found.codes.shape == (1, QUICK.starts, gan.info.dims)


def test_what_cannot_be_inverted_is_refused(gan: service.Model) -> None:
    with pytest.raises(ValueError, match="0 samples cannot be inverted at once"):
        gan.invert(np.zeros((0, 28, 28), np.float32))
    with pytest.raises(ValueError, match="must lie in"):
        gan.invert(np.full((1, 28, 28), np.nan, np.float32))
    with pytest.raises(ValueError, match="shape"):
        gan.invert(np.zeros((1, 5, 5), np.float32))
