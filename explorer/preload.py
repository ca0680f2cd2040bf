"""Loads the first model while the browser still fetches the page."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from explorer import session


class Preload:
    """ASGI middleware that loads a model in a thread once a browser asks for a page.

    Importing torch takes longer than all else at the first visit, and the browser fetches and
    starts Streamlit's scripts for half a second before it asks for the first run. A server that
    nobody visits imports no torch, which saves 200 MB; a health check is no visit.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._thread: Thread | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._thread is None and _is_page(scope):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            self._start(query.get("model", [""])[0])
        await self._app(scope, receive, send)

    def _start(self, name: str) -> None:
        self._thread = Thread(target=_load, args=(name,), daemon=True)
        self._thread.start()


def _is_page(scope: Scope) -> bool:
    """Whether a browser asks for a page to show, and not a program or a page for its parts."""
    return scope["type"] == "http" and any(
        name == b"accept" and b"text/html" in value for name, value in scope["headers"]
    )


def _load(name: str) -> None:
    """Load the model of this name, or the first one on offer."""
    offered, _ = session.names()
    if not offered:
        return
    with suppress(ValueError):  # the page that shows the model reports it
        session.model(name if name in offered else offered[0])
