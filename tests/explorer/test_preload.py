"""The model is loaded while the first script run draws the page."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from explorer.preload import Preload
from tests import event_loop
from vae import catalog, service

ROOT = Path(__file__).resolve().parents[2]
PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("page")(scope, receive, send)


@pytest.fixture
def preload(monkeypatch: pytest.MonkeyPatch) -> Preload:
    service.unload_all()
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    return Preload(answer, delay=0)


def connect(app: Preload) -> None:
    """Open Streamlit's websocket, as a page does."""
    scope = {"type": "websocket", "path": "/base/_stcore/stream", "headers": []}

    async def main() -> None:
        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            pass

        app._app = refuse
        await app(scope, refuse, refuse)  # pyright: ignore[reportArgumentType]

    event_loop.run(main())


def get(app: Preload, address: str, accept: str) -> bytes:
    """The body of the response."""
    path, _, query = address.partition("?")
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"accept", accept.encode())]
    scope = {"type": "http", "path": path, "query_string": query.encode(), "headers": headers}
    event_loop.run(app(scope | {"method": "GET"}, receive, send))
    return b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    ("address", "loaded"),
    [
        ("/", "vae-2d"),
        ("/reconstruct?model=cvae&digit=3", "cvae"),
        ("/?model=..%2F..", "vae-2d"),
        ("/?model=%FF%00", "vae-2d"),
    ],
)
def test_a_page_loads_the_model_that_it_will_show(
    preload: Preload, address: str, loaded: str
) -> None:
    assert get(preload, address, PAGE) == b"page"
    assert preload._thread is None, "the first paint comes first"
    connect(preload)
    assert preload._thread is not None
    preload._thread.join(60)
    offered = [*service.names(), service.CLASSIFIER]
    assert [name for name in offered if service.is_loaded(name)] == [loaded]


def test_health_checks_and_files_load_nothing(preload: Preload) -> None:
    for accept in ("*/*", "text/css,*/*;q=0.1", ""):
        assert get(preload, "/_stcore/health", accept) == b"page"
    assert preload._thread is None


def test_without_a_model_the_page_is_served(
    preload: Preload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    assert get(preload, "/", PAGE) == b"page"
    connect(preload)
    assert preload._thread is not None
    preload._thread.join(60)


def test_a_server_without_visitors_imports_no_torch() -> None:
    script = "import sys, streamlit_app; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)
