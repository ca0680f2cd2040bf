"""The residual convolutional net: sizes of any image, and how its blocks start."""

import math
from itertools import pairwise

import pytest
import torch

from vae import conv_nets, nets
from vae.dataspec import DataSpec
from vae.layers import LearnedConstants


@pytest.mark.parametrize(
    ("channels", "height", "width"),
    [(1, 8, 8), (3, 6, 5), (1, 28, 28), (3, 32, 32), (3, 33, 9), (1, 8, 128)],
)
def test_images_of_any_size(channels: int, height: int, width: int) -> None:
    spec = DataSpec("image", (channels, height, width), "bernoulli")
    encoder, decoder = nets.build("residual-conv", spec, 3, 6, 16, 1, 0.1)
    assert encoder(torch.rand(2, *spec.shape)).shape == (2, 6)
    assert decoder(torch.randn(2, 3)).shape == (2, *spec.shape)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 5), (32, 32), (128, 9)])
def test_each_scale_has_half_the_sides_of_the_one_before(height: int, width: int) -> None:
    steps = conv_nets.scales(height, width)
    sides = [(height, width), *((step.height, step.width) for step in steps)]
    for fine, coarse in pairwise(sides):
        assert coarse == (math.ceil(fine[0] / 2), math.ceil(fine[1] / 2))
    assert max(sides[-1]) <= conv_nets.COARSEST < max(sides[-2])
    assert all(step.channels % conv_nets.GROUP == 0 for step in steps)


def test_a_block_starts_near_the_identity() -> None:
    torch.manual_seed(0)
    block, h = conv_nets.ConvBlock(16, 0.0), torch.randn(8, 16, 9, 7)
    change = (block(h) - h).std()
    assert 0 < change < 0.2 * h.std()


def test_the_learned_deviation_does_not_depend_on_the_code() -> None:
    spec = DataSpec("image", (3, 8, 8), "gaussian")
    _, decoder = nets.build("residual-conv", spec, 2, 4, 16, 1, 0.0)
    parameters = decoder(torch.randn(5, 2))
    assert parameters.shape == (5, 4, 8, 8)
    assert len(parameters[:, 3].unique()) == 1
    parameters[:, 3].mean().backward()
    (constants,) = [layer for layer in decoder if isinstance(layer, LearnedConstants)]
    assert constants.values.grad is not None
    assert constants.values.grad.tolist() == pytest.approx([1.0])
