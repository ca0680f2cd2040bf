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
import base64
import json
from contextlib import suppress
from typing import Any

import anyio
import numpy as np
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from explorer import portrait, session, views, web

LONGEST = 10_000  # characters of a request: a code of hundreds of dimensions


def routes() -> list[WebSocketRoute]:
    """The route for st.App; the second is for server.baseUrlPath."""
    return [WebSocketRoute(f"{root}/{web.LIVE}", _converse) for root in ("", "/{prefix:path}")]


async def _converse(socket: WebSocket) -> None:
    """Answer a page until it leaves: the newest request, whatever came before it."""
    await socket.accept()
    newest: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)

    async def listen() -> None:
        try:
            async for text in socket.iter_text():
                _put(newest, text)
        finally:
            _put(newest, None)

    listening = asyncio.create_task(listen())
    try:
        while (text := await newest.get()) is not None:
            await socket.send_text(await _answer(text))
    except RuntimeError:  # the page left while it was answered
        pass
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError, RuntimeError):
            await listening


def _put(newest: asyncio.Queue[str | None], text: str | None) -> None:
    with suppress(asyncio.QueueEmpty):
        newest.get_nowait()
    newest.put_nowait(text)


async def _answer(text: str) -> str:
    try:
        request = json.loads(text[:LONGEST])
        serial, name = request["serial"], request["model"]
        # a folder's path is a model's name to the service, but is not on offer
        if not (session.is_ready(name) or name in session.names()[0]):
            raise ValueError(f"there is no model {name!r} on offer")
    except (ValueError, KeyError, TypeError) as error:
        return json.dumps({"serial": None, "error": f"not a request: {error}"})
    try:
        # A decode takes less than a thread's start; but nobody waits for another's first load.
        if session.is_ready(name):
            reply = _reply(name, request)
        else:
            reply = await anyio.to_thread.run_sync(_reply, name, request)
    except (ValueError, KeyError, TypeError) as error:
        reply = {"error": str(error)}
    return json.dumps({"serial": serial, **reply})


def _reply(name: str, request: dict[str, Any]) -> dict[str, Any]:
    """The picture of the code z, of the place on the map that xy are, or of a test digit's code."""
    place = session.Place(tuple(request["z"]), None)
    if len(place.z) != session.info(name).dims:
        raise ValueError(f"{name} has codes of {session.info(name).dims} numbers, not {place.z}")
    kind, x, y = request["view"]
    view = views.view(name, str(kind), (int(x), int(y)))
    if "digit" in request:
        place = session.digit_place(name, int(request["digit"]))
    elif "xy" in request:
        across, up = request["xy"]
        place = view.place(np.array(place.z, np.float32), (float(across), float(up)))
    z = np.array(place.z, np.float32)
    found = portrait.of(name, z)
    return {
        "model": name,
        "z": [round(float(value), 4) for value in z],
        "digit": place.digit,
        "caption": portrait.caption(name, place.digit),
        "cursor": view.cursor(z),
        "pixels": base64.b64encode(found.picture.tobytes()).decode(),
        "shares": [round(float(share), 3) for share in found.shares],
        "distance": round(found.distance, 3),
        "decode_ms": found.engine.decode_ms,
        "hit_rate": round(found.engine.cache.hit_rate, 3),
    }
