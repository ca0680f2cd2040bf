"""Downloads from mirrors of this machine: good, bad, interrupted, at once."""

import hashlib
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.vae.disks import mounted
from vae.data import DataError, Dataset, available, load
from vae.data.mnist import MNIST_SET
from vae.download import DataFile, download

CONTENT = np.random.default_rng(0).bytes(300_000)
FILE = DataFile("file.gz", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


class Mirror:
    """A real HTTP server on this machine whose answers a test chooses."""

    def __init__(self, answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is http.server's
                asked.append(self.path)
                answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/mnist/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


Serve = Callable[[Callable[[http.server.BaseHTTPRequestHandler], None]], Mirror]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    mirrors: list[Mirror] = []

    def start(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Mirror:
        mirrors.append(Mirror(answer))
        return mirrors[-1]

    yield start
    for mirror in mirrors:
        mirror.close()


def send(handler: http.server.BaseHTTPRequestHandler, body: bytes, length: int | None) -> None:
    handler.send_response(200)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)


def good(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, CONTENT, len(CONTENT))


def truncated(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, CONTENT[:100_000], len(CONTENT))


def truncated_unannounced(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, CONTENT[:100_000], None)


def wrong(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, CONTENT[::-1], len(CONTENT))


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(4000):  # 400 MB: what must not land on the disk
            handler.wfile.write(CONTENT[:100_000])
    except OSError:
        pass  # the client has closed the connection


def not_found(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_error(404)


@pytest.fixture
def refusing() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def is_one_sentence(text: str) -> bool:
    return "\n" not in text and len(text) < 400


def test_a_good_file_arrives_with_its_progress(tmp_path: Path, serve: Serve) -> None:
    seen: list[tuple[int, int]] = []
    folder = tmp_path / "made" / "on the way"
    paths = download([FILE], folder, [serve(good).url], lambda *now: seen.append(now))
    assert paths == [folder / FILE.name]
    assert paths[0].read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == [FILE.name]
    assert seen == sorted(seen)
    assert seen[-1] == (FILE.size, FILE.size)
    assert len({done for done, _ in seen}) > 5


def test_a_file_on_the_disk_is_not_requested(tmp_path: Path, serve: Serve) -> None:
    mirror = serve(good)
    for _ in range(2):
        download([FILE], tmp_path, [mirror.url])
    assert mirror.asked == ["/mnist/file.gz"]


def test_a_spoilt_file_on_the_disk_is_replaced(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / FILE.name).write_bytes(CONTENT[::-1])  # the size is right, the bytes are not
    (path,) = download([FILE], tmp_path, [serve(good).url])
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (truncated, "broke off"),
        (truncated_unannounced, "wrong sha256"),
        (wrong, "wrong sha256"),
        (endless, "sent more than the 300,000 bytes"),
        (not_found, "answered 404"),
    ],
)
def test_a_bad_mirror_is_named_and_leaves_nothing(
    tmp_path: Path,
    serve: Serve,
    answer: Callable[[http.server.BaseHTTPRequestHandler], None],
    message: str,
) -> None:
    mirror = serve(answer)
    with pytest.raises(DataError, match=message) as caught:
        download([FILE], tmp_path, [mirror.url])
    assert urllib.parse.urlsplit(mirror.url).netloc in str(caught.value)
    assert is_one_sentence(str(caught.value))
    assert list(tmp_path.iterdir()) == []
    # the next mirror succeeds
    (path,) = download([FILE], tmp_path, [mirror.url, serve(good).url])
    assert path.read_bytes() == CONTENT


def test_a_refused_connection_is_named_and_leaves_nothing(
    tmp_path: Path, serve: Serve, refusing: str
) -> None:
    with pytest.raises(DataError, match="refused the connection") as caught:
        download([FILE], tmp_path, [refusing])
    assert is_one_sentence(str(caught.value))
    assert list(tmp_path.iterdir()) == []
    assert download([FILE], tmp_path, [refusing, serve(good).url])[0].read_bytes() == CONTENT


def test_an_invalid_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'nowhere' is no http address"):
        download([FILE], tmp_path, ["nowhere"])
    with pytest.raises(ValueError, match="mirrors is empty"):
        download([FILE], tmp_path, [])


def test_the_mirror_that_worked_comes_first_for_the_next_file(tmp_path: Path, serve: Serve) -> None:
    bad, fine = serve(not_found), serve(good)
    download([FILE, FILE._replace(name="other.gz")], tmp_path, [bad.url, fine.url])
    assert bad.asked == ["/mnist/file.gz"]
    assert fine.asked == ["/mnist/file.gz", "/mnist/other.gz"]


def test_a_callback_stops_the_download(tmp_path: Path, serve: Serve) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise StoppedError

    mirrors = [serve(good), serve(good)]
    with pytest.raises(StoppedError):
        download([FILE], tmp_path, [mirror.url for mirror in mirrors], stop)
    assert list(tmp_path.iterdir()) == []
    assert mirrors[1].asked == []  # a stop is no failure of the mirror


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "full", "size=64k") as folder:
        yield folder


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "fixed", "ro") as folder:
        yield folder


def test_a_full_disk_is_named_and_left_empty(full_disk: Path, serve: Serve) -> None:
    mirrors = [serve(good), serve(good)]
    with pytest.raises(DataError, match="no disk space") as caught:
        download([FILE], full_disk, [mirror.url for mirror in mirrors])
    assert is_one_sentence(str(caught.value))
    assert list(full_disk.iterdir()) == []
    assert mirrors[1].asked == []  # no other mirror is tried


@pytest.mark.skipif(os.name != "posix", reason="the limit on a file's size is POSIX's")
def test_a_limit_on_file_size_reads_as_no_disk_space(tmp_path: Path, serve: Serve) -> None:
    program = (
        "import resource, signal, sys; from pathlib import Path;"
        "from vae.download import DataError, DataFile, download;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "url, folder, name, sha256, size = sys.argv[1:];"
        "\ntry: download([DataFile(name, sha256, int(size))], Path(folder), [url])"
        "\nexcept DataError as error: print(error)"
    )
    arguments = [serve(good).url, str(tmp_path), FILE.name, FILE.hash, str(FILE.size)]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert "no disk space" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_is_named(read_only: Path, serve: Serve) -> None:
    with pytest.raises(DataError, match="cannot be written") as caught:
        download([FILE], read_only / "cache", [serve(good).url])
    assert str(read_only) in str(caught.value)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(DataError, match="cannot be written"):
        download([FILE], tmp_path / "cache", [serve(good).url])


def test_temporary_files_of_a_killed_process_are_removed(tmp_path: Path, serve: Serve) -> None:
    old, fresh = tmp_path / "tmpold12345", tmp_path / "tmpfresh123"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    download([FILE], tmp_path, [serve(good).url])
    assert not old.exists()
    assert fresh.exists()  # another process may be writing it


def test_several_processes_may_download_at_once(tmp_path: Path, serve: Serve) -> None:
    program = (
        "import sys; from pathlib import Path; from vae.download import DataFile, download;"
        "url, folder, name, sha256, size = sys.argv[1:];"
        "paths = download([DataFile(name, sha256, int(size))], Path(folder), [url]);"
        "print(paths[0].stat().st_size)"
    )

    def slowly(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        for start in range(0, len(CONTENT), 30_000):
            handler.wfile.write(CONTENT[start : start + 30_000])
            time.sleep(0.05)

    arguments = [serve(slowly).url, str(tmp_path), FILE.name, FILE.hash, str(FILE.size)]
    command = [sys.executable, "-c", program, *arguments]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == [str(FILE.size)] * 3
    assert [path.name for path in tmp_path.iterdir()] == [FILE.name]
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of our own, and no LATENT_DATA."""
    monkeypatch.delenv("LATENT_DATA", raising=False)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    assert tmp_path in MNIST_SET.folder.parents
    return MNIST_SET.folder


def test_mnist_names_every_mirror_that_failed(
    cache: Path, serve: Serve, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_MIRRORS", f"{serve(not_found).url}, {refusing}")
    assert not available("mnist", "test")
    with pytest.raises(DataError, match=r"answered 404; .* refused the connection") as caught:
        load("mnist", "test")
    assert str(cache) in str(caught.value)
    assert list(cache.iterdir()) == []


def test_mnist_downloads_only_the_requested_split(
    mnist_test: Dataset, serve: Serve, request: pytest.FixtureRequest
) -> None:
    source = MNIST_SET.folder
    cache = request.getfixturevalue("cache")  # only now: it takes LATENT_DATA away

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        body = (source / handler.path.rsplit("/", 1)[1]).read_bytes()
        send(handler, body, len(body))

    mirror = serve(answer)
    seen: list[tuple[int, int]] = []
    digits = MNIST_SET("test", mirrors=[mirror.url], progress=lambda *now: seen.append(now))
    assert [path.name for path in sorted(cache.iterdir())] == [f.name for f in MNIST_SET.test]
    assert seen[-1] == (1_653_419, 1_653_419)
    np.testing.assert_array_equal(digits.samples, mnist_test.samples)
    assert available("mnist", "test")
    assert not available("mnist", "train")
    assert len(MNIST_SET("test", mirrors=[mirror.url])) == 10_000
    assert len(mirror.asked) == 2
