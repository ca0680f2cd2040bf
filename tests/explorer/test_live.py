"""The live channel: what it answers, what it drops, what it refuses."""

import asyncio
import base64
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from explorer import assets, decoded_code, live, session

PLANE = ["Two dimensions", 0, 1]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of the channel under uvicorn, as in the app."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # with no configuration of its own, what uvicorn logs reaches the tests
    config = uvicorn.Config(Starlette(routes=live.routes()), log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def channel(port: int) -> Iterator[ClientConnection]:
    with connect(f"ws://127.0.0.1:{port}/{assets.LIVE}") as found:
        yield found


def ask(channel: ClientConnection, **request: Any) -> dict[str, Any]:
    channel.send(json.dumps(request))
    return json.loads(channel.recv(timeout=60))


def test_a_code_is_answered_with_its_picture_and_what_is_said_of_it(
    channel: ClientConnection,
) -> None:
    reply = ask(channel, serial=7, model="vae-2d", z=[1.5, -0.25], view=PLANE)
    z = np.array([1.5, -0.25], np.float32)
    expected = decoded_code.decode("vae-2d", z)
    pixels = np.frombuffer(base64.b64decode(reply["pixels"]), np.uint8).reshape(28, 28)
    assert (reply["serial"], reply["model"], reply["z"]) == (7, "vae-2d", [1.5, -0.25])
    assert np.array_equal(pixels, expected.picture)
    assert reply["shares"] == pytest.approx(expected.shares.tolist(), abs=1e-3)
    assert reply["distance"] == pytest.approx(np.hypot(1.5, 0.25), abs=1e-3)
    assert reply["cursor"] == pytest.approx([1.5, -0.25])
    assert reply["decode_ms"] > 0


@pytest.mark.parametrize("view", [["PCA", 0, 1], ["Two dimensions", 3, 1]])
def test_a_place_on_the_map_is_answered_with_its_code(
    channel: ClientConnection, view: list[Any]
) -> None:
    z = np.random.default_rng(0).standard_normal(10)
    reply = ask(channel, serial=1, model="vae-10d", z=z.tolist(), view=view, xy=[0.5, -1])
    assert reply["cursor"] == pytest.approx([0.5, -1], abs=1e-3)
    again = ask(channel, serial=2, model="vae-10d", z=reply["z"], view=view, xy=[0.5, -1])
    assert again["z"] == pytest.approx(reply["z"], abs=2e-4), "what the plane hides is kept"


def test_on_a_t_sne_picture_the_nearest_digit_answers(channel: ClientConnection) -> None:
    codes = session.encodings("vae-10d")
    assert codes.tsne is not None
    xy = codes.tsne[12].tolist()
    reply = ask(channel, serial=1, model="vae-10d", z=[0] * 10, view=["t-SNE", 0, 1], xy=xy)
    assert reply["z"] == pytest.approx(codes.mean[12].tolist(), abs=1e-3)


def test_a_test_digit_is_answered_with_its_code_and_its_name(channel: ClientConnection) -> None:
    reply = ask(channel, serial=1, model="vae-2d", z=[0, 0], view=PLANE, digit=7)
    assert reply["z"] == pytest.approx(session.encodings("vae-2d").mean[7].tolist(), abs=1e-4)
    assert (reply["digit"], reply["caption"]) == (7, "test digit 7, a 9")
    reply = ask(channel, serial=2, model="vae-2d", z=[0, 0], view=PLANE)
    assert (reply["digit"], reply["caption"]) == (None, "decoded from the sliders")


def test_a_model_that_is_told_the_digit_is_judged(channel: ClientConnection) -> None:
    info = session.info("cvae")
    assert info.digit is not None
    z = np.zeros(info.dims)
    z[info.digit.start + 7] = 1
    view = ["Two dimensions", *info.order[:2]]
    reply = ask(channel, serial=1, model="cvae", z=z.tolist(), view=view)
    assert int(np.argmax(reply["shares"])) == 7
    assert reply["distance"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "vae-3d"}, "no model 'vae-3d' on offer"),
        ({"model": "assets/checkpoints/vae-2d"}, "on offer"),
        ({"z": [1]}, "codes of 2 numbers"),
        ({"z": [0, float("nan")]}, "finite"),
        ({"z": "much"}, "could not convert"),
        ({"z": None}, "NoneType"),
        ({"z": ["a", "b"]}, "could not convert"),
        ({"z": [1e20, 0]}, "none beyond"),
        ({"z": [10**400, 0]}, "OverflowError"),
        ({"view": ["Two dimensions", -1, 1]}, "a plane needs"),
        ({"view": ["Two dimensions", float("inf"), 1]}, "no map shows"),
        ({"view": ["PCB", 0, 1]}, "no map shows 'PCB'"),
        ({"view": ["Two dimensions", True, 0]}, "no map shows"),
        ({"digit": float("inf")}, "OverflowError"),
        ({"digit": 10_000}, "there is no test digit 10000"),
        ({"view": None}, "must be an iterable"),
        ({"xy": [1]}, "unpack"),
    ],
)
def test_what_is_no_request_is_said_and_the_channel_goes_on(
    channel: ClientConnection, change: dict[str, Any], words: str
) -> None:
    request = {"serial": 3, "model": "vae-2d", "z": [0, 0], "view": PLANE}
    assert words in ask(channel, **request | change)["error"]
    assert ask(channel, **request)["z"] == [0, 0]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"model": "vae-2d"}', "x" * 20_000, "[" * 9_999, b"\x00\x01"]
)
def test_what_is_no_json_is_said_and_the_channel_goes_on(
    channel: ClientConnection, text: str | bytes
) -> None:
    channel.send(text)
    reply = json.loads(channel.recv(timeout=60))
    assert reply["error"]
    assert reply["serial"] is None
    assert ask(channel, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["z"] == [0, 0]


def test_what_cannot_be_decoded_is_said_and_the_log_says_why(
    channel: ClientConnection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(name: str, z: np.ndarray) -> None:
        raise RuntimeError(f"out of memory for {name}, {len(z)} numbers")

    with monkeypatch.context() as patch:
        patch.setattr(live.decoded_code, "decode", fail)
        reply = ask(channel, serial=9, model="vae-2d", z=[0, 0], view=PLANE)
    assert (reply["serial"], "log says why" in reply["error"]) == (9, True)
    assert "out of memory for vae-2d" in caplog.text
    assert ask(channel, serial=10, model="vae-2d", z=[0, 0], view=PLANE)["z"] == [0, 0]


def test_of_a_heap_of_requests_the_newest_is_answered(
    channel: ClientConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, arrived = threading.Event(), threading.Event()
    answer, put, taken = live._answer, live._put, []

    async def slow(text: str) -> str:
        begun.set()
        while not arrived.is_set():
            await asyncio.sleep(0.01)
        return await answer(text)

    def counted(newest: asyncio.Queue[str | None], text: str | None) -> None:
        put(newest, text)
        taken.append(text)
        if len(taken) == 300:
            arrived.set()

    monkeypatch.setattr(live, "_answer", slow)
    monkeypatch.setattr(live, "_put", counted)
    for serial in range(1, 301):
        request = {"serial": serial, "model": "vae-2d", "z": [serial / 100, 0], "view": PLANE}
        channel.send(json.dumps(request))
        assert begun.wait(30)  # the first is being answered while the others come
    serials = [json.loads(channel.recv(timeout=60))["serial"] for _ in range(2)]
    assert serials == [1, 300]


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null"])
def test_a_page_of_another_site_is_not_answered(port: int, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{port}/{assets.LIVE}", origin=Origin(origin))
    own = Origin(f"http://127.0.0.1:{port}")
    with connect(f"ws://127.0.0.1:{port}/{assets.LIVE}", origin=own) as found:
        assert ask(found, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["z"] == [0, 0]


def test_what_it_remembers_of_maps_does_not_grow_with_the_requests(
    channel: ClientConnection,
) -> None:
    ask(channel, serial=1, model="vae-2d", z=[0, 0], view=["PCA", 0, 1])
    before = len(live._answered)
    for number in range(20):
        ask(channel, serial=number, model="vae-2d", z=[0, 0], view=["PCA", number, 10**9])
    assert len(live._answered) == before


def test_it_listens_behind_a_path_prefix_and_lets_go_of_those_who_leave(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        with connect(f"ws://127.0.0.1:{port}/deep/base/{assets.LIVE}") as found:
            found.send(json.dumps({"serial": 1, "model": "vae-2d", "z": [0, 0], "view": PLANE}))
    with connect(f"ws://127.0.0.1:{port}/{assets.LIVE}") as found:
        assert ask(found, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["serial"] == 1
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not errors, "nobody's leave is an error"
