"""Shared networks by name. Each builder in NETS returns an encoder and a decoder: samples [B, *X]
to features [B, outputs], codes [B, Z] to the parameters of a likelihood [B, *P]."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from vae import classifier_nets
from vae.classifier_nets import CLASSIFIERS
from vae.conv_nets import residual_conv
from vae.dataspec import DataSpec
from vae.layers import Crop, LearnedConstants, Nets, ResidualBlock, Sizes
from vae.likelihoods import LearnsConstants, likelihood_of

# range of an encoder's log-variance: deviations from 0.001 to 20, and exp never overflows
LOGVAR = (-14.0, 6.0)


def decode(decoder: nn.Module, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
    """Decode codes with any number of leading axes; convolutions accept one only."""
    parameters = decoder(z.reshape(-1, z.shape[-1])).float()
    return parameters.reshape(*z.shape[:-1], *parameters.shape[1:])


def mlp(sizes: Sizes) -> Nets:
    """Plain softplus layers with Xavier-uniform weights, as published by jmetzen (2015-11-27)."""

    def stack(inputs: int, final: int) -> list[nn.Module]:
        widths = [inputs] + [sizes.hidden] * sizes.depth
        layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.Softplus())]
        return [*layers, nn.Linear(widths[-1], final)]

    encoder = nn.Sequential(_flatten(sizes), *stack(math.prod(sizes.sample), sizes.outputs))
    decoder = nn.Sequential(
        *stack(sizes.latent, math.prod(sizes.parameters)), _unflatten(sizes.parameters)
    )
    for module in [*encoder, *decoder]:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return encoder, decoder


def dropout_mlp(sizes: Sizes) -> Nets:
    """ELU and tanh layers, each followed by dropout, as published by hwalsuklee
    (tensorflow-mnist-VAE)."""
    hidden, dropout = sizes.hidden, sizes.dropout
    encoder = nn.Sequential(
        _flatten(sizes),
        *(nn.Linear(math.prod(sizes.sample), hidden), nn.ELU(), nn.Dropout(dropout)),
        *(nn.Linear(hidden, hidden), nn.Tanh(), nn.Dropout(dropout)),
        nn.Linear(hidden, sizes.outputs),
    )
    decoder = nn.Sequential(
        *(nn.Linear(sizes.latent, hidden), nn.Tanh(), nn.Dropout(dropout)),
        *(nn.Linear(hidden, hidden), nn.ELU(), nn.Dropout(dropout)),
        nn.Linear(hidden, math.prod(sizes.parameters)),
        _unflatten(sizes.parameters),
    )
    for module in [*encoder, *decoder]:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
    return encoder, decoder


def residual(sizes: Sizes) -> Nets:
    """Residual feed-forward blocks."""
    encoder = nn.Sequential(
        _flatten(sizes),
        nn.Linear(math.prod(sizes.sample), sizes.hidden),
        *_blocks(sizes),
        nn.LayerNorm(sizes.hidden),
        nn.Linear(sizes.hidden, sizes.outputs),
    )
    decoder = nn.Sequential(
        *_trunk(sizes),
        nn.Linear(sizes.hidden, math.prod(sizes.parameters)),
        _unflatten(sizes.parameters),
    )
    return encoder, decoder


def conv(sizes: Sizes) -> Nets:
    """Strided convolutions to a quarter of the sides, transposed ones back; `hidden` is the width
    of the dense layers between."""
    c, (channels, height, width) = 32, sizes.sample
    quarter = height // 4, width // 4  # h, w
    up = _quarter(sizes)
    encoder = nn.Sequential(
        nn.Identity(),  # keeps the names of the layers, by which checkpoints have their weights
        *(nn.Conv2d(channels, c, 4, stride=2, padding=1), nn.GELU()),  # [B, 32, H / 2, W / 2]
        *(nn.Conv2d(c, 2 * c, 4, stride=2, padding=1), nn.GELU()),  # [B, 64, h, w]
        *(nn.Flatten(-3), nn.Linear(2 * c * math.prod(quarter), sizes.hidden), nn.GELU()),
        *(nn.Dropout(sizes.dropout), *_blocks(sizes)),
        nn.Linear(sizes.hidden, sizes.outputs),
    )
    decoder = nn.Sequential(
        nn.Linear(sizes.latent, sizes.hidden),
        *_blocks(sizes),
        *(nn.Linear(sizes.hidden, 2 * c * math.prod(up)), nn.GELU(), nn.Dropout(sizes.dropout)),
        nn.Unflatten(-1, (2 * c, *up)),
        *(nn.ConvTranspose2d(2 * c, c, 4, stride=2, padding=1), nn.GELU()),  # [B, 32, 2h, 2w]
        nn.ConvTranspose2d(c, sizes.parameters[0], 4, stride=2, padding=1),  # [B, P, 4h, 4w]
        Crop(height, width),
    )
    return encoder, decoder


def hybrid(sizes: Sizes) -> Nets:
    """Residual blocks, and a decoder that ends in convolutions.

    Pixel shuffle (Shi et al. 2016) doubles the sides.
    """
    encoder, _ = residual(sizes)
    c, h, w = 32, *_quarter(sizes)
    decoder = nn.Sequential(
        *_trunk(sizes),
        *(nn.Linear(sizes.hidden, 2 * c * h * w), nn.GELU(), nn.Unflatten(-1, (2 * c, h, w))),
        *(nn.Conv2d(2 * c, 4 * c, 3, padding=1), nn.PixelShuffle(2), nn.GELU()),  # [B, 32, 2h, 2w]
        *(nn.Conv2d(c, c, 3, padding=1), nn.GELU()),
        nn.Conv2d(c, 4 * sizes.parameters[0], 3, padding=1),
        nn.PixelShuffle(2),  # [B, P, 4h, 4w]
        Crop(*sizes.sample[1:]),
    )
    return encoder, decoder


def sigmoid(sizes: Sizes) -> Nets:
    """One layer of sigmoid units each way, as published by Zeldes (anotherdatum.com/vae2)."""
    encoder = nn.Sequential(
        _flatten(sizes),
        *(nn.Linear(math.prod(sizes.sample), sizes.hidden), nn.Sigmoid()),
        nn.Linear(sizes.hidden, sizes.outputs),
    )
    decoder = nn.Sequential(
        *(nn.Linear(sizes.latent, sizes.hidden), nn.Sigmoid()),
        nn.Linear(sizes.hidden, math.prod(sizes.parameters)),
        _unflatten(sizes.parameters),
    )
    return encoder, decoder


def _flatten(sizes: Sizes) -> nn.Module:
    return nn.Flatten(-len(sizes.sample))


def _unflatten(shape: tuple[int, ...]) -> nn.Module:
    return nn.Unflatten(-1, shape)


def _blocks(sizes: Sizes) -> list[nn.Module]:
    return [ResidualBlock(sizes.hidden, sizes.dropout) for _ in range(sizes.depth)]


def _trunk(sizes: Sizes) -> list[nn.Module]:
    """The first layers of a decoder: codes to features."""
    return [nn.Linear(sizes.latent, sizes.hidden), *_blocks(sizes), nn.LayerNorm(sizes.hidden)]


def _quarter(sizes: Sizes) -> tuple[int, int]:
    """A quarter of the height and of the width, rounded up."""
    _, height, width = sizes.sample
    return math.ceil(height / 4), math.ceil(width / 4)


def class_count(spec: DataSpec) -> int:
    """The number of classes of the data. Raises ValueError where there are none."""
    if not spec.classes:
        raise ValueError(
            "this model needs data with classes, and these have none; take a preset without "
            "classes, such as vae-10d"
        )
    return len(spec.classes)


def classifier(
    net: str, spec: DataSpec, hidden: int, dropout: float, width: int = 16
) -> nn.Sequential:
    """Samples [B, *X] to the logits of the classes; net is a name in CLASSIFIERS.

    Raises ValueError for another name, and for data without classes.
    """
    classes = class_count(spec)
    if net not in CLASSIFIERS:
        raise ValueError(f"there is no classifier {net!r}; choose one of {', '.join(CLASSIFIERS)}")
    return CLASSIFIERS[net](classifier_nets.Sizes(spec.shape, classes, width, hidden, dropout))


NETS: dict[str, Callable[[Sizes], Nets]] = {
    "mlp": mlp,
    "dropout": dropout_mlp,
    "residual": residual,
    "conv": conv,
    "hybrid": hybrid,
    "sigmoid": sigmoid,
    "residual-conv": residual_conv,
}
CONVOLUTIONAL = {"conv", "hybrid", "residual-conv"}


def build(
    net: str, spec: DataSpec, latent: int, outputs: int, hidden: int, depth: int, dropout: float
) -> Nets:
    """Encoder and decoder by name, for the samples of a data set. Raises ValueError for a name that
    is not in NETS, a size below 1, and an image too small for convolutions."""
    if net not in NETS:
        raise ValueError(f"there is no net {net!r}; choose one of {', '.join(NETS)}")
    if latent < 1 or hidden < 1 or depth < 0:
        raise ValueError(
            f"latent {latent} and hidden {hidden} need 1 or more, depth {depth} 0 or more"
        )
    if net in CONVOLUTIONAL and (spec.kind != "image" or min(spec.shape[1:]) < 4):
        raise ValueError(
            f"net {net} is for images of 4 pixels or more a side, not for samples of shape "
            f"{list(spec.shape)}; take net=residual"
        )
    likelihood = likelihood_of(spec)
    rows, *rest = likelihood.parameters
    constants = likelihood.constants if isinstance(likelihood, LearnsConstants) else 0
    sizes = Sizes(spec.shape, (rows - constants, *rest), latent, outputs, hidden, depth, dropout)
    encoder, decoder = NETS[net](sizes)
    if constants:
        decoder.append(LearnedConstants(constants))
    return encoder, decoder
