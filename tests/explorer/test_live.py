"""The live channel: its replies, its batches and its limits."""

import base64
import json
import logging
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from explorer import assets, decoded_code, live, projections, session
from explorer.live_requests import Request
from vae import catalog, service

PLANE = ["Two dimensions", 0, 1]


@pytest.fixture(scope="module")
def served() -> live.Channel:
    return live.Channel()


@pytest.fixture(scope="module")
def port(served: live.Channel) -> Iterator[int]:
    """The port of the channel under uvicorn, as in the app."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # what a client does not read soon fills it
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    # with no configuration of its own, what uvicorn logs reaches the tests
    config = uvicorn.Config(Starlette(routes=served.routes()), log_config=None)
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


def test_a_code_is_answered_with_its_picture_shares_and_cursor(
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
def test_the_reply_to_a_point_of_the_map_has_its_code(
    channel: ClientConnection, view: list[Any]
) -> None:
    z = np.random.default_rng(0).standard_normal(10)
    reply = ask(channel, serial=1, model="vae-10d", z=z.tolist(), view=view, xy=[0.5, -1])
    assert reply["cursor"] == pytest.approx([0.5, -1], abs=1e-3)
    again = ask(channel, serial=2, model="vae-10d", z=reply["z"], view=view, xy=[0.5, -1])
    assert again["z"] == pytest.approx(reply["z"], abs=2e-4), (
        "the part orthogonal to the plane is kept"
    )


def test_a_place_in_a_t_sne_projection_is_answered_with_the_nearest_code(
    channel: ClientConnection,
) -> None:
    codes = session.encodings("vae-10d")
    assert codes.tsne is not None
    xy = codes.tsne[12].tolist()
    reply = ask(channel, serial=1, model="vae-10d", z=[0] * 10, view=["t-SNE", 0, 1], xy=xy)
    assert reply["z"] == pytest.approx(codes.mean[12].tolist(), abs=1e-3)


def test_a_test_digit_is_answered_with_its_code_and_caption(channel: ClientConnection) -> None:
    reply = ask(channel, serial=1, model="vae-2d", z=[0, 0], view=PLANE, sample=7)
    assert reply["z"] == pytest.approx(session.encodings("vae-2d").mean[7].tolist(), abs=1e-4)
    assert (reply["sample"], reply["caption"]) == (7, "test digit 7, a 9")
    reply = ask(channel, serial=2, model="vae-2d", z=[0, 0], view=PLANE)
    assert (reply["sample"], reply["caption"]) == (None, "decoded from the current code")


def test_the_picture_of_a_conditional_model_is_classified(channel: ClientConnection) -> None:
    info = session.info("cvae")
    assert info.class_dims is not None
    z = np.zeros(info.dims)
    z[info.class_dims.start + 7] = 1
    view = ["Two dimensions", *info.order[:2]]
    reply = ask(channel, serial=1, model="cvae", z=z.tolist(), view=view)
    assert int(np.argmax(reply["shares"])) == 7
    assert reply["distance"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "vae-3d"}, 'there is no model "vae-3d"'),
        ({"model": "assets/checkpoints/vae-2d"}, "there is no model"),
        ({"z": [1]}, "codes of 2 numbers"),
        ({"z": [0, float("nan")]}, "z must be finite numbers, none beyond 1e+06, not [0, NaN]"),
        ({"z": "much"}, 'z must be a list of numbers, not "much"'),
        ({"z": None}, "z must be a list of numbers, not null"),
        ({"z": ["a", "b"]}, "z must be a list of numbers"),
        ({"z": [1e20, 0]}, "none beyond"),
        ({"z": [10**400, 0]}, "none beyond 1e+06, not [a number of 401 digits, 0]"),
        ({"view": ["Two dimensions", -1, 1]}, "a plane needs"),
        ({"view": ["Two dimensions", float("inf"), 1]}, "view must be one of Two dimensions, PCA"),
        ({"view": ["PCB", 0, 1]}, 'not ["PCB", 0, 1]'),
        ({"view": ["Two dimensions", True, 0]}, 'not ["Two dimensions", true, 0]'),
        ({"sample": float("inf")}, "sample must be the index of a test sample, not Infinity"),
        ({"sample": 10_000}, "there is no test digit 10000"),
        ({"view": None}, "view must be one of"),
        ({"xy": [1]}, "xy must be two numbers, not [1]"),
        ({"xy": [1, float("inf")]}, "xy must be finite"),
        ({"by": 7}, "by must be the name of a control, not 7"),
        ({"model": ["vae-2d"]}, "model must be the name of a model"),
    ],
)
def test_an_invalid_request_is_answered_with_a_sentence_and_the_channel_stays_open(
    channel: ClientConnection, change: dict[str, Any], message: str
) -> None:
    request = {"serial": 3, "model": "vae-2d", "z": [0, 0], "view": PLANE}
    assert message in ask(channel, **request | change)["error"]
    assert ask(channel, **request)["z"] == [0, 0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"model": "vae-2d"}', "[" * 9_999, b"\x00\x01"])
def test_a_message_that_is_not_json_is_answered_and_the_channel_stays_open(
    channel: ClientConnection, text: str | bytes
) -> None:
    channel.send(text)
    reply = json.loads(channel.recv(timeout=60))
    assert reply["error"]
    assert reply["serial"] is None
    assert ask(channel, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["z"] == [0, 0]


@pytest.mark.parametrize("message", ["x" * 20_000, b"x" * 20_000])
def test_a_message_that_is_too_large_closes_the_connection(port: int, message: str | bytes) -> None:
    with connect(f"ws://127.0.0.1:{port}/{assets.LIVE}") as channel:
        channel.send(message)
        with pytest.raises(ConnectionClosedError) as raised:
            channel.recv(timeout=60)
    assert raised.value.rcvd is not None
    assert raised.value.rcvd.code == 1009


def test_a_frame_that_is_too_large_is_refused_by_its_header(port: int) -> None:
    """The header announces 100 MB, of which the client sends nothing."""
    with connect(f"ws://127.0.0.1:{port}/{assets.LIVE}") as channel:
        channel.socket.sendall(b"\x81\xff" + (100 << 20).to_bytes(8, "big") + b"mask")
        with pytest.raises(ConnectionClosedError) as raised:
            channel.recv(timeout=60)
    assert raised.value.rcvd is not None
    assert raised.value.rcvd.code == 1009


def test_a_failure_is_reported_and_logged(
    channel: ClientConnection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(name: str, z: np.ndarray) -> None:
        raise RuntimeError(f"out of memory for {name}, {z.shape[1]} numbers")

    with monkeypatch.context() as patch:
        patch.setattr(decoded_code, "decode_batch", fail)
        reply = ask(channel, serial=9, model="vae-2d", z=[0, 0], view=PLANE)
    assert (reply["serial"], "reason is in the server's log" in reply["error"]) == (9, True)
    assert "out of memory for vae-2d" in caplog.text
    assert ask(channel, serial=10, model="vae-2d", z=[0, 0], view=PLANE)["z"] == [0, 0]


class Held:
    """`decode_batch` that records its calls and blocks until a test releases it."""

    def __init__(self, decode: Callable[..., Any]) -> None:
        self.decode, self.batches = decode, []
        self.started, self.release = threading.Event(), threading.Event()
        self.release.set()

    def wait(self) -> None:
        """Count from here, and wait from here."""
        self.batches.clear()
        self.started.clear()
        self.release.clear()

    def __call__(self, name: str, z: np.ndarray) -> Any:
        self.batches.append((name, len(z)))
        self.started.set()
        assert self.release.wait(60)
        return self.decode(name, z)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    found = Held(decoded_code.decode_batch)
    monkeypatch.setattr(decoded_code, "decode_batch", found)
    yield found
    found.release.set()


def send(channel: ClientConnection, serial: int, **changes: Any) -> None:
    request = {"serial": serial, "model": "vae-2d", "z": [serial / 100, 0], "view": PLANE}
    channel.send(json.dumps(request | changes))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def waiting(served: live.Channel) -> list[Request]:
    """The requests that are queued for a batch."""
    groups = list(served._decoding._waiting.values())
    return [request for group in groups for request in list(group.values())]


def test_requests_that_wait_are_decoded_in_one_batch(
    port: int, served: live.Channel, held: Held
) -> None:
    with ExitStack() as stack:
        url = f"ws://127.0.0.1:{port}/{assets.LIVE}"
        channels = [stack.enter_context(connect(url)) for _ in range(9)]
        for view in (["PCA", 0, 1], PLANE):  # read into memory
            ask(channels[0], serial=0, model="vae-2d", z=[9, 9], view=view)
        held.wait()
        send(channels[0], 0)
        assert held.started.wait(60)
        for serial, each in enumerate(channels[1:], start=1):
            send(each, serial, view=["PCA", 0, 1] if serial % 2 else PLANE)
        wait_for(lambda: len(waiting(served)) == 8)
        held.release.set()
        replies = [json.loads(each.recv(timeout=60)) for each in channels]
    assert held.batches == [("vae-2d", 1), ("vae-2d", 8)]
    for serial, reply in enumerate(replies):
        assert (reply["serial"], reply["z"]) == (serial, [serial / 100, 0])
        pixels = np.frombuffer(base64.b64decode(reply["pixels"]), np.uint8).reshape(28, 28)
        expected = session.model("vae-2d").decode(np.array([[serial / 100, 0]], np.float32))[0]
        assert np.abs(pixels - 255 * expected).max() <= 1
        view = projections.projection("vae-2d", "PCA" if serial % 2 else "Two dimensions", (0, 1))
        z = np.array(reply["z"], np.float32)
        assert reply["cursor"] == pytest.approx(view.cursor(z), abs=1e-4)


def test_an_invalid_request_does_not_affect_the_others_of_its_batch(
    port: int, served: live.Channel, held: Held
) -> None:
    with ExitStack() as stack:
        url = f"ws://127.0.0.1:{port}/{assets.LIVE}"
        first, wrong, right = (stack.enter_context(connect(url)) for _ in range(3))
        ask(first, serial=0, model="vae-2d", z=[9, 9], view=PLANE)
        held.wait()
        send(first, 0)
        assert held.started.wait(60)
        send(wrong, 1, sample=10_000)
        send(right, 2)
        wait_for(lambda: len(waiting(served)) == 2)
        held.release.set()
        assert "no test digit 10000" in json.loads(wrong.recv(timeout=60))["error"]
        assert json.loads(right.recv(timeout=60))["z"] == [0.02, 0]


def test_the_newest_of_a_client_s_waiting_requests_is_decoded(
    channel: ClientConnection, served: live.Channel, held: Held
) -> None:
    ask(channel, serial=0, model="vae-2d", z=[9, 9], view=PLANE)
    held.wait()
    send(channel, 1)
    assert held.started.wait(60)
    for serial in range(2, 301):
        send(channel, serial)
    wait_for(lambda: [request.serial for request in waiting(served)] == [300])
    held.release.set()
    serials = [json.loads(channel.recv(timeout=60))["serial"] for _ in range(2)]
    assert serials == [1, 300]
    assert [count for _, count in held.batches] == [1, 1]


def test_a_client_that_does_not_read_delays_no_other_and_uses_no_memory(
    port: int, served: live.Channel, held: Held
) -> None:
    """Replies that it has not read are replaced by newer ones."""
    with socket.socket() as narrow:
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", port))
        url = f"ws://127.0.0.1:{port}/{assets.LIVE}"
        with (
            connect(url, sock=narrow, max_queue=(1, 0), close_timeout=1) as stalled,
            connect(url) as other,
        ):
            ask(other, serial=1, model="vae-2d", z=[0, 0], view=PLANE)
            for serial in range(1, 401):
                count = len(held.batches)
                send(stalled, serial)
                wait_for(lambda count=count: len(held.batches) > count)
            assert ask(other, serial=2, model="vae-2d", z=[0, 0], view=PLANE)["serial"] == 2
            received = [json.loads(stalled.recv(timeout=60))["serial"]]
            while received[-1] != 400:
                received.append(json.loads(stalled.recv(timeout=60))["serial"])
    assert received == sorted(received)
    assert len(received) < 400


def test_connections_are_limited_by_address_and_in_total(
    port: int, served: live.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"ws://127.0.0.1:{port}/{assets.LIVE}"
    wait_for(lambda: not served._connections)
    for limit in ("CONNECTIONS_PER_ADDRESS", "CONNECTIONS"):
        with monkeypatch.context() as patch:
            patch.setattr(live, limit, 2)
            with connect(url) as one, connect(url) as two:
                with pytest.raises(InvalidStatus, match="403"):
                    connect(url)
                for each in (one, two):
                    assert ask(each, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["serial"] == 1
            wait_for(lambda: not served._connections)
            with connect(url) as later:
                assert ask(later, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["serial"] == 1


def test_loading_a_model_does_not_delay_another(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    release, load = threading.Event(), session.model

    def slow(name: str) -> Any:
        assert name != "ae-2d" or release.wait(60)
        return load(name)

    url = f"ws://127.0.0.1:{port}/{assets.LIVE}"
    with connect(url) as first, connect(url) as second:
        service.unload_all()
        ask(second, serial=0, model="vae-2d", z=[0, 0], view=PLANE)
        monkeypatch.setattr(session, "model", slow)
        send(first, 1, model="ae-2d")
        assert ask(second, serial=2, model="vae-2d", z=[0, 0], view=PLANE)["serial"] == 2
        release.set()
        assert json.loads(first.recv(timeout=60))["model"] == "ae-2d"


def test_damaged_weights_are_answered_with_a_sentence(
    channel: ClientConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(catalog.CHECKPOINTS / "vae-2d", tmp_path / "vae-damaged"))
    whole = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(whole[:1000])
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    request = {"model": "vae-damaged", "z": [0, 0], "view": PLANE}
    for serial in (1, 2):  # a failed load is not kept
        reply = ask(channel, serial=serial, **request)
        assert reply["serial"] == serial
        assert "weights.safetensors is truncated" in reply["error"]
    (folder / "weights.safetensors").write_bytes(whole)
    assert ask(channel, serial=3, **request)["model"] == "vae-damaged"


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null"])
def test_a_page_of_another_site_is_not_answered(port: int, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{port}/{assets.LIVE}", origin=Origin(origin))
    own = Origin(f"http://127.0.0.1:{port}")
    with connect(f"ws://127.0.0.1:{port}/{assets.LIVE}", origin=own) as found:
        assert ask(found, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["z"] == [0, 0]


def test_memory_of_projections_does_not_grow_with_the_requests(channel: ClientConnection) -> None:
    ask(channel, serial=1, model="vae-2d", z=[0, 0], view=["PCA", 0, 1])
    before = projections._projection.cache_size
    for number in range(20):
        ask(channel, serial=number, model="vae-2d", z=[0, 0], view=["PCA", number, 10**9])
    assert projections._projection.cache_size == before


def test_it_is_served_behind_a_path_prefix_and_a_client_that_leaves_is_no_error(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        with connect(f"ws://127.0.0.1:{port}/deep/base/{assets.LIVE}") as found:
            found.send(json.dumps({"serial": 1, "model": "vae-2d", "z": [0, 0], "view": PLANE}))
    with connect(f"ws://127.0.0.1:{port}/{assets.LIVE}") as found:
        assert ask(found, serial=1, model="vae-2d", z=[0, 0], view=PLANE)["serial"] == 1
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not errors
