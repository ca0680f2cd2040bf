"""Projections of a latent space onto the map: a plane through the current code, or t-SNE."""

from __future__ import annotations

import numpy as np

from explorer import session
from explorer.session import Place
from vae import latent
from vae.cache import cached

KINDS = ("Two dimensions", "PCA", "t-SNE")
MEMORY = 32 << 20  # bytes of cached projections, over all models
CLASS_WEIGHT = 1e4  # of an equal class in t-SNE, more than any squared distance of typical codes
FAINT = 0.1  # opacity of a point far from the plane; a point near it has 1


class Projection:
    """A two-dimensional projection of the encoded samples of a model.

    `points` are float32 [N, 2] and `axes` their names. `plane` is the plane of the latent space
    that they are projected onto, None for t-SNE. `share` is the share of the codes' variance within
    the plane, 0 to 1.
    """

    def __init__(self, name: str, kind: str, dims: tuple[int, int]) -> None:
        codes = session.encodings(name)
        self._name, self._codes, self.plane, self.share = name, codes, None, 0.0
        if kind == "t-SNE" and codes.tsne is not None:
            self.points, self.axes = codes.tsne, ("t-SNE 1", "t-SNE 2")
            return
        order = session.info(name).order
        if kind == "PCA":
            self.plane = latent.principal_plane(codes.mean, order)
            self.axes = ("PC 1", "PC 2")
        else:
            self.plane = latent.coordinate_plane(dims, codes.mean.shape[1])
            names = latent.names(session.info(name).blocks)
            self.axes = (names[dims[0]], names[dims[1]])
        self.points = self.plane.project(codes.mean)
        whole = float(codes.mean[:, list(order)].var(axis=0).sum())
        self.share = float(self.points.var(axis=0).sum()) / whole if whole else 1.0
        blocks = session.info(name).blocks
        self._kept = np.setdiff1d(np.arange(latent.dims(blocks)), latent.noise_dims(blocks))
        # whether there are dimensions orthogonal to the plane, in which encoded samples differ
        self.hides = len(self._kept) > 2 and session.info(name).encodes

    def cursor(self, z: np.ndarray) -> tuple[float, float]:
        """The position of the code z [Z] on the map, as `cursors`."""
        x, y = self.cursors(z[None])[0]
        return float(x), float(y)

    def cursors(self, z: np.ndarray) -> np.ndarray:
        """The positions of codes [N, Z] on the map, float32 [N, 2]; in a t-SNE projection, those of
        the nearest encoded samples of the code's class."""
        if self.plane is not None:
            return self.plane.project(z)
        distances = session.relative_distances(self._name, z)
        where = session.info(self._name).class_dims
        if where is not None:
            distances -= CLASS_WEIGHT * (z[:, where] @ self._codes.mean[:, where].T)
        return self.points[distances.argmin(axis=1)]

    def place(self, z: np.ndarray, xy: tuple[float, float]) -> Place:
        """The code at a point of the map: z moved parallel to the plane.

        A point of a t-SNE projection has no code; the code of the nearest sample is used.
        """
        if self.plane is not None:
            moved = self.plane.move(z, np.array(xy)).clip(-latent.FARTHEST, latent.FARTHEST)
            return Place(tuple(moved.tolist()), None)
        index = int(np.square(self.points - np.array(xy)).sum(axis=1).argmin())
        return Place(tuple(self._codes.mean[index].tolist()), index)

    def ellipse(self, sample: int) -> tuple[float, float, float, float, float] | None:
        """The posterior of a sample at one standard deviation, projected onto the plane.

        Centre x and y, two semi-axes and the angle of the first (radians). None where there is no
        plane, and where the posterior is a point.
        """
        variance = np.exp(self._codes.logvar[sample])
        if self.plane is None or not variance.any():
            return None
        x, y = self.points[sample]
        return float(x), float(y), *self.plane.spread(variance)

    def distances(self, z: np.ndarray) -> np.ndarray | None:
        """Distances of the samples' codes from the plane through z but for their noise, [N]; None
        for t-SNE, where the map shows all dimensions, and for samples of a prior, which are at
        about one distance."""
        if self.plane is None or not self.hides:
            return None
        kept, plane = self._kept, self.plane
        within = latent.Plane(plane.origin[kept], plane.axes[:, kept])
        return within.distance(self._codes.mean[:, kept], z[kept])


def fade(distances: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Opacity of points by their distances from the plane [N], FAINT to 1, and the two distances
    between which they fade.

    These two are the 2nd and the 98th percentile: in many dimensions no point is near in absolute
    terms, but the order of the distances stays visible.
    """
    near, far = np.percentile(distances, [2, 98])
    position = np.clip((distances - near) / max(far - near, 1e-6), 0, 1)
    return 1 - (1 - FAINT) * position, float(near), float(far)


def projection(name: str, kind: str, dims: tuple[int, int]) -> Projection:
    """The projection of a model of this kind, one of KINDS; `dims` are used by the first kind."""
    return _projection(name, *_normal(kind, dims))


def is_ready(name: str, kind: str, dims: tuple[int, int]) -> bool:
    """Whether the projection is in the cache."""
    return _projection.is_cached(name, *_normal(kind, dims))


def _normal(kind: str, dims: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    """The cache key: the dimensions matter for the first kind only."""
    return kind, dims if kind == KINDS[0] else (0, 0)


def _size(view: Projection) -> int:
    return view.points.nbytes


@cached(MEMORY, _size)
def _projection(name: str, kind: str, dims: tuple[int, int]) -> Projection:
    return Projection(name, kind, dims)
