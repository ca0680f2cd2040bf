"""Sliders for the latent dimensions that stream while they are dragged.

st.slider sends on release only; these are native range inputs that send as the hand moves, as fast
as the replies come, the newest value winning.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from explorer import assets
from explorer.components.registration import nothing, register, sent
from vae.latent import FARTHEST

_component = register("latent_sliders", "urls.js", "live.js", "strips.js")


def _hand(key: str, count: int, revision: int) -> list[float] | None:
    """The values of the visitor's hand, None when Python's are newer or there are none."""
    hand = sent(key, "hand")
    values = hand.get("values")
    if not isinstance(values, list) or len(values) != count:
        return None
    if hand.get("revision", revision) != revision:
        return None
    if not all(isinstance(v, int | float) and abs(v) <= FARTHEST for v in values):  # NaN is not
        return None
    return [float(v) for v in values]  # JSON sends 1.0 as the integer 1


def slider_values(key: str, values: Sequence[float], revision: int = 0) -> list[float]:
    """The values that `latent_sliders` will return, before it is mounted in this run.

    Lets a page decode and show the picture first. `values` are Python's own at this `revision`.
    """
    hand = _hand(key, len(values), revision)
    return [float(v) for v in values] if hand is None else hand


def mount(
    names: Sequence[str],
    values: Sequence[float],
    *,
    key: str,
    revision: int = 0,
    low: float = -3.0,
    high: float = 3.0,
    step: float = 0.01,
    noun: str = "latent dimension",
    notes: Sequence[str] = (),
    weights: Sequence[float] = (),
    max_height: int | None = None,
    model: str | None = None,
    dims: Sequence[int] = (),
    cursor: tuple[float, float] | None = None,
    selected: int | None = None,
    answered: int | None = None,
    on_rest: Callable[[], None] | None = None,
) -> list[float]:
    """A slider and a number box for each name; returns the values as they are now.

    The visitor's hand owns the values until `revision` differs from the one before: raise it
    whenever Python sets `values` (a click on the map, reset, random), and only then. Values outside
    low..high are shown and kept; the thumb alone stops at the end. Numbers have the decimals of
    `step`; `noun` says to a screen reader what a name is the name of. `notes` stand beside the rows
    ("3.9 nats"); `weights` in 0..1 draw a thin bar under them (the share of the KL). Rows are 30 px
    high; beyond `max_height` px they scroll.

    With `model` and `dims`, the places of these values in its code, the sliders ask the live
    channel for pictures while they move, a `stage` on the page shows them, and Python hears of the
    values when they rest; else it hears of each.

    `cursor` and `selected` are what a `latent_map` on the page shows from now on, without a run of
    its own; `answered` is the newest of its drags that they take account of. `on_rest` is called
    once the hand has let go and its last value is answered.

    Raises ValueError when the lengths differ, a value is not finite, or low >= high.
    """
    _check(names, values, notes, weights, dims, low, high)
    current = slider_values(key, values, revision)
    data: dict[str, Any] = {
        "names": list(names),
        "values": current,
        "revision": revision,
        "low": low,
        "high": high,
        "step": step,
        "noun": noun,
        "notes": list(notes),
        "weights": [float(w) for w in weights],
        "max_height": max_height,
        "farthest": FARTHEST,
        "live": assets.live_url() if model else "",
        "model": model,
        "dims": list(dims),
        "cursor": cursor and [float(value) for value in cursor],
        "selected": selected,
        "answered": answered,
        "ack": sent(key, "hand").get("serial"),
    }
    _component(
        key=key,
        data=data,
        on_hand_change=nothing,
        on_rest_change=on_rest or nothing,
    )
    return current


def _check(
    names: Sequence[str],
    values: Sequence[float],
    notes: Sequence[str],
    weights: Sequence[float],
    dims: Sequence[int],
    low: float,
    high: float,
) -> None:
    if len(values) != len(names):
        raise ValueError(f"{len(names)} names but {len(values)} values")
    for what, items in (("notes", notes), ("weights", weights), ("dims", dims)):
        if len(items) not in {0, len(names)}:
            raise ValueError(f"{len(names)} names but {len(items)} {what}")
    for name, value in zip(names, values, strict=True):
        if not math.isfinite(value):
            raise ValueError(f"{name} = {value} is not a finite number")
    if not low < high:
        raise ValueError(f"low = {low} is not below high = {high}")
