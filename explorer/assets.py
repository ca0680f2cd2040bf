"""The web side of the app: replies that leave at once, and files the browser fetches by URL.

A component's data travels with every reply whose data changed, its script and the map's points
included. So whatever is large and seldom changes (Plotly, our scripts, the points, the backdrop)
is published here under a URL that names its content: the browser fetches it once, keeps it for
good, and a reply carries only the cursor. Published URLs are relative to the app's root; the
browser resolves them beside Streamlit's own script, so a path prefix does no harm.

Where the server was not started through `routes` (a host that runs the script in its own way),
publishing falls back on Streamlit's media storage, and everything still works, only slower.
"""

import asyncio
import asyncio.base_events
import gzip
import hashlib
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import resources
from importlib.metadata import version
from threading import Event, Lock, Thread
from typing import NamedTuple

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import runtime

PREFIX = "assets"
SHELF = "latent_explorer_shelf"  # a name in sys
LIVE = f"{PREFIX}/live"  # where explorer.live listens
FOREVER = "public, max-age=31536000, immutable"  # the URL changes when the content does
MEDIA_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "webp": "image/webp",
    "bin": "application/octet-stream",
}


class Asset(NamedTuple):
    """One published file; `packed` is its gzip form, empty where packing gains nothing."""

    content: bytes
    media_type: str
    packed: bytes


class AssetStore:
    """Published files by address, the least recently used dropped beyond `capacity` bytes."""

    def __init__(self, capacity: int = 128 << 20) -> None:
        self.capacity = capacity
        self.size = 0
        self._assets: OrderedDict[str, Asset] = OrderedDict()
        self._lock = Lock()  # visitors' threads publish while the server's threads read

    def put(self, content: bytes, name: str) -> str:
        """Keep `content` and return its address, "<digest>/<name>"; the same content, the same."""
        address = f"{hashlib.sha256(content).hexdigest()[:20]}/{name}"
        with self._lock:
            if address in self._assets:
                self._assets.move_to_end(address)
                return address
        self.keep(address, content)
        return address

    def keep(self, address: str, content: bytes) -> Asset:
        """Keep `content` under an address of the caller's choice."""
        packed = gzip.compress(content) if is_text(address) else b""
        asset = Asset(content, media_type(address), packed)
        with self._lock:
            if address not in self._assets:
                self._assets[address] = asset
                self.size += len(content) + len(asset.packed)
            while self.size > self.capacity and len(self._assets) > 1:
                _, dropped = self._assets.popitem(last=False)
                self.size -= len(dropped.content) + len(dropped.packed)
        return asset

    def get(self, address: str) -> Asset | None:
        """The asset at an address that `put` returned, None when it was dropped."""
        with self._lock:
            if address in self._assets:
                self._assets.move_to_end(address)
            return self._assets.get(address)


class Shelf(NamedTuple):
    """What the server's threads and the visitors' share."""

    store: AssetStore
    served: Event  # set once `routes` has gone into the server of this process
    makers: dict[str, Callable[[], bytes]]  # of what is made when it is first asked for
    making: asyncio.Lock  # so that what many ask for at once is made once, in one thread


def shelf() -> Shelf:
    """The shelf of this process.

    No global of this module, which Streamlit imports anew when a source file is edited while the
    app runs, and not in Streamlit's caches, which a visitor's message can clear: the routes of the
    running server must still find what they serve.
    """
    if SHELF not in vars(sys):  # first by `routes`, before there is another thread
        setattr(sys, SHELF, Shelf(AssetStore(), Event(), {}, asyncio.Lock()))
    return getattr(sys, SHELF)


def media_type(name: str) -> str:
    """The media type of a file name. Raises ValueError for an ending that is not published."""
    ending = name.rpartition(".")[2]
    if ending not in MEDIA_TYPES:
        raise ValueError(f"{name!r}: can publish {', '.join(MEDIA_TYPES)} files only")
    return MEDIA_TYPES[ending]


def is_text(name: str) -> bool:
    """Whether gzip is worth its time; PNG and float32 hardly shrink."""
    return name.endswith(".js")


def publish(content: bytes, name: str, *, place: str) -> str:
    """Make `content` fetchable and return its URL relative to the app's root.

    `place` names the spot on the page that uses it ("map/points"): the fallback storage drops what
    was published for the same place before. Outside a server there is no URL: the empty string.
    """
    if is_served():
        return f"{PREFIX}/{shelf().store.put(content, name)}"
    if not runtime.exists():
        return ""
    storage = runtime.get_instance().media_file_mgr
    return storage.add(content, media_type(name), f"explorer/{place}").lstrip("/")


def publish_later(address: str, make: Callable[[], bytes]) -> str:
    """The URL, relative to the app's root, of content that is made when it is first asked for.

    It is made again where it was dropped meanwhile, so the URL holds as long as the process.
    `address` is "<version>/<name>"; a browser keeps what it got for good, so other content needs
    another version. Where `routes` are not served there is no URL: the empty string.
    """
    media_type(address)
    if not is_served():
        return ""
    shelf().makers[address] = make
    return f"{PREFIX}/{address}"


def is_served() -> bool:
    """Whether this process serves `routes`, so that a published URL outlives a script run."""
    return shelf().served.is_set()


def live_url() -> str:
    """The URL of the live channel relative to the app's root, "" where it is not served."""
    return LIVE if is_served() else ""


@cache
def plotly_script() -> bytes:
    """The plotly package's own plotly.min.js: the map needs no other network."""
    return resources.files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


@cache
def _packed_plotly() -> bytes:
    return gzip.compress(plotly_script(), compresslevel=6)


def plotly_url() -> str:
    """The URL of plotly.min.js relative to the app's root."""
    if is_served():
        return f"{PREFIX}/plotly-{version('plotly')}/plotly.min.js"
    return publish(plotly_script(), "plotly.min.js", place="plotly")


def _respond(request: Request, asset: Asset) -> Response:
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    content = asset.content
    if asset.packed and "gzip" in request.headers.get("accept-encoding", ""):
        content = asset.packed
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=asset.media_type, headers=headers)


# A plain function, no coroutine: Starlette runs it in a thread, and packing Plotly (0.2 s, once)
# does not hold up the websockets.
def _serve_plotly(request: Request) -> Response:
    return _respond(request, Asset(plotly_script(), MEDIA_TYPES["js"], _packed_plotly()))


async def _serve_asset(request: Request) -> Response:
    address = "{digest}/{name}".format(**request.path_params)
    asset = shelf().store.get(address)
    if asset is None and address in shelf().makers:
        async with shelf().making:  # who waits here takes up no thread
            asset = shelf().store.get(address) or await to_thread.run_sync(_make, address)
    if asset is None:
        return Response("no longer published: reload the page", status_code=404)
    return _respond(request, asset)


def _make(address: str) -> Asset:
    return shelf().store.keep(address, shelf().makers[address]())


def routes() -> list[Route]:
    """The routes for st.App; from here on, `publish` counts on their being served."""
    shelf().served.set()
    Thread(target=_packed_plotly, daemon=True).start()  # 0.2 s that no visitor waits for
    found = []
    for root in ("", "/{prefix:path}"):  # the second for server.baseUrlPath
        found += [
            Route(f"{root}/{PREFIX}/plotly-{version('plotly')}/plotly.min.js", _serve_plotly),
            Route(f"{root}/{PREFIX}/{{digest}}/{{name}}", _serve_asset),
        ]
    return found


def send_at_once() -> bool:
    """Switch Nagle's algorithm off for every TCP connection that asyncio accepts from now on.

    asyncio does so only for sockets made with proto=IPPROTO_TCP; the server's are made with
    proto=0, and a small websocket frame then waits some 42 ms for the other side's acknowledgement.
    Returns whether it took hold: False where asyncio looks different, where all works as before.
    """
    base_events = asyncio.base_events
    if not hasattr(base_events, "_set_nodelay") or not hasattr(socket, "TCP_NODELAY"):
        return False

    def set_nodelay(sock: socket.socket) -> None:
        if sock.family in {socket.AF_INET, socket.AF_INET6} and sock.type == socket.SOCK_STREAM:
            with suppress(OSError):  # closed by the other side already
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    base_events._set_nodelay = set_nodelay  # pyright: ignore[reportAttributeAccessIssue]
    return True
