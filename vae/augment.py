"""Images that say the same: small random turns, shears, scales and shifts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

# the largest turn (radians), shear, change of scale along each axis, and shift (pixels)
TURN, SHEAR, SCALE, SHIFT = 0.2, 0.2, 0.15, 2.0


def distort(
    x: Float[Tensor, "B 28 28"], draws: Float[Tensor, "B 6"], strength: float = 1.0
) -> Float[Tensor, "B 28 28"]:
    """An affine distortion of each image, bilinear; `draws` are uniform on [0, 1).

    strength scales all of it: 0 leaves the images as they are. Hand-written digits stay what they
    are within these limits (Simard et al. 2003).
    """
    turn, shear, wide, tall, right, down = (strength * (2 * draws - 1)).unbind(1)  # [B] each
    cos, sin = torch.cos(TURN * turn), torch.sin(TURN * turn)
    wide, tall = torch.exp(SCALE * wide), torch.exp(SCALE * tall)
    side = 2 * SHIFT / x.shape[-1]  # a grid spans 2
    # from a place in the new image to the place in the old one that it shows
    rows = [
        torch.stack([wide * cos, wide * (SHEAR * shear * cos - sin), side * right], -1),
        torch.stack([tall * sin, tall * (SHEAR * shear * sin + cos), side * down], -1),
    ]
    places = F.affine_grid(torch.stack(rows, 1), [len(x), 1, 28, 28], align_corners=False)
    return F.grid_sample(x[:, None], places, align_corners=False)[:, 0]
