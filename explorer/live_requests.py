"""Requests of the live channel and their replies: JSON in, a batch of codes decoded, JSON out."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from explorer import decoded_code, projections, session
from explorer.session import Place
from explorer.visit import rounded
from vae import latent

LOG = logging.getLogger(__name__)
View = tuple[str, int, int]  # one of projections.KINDS and two dimensions


class Request(NamedTuple):
    """A code to decode; with `xy` or `sample`, that of a point of the map or of a test sample."""

    serial: int
    model: str
    view: View  # what the map shows
    z: tuple[float, ...]
    xy: tuple[float, float] | None = None
    sample: int | None = None
    by: str | None = None  # the control that sent it; returned with the reply


def serial_of(value: Any) -> int | None:
    """The serial number of a parsed message, None where it has none."""
    serial = value.get("serial") if isinstance(value, dict) else None
    return serial if type(serial) is int else None  # True is an int, too


def parse(value: Any) -> Request:
    """Check a parsed message. Raises ValueError that names the invalid field."""
    if not isinstance(value, dict):
        raise ValueError("a request is a JSON object with serial, model, view and z")
    serial, model, by = serial_of(value), value.get("model"), value.get("by")
    if serial is None:
        raise ValueError(f"serial must be a whole number, not {_brief(value.get('serial'))}")
    if not isinstance(model, str):
        raise ValueError(f"model must be the name of a model, not {_brief(model)}")
    if by is not None and not isinstance(by, str):
        raise ValueError(f"by must be the name of a control, not {_brief(by)}")
    sample = value.get("sample")
    if sample is not None and type(sample) is not int:
        raise ValueError(f"sample must be the index of a test sample, not {_brief(sample)}")
    xy = None
    if value.get("xy") is not None:
        xy = _numbers(value["xy"], "xy")
        if len(xy) != 2:
            raise ValueError(f"xy must be two numbers, not {_brief(value['xy'])}")
    z = _numbers(value.get("z"), "z")
    return Request(serial, model, _view(value.get("view")), z, xy, sample, by)


def _numbers(value: Any, name: str) -> tuple[float, ...]:
    """A list of finite numbers that decode in single precision."""
    if not isinstance(value, list) or not all(type(each) in (int, float) for each in value):
        raise ValueError(f"{name} must be a list of numbers, not {_brief(value)}")
    # compared before the conversion to float, which overflows for a large int
    if not all(abs(each) <= latent.FARTHEST for each in value):  # a NaN fails every comparison
        raise ValueError(
            f"{name} must be finite numbers, none beyond {latent.FARTHEST:g}, not {_brief(value)}"
        )
    return tuple(float(each) for each in value)


def _view(value: Any) -> View:
    """What the map shows. The dimensions are used only for a plane of two dimensions."""
    if (
        isinstance(value, list)
        and [type(each) for each in value] == [str, int, int]
        and value[0] in projections.KINDS
    ):
        kind, x, y = value
        return (kind, x, y) if kind == projections.KINDS[0] else (kind, 0, 0)
    kinds = ", ".join(projections.KINDS)
    raise ValueError(f"view must be one of {kinds} with two dimensions, not {_brief(value)}")


def _brief(value: Any) -> str:
    """A value as text, short enough for a sentence."""
    if isinstance(value, int) and abs(value) >= 10**30:
        return f"a number of {int(math.log10(abs(value))) + 1} digits"
    if isinstance(value, list):
        text = f"[{', '.join(_brief(each) for each in value[:8])}]"
    else:
        text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def error(serial: int | None, message: str) -> str:
    """The reply to a request that cannot be answered."""
    return json.dumps({"serial": serial, "error": message})


def is_prepared(request: Request) -> bool:
    """Whether the model and the projection are in memory, so that only decoding remains."""
    return decoded_code.is_ready(request.model) and projections.is_ready(
        request.model, *_kind(request)
    )


def answer(requests: Sequence[Request]) -> list[str]:
    """The replies to requests for one model, as JSON. Raises nothing: an error is a reply too."""
    replies: list[str | None] = [None] * len(requests)
    places: dict[int, Place] = {}
    for index, request in enumerate(requests):
        try:
            places[index] = _place(request)
        except ValueError as fault:
            replies[index] = error(request.serial, str(fault))
        except Exception:
            replies[index] = _failed(request)
    chosen = [requests[index] for index in places]
    try:
        found = _decode(chosen, list(places.values())) if places else []
    except ValueError as fault:
        found = [error(request.serial, str(fault)) for request in chosen]
    except Exception:
        found = [_failed(request) for request in chosen]
    for index, reply in zip(places, found, strict=True):
        replies[index] = reply
    return [reply for reply in replies if reply is not None]


def _failed(request: Request) -> str:
    LOG.exception("The live channel could not answer %s", request)
    return error(request.serial, "it could not be decoded; the reason is in the server's log")


def _kind(request: Request) -> tuple[str, tuple[int, int]]:
    return request.view[0], request.view[1:]


def _place(request: Request) -> Place:
    """The code of a request. Raises ValueError for an unknown model, sample or size."""
    name = request.model
    # the service loads any folder by its path, which is not offered to visitors
    if not (session.is_ready(name) or name in session.names()[0]):
        raise ValueError(f"there is no model {_brief(name)}")
    dims = session.info(name).dims
    if len(request.z) != dims:
        raise ValueError(f"{name} has codes of {dims} numbers, not {len(request.z)}")
    view = projections.projection(name, *_kind(request))
    if request.sample is not None:
        return session.sample_place(name, request.sample)
    if request.xy is not None:
        return view.place(np.array(request.z, np.float32), request.xy)
    return Place(request.z, None)


def _decode(requests: Sequence[Request], places: Sequence[Place]) -> list[str]:
    name = requests[0].model
    codes = np.array([place.z for place in places], np.float32)
    found = decoded_code.decode_batch(name, codes)
    cursors = _cursors(requests, codes)
    return [
        json.dumps(
            {
                "serial": request.serial,
                "by": request.by,
                "model": name,
                "z": rounded(place.z),
                "sample": place.sample,
                "caption": decoded_code.caption(name, place.sample),
                "cursor": cursor,
                **each.as_json(name),
            },
            allow_nan=False,
        )
        for request, place, each, cursor in zip(requests, places, found, cursors, strict=True)
    ]


def _cursors(requests: Sequence[Request], codes: np.ndarray) -> list[tuple[float, float]]:
    """The position of each code on the map of its request."""
    rows: dict[View, list[int]] = {}
    for row, request in enumerate(requests):
        rows.setdefault(request.view, []).append(row)
    found: list[tuple[float, float]] = [(0.0, 0.0)] * len(requests)
    for chosen in rows.values():
        request = requests[chosen[0]]
        view = projections.projection(request.model, *_kind(request))
        for row, (x, y) in zip(chosen, view.cursors(codes[chosen]).tolist(), strict=True):
            found[row] = x, y
    return found
