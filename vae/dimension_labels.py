"""What each dimension of a code changes: attributes measured on samples decoded along sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vae import attributes, latent
from vae.dataspec import Dataset, DataSpec
from vae.latent import LatentBlock
from vae.tensors import to_array

SWEEPS, STEPS = 100, 9  # sweeps of each dimension, and codes in each
MONOTONE, SPAN = 0.7, 1.0  # the least correlation and change, in deviations, that give a label


class Change(NamedTuple):
    """How an attribute changes while one coordinate moves over its range, means over the sweeps."""

    correlation: float  # Spearman's, of coordinate and attribute within a sweep
    span: float  # from the lowest coordinate to the highest, in deviations of real samples


class Label(NamedTuple):
    """The attribute that a dimension changes most; "" where it changes none clearly."""

    name: str
    change: Change


def sweeps(
    blocks: Sequence[LatentBlock], dim: int, *, count: int = SWEEPS, steps: int = STEPS, seed: int
) -> Float[np.ndarray, "N S Z"]:
    """Codes of the prior, each repeated with one dimension in even steps over its range."""
    codes = latent.sample_prior(blocks, count, seed)[:, None].repeat(steps, 1)
    low, high = latent.limits(blocks)[dim]
    codes[:, :, dim] = np.linspace(low, high, steps)
    return codes


@torch.no_grad()
def decoded(model: Any, codes: Float[np.ndarray, "N S Z"]) -> Float[Tensor, "M *X"]:
    """The samples of the codes of sweeps, one sweep after the other."""
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    parts = torch.from_numpy(codes).flatten(0, 1).split(1000)
    found = [model.likelihood.mean(model.decode(part.to(device)).float()) for part in parts]
    return torch.cat(found).cpu()


def measure(
    model: Any,
    dims: Sequence[int],
    real: Dataset,
    *,
    count: int = SWEEPS,
    steps: int = STEPS,
    seed: int = 0,
) -> list[dict[str, Change]]:
    """For each of `dims`, how it changes each attribute that can be measured on samples of this
    kind; the deviations are those of `real`. The model decodes."""
    deviations = {n: float(v.std()) for n, v in _attributes(real.samples, real.spec).items()}
    found = []
    for dim in dims:
        codes = sweeps(model.blocks, dim, count=count, steps=steps, seed=seed + dim)
        levels = (255 * decoded(model, codes)).round().byte()
        measured = _attributes(to_array(levels, model.spec), model.spec)
        found.append(
            {n: _change(v.reshape(count, steps), deviations[n]) for n, v in measured.items()}
        )
    return found


def label(changes: dict[str, Change]) -> Label:
    """The attribute that changes most steadily, of those that change much. (Thicker strokes make a
    digit higher too, by more deviations, but less steadily.)"""
    steady = {
        name: change
        for name, change in changes.items()
        if abs(change.correlation) >= MONOTONE and abs(change.span) >= SPAN
    }
    if not steady:
        return Label("", Change(0.0, 0.0))
    name = max(steady, key=lambda name: abs(steady[name].correlation))
    return Label(name, steady[name])


def name_block(model: Any, index: int, real: Dataset, *, seed: int = 0) -> Float[np.ndarray, " D"]:
    """Write to a block of the model what its dimensions change; returns the sign of each, -1 where
    larger coordinates make the attribute smaller."""
    dims = range(*latent.slices(model.blocks)[index].indices(latent.dims(model.blocks)))
    found = [label(changes) for changes in measure(model, dims, real, seed=seed)]
    names = tuple(one.name for one in found)
    blocks = list(model.blocks)
    blocks[index] = replace(blocks[index], labels=names if any(names) else ())
    model.blocks = tuple(blocks)
    return np.array([-1.0 if one.change.span < 0 else 1.0 for one in found], np.float32)


def _attributes(samples: np.ndarray, spec: DataSpec) -> dict[str, Float[np.ndarray, " N"]]:
    """The attributes measured on the samples themselves."""
    return attributes.measure(Dataset(samples, np.full(len(samples), -1), spec))


def _change(values: Float[np.ndarray, "N S"], deviation: float) -> Change:
    correlations = [_spearman(row) for row in values]
    span = float((values[:, -1] - values[:, 0]).mean())
    return Change(float(np.mean(correlations)), span / max(deviation, attributes.NO_INK))


def _spearman(values: Float[np.ndarray, " S"]) -> float:
    """Spearman's correlation of values with their position; 0 of constant values."""
    from scipy.stats import rankdata  # takes a third of a second to import

    ranks, places = rankdata(values), np.arange(len(values))
    return float(np.corrcoef(ranks, places)[0, 1]) if np.ptp(ranks) else 0.0
