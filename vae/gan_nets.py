"""Generators and discriminators of adversarial models, for images of any size and colour."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vae import losses
from vae.dataspec import DataSpec
from vae.layers import Crop, LearnedConstants
from vae.likelihoods import LearnsConstants, likelihood_of

COARSEST = 8  # px: a generator starts from sides of this length or less
NETS = ("conv", "mlp")


class ChannelsLast(nn.Module):
    """Channels-last memory, in which convolutions of few channels are fastest."""

    def forward(self, h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return h.contiguous(memory_format=torch.channels_last)


class Generator(nn.Module):
    """Codes [*B, Z] to the parameters of the likelihood [*B, *P].

    net "conv": fractionally strided convolutions with batch norm and ReLU (Radford et al. 2015),
    `width` channels at the last; "mlp": two hidden layers of 8 x `width` units (Goodfellow et al.
    2014). There is no output activation: the likelihood's mean is a sigmoid.
    """

    def __init__(self, net: str, spec: DataSpec, latent: int, width: int) -> None:
        super().__init__()
        check(net, spec, width)
        likelihood = likelihood_of(spec)
        constants = likelihood.constants if isinstance(likelihood, LearnsConstants) else 0
        rows, *rest = likelihood.parameters
        self.parameters_shape = likelihood.parameters
        build = _conv_layers if net == "conv" else _mlp_layers
        # codes to the first features, which the principal directions are of
        self.first, self.rest = build(latent, (rows - constants, *rest), width)
        if constants:
            self.rest.append(LearnedConstants(constants))
            self.rest[-1].requires_grad_(False)  # no part of an adversarial loss

    @property
    def inputs(self) -> Float[Tensor, "F Z"]:
        """The weights of the code's coordinates, the columns."""
        return cast(nn.Linear, self.first[0]).weight

    def features(self, z: Float[Tensor, "B Z"]) -> Float[Tensor, "B ..."]:
        """The activations of the first layer."""
        return self.first(z)

    def forward(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        flat = self.rest(self.first(z.flatten(0, -2)))
        return flat.reshape(*z.shape[:-1], *self.parameters_shape)


def _conv_layers(
    latent: int, shape: tuple[int, ...], width: int
) -> tuple[nn.Sequential, nn.Sequential]:
    channels, height, width_px = shape
    doublings = max(1, math.ceil(math.log2(max(height, width_px) / COARSEST)))
    factor = 2**doublings
    coarse = math.ceil(height / factor), math.ceil(width_px / factor)
    c = width * factor // 2
    first = nn.Sequential(
        _initialised(nn.Linear(latent, c * math.prod(coarse), bias=False)),
        nn.Unflatten(-1, (c, *coarse)),
        ChannelsLast(),
        *(nn.BatchNorm2d(c), nn.ReLU()),
    )
    rest: list[nn.Module] = []
    for _ in range(doublings - 1):
        up = nn.ConvTranspose2d(c, c // 2, 4, stride=2, padding=1, bias=False)
        rest += [_initialised(up), nn.BatchNorm2d(c // 2), nn.ReLU()]
        c //= 2
    last = nn.ConvTranspose2d(c, channels, 4, stride=2, padding=1)
    return first, nn.Sequential(*rest, _initialised(last), Crop(height, width_px))


def _mlp_layers(
    latent: int, shape: tuple[int, ...], width: int
) -> tuple[nn.Sequential, nn.Sequential]:
    hidden = 8 * width
    first = nn.Sequential(nn.Linear(latent, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
    rest = nn.Sequential(
        *(nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU()),
        *(nn.Linear(hidden, math.prod(shape)), nn.Unflatten(-1, shape)),
    )
    return first, rest


def _initialised(layer: nn.Module) -> nn.Module:
    """Weights from N(0, 0.02), as in DCGAN."""
    nn.init.normal_(layer.weight, std=0.02)  # type: ignore[arg-type]
    return layer


class Discriminator(nn.Module):
    """Samples in [0, 1] to one logit each, large for those that it takes for real ones.

    net "conv": strided convolutions from `width` channels on, without pooling; "mlp": two hidden
    layers. With `classes`, the logit depends on the class by a projection (Miyato & Koyama 2018,
    arXiv 1802.05637). `spectral` bounds each layer's norm (Miyato et al. 2018, arXiv 1802.05957).
    """

    def __init__(
        self, net: str, spec: DataSpec, width: int, *, spectral: bool, classes: int = 0
    ) -> None:
        super().__init__()
        check(net, spec, width)
        norm: Callable[..., nn.Module] = spectral_norm if spectral else lambda layer: layer
        self.trunk, self.size = _trunk(net, spec, width, norm)
        self.head = norm(nn.Linear(self.size, 1))
        self.projection = norm(nn.Linear(self.size, classes, bias=False)) if classes else None

    def features(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B F"]:
        """The activations of the last hidden layer."""
        return self.trunk(2 * x - 1)

    def hidden_layer(self, x: Float[Tensor, "B *X"], layer: int) -> Float[Tensor, "B F"]:
        """The activations of a hidden layer, counted from 1; of the last one where there are
        fewer."""
        ends = [i for i, part in enumerate(self.trunk, 1) if isinstance(part, nn.LeakyReLU)]
        return self.trunk[: ends[min(layer, len(ends)) - 1]](2 * x - 1).flatten(1)

    def judge(
        self, features: Float[Tensor, "B F"], one_hot: Float[Tensor, "B C"] | None = None
    ) -> Float[Tensor, " B"]:
        """The logits that belong to features, given the class for a conditional discriminator."""
        logit = self.head(features)[:, 0].float()
        if self.projection is not None and one_hot is not None:
            logit = logit + (self.projection(features).float() * one_hot).sum(1)
        return logit

    def forward(
        self, x: Float[Tensor, "B *X"], one_hot: Float[Tensor, "B C"] | None = None
    ) -> Float[Tensor, " B"]:
        return self.judge(self.features(x), one_hot)


class Encoder(nn.Module):
    """Samples in [0, 1] to `outputs` numbers each, by the layers of a discriminator."""

    def __init__(self, net: str, spec: DataSpec, width: int, outputs: int) -> None:
        super().__init__()
        check(net, spec, width)
        self.trunk, size = _trunk(net, spec, width, lambda layer: layer)
        self.head = nn.Linear(size, outputs)

    def forward(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B outputs"]:
        return self.head(self.trunk(2 * x - 1))


class Inferred(NamedTuple):
    """What is inferred of samples: a categorical code, and styles by a factored Gaussian."""

    log_probabilities: Float[Tensor, "B K"]
    mean: Float[Tensor, "B S"]
    logvar: Float[Tensor, " S"]  # one for all samples

    def costs(
        self, code: Float[Tensor, "B K"], style: Float[Tensor, "B S"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """-log Q of a one-hot code and of styles, means over the batch. For those that samples were
        drawn from, they are bounds of the conditional entropies in the mutual information of codes
        and samples (equation 5 of the paper)."""
        of_style = -losses.gaussian_log_density(style, self.mean, self.logvar)
        return -(self.log_probabilities * code).sum(1).mean(), of_style.mean()


class InferringDiscriminator(Discriminator):
    """A discriminator whose trunk is shared by Q, which infers the code and the styles of a sample
    (Chen et al. 2016, arXiv 1606.03657).

    `heads` candidates infer a code each, as clusters found from other random weights differ. The
    one with the most information `shared` by the versions of a sample counts (Ji et al. 2019).
    """

    shared: Tensor  # nats, a running mean for each candidate

    def __init__(
        self,
        net: str,
        spec: DataSpec,
        width: int,
        *,
        spectral: bool,
        code: int,
        style: int,
        hidden: int,
        heads: int,
    ) -> None:
        super().__init__(net, spec, width, spectral=spectral)
        self.codes = nn.ModuleList(_head(self.size, hidden, code, 3.0) for _ in range(heads))
        self.style = _head(self.size, hidden, style, 0.5)
        self.style_logvar = nn.Parameter(torch.zeros(style))
        self.register_buffer("shared", torch.zeros(heads))

    def candidates(self, features: Float[Tensor, "B F"]) -> Float[Tensor, "B M K"]:
        """The log-probabilities of the code by each candidate."""
        return torch.stack([h(features) for h in self.codes], 1).float().log_softmax(-1)

    def infer(self, features: Float[Tensor, "B F"]) -> Inferred:
        """What Q infers from the features of samples."""
        log_probabilities = self.candidates(features)[:, self.shared.argmax()]
        return Inferred(log_probabilities, self.style(features).float(), self.style_logvar)

    def reorder_codes(self, order: Int[np.ndarray, " K"]) -> None:
        """Let each value of the code stand for what the value `order` of it did."""
        last = cast(nn.Linear, cast(nn.Sequential, self.codes[int(self.shared.argmax())])[-1])
        last.weight.copy_(last.weight[order])
        last.bias.copy_(last.bias[order])

    def scale_styles(self, factors: Float[Tensor, " S"]) -> None:
        """Multiply the means of the styles by these factors, 1 or -1."""
        last = cast(nn.Linear, self.style[-1])
        last.weight.mul_(factors[:, None])
        last.bias.mul_(factors)


def _head(inputs: int, hidden: int, outputs: int, scale: float) -> nn.Sequential:
    """One hidden layer, normalised, so that outputs are of this scale at first. It is large for
    codes: where they hardly differ between samples, their shared information has no gradient."""
    last = nn.Linear(hidden, outputs)
    nn.init.normal_(last.weight, std=scale / math.sqrt(hidden))
    return nn.Sequential(nn.Linear(inputs, hidden), nn.LayerNorm(hidden), nn.LeakyReLU(0.2), last)


def _trunk(
    net: str, spec: DataSpec, width: int, norm: Callable[..., nn.Module]
) -> tuple[nn.Sequential, int]:
    """The hidden layers, and the number of their features."""
    if net == "mlp":
        hidden = 8 * width
        layers: list[nn.Module] = [nn.Flatten(-len(spec.shape))]
        for inputs in (math.prod(spec.shape), hidden):
            layers += [norm(nn.Linear(inputs, hidden)), nn.LeakyReLU(0.2)]
        return nn.Sequential(*layers), hidden
    channels, *sides = spec.shape
    layers, c = [], width
    while not layers or max(sides) > COARSEST // 2:
        layers += [norm(nn.Conv2d(channels, c, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        sides = [side // 2 for side in sides]
        channels, c = c, 2 * c
    return nn.Sequential(ChannelsLast(), *layers, nn.Flatten(-3)), channels * math.prod(sides)


def check(net: str, spec: DataSpec, width: int) -> None:
    """Raises ValueError for an unknown net, a width below 1 and samples that are no images."""
    if net not in NETS:
        raise ValueError(f"there is no net {net!r} of a GAN; choose one of {', '.join(NETS)}")
    if width < 1:
        raise ValueError(f"width is 1 or more, not {width}")
    if net == "conv" and (spec.kind != "image" or min(spec.shape[1:]) < 4):
        raise ValueError(
            f"net conv is for images of 4 pixels or more a side, not for samples of shape "
            f"{list(spec.shape)}; take net=mlp"
        )
