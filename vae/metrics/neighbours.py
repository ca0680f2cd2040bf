"""Distances between all samples of two sets, in bounded memory, and nearest neighbours by them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm import tqdm

CHUNK = 100  # rows whose distances are in memory: 8 MB of doubles against 10,000 others


def squared_distances(
    a: Float[Tensor, "N F"],
    b: Float[Tensor, "M F"],
    *,
    chunk: int = CHUNK,
    label: str = "distances",
    quiet: bool = True,
) -> Iterator[tuple[slice, Float[Tensor, "C M"]]]:
    """Squared Euclidean distances of `chunk` rows of a at a time to all rows of b, with the slice
    of these rows.

    They are |a|^2 + |b|^2 - 2ab, so their absolute error is that of the squares: doubles are needed
    where distances are small beside the norms.
    """
    squares = b.square().sum(1)
    starts = tqdm(range(0, len(a), chunk), label, leave=False, disable=quiet, unit="part")
    for start in starts:
        rows = slice(start, min(start + chunk, len(a)))
        part = a[rows]
        between = torch.addmm(squares[None], part, b.T, alpha=-2)
        yield rows, between.add_(part.square().sum(1)[:, None]).clamp_(min=0)


def squared_radii(
    x: Float[Tensor, "N F"], neighbours: int, *, chunk: int = CHUNK, quiet: bool = True
) -> Float[Tensor, " N"]:
    """Squared distance of each sample to the k-th nearest of the others. Raises ValueError for k
    samples or fewer."""
    if len(x) <= neighbours:
        raise ValueError(f"{neighbours} neighbours need more than {len(x)} samples")
    count = neighbours + 1  # the nearest is the sample itself
    parts = [
        between.topk(count, largest=False).values[:, -1]  # a fifth of the time of kthvalue
        for _, between in squared_distances(x, x, chunk=chunk, quiet=quiet)
    ]
    return torch.cat(parts)


def nearest(
    known: Float[Tensor, "N F"],
    x: Float[Tensor, "M F"],
    *,
    chunk: int = CHUNK,
    quiet: bool = True,
) -> Int[Tensor, " M"]:
    """The row of `known` that is nearest to each row of x."""
    parts = squared_distances(x, known, chunk=chunk, label="nearest neighbours", quiet=quiet)
    return torch.cat([between.argmin(1) for _, between in parts])
