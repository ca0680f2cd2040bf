"""The live channel: a websocket that decodes codes during a drag.

A run of a Streamlit script takes a new thread, some ten messages and 5 to 10 ms of Python, however
little it draws; sixty runs per second take most of a core. During a drag the browser sends its
requests here instead. The requests of all visitors are decoded in batches by one worker thread, so
that a decode blocks neither the event loop nor a script run. The script runs once, on release.

Where these routes are not served, or the connection fails, the components send every change to the
script, which is slower.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Hashable, Sequence
from contextlib import suppress

import anyio
from starlette.routing import WebSocketRoute
from starlette.status import WS_1008_POLICY_VIOLATION, WS_1009_MESSAGE_TOO_BIG
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer import assets, live_requests
from explorer.batching import Batcher
from explorer.live_requests import Request

MAX_REQUEST = 10_000  # bytes: enough for a code of hundreds of dimensions
CONNECTIONS = 512  # in total
CONNECTIONS_PER_ADDRESS = 256  # a school or a reverse proxy may use one address


def routes() -> list[WebSocketRoute]:
    """The route for st.App; the second is for server.baseUrlPath."""
    return Channel().routes()


class LatestReply:
    """A queue of one unsent reply to a client, replaced by newer ones; None ends it."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)

    def put(self, reply: str | None) -> None:
        with suppress(asyncio.QueueEmpty):
            self._queue.get_nowait()
        self._queue.put_nowait(reply)

    async def get(self) -> str | None:
        return await self._queue.get()


class Channel:
    """All connections to the live channel, and the workers that answer them.

    A connection holds at most one waiting request, one that is being decoded and one unsent reply,
    however many requests the client sends and whether or not it reads the replies.
    """

    def __init__(self) -> None:
        self._connections: Counter[str] = Counter()  # by address
        self._decoding = Batcher(self._answer, self._deliver)
        # models and projections are loaded by other threads, so that a load delays no decode
        self._loading = Batcher(self._answer, self._deliver, threads=2)

    def routes(self) -> list[WebSocketRoute]:
        return [
            WebSocketRoute(f"{root}/{assets.LIVE}", self.connect) for root in ("", "/{prefix:path}")
        ]

    async def connect(self, socket: WebSocket) -> None:
        """Serve a connection until the client disconnects."""
        address = socket.client.host if socket.client else ""
        if (
            self._connections[address] >= CONNECTIONS_PER_ADDRESS
            or self._connections.total() >= CONNECTIONS
        ):
            await socket.close(WS_1008_POLICY_VIOLATION)
            return
        self._connections[address] += 1
        try:
            await self._serve(socket)
        finally:
            self._connections[address] -= 1
            if not self._connections[address]:
                del self._connections[address]

    async def _serve(self, socket: WebSocket) -> None:
        origin, host = socket.headers.get("origin"), socket.headers.get("host")
        # in a thread, because it may look up the machine's own address
        if not await anyio.to_thread.run_sync(_is_allowed_origin, origin, host):
            await socket.close(WS_1008_POLICY_VIOLATION)
            return
        limit_message_size(socket, MAX_REQUEST)
        await socket.accept()
        replies = LatestReply()
        reading = asyncio.create_task(self._read(socket, replies))
        try:
            while (reply := await replies.get()) is not None:
                await socket.send_text(reply)
        except (WebSocketDisconnect, RuntimeError):  # the client disconnected before the reply
            pass
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await reading
            self._decoding.discard(replies)
            self._loading.discard(replies)

    async def _read(self, socket: WebSocket, replies: LatestReply) -> None:
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                text = message.get("text") or ""
                if len(text) > MAX_REQUEST or len(message.get("bytes") or b"") > MAX_REQUEST:
                    await socket.close(WS_1009_MESSAGE_TOO_BIG)
                    break
                self._submit(text, replies)
        finally:
            replies.put(None)

    def _submit(self, text: str, replies: LatestReply) -> None:
        """Queue a request for decoding; an invalid request is answered immediately."""
        value = None
        try:
            value = json.loads(text)
            request = live_requests.parse(value)
        except RecursionError:
            replies.put(live_requests.error(None, "the request is nested too deeply"))
        except json.JSONDecodeError as fault:
            replies.put(live_requests.error(None, f"the request is not JSON: {fault}"))
        except ValueError as fault:
            replies.put(live_requests.error(live_requests.serial_of(value), str(fault)))
        else:
            is_prepared = live_requests.is_prepared(request)
            batcher = self._decoding if is_prepared else self._loading
            (self._loading if is_prepared else self._decoding).discard(replies)
            batcher.submit(replies, request.model, request)

    @staticmethod
    def _answer(key: Hashable, requests: Sequence[Request]) -> list[str]:
        return live_requests.answer(requests)

    @staticmethod
    def _deliver(client: Hashable, reply: str) -> None:
        assert isinstance(client, LatestReply)
        client.put(reply)


def limit_message_size(socket: WebSocket, limit: int) -> bool:
    """Make the server close the connection at a frame larger than `limit` bytes, before reading it.

    The server's limit for all websockets is Streamlit's server.maxMessageSize, 200 MB. The limit of
    one websocket is an attribute of a private protocol object of uvicorn. Returns whether it was
    found; otherwise the size is checked once the message has been received.
    """
    protocol = getattr(getattr(socket, "_receive", None), "__self__", None)
    connection = getattr(protocol, "conn", None)
    if connection is None or not hasattr(connection, "max_message_size"):
        return False
    connection.max_message_size = limit
    return True


def _is_allowed_origin(origin: str | None, host: str | None) -> bool:
    """Whether a page from `origin` may connect, by the rule of Streamlit's own websocket, which
    keeps out the pages of other sites."""
    try:
        from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed
    except ImportError:  # private to Streamlit: another version may not have it
        return False
    return _is_origin_allowed(origin, host)
