"""Latent spaces in NumPy: blocks and priors, grids, interpolation, traversals, projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

# a dimension is active if the variance of the posterior means exceeds this (Burda et al. 2015)
ACTIVE = 0.01
FARTHEST = 1e6  # largest coordinate of a code that decodes in single precision
Prior = Literal["normal", "uniform", "categorical", "simplex"]
Role = Literal["code", "class", "noise"]
# what the sliders of a block span where it names no range
RANGES = {"normal": (-3.0, 3.0), "uniform": (-1.0, 1.0)}


@dataclass(frozen=True)
class LatentBlock:
    """A run of latent coordinates that share one prior; a latent space is a list of these.

    Raises ValueError for a size or a number of steps below 1, for a prior, a role or a range that
    is not valid, and for a class whose prior is not categorical.
    """

    name: str
    size: int  # coordinates of one step
    # normal N(0, 1); uniform on `limits`; categorical one-hot; simplex: flat Dirichlet
    prior: Prior
    role: Role = "code"  # class: one-hot over the classes of the data; noise: not to be explored
    steps: int = 1  # steps of a sequence, each with coordinates of its own
    range: tuple[float, float] | None = None  # of a coordinate; None: by the prior
    labels: tuple[str, ...] = ()  # what each coordinate changes, "" where that is unknown

    def __post_init__(self) -> None:
        low, high = self.limits
        if self.size < 1 or self.steps < 1:
            raise ValueError(
                f"block {self.name!r} has size {self.size} and {self.steps} steps; "
                "both need 1 or more"
            )
        for field, known in (("prior", Prior), ("role", Role)):
            if (value := getattr(self, field)) not in get_args(known):
                raise ValueError(
                    f"block {self.name!r} has {field} {value!r}, not in {get_args(known)}"
                )
        if self.labels and len(self.labels) != self.dims:
            raise ValueError(
                f"block {self.name!r} has {len(self.labels)} labels for {self.dims} coordinates"
            )
        if not -FARTHEST <= low < high <= FARTHEST:
            raise ValueError(f"block {self.name!r} has the range {low} to {high}, which is empty")
        if self.role == "class" and self.prior != "categorical":
            raise ValueError(f"block {self.name!r} is a class; its prior is categorical")

    @property
    def dims(self) -> int:
        """Coordinates of all steps."""
        return self.size * self.steps

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value of a slider."""
        return self.range or RANGES.get(self.prior, (0.0, 1.0))

    @property
    def is_continuous(self) -> bool:
        """Whether its coordinates are free real numbers."""
        return self.prior in RANGES


def dims(blocks: Sequence[LatentBlock]) -> int:
    """The number of coordinates of a code."""
    return sum(block.dims for block in blocks)


def slices(blocks: Sequence[LatentBlock]) -> list[slice]:
    """The coordinates of each block in a code."""
    ends = list(accumulate((block.dims for block in blocks), initial=0))
    return [slice(start, end) for start, end in pairwise(ends)]


def names(blocks: Sequence[LatentBlock]) -> tuple[str, ...]:
    """The name of each dimension: "z1", or "z1 thickness" where its block has a label for it."""
    labels = [label for block in blocks for label in block.labels or ("",) * block.dims]
    return tuple(f"z{number} {label}".rstrip() for number, label in enumerate(labels, 1))


def noise_dims(blocks: Sequence[LatentBlock]) -> tuple[int, ...]:
    """The dimensions of noise, which are drawn and not explored."""
    noise = [block.role == "noise" for block in blocks for _ in range(block.dims)]
    return tuple(np.flatnonzero(noise).tolist())


def class_slice(blocks: Sequence[LatentBlock]) -> slice | None:
    """The coordinates of the class, None where the code has no class."""
    found = zip(blocks, slices(blocks), strict=True)
    return next((where for block, where in found if block.role == "class"), None)


def continuous(blocks: Sequence[LatentBlock]) -> tuple[int, ...]:
    """The dimensions to explore: those of continuous blocks, normal and uniform, without noise."""
    free = [b.is_continuous and b.role != "noise" for b in blocks for _ in range(b.dims)]
    return tuple(np.flatnonzero(free).tolist())


def limits(blocks: Sequence[LatentBlock]) -> Float[np.ndarray, "Z 2"]:
    """The lowest and the highest value of each dimension's slider, float32 [Z, 2]."""
    pairs = [block.limits for block in blocks for _ in range(block.dims)]
    return np.array(pairs, np.float32).reshape(-1, 2)


def origin(blocks: Sequence[LatentBlock]) -> Float[np.ndarray, " Z"]:
    """The mean of the prior, float32 [Z]; for a categorical block its first class."""

    def centre(block: LatentBlock) -> np.ndarray:
        if block.prior == "uniform":
            return np.full(block.size, np.mean(block.limits))
        middle = {"categorical": lambda n: np.eye(n)[0], "simplex": lambda n: np.full(n, 1 / n)}
        return middle.get(block.prior, np.zeros)(block.size)

    parts = [np.tile(centre(block), block.steps) for block in blocks]
    return np.concatenate(parts).astype(np.float32)


def first_code(blocks: Sequence[LatentBlock]) -> Float[np.ndarray, " Z"]:
    """The code that a visit starts with: `origin`, with noise drawn from its prior, always the
    same. Noise of 0 is no typical draw: in many dimensions draws lie far from their mean."""
    code, noise = origin(blocks), list(noise_dims(blocks))
    code[noise] = sample_prior(blocks, 1, seed=0)[0, noise]
    return code


def sample_prior(
    blocks: Sequence[LatentBlock], count: int, seed: int, temperature: float = 1.0
) -> Float[np.ndarray, "N Z"]:
    """Draw codes from the prior, float32 [count, total size].

    temperature scales the spread of the normal blocks: 0 is their mean, 1 the prior itself.
    Raises ValueError for a count below 1 or a negative temperature.
    """
    if count < 1 or not 0 <= temperature < float("inf"):
        raise ValueError(
            f"{count} codes at the temperature {temperature} cannot be drawn; give 1 code or more, "
            "and a temperature of 0 or more"
        )
    rng = np.random.default_rng(seed)
    draw = {
        "normal": lambda block: temperature * rng.standard_normal((count, block.size)),
        "uniform": lambda block: rng.uniform(*block.limits, size=(count, block.size)),
        "categorical": lambda block: np.eye(block.size)[rng.integers(block.size, size=count)],
        "simplex": lambda block: rng.dirichlet(np.ones(block.size), count),
    }
    parts = [draw[block.prior](block) for block in blocks for _ in range(block.steps)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def conditional_codes(
    blocks: Sequence[LatentBlock],
    labels: Int[np.ndarray, " N"],
    z: Float[np.ndarray, "N S"] | None = None,
    *,
    seed: int = 0,
    temperature: float = 1.0,
) -> Float[np.ndarray, "N Z"]:
    """Codes of the classes `labels`, one-hot in their block; z are the other dimensions, by default
    drawn from the prior.

    Raises ValueError for blocks without a class, labels that are no class, and z of another shape.
    """
    where = class_slice(blocks)
    if where is None:
        raise ValueError("this latent space has no block of the class: the model isn't conditional")
    labels, classes = np.asarray(labels), where.stop - where.start
    if (
        labels.ndim != 1
        or labels.dtype.kind not in "iu"
        or not np.isin(labels, range(classes)).all()
    ):
        raise ValueError(
            f"classes are whole numbers from 0 to {classes - 1}, not {labels.tolist()[:10]}"
        )
    size = dims(blocks)
    rest = np.setdiff1d(np.arange(size), np.arange(where.start, where.stop))
    codes = np.zeros((len(labels), size), np.float32)
    if z is not None:
        if z.shape != (len(labels), len(rest)):
            raise ValueError(f"{len(labels)} labels need z of {len(rest)} numbers, not {z.shape}")
        codes[:, rest] = z
    elif len(labels):
        codes = sample_prior(blocks, len(labels), seed, temperature)
    codes[:, where] = np.eye(classes)[labels]
    return codes


def grid(
    centre: Float[np.ndarray, " Z"],
    dims: tuple[int, int],
    steps: int = 20,
    ranges: tuple[float, float, float, float] = (-3.0, 3.0, -3.0, 3.0),
) -> Float[np.ndarray, "N Z"]:
    """Codes of a steps x steps grid over two dimensions, the others held at `centre`.

    Row-major from the top left: the first dimension increases to the right, the second upwards.
    ranges is (left, right, bottom, top). Raises ValueError where the two dimensions are the same.
    """
    if dims[0] == dims[1]:
        raise ValueError(f"a grid needs two different dimensions, not {dims[0]} twice")
    left, right, bottom, top = ranges
    x, y = np.meshgrid(np.linspace(left, right, steps), np.linspace(top, bottom, steps))
    z = np.tile(np.asarray(centre, dtype=np.float32), (steps * steps, 1))
    z[:, dims[0]], z[:, dims[1]] = x.ravel(), y.ravel()
    return z


def traversals(
    centre: Float[np.ndarray, " Z"],
    dims: Sequence[int],
    low: float = -3.0,
    high: float = 3.0,
    steps: int = 13,
) -> Float[np.ndarray, "D S Z"]:
    """For each of `dims`, the code `centre` with that dimension from low to high in even steps."""
    z = np.tile(np.asarray(centre, dtype=np.float32), (len(dims), steps, 1))
    for row, dim in enumerate(dims):
        z[row, :, dim] = np.linspace(low, high, steps)
    return z


def lerp(
    a: Float[np.ndarray, " Z"], b: Float[np.ndarray, " Z"], steps: int
) -> Float[np.ndarray, "S Z"]:
    """Linear interpolation from a to b, both included."""
    t = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return (1 - t) * a + t * b


def slerp(
    a: Float[np.ndarray, " Z"], b: Float[np.ndarray, " Z"], steps: int
) -> Float[np.ndarray, "S Z"]:
    """Spherical interpolation from a to b (White 2016, arXiv 1609.04468), whose codes have norms
    that are typical of a normal prior.

    Falls back to `lerp` where an end is the origin or the two have the same or opposite directions,
    as no arc is defined.
    """
    norms = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    angle = np.arccos(np.clip(np.dot(a, b) / norms, -1, 1)) if norms else 0.0
    if np.sin(angle) < 1e-4:
        return lerp(a, b, steps)
    t = np.linspace(0, 1, steps)[:, None]
    path = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    return path.astype(np.float32)


@dataclass(frozen=True)
class Plane:
    """A plane in a latent space, onto which the map projects."""

    origin: Float[np.ndarray, " Z"]
    axes: Float[np.ndarray, "2 Z"]  # orthonormal rows

    def project(self, z: Float[np.ndarray, "N Z"]) -> Float[np.ndarray, "N 2"]:
        """Coordinates of the projections of codes."""
        return ((z - self.origin) @ self.axes.T).astype(np.float32)

    def move(
        self, z: Float[np.ndarray, " Z"], xy: Float[np.ndarray, "*N 2"]
    ) -> Float[np.ndarray, "*N Z"]:
        """The codes nearest to z whose projections are xy: z moved parallel to the plane."""
        start = self.project(z[None])[0]
        return (z + (np.asarray(xy) - start) @ self.axes).astype(np.float32)

    def distance(
        self, codes: Float[np.ndarray, "N Z"], z: Float[np.ndarray, " Z"]
    ) -> Float[np.ndarray, " N"]:
        """Distance of codes from the parallel plane through z."""
        offset = codes - z
        squares = np.square(offset).sum(axis=1) - np.square(offset @ self.axes.T).sum(axis=1)
        return np.sqrt(np.maximum(squares, 0))

    def spread(self, variance: Float[np.ndarray, " Z"]) -> tuple[float, float, float]:
        """The one-deviation ellipse of the projection of a Gaussian with diagonal covariance.

        Returns its semi-axes, the larger first, and the angle between the larger one and the
        plane's first axis, in radians.
        """
        covariance = (self.axes * variance) @ self.axes.T  # [2, 2]
        squares, directions = np.linalg.eigh(covariance.astype(np.float64))
        first = directions[:, 1]  # eigh puts the smaller first
        small, large = np.sqrt(np.maximum(squares, 0))
        return float(large), float(small), float(np.arctan2(first[1], first[0]))


def coordinate_plane(dims: tuple[int, int], size: int) -> Plane:
    """The plane of two latent dimensions. Raises ValueError for dimensions that are equal or out of
    range."""
    if dims[0] == dims[1] or not all(0 <= d < size for d in dims):
        raise ValueError(f"a plane needs two different dimensions below {size}, not {dims}")
    return Plane(np.zeros(size, np.float32), np.eye(size, dtype=np.float32)[list(dims)])


def principal_plane(codes: Float[np.ndarray, "N Z"], dims: Sequence[int] | None = None) -> Plane:
    """The plane of the first two principal components of the codes, within `dims`, by default
    all."""
    from sklearn.decomposition import PCA  # takes half a second to import

    dims = list(range(codes.shape[1])) if dims is None else list(dims)
    pca = PCA(n_components=2).fit(codes[:, dims])
    origin, axes = np.zeros(codes.shape[1], np.float32), np.zeros((2, codes.shape[1]), np.float32)
    origin[dims], axes[:, dims] = pca.mean_, pca.components_
    return Plane(origin, axes)


def tsne(codes: Float[np.ndarray, "N Z"], seed: int = 0) -> Float[np.ndarray, "N 2"]:
    """t-SNE of the codes (van der Maaten & Hinton 2008); 10,000 take about a minute.

    The embedding preserves neighbours, not distances, and has no inverse.
    """
    from sklearn.manifold import TSNE

    embedding = TSNE(
        n_components=2, init="pca", learning_rate="auto", random_state=seed
    ).fit_transform(codes)
    return np.asarray(embedding, dtype=np.float32)
