"""Loads the first model while the first script run draws the page."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Thread
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from explorer import session

DELAY = 0.1  # s between the first connection and the import, in which the page's header is sent
STREAM = "/_stcore/stream"  # Streamlit's websocket


class Preload:
    """ASGI middleware that loads a model in a thread once a browser has opened a page.

    Importing torch is the longest step of the first visit, and starts earlier here than in the
    script, which draws the map first. It does not start at the request for the page, because the
    browser and the import would compete for two cores and delay the first paint. Health checks do
    not start it: a server without visitors imports no torch, which saves 200 MB.
    """

    def __init__(self, app: ASGIApp, delay: float = DELAY) -> None:
        self._app, self._delay = app, delay
        self._name = ""  # of the model in the first page's address
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
    """Whether this is a request for a page, as opposed to a script, an image or a health check."""
    return scope["type"] == "http" and any(
        name == b"accept" and b"text/html" in value for name, value in scope["headers"]
    )


def load(name: str) -> None:
    """Load the model of this name, or the first one where there is none of that name."""
    offered, _ = session.names()
    if not offered:
        return
    with suppress(ValueError):  # the page that shows the model reports it
        session.model(name if name in offered else offered[0])
