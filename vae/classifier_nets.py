"""Classifiers by name. Each builder in CLASSIFIERS returns layers of samples [B, *X] to the logits
of the classes; the last one is linear, and its inputs are the features of a sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from vae.conv_nets import GROUP, ConvBlock


class Sizes(NamedTuple):
    """What a classifier is built for."""

    sample: tuple[int, ...]  # shape of a sample: (C, H, W) of an image
    classes: int
    width: int  # channels of the first layers
    hidden: int  # units of the dense layer
    dropout: float  # dropout probability


def sigmoid(sizes: Sizes) -> nn.Sequential:
    """One dense layer of sigmoid units."""
    return nn.Sequential(
        nn.Flatten(-len(sizes.sample)),
        *(nn.Linear(math.prod(sizes.sample), sizes.hidden), nn.Sigmoid()),
        nn.Linear(sizes.hidden, sizes.classes),
    )


def conv(sizes: Sizes) -> nn.Sequential:
    """3x3 convolutions with batch norm, strided ones in place of pooling, and a dense layer."""

    def layer(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.GELU()]

    c, (channels, *sides) = sizes.width, sizes.sample
    features = 2 * c * math.prod(math.ceil(side / 4) for side in sides)
    return nn.Sequential(
        nn.Identity(),  # keeps the names of the layers, by which checkpoints have their weights
        *layer(channels, c),
        *layer(c, c, stride=2),  # [B, C, H / 2, W / 2]
        *layer(c, 2 * c),
        *layer(2 * c, 2 * c, stride=2),  # [B, 2C, H / 4, W / 4]
        *layer(2 * c, 2 * c),
        *(nn.Flatten(-3), nn.Dropout(sizes.dropout), nn.Linear(features, sizes.hidden), nn.GELU()),
        *(nn.Dropout(sizes.dropout), nn.Linear(sizes.hidden, sizes.classes)),
    )


def lenet(sizes: Sizes) -> nn.Sequential:
    """5x5 convolutions, max pooling and dense layers (LeCun et al. 1998), with rectified units."""
    c, (channels, *sides) = sizes.width, sizes.sample
    features = 2 * c * math.prod(side // 4 for side in sides)
    return nn.Sequential(
        *(nn.Conv2d(channels, c, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),  # [B, C, H / 2, W / 2]
        *(nn.Conv2d(c, 2 * c, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),  # [B, 2C, H / 4, W / 4]
        *(nn.Flatten(-3), nn.Dropout(sizes.dropout), nn.Linear(features, sizes.hidden), nn.ReLU()),
        *(nn.Dropout(sizes.dropout), nn.Linear(sizes.hidden, sizes.classes)),
    )


def residual(sizes: Sizes) -> nn.Sequential:
    """Residual blocks at three resolutions, with group norm, and a dense layer.

    A mean over the image in place of the dense layer classifies as well, but its features tell less
    of an image: in them, samples of the conditional VAE are nearly as far as training images.
    """
    c, (channels, *sides) = GROUP * math.ceil(sizes.width / GROUP), sizes.sample
    features = 4 * c * math.prod(math.ceil(side / 8) for side in sides)

    def half(inputs: int, outputs: int) -> list[nn.Module]:
        strided = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)  # sides rounded up
        return [strided, ConvBlock(outputs, 0.0)]

    return nn.Sequential(
        *half(channels, c),  # [B, C, H / 2, W / 2]
        *half(c, 2 * c),  # [B, 2C, H / 4, W / 4]
        *half(2 * c, 4 * c),  # [B, 4C, H / 8, W / 8]
        *(nn.GroupNorm(4 * c // GROUP, 4 * c), nn.SiLU(), nn.Flatten(-3)),
        *(nn.Dropout(sizes.dropout), nn.Linear(features, sizes.hidden), nn.SiLU()),
        *(nn.Dropout(sizes.dropout), nn.Linear(sizes.hidden, sizes.classes)),
    )


CLASSIFIERS: dict[str, Callable[[Sizes], nn.Sequential]] = {
    "conv": conv,
    "lenet": lenet,
    "residual": residual,
    "sigmoid": sigmoid,
}
