"""Loads the first model while the first script run draws the page."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Thread
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from explorer import session

DELAY = 0.1  # s from the first connection to the import, in which the page's heading is sent
STREAM = "/_stcore/stream"  # Streamlit's websocket


class Preload:
    """ASGI middleware that loads a model in a thread once a browser has opened a page.

    Importing torch takes longer than all else at the first visit, and begins sooner here than in
    the script, which draws the map before. It does not begin at the request for the page: the
    browser and the import together would take both cores, and the first paint be late. A server
    that nobody visits imports no torch, which saves 200 MB; a health check is no visit.
    """

    def __init__(self, app: ASGIApp, delay: float = DELAY) -> None:
        self._app, self._delay = app, delay
        self._name = ""  # of the model that the first page asks for
        self._thread: Thread | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._thread is None:
            if _is_page(scope):
                query = parse_qs(scope["query_string"].decode("latin-1"))
                self._name = query.get("model", [""])[0]
            elif scope["type"] == "websocket" and scope["path"].endswith(STREAM):
                self._thread = Thread(target=self._load, daemon=True)
                self._thread.start()
        await self._app(scope, receive, send)

    def _load(self) -> None:
        time.sleep(self._delay)
        load(self._name)


def _is_page(scope: Scope) -> bool:
    """Whether a browser asks for a page to show, and not a program or a page for its parts."""
    return scope["type"] == "http" and any(
        name == b"accept" and b"text/html" in value for name, value in scope["headers"]
    )


def load(name: str) -> None:
    """Load the model of this name, or the first one on offer."""
    offered, _ = session.names()
    if not offered:
        return
    with suppress(ValueError):  # the page that shows the model reports it
        session.model(name if name in offered else offered[0])
