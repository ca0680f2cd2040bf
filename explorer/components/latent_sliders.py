"""Sliders for latent dimensions that send their values during a drag.

st.slider sends on release only. These are native range inputs that send the newest values as fast
as replies arrive.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from explorer import assets
from explorer.components.registration import ignore, last_message, register
from vae.latent import FARTHEST

_component = register("latent_sliders")


def _input(key: str, count: int, revision: int) -> list[float] | None:
    """The values set by the visitor, None where there are none or Python's values are newer."""
    message = last_message(key, "input")
    values = message.get("values")
    if not isinstance(values, list) or len(values) != count:
        return None
    if message.get("revision", revision) != revision:
        return None
    if not all(isinstance(v, int | float) and abs(v) <= FARTHEST for v in values):  # NaN is not
        return None
    return [float(v) for v in values]  # JSON sends 1.0 as the integer 1


def slider_values(key: str, values: Sequence[float], revision: int = 0) -> list[float]:
    """The values that `mount` will return, before the sliders are mounted in this run.

    A page can decode them and show the picture first. `values` are Python's own at this `revision`.
    """
    found = _input(key, len(values), revision)
    return [float(v) for v in values] if found is None else found


def mount(
    names: Sequence[str],
    values: Sequence[float],
    *,
    key: str,
    revision: int = 0,
    ranges: Sequence[tuple[float, float]],
    step: float = 0.01,
    noun: str = "latent dimension",
    notes: Sequence[str] = (),
    weights: Sequence[float] = (),
    max_height: int | None = None,
    model: str | None = None,
    dims: Sequence[int] = (),
    on_release: Callable[[], None] | None = None,
) -> list[float]:
    """A slider and a number box for each name; returns the values as they are now.

    The visitor's values are the current ones until `revision` changes: raise it whenever Python
    sets `values` (a click on the map, reset, random), and only then. `ranges` are the lowest and
    the highest value of each slider. Values outside are shown and kept; only the thumb stops at the
    end. Numbers have the decimals of `step`; `noun` is
    the name of a row for screen readers. `notes` are shown beside the rows ("3.9 nats"); `weights`
    in 0..1 are the lengths of thin bars under them (the share of the KL). Rows are 30 px high;
    beyond `max_height` px they scroll.

    With `model` and `dims`, the indices of these values in its code, a drag requests pictures from
    the live channel, which a `decoded_view` on the page shows, and Python receives the values on
    release; otherwise Python receives every change.

    `on_release` is called once for each release, in the run that receives its values. A callback
    that reruns fragments must include the fragment that mounts the sliders, because only the named
    fragments rerun.

    Raises ValueError when the lengths differ, a value is not finite, or a range is empty.
    """
    _check(names, values, notes, weights, dims, ranges)
    current = slider_values(key, values, revision)
    data: dict[str, Any] = {
        "names": list(names),
        "values": current,
        "revision": revision,
        "ranges": [(float(low), float(high)) for low, high in ranges],
        "step": step,
        "noun": noun,
        "notes": list(notes),
        "weights": [float(w) for w in weights],
        "max_height": max_height,
        "farthest": FARTHEST,
        "live": assets.live_url() if model else "",
        "model": model,
        "dims": list(dims),
        "ack": last_message(key, "input").get("serial"),
    }

    def on_input() -> None:
        if on_release and last_message(key, "input").get("released"):
            on_release()

    _component(key=key, data=data, on_input_change=on_input if on_release else ignore)
    return current


def _check(
    names: Sequence[str],
    values: Sequence[float],
    notes: Sequence[str],
    weights: Sequence[float],
    dims: Sequence[int],
    ranges: Sequence[tuple[float, float]],
) -> None:
    for what, items in (("values", values), ("ranges", ranges)):
        if len(items) != len(names):
            raise ValueError(f"{len(names)} names but {len(items)} {what}")
    for what, items in (("notes", notes), ("weights", weights), ("dims", dims)):
        if len(items) not in {0, len(names)}:
            raise ValueError(f"{len(names)} names but {len(items)} {what}")
    for name, value in zip(names, values, strict=True):
        if not math.isfinite(value):
            raise ValueError(f"{name} = {value} is not a finite number")
    for name, (low, high) in zip(names, ranges, strict=True):
        if not low < high:
            raise ValueError(f"the range of {name} is empty: {low} is not below {high}")
