"""Published files and their URLs, and connections without Nagle's delay."""

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
from functools import partial
from http.client import HTTPMessage
from urllib.error import HTTPError

import pytest
import streamlit as st
import uvicorn
from starlette.applications import Starlette

from explorer import assets
from explorer.components import registration
from tests import event_loop

Get = Callable[..., tuple[bytes, HTTPMessage]]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with nothing published and nothing served."""
    monkeypatch.setattr(sys, assets.REGISTRY, assets.new_registry(), raising=False)


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
def test_plotly_is_served_compressed_and_cacheable(get: Get, prefix: str) -> None:
    body, headers = get(f"{prefix}/{assets.plotly_url()}", "gzip, br")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == assets.plotly_script()
    assert "immutable" in headers["cache-control"]
    plain, headers = get(f"{prefix}/{assets.plotly_url()}")
    assert plain == assets.plotly_script()
    assert headers["content-encoding"] is None


def test_a_published_file_is_served_under_a_url_with_its_digest(get: Get) -> None:
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


def test_the_store_drops_the_least_recently_published_file() -> None:
    store = assets.AssetStore(capacity=2500)
    addresses = [store.put(bytes([number]) * 1000, "a.bin") for number in range(2)]
    store.put(b"\x00" * 1000, "a.bin")  # the first again: now the second is the oldest
    addresses.append(store.put(b"\x02" * 1000, "a.bin"))
    found = [store.get(address) for address in addresses]
    assert [asset is None for asset in found] == [False, True, False]
    assert store.size <= 2500


def test_a_fetched_file_is_dropped_after_one_that_was_not() -> None:
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


def test_published_files_survive_a_reload_of_the_module_and_cleared_caches() -> None:
    assets.routes()
    address = assets.publish(b"x", "a.bin", place="a").partition("/")[2]
    st.cache_resource.clear()  # which any visitor's message may do
    again = importlib.reload(assets)
    assert again.is_served()
    assert again.live_url()
    assert again.registry().store.get(address)


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
    return event_loop.run(accepted_nodelay())


def test_accepted_connections_have_no_nagle_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    base_events = asyncio.base_events
    monkeypatch.setattr(base_events, "_set_nodelay", getattr(base_events, "_set_nodelay", None))
    assert nodelay() == 0, "asyncio sets it itself now: remove disable_nagle"
    assert assets.disable_nagle()
    assert nodelay() != 0


def test_an_asyncio_without_the_hook_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio.base_events, "_set_nodelay")
    assert not assets.disable_nagle()
    assert not hasattr(asyncio.base_events, "_set_nodelay")


def test_without_routes_a_file_is_not_published_for_later() -> None:
    assert assets.publish_later("version/sheet.webp", bytes) == ""


def test_a_file_published_for_later_is_made_once_at_its_first_request(get: Get) -> None:
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


def test_concurrent_requests_make_a_file_once(get: Get) -> None:
    made: list[int] = []
    asked = threading.Event()

    def make() -> bytes:
        made.append(1)
        asked.wait(10)
        return b"a sheet"

    url = assets.publish_later("version/sheet.webp", make)
    with ThreadPoolExecutor(8) as pool:
        replies = [pool.submit(lambda: get(f"/{url}")[0]) for _ in range(8)]
        while not made:
            time.sleep(0.01)
        time.sleep(0.1)  # while the other requests arrive
        asked.set()
        assert [reply.result() for reply in replies] == [b"a sheet"] * 8
    assert len(made) == 1


def test_a_file_does_not_wait_for_another_that_is_made(get: Get) -> None:
    """A component's script, a sheet and Plotly arrive while one sheet is being made."""
    begun, served = threading.Event(), threading.Event()

    def slow() -> bytes:
        begun.set()
        assert served.wait(30), "the others waited"
        return b"slow"

    slow_url = assets.publish_later("version/slow.webp", slow)
    others = [
        assets.publish_later("version/component.js", lambda: b"script"),
        assets.publish_later("version/sheet.webp", lambda: b"sheet"),
        assets.publish(b"points", "points.bin", place="map"),
        assets.plotly_url(),
    ]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: get(f"/{slow_url}")[0])
        assert begun.wait(10)
        bodies = [get(f"/{url}")[0] for url in others]
        served.set()
        assert waiting.result() == b"slow"
    assert bodies == [b"script", b"sheet", b"points", assets.plotly_script()]


def test_few_images_are_made_at_once_and_a_script_does_not_wait_for_them(get: Get) -> None:
    running: list[str] = []
    most: list[int] = []
    script_served = threading.Event()

    def make(name: str) -> bytes:
        running.append(name)
        most.append(len(running))
        script_served.wait(30)
        running.remove(name)
        return name.encode()

    names = [f"{i}.webp" for i in range(6)]
    urls = [assets.publish_later(f"version/{name}", partial(make, name)) for name in names]
    script = assets.publish_later("version/component.js", lambda: b"script")
    with ThreadPoolExecutor(6) as pool:
        replies = [pool.submit(get, f"/{url}") for url in urls]
        while len(running) < assets.MAX_CONCURRENT:
            time.sleep(0.01)
        assert get(f"/{script}")[0] == b"script"
        script_served.set()
        assert [reply.result()[0].decode() for reply in replies] == names
    assert max(most) == assets.MAX_CONCURRENT


def test_a_file_that_could_not_be_made_is_tried_again(
    get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def make() -> bytes:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no model")
        return b"a sheet"

    url = assets.publish_later("version/sheet.webp", make)
    with pytest.raises(HTTPError, match="500") as error:
        get(f"/{url}")
    assert b"the reason is in the server's log" in error.value.read()
    error.value.close()
    assert "version/sheet.webp could not be made" in caplog.text
    assert get(f"/{url}")[0] == b"a sheet"


def test_old_versions_are_dropped_and_may_be_published_again(get: Get) -> None:
    most = assets.registry().makers.most = 20
    script = assets.publish_later("version/component.js", lambda: b"script")
    urls = [
        assets.publish_later(f"{version}/sheet.webp", str(version).encode)
        for version in range(most)
    ]
    assert get(f"/{urls[0]}")[0] == b"0"  # used again: now the second is the oldest
    assets.registry().store.capacity = 0
    for version in range(most, most + 5):
        assets.publish_later(f"{version}/sheet.webp", str(version).encode)
    for url in (urls[1], urls[5]):
        with pytest.raises(HTTPError, match="404") as error:
            get(f"/{url}")
        error.value.close()
    assert [get(f"/{url}")[0] for url in (urls[0], urls[6])] == [b"0", b"6"]
    assert get(f"/{script}")[0] == b"script", "another name's versions do not count"
    assert get(f"/{assets.publish_later('1/sheet.webp', lambda: b'1')}")[0] == b"1"


def test_a_component_s_script_is_served_however_much_is_published(get: Get) -> None:
    names = []

    def component(name: str, *, js: str, isolate_styles: bool) -> None:
        names.append(js)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registration, "component", component)
        patch.setattr(assets.registry().store, "capacity", 10_000)
        registration.register("decoded_view")
        found = re.search(rf"{assets.PREFIX}/\w+/decoded_view\.js", names[0])
        assert found
        for number in range(50):
            assets.publish(bytes([number]) * 1000, "a.bin", place="a")
        assert b"export default" in get(f"/{found[0]}")[0]
