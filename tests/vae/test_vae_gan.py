"""What distinguishes a VAE-GAN: which part is trained by which term."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from vae import losses, models
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.interface import Batch, abilities
from vae.models import MODELS
from vae.models.vae_gan import VAEGAN
from vae.optim import TrainConfig

SPEC = DataSpec("image", (1, 16, 16), "bernoulli", ("a", "b"))
PROGRESS = torch.tensor(0.5)


def build(**settings: Any) -> VAEGAN:
    torch.manual_seed(0)
    small = {"latent": 3, "width": 4, "critic": 4, "deviation": 1.0}
    model: Any = models.build("vae_gan", small | settings, SPEC)
    return model


def step_of(model: VAEGAN) -> Any:
    noise = Noise(torch.device("cpu"))
    noise.seed(1)
    config = TrainConfig(precision="float32", schedule="constant", clip=0.0)
    return MODELS["vae_gan"].make_step(model, config, noise)


def batch(size: int = 8) -> Batch:
    x = torch.rand(size, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    return Batch(x, torch.arange(size) % 2)


def draws() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    noise, prior = torch.randn(2, 8, 3, generator=generator)
    return noise, prior


def gradients(model: VAEGAN, part: str) -> Tensor:
    """The gradient of a part, flat; zeros where it has none."""
    parameters = list(model.get_submodule(part).parameters())
    found = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    return torch.cat([g.flatten() for g in found]).clone()


def test_it_encodes_and_decodes_without_a_likelihood() -> None:
    model = build().eval()
    assert abilities(model) == {"encodes", "decodes"}
    assert model.implicit
    q = model.encode(batch().x)
    assert q.code.shape == (8, 3)
    assert (q.kl() > 0).all()


@pytest.mark.parametrize("net", ["conv", "mlp"])
def test_the_adversarial_term_does_not_train_the_encoder(net: str) -> None:
    """Its weight, 1 / gamma, changes the decoder's gradient alone."""
    found: dict[float, dict[str, Tensor]] = {}
    for gamma in (0.5, 2.0):
        model = build(gamma=gamma, net=net)
        step_of(model).objectives["generator"](batch(), *draws(), PROGRESS)["loss"].backward()
        found[gamma] = {part: gradients(model, part) for part in ("encoder", "decoder")}
    torch.testing.assert_close(found[0.5]["encoder"], found[2.0]["encoder"])
    assert found[2.0]["encoder"].abs().max() > 0
    assert not torch.allclose(found[0.5]["decoder"], found[2.0]["decoder"], rtol=0.01)


def test_the_decoder_has_the_gradient_of_the_paper() -> None:
    """gamma times that of the sum: gamma x reconstruction + adversarial."""
    total: dict[float, Tensor] = {}
    for gamma in (0.5, 1.0, 2.0):
        model = build(gamma=gamma)
        step_of(model).objectives["generator"](batch(), *draws(), PROGRESS)["loss"].backward()
        total[gamma] = gamma * gradients(model, "decoder")
    # linear in gamma: the reconstruction's gradient is the slope
    torch.testing.assert_close(total[2.0] - total[1.0], 2 * (total[1.0] - total[0.5]))


def test_the_reconstruction_does_not_train_the_discriminator() -> None:
    """Nor the encoder and the decoder the discriminator's loss: a step trains each by its own."""
    model = build()
    step = step_of(model)
    generator, discriminator = step.updates["generator"], step.updates["discriminator"]
    parts = {"encoder": generator, "decoder": generator, "discriminator": discriminator}
    for update in (generator, discriminator):
        before = {part: [p.clone() for p in getattr(model, part).parameters()] for part in parts}
        update(batch(), draws(), 0.5)
        for part, own in parts.items():
            pairs = zip(before[part], getattr(model, part).parameters(), strict=True)
            moved = [not torch.equal(old, new) for old, new in pairs]
            assert all(moved) if own is update else not any(moved), part


def test_the_discriminator_alone_has_gradients_of_its_loss() -> None:
    model = build()
    step_of(model).objectives["discriminator"](batch(), *draws(), PROGRESS)["loss"].backward()
    assert gradients(model, "discriminator").abs().max() > 0
    for part in ("encoder", "decoder"):
        assert gradients(model, part).abs().max() == 0


def test_the_error_is_that_of_a_hidden_layer() -> None:
    x = batch().x
    sizes = set()
    for layer in (1, 2):
        model = build(layer=layer).eval()  # eval: the same normalisation for all samples
        noise, prior = draws()
        scalars = step_of(model).objectives["generator"].eval()(batch(), noise, prior, PROGRESS)
        copies = model.generate(model.encode(x).sample(noise))
        hidden = model.discriminator.hidden_layer
        expected = losses.half_squared_error(hidden(copies, layer), hidden(x, layer)).mean()
        torch.testing.assert_close(scalars["reconstruction"], expected)
        sizes.add(hidden(x, layer).shape[1])
    assert len(sizes) == 2, "two different layers"


def test_pixels_add_to_it() -> None:
    noise, prior = draws()
    found = []
    for pixels in (0.0, 2.0):
        model = build(pixels=pixels)
        objective = step_of(model).objectives["generator"].eval()
        found.append(objective(batch(), noise, prior, PROGRESS)["reconstruction"])
    copies = model.eval().generate(model.encode(batch().x).sample(noise))
    expected = 2 * losses.half_squared_error(copies, batch().x).mean()
    torch.testing.assert_close(found[1] - found[0], expected)


def test_the_last_hidden_layer_is_that_of_the_head() -> None:
    discriminator, x = build().discriminator, batch().x
    for layer in (2, 9):
        assert torch.equal(discriminator.hidden_layer(x, layer), discriminator.features(x))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"gamma": 0.0}, "gamma=0.0"),
        ({"pixels": -1.0}, "pixels=-1.0"),
        ({"deviation": 0.0}, "deviation=0.0"),
        ({"layer": 0}, "layer=0"),
    ],
)
def test_invalid_settings_are_named(settings: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        build(**settings)
