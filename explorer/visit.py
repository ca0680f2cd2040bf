"""The state of one visitor: the model, the code, and the history of Undo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

UNDO = 50  # steps of the history


def rounded(code: Iterable[float]) -> list[float]:
    """A latent code rounded to four decimals, as links and the browser have it."""
    return [round(float(value), 4) for value in code]


class Place(NamedTuple):
    """A code, and the index of the test sample that it encodes, if there is one."""

    z: tuple[float, ...]
    sample: int | None

    @classmethod
    def at(cls, z: np.ndarray | Sequence[float], sample: int | None = None) -> Place:
        """The place of a code, rounded to the decimals of a link."""
        return cls(tuple(rounded(z)), sample)


@dataclass
class Visit:
    """The state of a visit. `revision` grows whenever Python, not the sliders, changes the code."""

    model: str
    place: Place
    revision: int = 0
    committed: Place = field(init=False)  # the last place outside a drag
    past: list[Place] = field(default_factory=list)  # earlier values of `committed`
    link: dict[str, str] = field(default_factory=dict)  # the query as it was last written or read

    def __post_init__(self) -> None:
        self.committed = self.place

    @property
    def z(self) -> np.ndarray:
        """The code, float32 [Z]."""
        return np.array(self.place.z, np.float32)

    def start(self, place: Place) -> None:
        """Set the first place of a model and clear the history."""
        self.place = self.committed = place
        self.past = []
        self.revision += 1

    def move(self, z: np.ndarray | Sequence[float], sample: int | None = None) -> None:
        """Set the code by a click on the map, a button or a link: one step of Undo."""
        self.place = Place.at(z, sample)
        self.revision += 1
        self.release()

    def drag(self, z: np.ndarray | Sequence[float]) -> None:
        """Set the code during a drag on the map; `release` ends the drag."""
        self.place = Place.at(z)
        self.revision += 1

    def slide(self, z: Sequence[float]) -> None:
        """Set the code to the values of the sliders, which show them already."""
        here = Place.at(z)
        if here.z != self.place.z:
            self.place = here

    def release(self) -> None:
        """End a drag, which becomes one step of Undo."""
        if self.place != self.committed:
            self.past = [*self.past, self.committed][-UNDO:]
            self.committed = self.place

    def undo(self) -> None:
        """Return to the place before the last step."""
        if self.past:
            self.place = self.committed = self.past.pop()
            self.revision += 1
