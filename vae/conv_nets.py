"""A residual convolutional encoder and decoder for images of any size, grey or colour."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.layers import Crop, Nets, ResidualBlock, Sizes

WIDTH = 32  # channels at half the sides; they double at each halving
WIDEST = 128  # channels at the most
COARSEST = 4  # px: the sides are halved until neither is longer
GROUP = 8  # channels that GroupNorm normalises together
START = 0.1  # factor of the initial weights of a block's last layer: near the identity


class Scale(NamedTuple):
    """The features of one resolution."""

    channels: int
    height: int
    width: int


class ConvBlock(nn.Module):
    """h + W2 silu(norm(W1 silu(norm(h)))), W1 and W2 3x3 convolutions: a pre-activation residual
    block (He et al. 2016), with GroupNorm. It starts near the identity."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            last.weight.mul_(START)
        self.body = nn.Sequential(
            *(nn.GroupNorm(channels // GROUP, channels), nn.SiLU()),
            nn.Conv2d(channels, channels, 3, padding=1),
            *(nn.GroupNorm(channels // GROUP, channels), nn.SiLU(), nn.Dropout(dropout)),
            last,
        )

    def forward(self, h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return h + self.body(h)


def scales(height: int, width: int) -> list[Scale]:
    """The resolutions of an encoder, from fine to coarse: half the sides of the image, a quarter,
    and so on, rounded up."""
    found, channels = [], WIDTH
    while not found or max(height, width) > COARSEST:
        height, width = math.ceil(height / 2), math.ceil(width / 2)
        found.append(Scale(channels, height, width))
        channels = min(2 * channels, WIDEST)
    return found


def residual_conv(sizes: Sizes) -> Nets:
    """Convolutional residual blocks at each resolution, down to 4x4 or less; `depth` dense residual
    blocks of `hidden` units between them and the code."""
    image_channels, height, width = sizes.sample
    steps = scales(height, width)
    coarsest = steps[-1]
    features = math.prod(coarsest)

    def dense() -> list[nn.Module]:
        return [ResidualBlock(sizes.hidden, sizes.dropout) for _ in range(sizes.depth)]

    def half(inputs: int, outputs: int) -> nn.Module:
        return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)  # sides rounded up

    def twice(inputs: int, outputs: int, height: int, width: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)
        return [convolution, nn.PixelShuffle(2), Crop(height, width)]  # Shi et al. 2016

    encoder: list[nn.Module] = [half(image_channels, WIDTH), ConvBlock(WIDTH, sizes.dropout)]
    for fine, coarse in pairwise(steps):
        encoder += [half(fine.channels, coarse.channels), ConvBlock(coarse.channels, sizes.dropout)]
    encoder += [
        *(nn.GroupNorm(coarsest.channels // GROUP, coarsest.channels), nn.SiLU(), nn.Flatten(-3)),
        *(nn.Linear(features, sizes.hidden), *dense(), nn.LayerNorm(sizes.hidden)),
        nn.Linear(sizes.hidden, sizes.outputs),
    ]
    decoder: list[nn.Module] = [
        *(nn.Linear(sizes.latent, sizes.hidden), *dense(), nn.LayerNorm(sizes.hidden)),
        *(nn.Linear(sizes.hidden, features), nn.Unflatten(-1, coarsest)),
        ConvBlock(coarsest.channels, sizes.dropout),
    ]
    for coarse, fine in pairwise(reversed(steps)):
        decoder += [*twice(coarse.channels, *fine), ConvBlock(fine.channels, sizes.dropout)]
    decoder += [
        *(nn.GroupNorm(WIDTH // GROUP, WIDTH), nn.SiLU()),
        *twice(WIDTH, sizes.parameters[0], height, width),
    ]
    return nn.Sequential(*encoder), nn.Sequential(*decoder)
