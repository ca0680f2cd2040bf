"""The live channel: a websocket on which a moving hand asks for pictures.

A run of a Streamlit script is a new thread, some ten messages and 5 to 10 ms of Python, however
little it draws; sixty of them a second are most of a core, and 32 visitors want 320. So while a
hand moves, the browser asks here, and what it asks is all that is done: a decode and the facts
beside it. When the hand rests, the script hears where, and everything else follows.

Where these routes are not served, or the connection fails, the components stream through the
script's runs instead, and all works, only slower.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any

import anyio
import numpy as np
from starlette.routing import WebSocketRoute
from starlette.status import WS_1008_POLICY_VIOLATION
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer import assets, decoded_code, images, projections, session
from vae import latent

LOG = logging.getLogger(__name__)
LONGEST = 10_000  # characters of a request: a code of hundreds of dimensions
_answered: set[tuple[str, str, int, int]] = set()  # models and maps that are loaded by now


def routes() -> list[WebSocketRoute]:
    """The route for st.App; the second is for server.baseUrlPath."""
    return [WebSocketRoute(f"{root}/{assets.LIVE}", _converse) for root in ("", "/{prefix:path}")]


async def _converse(socket: WebSocket) -> None:
    """Answer a page until it leaves: the newest request, whatever came before it."""
    headers = socket.headers
    # in a thread, for it may look up the machine's own address
    if not await anyio.to_thread.run_sync(_is_welcome, headers.get("origin"), headers.get("host")):
        await socket.close(WS_1008_POLICY_VIOLATION)
        return
    await socket.accept()
    newest: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)

    async def listen() -> None:
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                _put(newest, message.get("text") or "")
        finally:
            _put(newest, None)

    listening = asyncio.create_task(listen())
    try:
        while (text := await newest.get()) is not None:
            await socket.send_text(await _answer(text))
    except (WebSocketDisconnect, RuntimeError):  # the page left while it was answered
        pass
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


def _is_welcome(origin: str | None, host: str | None) -> bool:
    """Whether a page from `origin` may ask: the rule of Streamlit's own websocket, so that no page
    of another site has this server decode for it."""
    try:
        from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed
    except ImportError:  # private to Streamlit: in another version all works, only slower
        return False
    return _is_origin_allowed(origin, host)


def _put(newest: asyncio.Queue[str | None], text: str | None) -> None:
    with suppress(asyncio.QueueEmpty):
        newest.get_nowait()
    newest.put_nowait(text)


async def _answer(text: str) -> str:
    """The reply to a request, as JSON; what is wrong with it is said, and nothing is raised."""
    serial = None
    try:
        if len(text) > LONGEST:
            raise ValueError(f"a request has {LONGEST:,} characters at the most, not {len(text):,}")
        request = json.loads(text)
        serial, name, view = request["serial"], request["model"], _view(*request["view"])
        # a folder's path is a model's name to the service, but is not on offer
        if not (session.is_ready(name) or name in session.names()[0]):
            raise ValueError(f"there is no model {name!r} on offer")
        # A decode takes less than a thread's start. But a model, the classifier and a map are read
        # when they are first asked for, and nobody waits for another's.
        known = name, *view
        if known in _answered:
            reply = _reply(name, view, request)
        else:
            reply = await anyio.to_thread.run_sync(_reply, name, view, request)
            _answered.add(known)
        return json.dumps({"serial": serial, "by": request.get("by"), **reply}, allow_nan=False)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        words = f"{type(error).__name__}: {error}"
    except Exception:
        LOG.exception("The live channel could not answer %s", text)
        words = "it could not be decoded; the server's log says why"
    return json.dumps({"serial": serial if isinstance(serial, int) else None, "error": words})


def _view(kind: str, x: int, y: int) -> tuple[str, int, int]:
    """What the map shows, as a page has said it."""
    if (
        kind not in projections.KINDS or type(x) is not int or type(y) is not int
    ):  # True is an int, too
        raise ValueError(f"no map shows {kind!r} of {x!r} and {y!r}")
    return (kind, x, y) if kind == projections.KINDS[0] else (kind, 0, 0)


def _reply(name: str, seen: tuple[str, int, int], request: dict[str, Any]) -> dict[str, Any]:
    """The picture of the code z, of the place on the map that xy are, or of a test digit's code."""
    place = session.Place(tuple(float(value) for value in request["z"]), None)
    if len(place.z) != session.info(name).dims:
        raise ValueError(f"{name} has codes of {session.info(name).dims} numbers, not {place.z}")
    view = projections.projection(name, seen[0], seen[1:])
    if "digit" in request:
        place = session.digit_place(name, int(request["digit"]))
    elif "xy" in request:
        across, up = request["xy"]
        place = view.place(np.array(place.z, np.float32), (float(across), float(up)))
    if not all(abs(value) <= latent.FARTHEST for value in place.z):
        raise ValueError(
            f"a code must be finite numbers, none beyond {latent.FARTHEST:g}: {place.z}"
        )
    z = np.array(place.z, np.float32)
    found = decoded_code.decode(name, z)
    return {
        "model": name,
        "z": images.rounded(z),
        "digit": place.digit,
        "caption": decoded_code.caption(name, place.digit),
        "cursor": view.cursor(z),
        **images.painted(
            found.picture,
            found.shares,
            found.distance,
            found.engine.decode_ms,
            found.engine.cache.hit_rate,
        ),
    }
