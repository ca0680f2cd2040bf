"""A copy of a model whose linear layers run through oneDNN, for encoding many images on a CPU."""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

CHUNK = 256  # images per forward pass on a CPU: a convolution's activations fit its cache


class Packed(nn.Module):
    """A linear layer computed by oneDNN, with its weights reordered once.

    PyTorch computes float32 products by MKL, which reaches 220 GFLOP/s on two cores of a Zen 5,
    where oneDNN reaches 500. Results agree to rounding. torch.compile does the same with a frozen
    model, but needs a C++ compiler and half a minute.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), CHUNK)
        self.weight, self.bias = weight, layer.bias

    def forward(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B O"]:
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")


def packs(device: torch.device) -> bool:
    """Whether packing is faster on this device: on a CPU with AVX-512."""
    avx512 = device.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX512"
    return avx512 and torch.backends.mkldnn.is_available()


def packed(model: nn.Module) -> nn.Module:
    """A copy of a model whose linear layers are packed, except in the decoder.

    Everything else shares its weights with the original.
    """
    weights = [*model.parameters(), *model.buffers()]
    copied = copy.deepcopy(model, {id(tensor): tensor for tensor in weights}).eval()
    for name, part in copied.named_children():
        if name != "decoder":
            _pack(copied, name, part)
    return copied


def _pack(parent: nn.Module, name: str, part: nn.Module) -> None:
    if isinstance(part, nn.Linear):
        setattr(parent, name, Packed(part))
    for inner, child in part.named_children():
        _pack(part, inner, child)
