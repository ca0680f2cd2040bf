"""Slant and thickness of strokes as in `attributes`, of images on the device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

NO_INK = 1e-6  # the least divisor


def slant(x: Float[Tensor, "B 1 H W"]) -> Float[Tensor, " B"]:
    """Angle of the ink to the vertical in radians, positive to the right."""
    ink = x[:, 0] / x.sum((1, 2, 3)).clamp(min=NO_INK)[:, None, None]
    across, down = ink.sum(1), ink.sum(2)  # [B, W] and [B, H]
    column, row = (torch.arange(n, device=x.device, dtype=x.dtype) for n in x.shape[:1:-1])
    dx, dy = (
        places - (share * places).sum(1, keepdim=True)
        for share, places in ((across, column), (down, row))
    )
    covariance = (ink * dx[:, None] * dy[:, :, None]).sum((1, 2))
    return torch.atan(-covariance / (down * dy.square()).sum(1).clamp(min=NO_INK))


def thickness(x: Float[Tensor, "B 1 H W"]) -> Float[Tensor, " B"]:
    """Width of the stroke in pixels: twice the ink divided by the length of its outline."""
    padded = F.pad(x[:, 0], (1, 1, 1, 1))
    right, down = padded.diff(dim=2)[:, :-1], padded.diff(dim=1)[:, :, :-1]
    outline = (right.square() + down.square()).sqrt().sum((1, 2))
    return 2 * x.sum((1, 2, 3)) / outline.clamp(min=NO_INK)


MEASURES = (slant, thickness)
REACH = 1.5  # deviations of an attribute that belong to a change of 1 in its style
FARTHEST = 2.0  # largest change of a style that is asked for


def change_error(
    moved: Float[Tensor, "B S"], x: Float[Tensor, "B 1 H W"], distorted: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, " B"]:
    """Squared difference between the change of the first two styles and that of slant and
    thickness, from images to their distorted copies, in units of `REACH` deviations."""
    changes = []
    for measure in MEASURES:
        before, after = measure(x), measure(distorted)
        changes.append((after - before) / (REACH * before.std().clamp(min=NO_INK)))
    wanted = torch.stack(changes, 1)[:, : moved.shape[1]].clamp(-FARTHEST, FARTHEST)
    return (moved[:, : wanted.shape[1]] - wanted).square().sum(1)
