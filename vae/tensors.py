"""Conversion between arrays, as data sets and the service have them, and the tensors of models.

Images are [N, H, W] grey or [N, H, W, 3] colour as arrays, and [N, C, H, W] as tensors.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae.dataspec import DataSpec


def to_tensor(samples: np.ndarray | Tensor, spec: DataSpec) -> Tensor:
    """Samples as a float32 tensor of shape [N, *spec.shape]; uint8 images are scaled to [0, 1]."""
    x = torch.as_tensor(samples)
    if spec.kind != "image":
        return x
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    return x[:, None] if spec.shape[0] == 1 else x.movedim(-1, 1)


def to_layout(x: Tensor, spec: DataSpec) -> Tensor:
    """A tensor [N, *spec.shape] in the layout of arrays, [N, *spec.array_shape]."""
    if spec.kind != "image":
        return x
    return x[:, 0] if spec.shape[0] == 1 else x.movedim(1, -1)


def to_array(x: Tensor, spec: DataSpec) -> np.ndarray:
    """The inverse of `to_tensor`, of the tensor's own dtype: an array [N, *spec.array_shape]."""
    return to_layout(x, spec).contiguous().cpu().numpy()
