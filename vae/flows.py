"""Normalising flows: invertible networks whose Jacobian determinant is known."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

WIDTH = 128  # units of the networks of a coupling layer


class Coupling(nn.Module):
    """An affine coupling layer (Dinh et al. 2016, arXiv 1605.08803): half of the coordinates are
    scaled and shifted by functions of the others, which stay as they are."""

    mask: Tensor  # 1 where a coordinate stays

    def __init__(self, mask: Float[Tensor, " Z"]) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        size = len(mask)
        last = nn.Linear(WIDTH, 2 * size)
        with torch.no_grad():  # the layer starts near the identity
            last.weight.mul_(0.01)
            last.bias.zero_()
        self.net = nn.Sequential(
            *(nn.Linear(size, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.GELU()), last
        )

    def forward(self, u: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B Z"]:
        scale, shift = self._scale_and_shift(u)
        return u * scale.exp() + shift

    def inverse(
        self, z: Float[Tensor, "*B Z"]
    ) -> tuple[Float[Tensor, "*B Z"], Float[Tensor, "*B"]]:
        """The u that is mapped to z, and log |det du / dz|."""
        scale, shift = self._scale_and_shift(z)
        return (z - shift) * (-scale).exp(), -scale.sum(-1)

    def _scale_and_shift(self, h: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = self.net(h * self.mask).chunk(2, dim=-1)
        return (1 - self.mask) * scale.tanh(), (1 - self.mask) * shift


class Flow(nn.Module):
    """Coupling layers with random halves: u, normally distributed, to z of another distribution."""

    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)  # which halves: not a matter of training
        masks: list[Tensor] = []
        while len(masks) < layers:
            mask = torch.zeros(size)
            mask[torch.randperm(size, generator=generator)[: size // 2]] = 1
            masks += [mask, 1 - mask]
        self.layers = nn.ModuleList(Coupling(mask) for mask in masks[:layers])

    def forward(self, u: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B Z"]:
        """z of u."""
        with torch.autocast(u.device.type, enabled=False):  # bfloat16 has too few digits for codes
            for layer in self.layers:
                u = layer(u)
        return u

    def inverse(
        self, z: Float[Tensor, "*B Z"]
    ) -> tuple[Float[Tensor, "*B Z"], Float[Tensor, "*B"]]:
        """u of z, and log |det du / dz|."""
        log_det = torch.zeros_like(z[..., 0])
        with torch.autocast(z.device.type, enabled=False):
            for layer in reversed(self.layers):
                z, part = layer.inverse(z)  # pyright: ignore[reportCallIssue]
                log_det = log_det + part
        return z, log_det
