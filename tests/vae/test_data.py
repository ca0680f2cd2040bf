import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae import data
from vae.data import DataError, Digits, available, load, read_idx
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
        pass  # the client had enough


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


def test_a_file_on_the_disk_is_not_asked_for(tmp_path: Path, serve: Serve) -> None:
    mirror = serve(good)
    for _ in range(2):
        download([FILE], tmp_path, [mirror.url])
    assert mirror.asked == ["/mnist/file.gz"]


def test_a_spoilt_file_on_the_disk_is_replaced(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / FILE.name).write_bytes(CONTENT[::-1])  # the size is right, the bytes are not
    (path,) = download([FILE], tmp_path, [serve(good).url])
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "words"),
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
    words: str,
) -> None:
    mirror = serve(answer)
    with pytest.raises(DataError, match=words) as caught:
        download([FILE], tmp_path, [mirror.url])
    assert urllib.parse.urlsplit(mirror.url).netloc in str(caught.value)
    assert is_one_sentence(str(caught.value))
    assert list(tmp_path.iterdir()) == []
    # and the next mirror mends it
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


def test_an_address_that_is_none_is_named(tmp_path: Path) -> None:
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


def mount(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root on Linux")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    yield from mount(tmp_path / "full", "size=64k")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    yield from mount(tmp_path / "fixed", "ro")


def test_a_full_disk_is_named_and_left_empty(full_disk: Path, serve: Serve) -> None:
    mirrors = [serve(good), serve(good)]
    with pytest.raises(DataError, match="no disk space") as caught:
        download([FILE], full_disk, [mirror.url for mirror in mirrors])
    assert is_one_sentence(str(caught.value))
    assert list(full_disk.iterdir()) == []
    assert mirrors[1].asked == []  # no mirror can mend it


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
    arguments = [serve(good).url, str(tmp_path), FILE.name, FILE.sha256, str(FILE.size)]
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


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path, serve: Serve) -> None:
    old, fresh = tmp_path / "tmpold12345", tmp_path / "tmpfresh123"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    download([FILE], tmp_path, [serve(good).url])
    assert not old.exists()
    assert fresh.exists()  # another process may be writing it


def test_several_processes_may_fetch_at_once(tmp_path: Path, serve: Serve) -> None:
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

    arguments = [serve(slowly).url, str(tmp_path), FILE.name, FILE.sha256, str(FILE.size)]
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
    assert tmp_path in data.mnist_folder().parents
    return data.mnist_folder()


def test_mnist_names_every_mirror_that_failed(
    cache: Path, serve: Serve, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_MIRRORS", f"{serve(not_found).url}, {refusing}")
    assert not available("mnist", "test")
    with pytest.raises(DataError, match=r"answered 404; .* refused the connection") as caught:
        load("mnist", "test")
    assert str(cache) in str(caught.value)
    assert list(cache.iterdir()) == []


def test_mnist_fetches_the_asked_split_alone(
    mnist_test: Digits, serve: Serve, request: pytest.FixtureRequest
) -> None:
    source = data.mnist_folder()
    cache = request.getfixturevalue("cache")  # only now: it takes LATENT_DATA away

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        body = (source / handler.path.rsplit("/", 1)[1]).read_bytes()
        send(handler, body, len(body))

    mirror = serve(answer)
    seen: list[tuple[int, int]] = []
    digits = data.mnist("test", mirrors=[mirror.url], progress=lambda *now: seen.append(now))
    assert [path.name for path in sorted(cache.iterdir())] == [f.name for f in data.MNIST["test"]]
    assert seen[-1] == (1_653_419, 1_653_419)
    np.testing.assert_array_equal(digits.images, mnist_test.images)
    assert available("mnist", "test")
    assert not available("mnist", "train")
    assert len(data.mnist("test", mirrors=[mirror.url]).images) == 10_000
    assert len(mirror.asked) == 2


def test_mnist_is_what_it_is_known_to_be(mnist_test: Digits) -> None:
    assert mnist_test.images.shape == (10_000, 28, 28)
    assert mnist_test.images.dtype == np.uint8
    assert mnist_test.labels.dtype == np.int64
    assert mnist_test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert mnist_test.images.mean() / 255 == pytest.approx(0.13251, abs=1e-5)


def test_a_data_folder_must_hold_the_official_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz is missing: LATENT_DATA"):
        load("mnist", "test")
    for file in data.MNIST["test"]:
        (tmp_path / file.name).write_bytes(b"0" * file.size)
    assert not available("mnist", "test")
    with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz is not the official"):
        load("mnist", "test")


def test_bundled_digits_are_split_by_class_and_look_alike() -> None:
    assert available("digits", "test")
    train, test = load("digits", "train"), load("digits", "test")
    again = load("digits", "test")
    assert len(train.images) + len(test.images) == 1797
    assert len(test.images) == pytest.approx(1797 / 5, abs=1)
    np.testing.assert_array_equal(test.images, again.images)
    assert np.bincount(test.labels).min() >= 34
    assert test.images.dtype == np.uint8
    assert test.labels.dtype == np.int64
    assert not {i.tobytes() for i in train.images} & {i.tobytes() for i in test.images}
    # the ink of MNIST: on average 0.1325 of white; its ink fits a box of 20
    assert train.images.mean() / 255 == pytest.approx(0.1325, abs=0.01)
    rows = test.images.any(2)
    columns = test.images.any(1)
    assert max(rows.sum(1).max(), columns.sum(1).max()) <= 20


def test_bundled_digits_are_read_by_a_neighbour_from_mnist(mnist_test: Digits) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(3).fit(mnist_test.images.reshape(-1, 784), mnist_test.labels)
    ours = load("digits", "test")
    assert classifier.score(ours.images.reshape(-1, 784), ours.labels) > 0.7  # measured: 0.78


def stroke(folder: Path, name: str, at: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    image = np.full((60, 60), 255, np.uint8)
    image[10:50, at : at + 6] = 0
    Image.fromarray(image).save(folder / name)


def test_a_folder_gives_labels_by_subfolder(tmp_path: Path) -> None:
    for i in range(10):
        stroke(tmp_path / "1", f"{i}.png", 10 + i)
        stroke(tmp_path / "other", f"{i}.jpg", 10 + i)
    (tmp_path / "notes.txt").write_text("no image")
    train, test = load(tmp_path, "train"), load(str(tmp_path), "test")
    assert available(tmp_path, "test")
    assert (len(train.images), len(test.images)) == (16, 4)
    assert sorted(test.labels.tolist()) == [-1, -1, 1, 1]
    assert test.images.shape == (4, 28, 28)
    assert test.images.max() > 250


def test_a_folder_with_train_and_test_keeps_them(tmp_path: Path) -> None:
    stroke(tmp_path / "train" / "1", "a.png", 10)
    stroke(tmp_path / "train" / "1", "b.png", 12)
    stroke(tmp_path / "test" / "7", "c.png", 12)
    assert load(tmp_path, "train").labels.tolist() == [1, 1]
    assert load(tmp_path, "test").labels.tolist() == [7]


@pytest.mark.parametrize("name", ["._0.png", ".trash/0.png", "__MACOSX/1/._0.png", ".DS_Store"])
def test_hidden_files_are_left_out(tmp_path: Path, name: str) -> None:
    """macOS adds such files to folders and archives; they hold no image."""
    folder = tmp_path / ".data"  # the folder itself may be hidden
    for i in range(5):
        stroke(folder / "1", f"{i}.png", 10 + i)
    hidden = folder / name
    hidden.parent.mkdir(parents=True, exist_ok=True)
    hidden.write_bytes(b"no image")
    assert len(load(folder, "train").images) == 4
    assert len(load(folder, "test").images) == 1


def test_a_bad_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no images"):
        load(tmp_path, "train")
    stroke(tmp_path, "only.png", 10)
    with pytest.raises(ValueError, match="1 images are too few"):
        load(tmp_path, "train")
    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(b"garbage")
    with pytest.raises(DataError, match=r"\d.png: the image cannot be read"):
        load(tmp_path, "train")


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y")])
def test_an_npz_gives_its_arrays(tmp_path: Path, keys: tuple[str, str]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    labels = np.arange(50) % 10
    path = tmp_path / "mine.npz"
    np.savez(path, **{keys[0]: images, keys[1]: labels})  # pyright: ignore[reportArgumentType]
    parts = [load(path, split) for split in ("train", "test")]
    assert [len(part.images) for part in parts] == [40, 10]
    assert parts[1].labels.tolist() != sorted(parts[1].labels.tolist())
    assert np.bincount(parts[1].labels).tolist() == [1] * 10
    together = {i.tobytes(): y for part in parts for i, y in zip(*part, strict=True)}
    assert together == {i.tobytes(): y for i, y in zip(images, labels, strict=True)}


def test_an_npz_may_be_flat_unlabelled_floating_or_parted(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 784), dtype=np.uint8)
    path = tmp_path / "mine.npz"
    np.savez(path, images=images / 255)
    flat = load(path, "test")
    assert flat.images.shape == (2, 28, 28)
    assert flat.labels.tolist() == [-1, -1]
    np.savez(path, x_train=images, y_train=np.zeros(10), x_test=images[:3], y_test=np.ones(3))
    parted = load(path, "test")
    np.testing.assert_array_equal(parted.images.reshape(3, 784), images[:3])
    assert parted.labels.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": np.zeros((9, 28, 28))}, "it needs `images`"),
        ({"images": np.zeros((9, 28))}, r"images have shape \(9, 28\)"),
        ({"images": np.zeros((0, 28, 28))}, r"images have shape \(0, 28, 28\)"),
        ({"images": np.full((9, 28, 28), 7.0)}, "lies in 0 to 1, not in 7.0 to 7.0"),
        ({"images": np.full((9, 28, 28), np.nan)}, "not in nan to nan"),
        ({"images": np.zeros((9, 40, 40))}, "blank"),
        ({"images": np.zeros((9, 28, 28)), "labels": np.zeros(8)}, r"labels have shape \(8,\)"),
        ({"images": np.zeros((9, 28, 28)), "labels": np.full(9, 11)}, "label .*11.* is none of"),
    ],
)
def test_a_bad_npz_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=words) as caught:
        load(path, "train")
    assert str(path) in str(caught.value)


def test_an_npz_with_objects_or_broken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, images=np.array([{}], object))
    with pytest.raises(DataError, match="cannot be read"):
        load(path, "train")
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError, match="cannot be read"):
        load(path, "train")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="'nosuch' is neither a known name"):
        load("nosuch", "train")
    with pytest.raises(ValueError, match="split 'valid' is unknown"):
        load("digits", "valid")
    assert not available("nosuch", "train")


def idx(shape: tuple[int, ...], body: bytes) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + body


def test_idx_reads_what_was_written(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(idx(array.shape, array.tobytes())))
    np.testing.assert_array_equal(read_idx(path), array)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (gzip.compress(idx((2, 3), b"12345")), "holds 5 bytes"),
        (gzip.compress(idx((2, 3), b"1234567")), "holds 7 bytes"),
        (gzip.compress(idx((2**31, 2**31, 2**31), b"12")), "holds 2 bytes"),
        (gzip.compress(b"\x00\x00\x0d\x01\x00\x00\x00\x01aaaa"), "no IDX file of bytes"),
        (gzip.compress(b"\x00\x00\x08\x03\x00"), "ends within its header"),
        (gzip.compress(b""), "no IDX file of bytes"),
        (gzip.compress(idx((2, 3), b"123456"))[:-12], "cannot be read as gzip"),
        (b"not gzip", "cannot be read as gzip"),
    ],
)
def test_idx_refuses_what_is_none(tmp_path: Path, raw: bytes, words: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=words) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
