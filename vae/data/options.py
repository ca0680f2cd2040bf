"""How a data set is read: the options of the command line, kept in a model's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from vae.dataspec import SIDES

COLOURS = ("auto", "grey", "colour")
PREPARATIONS = ("auto", "mnist", "resize")


@dataclass(frozen=True)
class Options:
    """Decisions that a loader otherwise takes from the data. JSON scalars only.

    Raises ValueError for a value that is none of those listed.
    """

    size: int = 0  # px, both sides of a sample; 0: from the data
    colour: str = "auto"  # of COLOURS
    transpose: bool | str = "auto"  # exchange rows and columns, as EMNIST's files need
    invert: bool | str = "auto"  # exchange light and dark
    prepare: str = "auto"  # of PREPARATIONS
    seed: int = 0  # of the split, where the data have none

    def __post_init__(self) -> None:
        if self.size and not SIDES[0] <= self.size <= SIDES[1]:
            raise ValueError(
                f"size {self.size} is not in {SIDES[0]} to {SIDES[1]} pixels; "
                "leave --size out to take it from the data"
            )
        if self.colour not in COLOURS:
            raise ValueError(f"colour {self.colour!r} is none of {', '.join(COLOURS)}")
        for name in ("transpose", "invert"):
            if getattr(self, name) not in (True, False, "auto"):
                raise ValueError(f"{name} {getattr(self, name)!r} is none of auto, true, false")
        if self.prepare not in PREPARATIONS:
            raise ValueError(f"prepare {self.prepare!r} is none of {', '.join(PREPARATIONS)}")
        if self.seed < 0:
            raise ValueError(f"seed {self.seed} is negative; give 0 or more")

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON scalars."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Options:
        """The inverse of `as_json`; a missing field has its default. Raises ValueError for an
        unknown one."""
        if unknown := sorted(set(values) - {f.name for f in fields(cls)}):
            raise ValueError(f"data options have no field {', '.join(unknown)}")
        return cls(**values)
