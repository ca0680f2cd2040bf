"""Files that the browser fetches by URL, and TCP connections without Nagle's delay.

Streamlit sends a component's data again with every change of it, together with the component's
inline script. Large content that seldom changes (Plotly, the components' scripts, the points of a
map) is therefore published under a URL that contains a digest of it. The browser fetches it once
and caches it permanently. URLs are relative to the app's root, which the browser derives from the
URL of Streamlit's own script, so a path prefix works too.

Where the server does not serve `routes` (a host that only runs the script), `publish` uses
Streamlit's media storage instead.
"""

import asyncio
import asyncio.base_events
import gzip
import hashlib
import logging
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext, suppress
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
REGISTRY = "latent_explorer_assets"  # a name in sys
LIVE = f"{PREFIX}/live"  # the path of explorer.live
MAX_CONCURRENT = 2  # images that are made at a time
MAX_VERSIONS = 1024  # registered versions of one file name; a map may have many sheets
LOG = logging.getLogger(__name__)
FOREVER = "public, max-age=31536000, immutable"  # the URL changes when the content does
MEDIA_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "webp": "image/webp",
    "bin": "application/octet-stream",
}


class Asset(NamedTuple):
    """One published file; `packed` is its gzip form, empty where gzip gains nothing."""

    content: bytes
    media_type: str
    packed: bytes


class AssetStore:
    """Published files by address; beyond `capacity` bytes the least recently used are dropped."""

    def __init__(self, capacity: int = 128 << 20) -> None:
        self.capacity = capacity
        self.size = 0
        self._assets: OrderedDict[str, Asset] = OrderedDict()
        self._lock = Lock()  # visitors' threads publish while the server's threads read

    def put(self, content: bytes, name: str) -> str:
        """Store `content` and return its address, "<digest>/<name>"."""
        address = f"{hashlib.sha256(content).hexdigest()[:20]}/{name}"
        with self._lock:
            if address in self._assets:
                self._assets.move_to_end(address)
                return address
        self.keep(address, content)
        return address

    def keep(self, address: str, content: bytes) -> Asset:
        """Store `content` under a given address."""
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
        """The asset at an address, None where there is none or it was dropped."""
        with self._lock:
            if address in self._assets:
                self._assets.move_to_end(address)
            return self._assets.get(address)


class Makers:
    """Functions that make a file when it is first requested, by address.

    The `most` most recently used versions of each file name are kept: a new version of the content
    (a model that was trained again) replaces the oldest.
    """

    def __init__(self, most: int = MAX_VERSIONS) -> None:
        self.most = most
        self._makers: OrderedDict[str, Callable[[], bytes]] = OrderedDict()
        self._lock = Lock()

    def put(self, address: str, make: Callable[[], bytes]) -> None:
        """Add the function for an address, or replace it."""
        with self._lock:
            known = address in self._makers
            self._makers[address] = make
            self._makers.move_to_end(address)
            if known:
                return
            versions = [other for other in self._makers if _name(other) == _name(address)]
            if len(versions) > self.most:
                del self._makers[versions[0]]

    def get(self, address: str) -> Callable[[], bytes] | None:
        """The function for an address; None for an unknown one and for one that was dropped."""
        with self._lock:
            if address in self._makers:
                self._makers.move_to_end(address)
            return self._makers.get(address)


def _name(address: str) -> str:
    return address.rpartition("/")[2]


class Registry(NamedTuple):
    """The files that script threads publish and the server's event loop serves."""

    store: AssetStore
    makers: Makers
    served: Event  # set once the server of this process has `routes`
    # used by the event loop only: one task for each file that is being made
    making: dict[str, asyncio.Task[Asset]]
    slots: asyncio.Semaphore  # MAX_CONCURRENT of them


def new_registry() -> Registry:
    """A registry in which nothing is published."""
    return Registry(AssetStore(), Makers(), Event(), {}, asyncio.Semaphore(MAX_CONCURRENT))


def registry() -> Registry:
    """The registry of this process.

    It is an attribute of sys, because the routes of the running server outlive both alternatives:
    Streamlit imports this module again when a source file is edited, and a visitor's message can
    clear Streamlit's caches.
    """
    if REGISTRY not in vars(sys):  # first called by `routes`, before there is a second thread
        setattr(sys, REGISTRY, new_registry())
    return getattr(sys, REGISTRY)


def media_type(name: str) -> str:
    """The media type of a file name. Raises ValueError for any other than MEDIA_TYPES."""
    ending = name.rpartition(".")[2]
    if ending not in MEDIA_TYPES:
        raise ValueError(f"{name!r}: can publish {', '.join(MEDIA_TYPES)} files only")
    return MEDIA_TYPES[ending]


def is_text(name: str) -> bool:
    """Whether the file is compressed with gzip; images and float32 hardly shrink."""
    return name.endswith(".js")


def publish(content: bytes, name: str, *, place: str) -> str:
    """Publish `content` and return its URL relative to the app's root, "" outside a server.

    `place` names its use on the page ("map/points"): Streamlit's media storage, the fallback, drops
    the file that was published for the same place before.
    """
    if is_served():
        return f"{PREFIX}/{registry().store.put(content, name)}"
    if not runtime.exists():
        return ""
    storage = runtime.get_instance().media_file_mgr
    return storage.add(content, media_type(name), f"explorer/{place}").lstrip("/")


def publish_later(address: str, make: Callable[[], bytes]) -> str:
    """The URL, relative to the app's root, of content that is made when it is first requested.

    It is made again after the store has dropped it. The URL is valid until MAX_VERSIONS other
    versions of the same name have been used; then its status is 404 until it is published again.
    `address` is "<version>/<name>": a browser caches the content permanently, so other content
    needs another version. Returns "" where `routes` are not served.
    """
    media_type(address)
    if not is_served():
        return ""
    registry().makers.put(address, make)
    return f"{PREFIX}/{address}"


def is_served() -> bool:
    """Whether this process serves `routes`, so that a published URL outlives a script run."""
    return registry().served.is_set()


def live_url() -> str:
    """The URL of the live channel relative to the app's root; "" where it is not served."""
    return LIVE if is_served() else ""


@cache
def plotly_script() -> bytes:
    """The plotly.min.js of the plotly package, so that no CDN is needed."""
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


# No coroutine, so Starlette runs it in a thread: compressing Plotly takes 0.2 s, once.
def _serve_plotly(request: Request) -> Response:
    return _respond(request, Asset(plotly_script(), MEDIA_TYPES["js"], _packed_plotly()))


async def _serve_asset(request: Request) -> Response:
    address = "{digest}/{name}".format(**request.path_params)
    published = registry()
    asset = published.store.get(address)
    if asset is None and (make := published.makers.get(address)):
        try:
            asset = await _made(address, make)
        except Exception:
            LOG.exception("%s could not be made", address)
            return Response("could not be made; the reason is in the server's log", status_code=500)
    if asset is None:
        return Response("no longer published: reload the page", status_code=404)
    return _respond(request, asset)


async def _made(address: str, make: Callable[[], bytes]) -> Asset:
    """Make a file in a thread, or await the task that is making it; raises what `make` raises."""
    making = registry().making
    if address not in making:
        making[address] = asyncio.create_task(_make(address, make))
        making[address].add_done_callback(lambda _: making.pop(address))
    # shielded: a browser that disconnects cancels its own request, not the task of all others
    return await asyncio.shield(making[address])


async def _make(address: str, make: Callable[[], bytes]) -> Asset:
    published = registry()
    # a script is in memory already, so it does not queue behind images, which take seconds to make
    async with nullcontext() if is_text(address) else published.slots:
        return await to_thread.run_sync(lambda: published.store.keep(address, make()))


def routes() -> list[Route]:
    """The routes for st.App. After this call `publish` returns URLs of these routes."""
    registry().served.set()
    Thread(target=_packed_plotly, daemon=True).start()  # takes 0.2 s, so before the first visitor
    found = []
    for root in ("", "/{prefix:path}"):  # the second for server.baseUrlPath
        found += [
            Route(f"{root}/{PREFIX}/plotly-{version('plotly')}/plotly.min.js", _serve_plotly),
            Route(f"{root}/{PREFIX}/{{digest}}/{{name}}", _serve_asset),
        ]
    return found


def disable_nagle() -> bool:
    """Set TCP_NODELAY on every TCP connection that asyncio accepts from now on.

    asyncio does so only for sockets made with proto=IPPROTO_TCP. The server's are made with
    proto=0, and a small websocket frame is then delayed by some 42 ms, until the peer's
    acknowledgement.

    Returns: False where this version of asyncio has no such hook, so that nothing is changed.
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
