"""Random affine distortions: rotation, shear, scale and shift."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

# largest rotation (radians), shear, change of scale along each axis (log), and shift (pixels)
ROTATION, SHEAR, SCALE, SHIFT = 0.2, 0.2, 0.15, 2.0


def distort(
    x: Float[Tensor, "B C H W"], draws: Float[Tensor, "B 6"], strength: float = 1.0
) -> Float[Tensor, "B C H W"]:
    """Distort each image by a random affine map, with bilinear interpolation.

    draws are uniform on [0, 1); strength scales the distortion, 0 is the identity. Within these
    limits digits keep their class (Simard et al. 2003).
    """
    rotation, shear, wide, tall, right, down = (strength * (2 * draws - 1)).unbind(1)  # [B] each
    cos, sin = torch.cos(ROTATION * rotation), torch.sin(ROTATION * rotation)
    wide, tall = torch.exp(SCALE * wide), torch.exp(SCALE * tall)
    shift = 2 * SHIFT / x.shape[-1]  # in the grid's units, which span 2
    # the inverse map: from positions in the output to positions in the input
    rows = [
        torch.stack([wide * cos, wide * (SHEAR * shear * cos - sin), shift * right], -1),
        torch.stack([tall * sin, tall * (SHEAR * shear * sin + cos), shift * down], -1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)
