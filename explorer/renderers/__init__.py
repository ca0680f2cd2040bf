"""How a kind of sample looks on the pages, and how a visitor enters one: one module a kind.

A page asks `renderer(spec)` for everything that depends on the kind, the size or the number of
channels of a sample. All functions of a renderer map arrays to HTML, JSON or bytes and use no
Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from explorer.renderers import image
from explorer.renderers.entry import Download, Entered, Way
from vae.dataspec import DataSpec

__all__ = ["RENDERERS", "Download", "Entered", "Renderer", "Way", "renderer"]


class Renderer(Protocol):
    """What a module of this package has. Samples are arrays [N, *spec.array_shape], uint8 or
    floats in [0, 1]."""

    def tile(self, sample: np.ndarray, title: str, style: str = "") -> str:
        """HTML of one sample; `title` is read by screen readers."""
        ...

    def comparison(
        self, original: np.ndarray, decoded: np.ndarray, title: str
    ) -> list[tuple[str, str]]:
        """Names and HTML of the rows that compare an original with its reconstruction."""
        ...

    def view(self, sample: np.ndarray) -> dict[str, Any]:
        """A uint8 sample as JSON for the large view, which the browser draws."""
        ...

    def sheet(self, samples: np.ndarray, columns: int, gap: int = 0) -> np.ndarray:
        """Samples side by side as one picture, uint8 [H, W] or [H, W, 3]."""
        ...

    def sheet_size(self, spec: DataSpec) -> tuple[int, int]:
        """The numbers of columns and of samples of a sheet of thumbnails."""
        ...

    def aspect(self, spec: DataSpec) -> float:
        """The width of a sample over its height."""
        ...

    def size(self, spec: DataSpec) -> int:
        """How many values a sample has, which bounds how many are generated at once."""
        ...

    def entries(self, spec: DataSpec) -> tuple[Way, ...]:
        """The ways in which a visitor enters a sample."""
        ...

    def how_prepared(self, spec: DataSpec) -> str:
        """What `prepare` does, as a sentence for the visitor."""
        ...

    def read(self, content: bytes) -> np.ndarray:
        """The content of an uploaded file. Raises ValueError where it cannot be read."""
        ...

    def prepare(self, pixels: np.ndarray, spec: DataSpec, invert: str | bool = "auto") -> Entered:
        """What was read as a sample, with the steps of its preparation. Raises ValueError where it
        cannot be used."""
        ...

    def downloads(self, samples: np.ndarray, columns: int) -> Sequence[Download]:
        """The files of generated samples that a visitor can save, besides the arrays."""
        ...


RENDERERS: dict[str, Renderer] = {"image": image}


def renderer(spec: DataSpec) -> Renderer:
    """The renderer of a spec's kind. Raises ValueError for a kind that the pages do not show."""
    if spec.kind not in RENDERERS:
        raise ValueError(f"samples of kind {spec.kind!r} cannot be shown; only {list(RENDERERS)}")
    return RENDERERS[spec.kind]
