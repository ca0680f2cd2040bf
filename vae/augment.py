"""Augmentation of training images: affine distortions, flips and changes of colour."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vae.distributed import Noise

# largest rotation (radians), shear, change of scale along each axis (log), and shift (pixels)
ROTATION, SHEAR, SCALE, SHIFT = 0.2, 0.2, 0.15, 2.0
# levels of a blurred image at which strokes are cut off, and the slope of grey levels there
LEVELS, EDGE = (0.25, 0.6), 3.0
CONTRAST = 0.3  # largest change of an image's gamma (log)


def distort(
    x: Float[Tensor, "B C H W"],
    draws: Float[Tensor, "B 6"],
    strength: float = 1.0,
    *,
    padding: str = "zeros",
    interpolation: str = "bilinear",
) -> Float[Tensor, "B C H W"]:
    """Distort each image by a random affine map.

    draws are uniform on [0, 1); strength scales the distortion, 0 is the identity. Within these
    limits digits keep their class (Simard et al. 2003). padding and interpolation are modes of
    `grid_sample`; "border" continues a background that is not black, "bicubic" blurs less.
    """
    rotation, shear, wide, tall, right, down = (strength * (2 * draws - 1)).unbind(1)  # [B] each
    cos, sin = torch.cos(ROTATION * rotation), torch.sin(ROTATION * rotation)
    wide, tall = torch.exp(SCALE * wide), torch.exp(SCALE * tall)
    height, width = x.shape[-2:]
    # The inverse map: from positions in the output to positions in the input. Both axes of the grid
    # span 2, whatever the sides; the ratios make a rotation one of pixels.
    rows = [
        torch.stack(
            [
                wide * cos,
                wide * (SHEAR * shear * cos - sin) * (height / width),
                2 * SHIFT / width * right,
            ],
            -1,
        ),
        torch.stack(
            [
                tall * sin * (width / height),
                tall * (SHEAR * shear * sin + cos),
                2 * SHIFT / height * down,
            ],
            -1,
        ),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, interpolation, padding, align_corners=False)
    return moved.clamp(0, 1) if interpolation == "bicubic" else moved  # bicubic overshoots


def thicken(x: Float[Tensor, "B C H W"], draws: Float[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
    """Make the strokes of each image thicker or thinner, by some -0.3 to 1.2 pixels.

    draws are uniform on [0, 1). The image is blurred, and cut off at a level that differs between
    images, so that no stroke vanishes.
    """
    channels = x.shape[1]
    binomial = torch.tensor([1.0, 2.0, 1.0], device=x.device) / 4
    kernel = (binomial[:, None] * binomial).expand(channels, 1, 3, 3)
    blurred = F.conv2d(x, kernel, padding=1, groups=channels)
    level = LEVELS[0] + (LEVELS[1] - LEVELS[0]) * draws[:, None, None, None]
    return (EDGE * (blurred - level) + 0.5).clamp(0, 1)


def recolour(x: Float[Tensor, "B 3 H W"], draws: Float[Tensor, "B 2"]) -> Float[Tensor, "B 3 H W"]:
    """Rotate the hue of each image by any angle and change its contrast; white stays white.

    draws are uniform on [0, 1). The hue's rotation is that of RGB space around the axis of greys
    (Rodrigues' formula).
    """
    angle, contrast = (2 * draws - 1).unbind(1)  # [B] each
    cos, sin = torch.cos(math.pi * angle), torch.sin(math.pi * angle)
    same = cos + (1 - cos) / 3
    left, right = ((1 - cos) / 3 + sign * math.sqrt(1 / 3) * sin for sign in (-1, 1))
    rotation = torch.stack([same, left, right, right, same, left, left, right, same], -1)
    rotated = torch.einsum("bij,bjhw->bihw", rotation.view(-1, 3, 3), x).clamp(0, 1)
    return rotated ** torch.exp(CONTRAST * contrast)[:, None, None, None]


def augment(
    x: Float[Tensor, "B C H W"], noise: Noise, *, flip: float, affine: float, hue: float
) -> Float[Tensor, "B C H W"]:
    """Flip images horizontally, distort them and recolour them, each with its own probability.

    Grey images keep their grey levels.
    """

    def distorted(x: Tensor) -> Tensor:
        draws = noise.uniform(len(x), 6)
        return distort(x, draws, padding="border", interpolation="bicubic")

    def recoloured(x: Tensor) -> Tensor:
        return recolour(x, noise.uniform(len(x), 2))

    x = _some(x, flip, lambda x: x.flip(-1), noise)
    x = _some(x, affine, distorted, noise)
    return _some(x, hue, recoloured, noise) if x.shape[1] == 3 else x


def _some(
    x: Float[Tensor, "B C H W"],
    probability: float,
    change: Callable[[Tensor], Tensor],
    noise: Noise,
) -> Float[Tensor, "B C H W"]:
    """Change each image with this probability."""
    if not probability:
        return x
    chosen = noise.uniform(len(x), 1, 1, 1) < probability
    return torch.where(chosen, change(x), x)
