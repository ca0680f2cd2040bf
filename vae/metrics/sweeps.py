"""What the named dimensions of a code change, on sweeps over their range."""

from __future__ import annotations

from typing import Any

import torch

from vae import dimension_labels, latent
from vae.dataspec import Dataset
from vae.interface import Classifies, LatentModel

SWEEPS, STEPS = 500, 11  # of each dimension
SEED = 1000  # other codes than those that the names were chosen by


def evaluate(model: LatentModel, classifier: Classifies | None, real: Dataset) -> dict[str, Any]:
    """For each name among the labels of blocks, of its first dimension: `_spearman`, the mean over
    sweeps of Spearman's correlation of coordinate and attribute; `_span`, the mean change from the
    lowest coordinate to the highest, in deviations of the real samples; and `_class_kept`, the
    share of the sweeps over which the independent classifier's class stays the same.

    {} for a model whose dimensions have no names.
    """
    figures: dict[str, Any] = {}
    for name, dim in _named(model).items():
        changes = dimension_labels.measure(
            model, (dim,), real, count=SWEEPS, steps=STEPS, seed=SEED
        )[0]
        figures[f"{name}_spearman"] = changes[name].correlation
        figures[f"{name}_span"] = changes[name].span
        if classifier is not None:
            figures[f"{name}_class_kept"] = class_kept(model, classifier, dim)
    return figures


@torch.no_grad()
def class_kept(model: LatentModel, classifier: Classifies, dim: int) -> float:
    """Share of the sweeps over which the classifier's most probable class stays the same."""
    codes = dimension_labels.sweeps(model.blocks, dim, count=SWEEPS, steps=STEPS, seed=SEED + dim)
    parts = dimension_labels.decoded(model, codes).split(1000)
    classes = torch.cat([classifier.classify(part).argmax(1) for part in parts])
    by_sweep = classes.view(SWEEPS, STEPS)
    return float((by_sweep == by_sweep[:, :1]).all(1).float().mean())


def _named(model: LatentModel) -> dict[str, int]:
    """The first dimension of each name, of continuous blocks that are to be explored."""
    names = [name for b in model.blocks for name in (b.labels or ("",) * b.dims)]
    free = latent.continuous(model.blocks)
    return {names[dim]: dim for dim in reversed(free) if names[dim]}
