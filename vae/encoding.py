"""Images to codes, many at a time, as fast as the processor allows and in full precision."""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

CHUNK = 256  # images a pass on a processor: what a convolution makes of them stays in its cache


class Packed(nn.Module):
    """A linear layer computed by oneDNN, with its weights laid out for it beforehand.

    PyTorch gives float32 products to MKL, which leaves half of AVX-512 unused on processors that
    are not Intel's: 220 GFLOP/s where oneDNN has 500, on two cores of a Zen 5. The result is the
    same to float32's rounding. torch.compile does the same with a frozen model, but takes a C++
    compiler and half a minute to begin.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), CHUNK)
        self.weight, self.bias = weight, layer.bias

    def forward(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B O"]:
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")


def packs(device: torch.device) -> bool:
    """Whether packing pays here."""
    widest = device.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX512"
    return widest and torch.backends.mkldnn.is_available()


def packed(model: nn.Module) -> nn.Module:
    """A copy for reading images: its linear layers are packed, the decoder's left alone.

    Whatever is not packed shares its weights with the original.
    """
    weights = [*model.parameters(), *model.buffers()]
    twin = copy.deepcopy(model, {id(tensor): tensor for tensor in weights}).eval()
    for name, part in twin.named_children():
        if name != "decoder":
            _pack(twin, name, part)
    return twin


def _pack(parent: nn.Module, name: str, part: nn.Module) -> None:
    if isinstance(part, nn.Linear):
        setattr(parent, name, Packed(part))
    for inner, child in part.named_children():
        _pack(part, inner, child)
