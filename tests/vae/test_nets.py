"""The shared networks: shapes, and the layers of those that are published."""

import math

import pytest
import torch
from torch import nn

from vae import layers, nets
from vae.dataspec import MNIST


@pytest.mark.parametrize("name", nets.NETS)
@pytest.mark.parametrize(("latent", "outputs", "depth"), [(1, 2, 1), (5, 10, 2), (3, 4, 0)])
def test_every_net_maps_images_to_features_and_codes_to_images(
    name: str, latent: int, outputs: int, depth: int
) -> None:
    encoder, decoder = nets.build(name, MNIST, latent, outputs, 16, depth, 0.1)
    features, image = encoder(torch.rand(4, 1, 28, 28)), decoder(torch.randn(4, latent))
    assert (features.shape, image.shape) == ((4, outputs), (4, 1, 28, 28))
    assert features.isfinite().all()
    assert image.isfinite().all()


@pytest.mark.parametrize("name", nets.NETS)
def test_images_of_a_batch_are_independent(name: str) -> None:
    encoder, decoder = (net.eval() for net in nets.build(name, MNIST, 2, 4, 16, 1, 0.1))
    x, z = torch.rand(5, 1, 28, 28), torch.randn(5, 2)
    torch.testing.assert_close(encoder(x)[3:4], encoder(x[3:4]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(decoder(z)[3:4], decoder(z[3:4]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["dropout", "residual", "conv"])
def test_dropout_acts_in_training_mode_only(name: str) -> None:
    encoder, decoder = nets.build(name, MNIST, 2, 4, 32, 1, 0.5)
    x, z = torch.rand(3, 1, 28, 28), torch.randn(3, 2)
    assert not torch.equal(encoder(x), encoder(x))
    assert not torch.equal(decoder(z), decoder(z))
    encoder.eval()
    decoder.eval()
    assert torch.equal(encoder(x), encoder(x))
    assert torch.equal(decoder(z), decoder(z))


@pytest.mark.parametrize("latent", [2, 20])
def test_the_published_mlp(latent: int) -> None:
    """784-500-500-z-500-500-784 with softplus, Xavier-uniform weights and zero biases."""
    encoder, decoder = nets.build("mlp", MNIST, latent, 2 * latent, 500, 2, 0.0)
    sizes = [(784, 500), (500, 500), (500, 2 * latent), (latent, 500), (500, 500), (500, 784)]
    layers = [m for net in (encoder, decoder) for m in net.modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in layers] == sizes
    count = sum(p.numel() for net in (encoder, decoder) for p in net.parameters())
    assert count == sum(a * b + b for a, b in sizes)
    for layer, (a, b) in zip(layers, sizes, strict=True):
        bound = math.sqrt(6 / (a + b))
        assert not layer.bias.any()
        assert layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
    others = [m for m in encoder.modules() if not list(m.children()) and m not in layers]
    assert {type(m) for m in others} == {nn.Flatten, nn.Softplus}


def test_the_published_net_with_dropout() -> None:
    """Encoder ELU then tanh, decoder tanh then ELU, each followed by dropout (hwalsuklee)."""
    encoder, decoder = nets.build("dropout", MNIST, 20, 40, 500, 2, 0.1)

    def order(net: nn.Module) -> list[type]:
        wanted = (nn.ELU, nn.Tanh, nn.Dropout)
        return [type(m) for m in net.modules() if isinstance(m, wanted)]

    assert order(encoder) == [nn.ELU, nn.Dropout, nn.Tanh, nn.Dropout]
    assert order(decoder) == [nn.Tanh, nn.Dropout, nn.ELU, nn.Dropout]


def test_a_residual_block_adds_to_its_input() -> None:
    block = layers.ResidualBlock(16, 0.0)
    nn.init.zeros_(block.get_parameter("body.4.weight"))
    nn.init.zeros_(block.get_parameter("body.4.bias"))
    h = torch.randn(3, 16)
    assert torch.equal(block(h), h)


def test_fourier_features_have_unit_variance_and_vary_faster_with_the_frequency() -> None:
    torch.manual_seed(0)
    z = torch.randn(500, 2)
    slow, fast = (layers.FourierFeatures(2, 400, frequency) for frequency in (0.1, 5.0))
    assert fast(z).var().item() == pytest.approx(1, abs=0.05)
    step = torch.full_like(z, 0.01)
    assert (fast(z + step) - fast(z)).norm() > 10 * (slow(z + step) - slow(z)).norm()
    expected = fast(z)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(fast(z), expected), "in float32 under autocast"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (("mpl", 2, 4, 16, 1, 0.0), "'mpl'"),
        (("mlp", 0, 4, 16, 1, 0.0), "latent 0"),
        (("mlp", 2, 4, 0, 1, 0.0), "hidden 0"),
        (("mlp", 2, 4, 16, -1, 0.0), "depth"),
    ],
)
def test_invalid_sizes_and_names_are_named(settings: tuple, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        nets.build(settings[0], MNIST, *settings[1:])
