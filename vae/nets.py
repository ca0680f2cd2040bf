"""Shared networks by name. Each builder in NETS returns an encoder and a decoder: images
[B, 28, 28] to features [B, outputs], codes [B, Z] to logits [B, 28, 28]."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

Nets = tuple[nn.Sequential, nn.Sequential]
SIDE = 28
PIXELS = SIDE * SIDE
# range of an encoder's log-variance: deviations from 0.001 to 20, and exp never overflows
LOGVAR = (-14.0, 6.0)


class ToImage(nn.Module):
    """Reshapes 784 features to an image."""

    def forward(self, h: Float[Tensor, "*B 784"]) -> Float[Tensor, "*B 28 28"]:
        return h.unflatten(-1, (SIDE, SIDE))


def images(decoder: nn.Module, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]:
    """Decode codes with any number of leading axes; convolutions accept one only."""
    return decoder(z.reshape(-1, z.shape[-1])).float().reshape(*z.shape[:-1], SIDE, SIDE)


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


def mlp(latent: int, outputs: int, hidden: int, depth: int, dropout: float) -> Nets:
    """Plain softplus layers with Xavier-uniform weights, as published by jmetzen (2015-11-27)."""

    def stack(inputs: int, final: int) -> list[nn.Module]:
        sizes = [inputs] + [hidden] * depth
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.Softplus())]
        return [*layers, nn.Linear(sizes[-1], final)]

    encoder = nn.Sequential(nn.Flatten(-2), *stack(PIXELS, outputs))
    decoder = nn.Sequential(*stack(latent, PIXELS), ToImage())
    for module in [*encoder, *decoder]:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return encoder, decoder


def dropout_mlp(latent: int, outputs: int, hidden: int, depth: int, dropout: float) -> Nets:
    """ELU and tanh layers, each followed by dropout, as published by hwalsuklee
    (tensorflow-mnist-VAE)."""
    encoder = nn.Sequential(
        nn.Flatten(-2),
        *(nn.Linear(PIXELS, hidden), nn.ELU(), nn.Dropout(dropout)),
        *(nn.Linear(hidden, hidden), nn.Tanh(), nn.Dropout(dropout)),
        nn.Linear(hidden, outputs),
    )
    decoder = nn.Sequential(
        *(nn.Linear(latent, hidden), nn.Tanh(), nn.Dropout(dropout)),
        *(nn.Linear(hidden, hidden), nn.ELU(), nn.Dropout(dropout)),
        nn.Linear(hidden, PIXELS),
        ToImage(),
    )
    for module in [*encoder, *decoder]:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
    return encoder, decoder


def residual(latent: int, outputs: int, hidden: int, depth: int, dropout: float) -> Nets:
    """Residual feed-forward blocks."""

    def blocks() -> list[nn.Module]:
        return [*(ResidualBlock(hidden, dropout) for _ in range(depth)), nn.LayerNorm(hidden)]

    encoder = nn.Sequential(
        nn.Flatten(-2), nn.Linear(PIXELS, hidden), *blocks(), nn.Linear(hidden, outputs)
    )
    decoder = nn.Sequential(
        nn.Linear(latent, hidden), *blocks(), nn.Linear(hidden, PIXELS), ToImage()
    )
    return encoder, decoder


def conv(latent: int, outputs: int, hidden: int, depth: int, dropout: float) -> Nets:
    """Strided convolutions down to 7x7, transposed ones back; `hidden` is the width of the dense
    layers between."""
    c = 32
    encoder = nn.Sequential(
        nn.Unflatten(-2, (1, SIDE)),  # [B, 1, 28, 28]
        *(nn.Conv2d(1, c, 4, stride=2, padding=1), nn.GELU()),  # [B, 32, 14, 14]
        *(nn.Conv2d(c, 2 * c, 4, stride=2, padding=1), nn.GELU()),  # [B, 64, 7, 7]
        *(nn.Flatten(-3), nn.Linear(2 * c * 49, hidden), nn.GELU(), nn.Dropout(dropout)),
        *(ResidualBlock(hidden, dropout) for _ in range(depth)),
        nn.Linear(hidden, outputs),
    )
    decoder = nn.Sequential(
        nn.Linear(latent, hidden),
        *(ResidualBlock(hidden, dropout) for _ in range(depth)),
        *(
            nn.Linear(hidden, 2 * c * 49),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Unflatten(-1, (2 * c, 7, 7)),
        ),
        *(nn.ConvTranspose2d(2 * c, c, 4, stride=2, padding=1), nn.GELU()),  # [B, 32, 14, 14]
        *(
            nn.ConvTranspose2d(c, 1, 4, stride=2, padding=1),
            nn.Flatten(-3),
            ToImage(),
        ),  # [B, 28, 28]
    )
    return encoder, decoder


def hybrid(latent: int, outputs: int, hidden: int, depth: int, dropout: float) -> Nets:
    """Residual blocks, and a decoder that ends in convolutions.

    Pixel shuffle (Shi et al. 2016) doubles the side.
    """
    encoder, trunk = residual(latent, outputs, hidden, depth, dropout)
    c = 32
    decoder = nn.Sequential(
        *list(trunk)[:-2],  # without its layer to pixels
        *(nn.Linear(hidden, 2 * c * 49), nn.GELU(), nn.Unflatten(-1, (2 * c, 7, 7))),
        *(nn.Conv2d(2 * c, 4 * c, 3, padding=1), nn.PixelShuffle(2), nn.GELU()),  # [B, 32, 14, 14]
        *(nn.Conv2d(c, c, 3, padding=1), nn.GELU()),
        *(nn.Conv2d(c, 4, 3, padding=1), nn.PixelShuffle(2)),  # [B, 1, 28, 28]
        *(nn.Flatten(-3), ToImage()),
    )
    return encoder, decoder


def sigmoid(latent: int, outputs: int, hidden: int, depth: int, dropout: float) -> Nets:
    """One layer of sigmoid units each way, as published by Zeldes (anotherdatum.com/vae2)."""
    encoder = nn.Sequential(
        nn.Flatten(-2), nn.Linear(PIXELS, hidden), nn.Sigmoid(), nn.Linear(hidden, outputs)
    )
    decoder = nn.Sequential(
        nn.Linear(latent, hidden), nn.Sigmoid(), nn.Linear(hidden, PIXELS), ToImage()
    )
    return encoder, decoder


def classifier(net: str, hidden: int, dropout: float, width: int = 16) -> nn.Module:
    """[B, 28, 28] to the logits of ten classes; net "conv", or "sigmoid" for one hidden layer.

    Raises ValueError for another name.
    """
    if net == "sigmoid":
        return nn.Sequential(
            nn.Flatten(-2), nn.Linear(PIXELS, hidden), nn.Sigmoid(), nn.Linear(hidden, 10)
        )
    if net != "conv":
        raise ValueError(f"there is no classifier {net!r}; choose conv or sigmoid")

    def layer(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.GELU()]

    c = width
    return nn.Sequential(
        nn.Unflatten(-2, (1, SIDE)),  # [B, 1, 28, 28]
        *layer(1, c),
        *layer(c, c, stride=2),  # [B, C, 14, 14]
        *layer(c, 2 * c),
        *layer(2 * c, 2 * c, stride=2),  # [B, 2C, 7, 7]
        *layer(2 * c, 2 * c),
        *(nn.Flatten(-3), nn.Dropout(dropout), nn.Linear(2 * c * 49, hidden), nn.GELU()),
        *(nn.Dropout(dropout), nn.Linear(hidden, 10)),
    )


NETS: dict[str, Callable[[int, int, int, int, float], Nets]] = {
    "mlp": mlp,
    "dropout": dropout_mlp,
    "residual": residual,
    "conv": conv,
    "hybrid": hybrid,
    "sigmoid": sigmoid,
}


def build(net: str, latent: int, outputs: int, hidden: int, depth: int, dropout: float) -> Nets:
    """Encoder and decoder by name. Raises ValueError for a name that is not in NETS or a size below
    1."""
    if net not in NETS:
        raise ValueError(f"there is no net {net!r}; choose one of {', '.join(NETS)}")
    if latent < 1 or hidden < 1 or depth < 0:
        raise ValueError(
            f"latent {latent} and hidden {hidden} need 1 or more, depth {depth} 0 or more"
        )
    return NETS[net](latent, outputs, hidden, depth, dropout)
