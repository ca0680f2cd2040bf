"""Layers and sizes that the networks share."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

Nets = tuple[nn.Sequential, nn.Sequential]


class Sizes(NamedTuple):
    """What an encoder and a decoder are built for."""

    sample: tuple[int, ...]  # shape of a sample: (C, H, W) of an image
    parameters: tuple[int, ...]  # shape of the parameters of its likelihood
    latent: int  # inputs of the decoder
    outputs: int  # outputs of the encoder
    hidden: int  # units a layer
    depth: int  # hidden layers or residual blocks
    dropout: float  # dropout probability


class Crop(nn.Module):
    """The upper left part of an image; layers that double a side give multiples of four."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, h: Float[Tensor, "B C G V"]) -> Float[Tensor, "B C H W"]:
        return h[..., : self.height, : self.width]


class ResidualBlock(nn.Module):
    """h + W2 dropout(gelu(W1 norm(h))): a pre-norm feed-forward block, as in a transformer."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
        )

    def forward(self, h: Float[Tensor, "*B H"]) -> Float[Tensor, "*B H"]:
        return h + self.body(h)


class FourierFeatures(nn.Module):
    """Fourier features sqrt(2) sin(W z + b) of a code (Tancik et al. 2020); W and b are learned.

    A network on low-dimensional coordinates fits low frequencies first. With a code of two
    dimensions the decoder needs high ones: all of MNIST lies in one plane.
    """

    def __init__(self, latent: int, width: int, frequency: float) -> None:
        super().__init__()
        self.phase = nn.Linear(latent, width)
        nn.init.normal_(self.phase.weight, std=frequency)
        nn.init.uniform_(self.phase.bias, -math.pi, math.pi)

    def forward(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B H"]:
        with torch.autocast(z.device.type, enabled=False):  # bfloat16 has too few digits for z
            return math.sqrt(2) * torch.sin(self.phase(z.float()))  # unit variance


class LearnedConstants(nn.Module):
    """Appends rows or planes of learned numbers, one number each, to a sample's parameters."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.full((count,), -2.0))

    def forward(self, h: Float[Tensor, "B P *X"]) -> Float[Tensor, "B Q *X"]:
        shape = (len(h), len(self.values), *h.shape[2:])
        planes = self.values.view(1, -1, *(1 for _ in h.shape[2:])).expand(shape)
        return torch.cat([h, planes.to(h.dtype)], 1)
