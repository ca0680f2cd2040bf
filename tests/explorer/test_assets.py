"""The web side: files under their URLs, connections that send at once."""

import asyncio
import gzip
import importlib
import re
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPMessage
from urllib.error import HTTPError

import pytest
import streamlit as st
import uvicorn
from starlette.applications import Starlette

from explorer import assets
from explorer.components import registration

Get = Callable[..., tuple[bytes, HTTPMessage]]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with nothing published and nothing served."""
    shelf = assets.Shelf(assets.AssetStore(), threading.Event(), {}, asyncio.Lock())
    monkeypatch.setattr(sys, assets.SHELF, shelf, raising=False)


@pytest.fixture
def get() -> Iterator[Get]:
    """get(path, encoding) -> body, headers: from the routes, under uvicorn as in the app."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(Starlette(routes=assets.routes()), log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    root = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def fetch(path: str, encoding: str = "identity") -> tuple[bytes, HTTPMessage]:
        request = urllib.request.Request(
            f"{root}/{path.lstrip('/')}", headers={"Accept-Encoding": encoding}
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.read(), reply.headers

    yield fetch
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.mark.parametrize("prefix", ["", "/some/base/path"])
def test_plotly_is_served_packed_and_for_good(get: Get, prefix: str) -> None:
    body, headers = get(f"{prefix}/{assets.plotly_url()}", "gzip, br")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == assets.plotly_script()
    assert "immutable" in headers["cache-control"]
    plain, headers = get(f"{prefix}/{assets.plotly_url()}")
    assert plain == assets.plotly_script()
    assert headers["content-encoding"] is None


def test_what_is_published_is_served_under_a_url_that_names_its_content(get: Get) -> None:
    first = assets.publish(b"\x00\x01", "points.bin", place="map")
    assert assets.publish(b"\x00\x01", "points.bin", place="map") == first
    second = assets.publish(b"\x00\x02", "points.bin", place="map")
    assert first != second
    assert get(f"/{first}")[0] == b"\x00\x01"
    assert get(f"/{second}")[0] == b"\x00\x02"


def test_an_unknown_address_is_not_found(get: Get) -> None:
    with pytest.raises(HTTPError, match="404") as error:
        get(f"/{assets.PREFIX}/0123/points.bin")
    error.value.close()


def test_the_store_drops_what_was_published_longest_ago() -> None:
    store = assets.AssetStore(capacity=2500)
    addresses = [store.put(bytes([number]) * 1000, "a.bin") for number in range(2)]
    store.put(b"\x00" * 1000, "a.bin")  # the first again: now the second is the oldest
    addresses.append(store.put(b"\x02" * 1000, "a.bin"))
    found = [store.get(address) for address in addresses]
    assert [asset is None for asset in found] == [False, True, False]
    assert store.size <= 2500


def test_what_is_fetched_is_not_dropped_before_what_is_not() -> None:
    store = assets.AssetStore(capacity=2500)
    addresses = [store.put(bytes([number]) * 1000, "a.bin") for number in range(2)]
    assert store.get(addresses[0])
    store.put(b"\x02" * 1000, "a.bin")
    assert [store.get(address) is None for address in addresses] == [False, True]


def test_the_newest_is_kept_however_large() -> None:
    store = assets.AssetStore(capacity=10)
    asset = store.get(store.put(b"x" * 100, "a.js"))
    assert asset is not None
    assert gzip.decompress(asset.packed) == asset.content


def test_what_is_published_survives_a_reload_of_the_module_and_cleared_caches() -> None:
    assets.routes()
    address = assets.publish(b"x", "a.bin", place="a").partition("/")[2]
    st.cache_resource.clear()  # which any visitor's message may do
    again = importlib.reload(assets)
    assert again.is_served()
    assert again.live_url()
    assert again.shelf().store.get(address)


def test_only_known_kinds_are_published() -> None:
    with pytest.raises(ValueError, match=r"'page\.html'"):
        assets.media_type("page.html")


def test_outside_a_server_nothing_is_published() -> None:
    assert assets.publish(b"x", "a.bin", place="a") == ""


async def accepted_nodelay() -> int:
    """TCP_NODELAY of a connection to a socket made as Streamlit makes the server's: proto=0."""
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket")
        found.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(connected, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname())
        value = await found
        writer.close()
        await writer.wait_closed()
    return value


def nodelay() -> int:
    """The same from a thread of its own: Playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(accepted_nodelay())).result()


def test_accepted_connections_send_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    base_events = asyncio.base_events
    monkeypatch.setattr(base_events, "_set_nodelay", getattr(base_events, "_set_nodelay", None))
    assert nodelay() == 0, "asyncio cures this by now: drop send_at_once"
    assert assets.send_at_once()
    assert nodelay() != 0


def test_an_asyncio_without_the_hook_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio.base_events, "_set_nodelay")
    assert not assets.send_at_once()
    assert not hasattr(asyncio.base_events, "_set_nodelay")


def test_where_nothing_is_served_there_is_no_later() -> None:
    assert assets.publish_later("version/sheet.webp", bytes) == ""


def test_what_is_published_for_later_is_made_once_when_it_is_asked_for(get: Get) -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"a sheet"

    url = assets.publish_later("version/sheet.webp", make)
    assert not made
    for _ in range(2):
        body, headers = get(f"/{url}", "")
        assert body == b"a sheet"
        assert headers["Content-Type"] == "image/webp"
        assert "immutable" in headers["Cache-Control"]
    assert len(made) == 1
    with pytest.raises(ValueError, match=r"'version/sheet\.exe'"):
        assets.publish_later("version/sheet.exe", make)


def test_what_many_ask_for_at_once_is_made_once(get: Get) -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        time.sleep(0.2)  # the others ask meanwhile
        return b"a sheet"

    url = assets.publish_later("version/sheet.webp", make)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: get(f"/{url}")[0], range(8)))
    assert replies == [b"a sheet"] * 8
    assert len(made) == 1


def test_a_component_s_script_is_served_however_much_is_published(get: Get) -> None:
    names = []

    def component(name: str, *, js: str, isolate_styles: bool) -> None:
        names.append(js)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registration, "component", component)
        patch.setattr(assets.shelf().store, "capacity", 10_000)
        registration.register("decoded_view")
        found = re.search(rf"{assets.PREFIX}/\w+/decoded_view\.js", names[0])
        assert found
        for number in range(50):
            assets.publish(bytes([number]) * 1000, "a.bin", place="a")
        assert b"export default" in get(f"/{found[0]}")[0]
