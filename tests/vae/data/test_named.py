"""The named data sets: MNIST and those in its format, scikit-learn's digits, emoji."""

import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.vae.data.test_idx import idx
from vae import data
from vae.data import emoji, mnist
from vae.dataspec import MNIST, Dataset
from vae.download import DataError, DataFile


def test_mnist_is_what_it_is_known_to_be(mnist_test: Dataset) -> None:
    assert mnist_test.samples.shape == (10_000, 28, 28)
    assert mnist_test.samples.dtype == np.uint8
    assert mnist_test.labels.dtype == np.int64
    assert mnist_test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert mnist_test.samples.mean() / 255 == pytest.approx(0.13251, abs=1e-5)
    assert mnist_test.spec == MNIST


def test_a_data_folder_must_hold_the_official_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz is missing: LATENT_DATA"):
        data.load("mnist", "test")
    for file in data.DATASETS["mnist"].files("test"):  # pyright: ignore[reportAttributeAccessIssue]
        (tmp_path / file.name).write_bytes(b"0" * file.size)
    assert not data.available("mnist", "test")
    with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz is not the official"):
        data.load("mnist", "test")


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """The address of a server on this machine, and the folder that it serves."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LATENT_DATA", raising=False)
    served = tmp_path / "served"
    served.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(served))  # pyright: ignore[reportArgumentType]

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", served
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["fashion-mnist", "kmnist"])
def test_sets_in_mnists_format_are_downloaded_once(
    name: str, mirror: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that this test makes stand for the official ones; both are verified by md5."""
    address, served = mirror
    official = mnist.OFFICIAL[name]
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = (np.arange(20) % 10).astype(np.uint8)
    files = []
    for file, array in zip(official.test, (images, labels), strict=True):
        content = gzip.compress(idx(array))
        (served / file.name).write_bytes(content)
        files.append(DataFile(file.name, hashlib.md5(content).hexdigest(), len(content)))
    copy = replace(official, test=tuple(files), mirrors=(address,))
    monkeypatch.setitem(mnist.OFFICIAL, name, copy)
    monkeypatch.setitem(data.DATASETS, name, copy)
    assert not data.available(name, "test")
    seen: list[tuple[int, int]] = []
    loaded = data.load(name, "test", progress=lambda *now: seen.append(now))
    assert seen[-1][0] == seen[-1][1] == sum(file.size for file in files)
    np.testing.assert_array_equal(loaded.samples, images)
    np.testing.assert_array_equal(loaded.labels, labels)
    assert len(loaded.spec.classes) == 10
    assert loaded.spec.prepare == "resize"
    assert data.available(name, "test")
    for path in served.iterdir():
        path.unlink()
    np.testing.assert_array_equal(data.load(name, "test").samples, images)

    (copy.folder / files[0].name).write_bytes(b"spoilt")
    with pytest.raises(DataError, match=r"could not be downloaded .* answered 404"):
        data.load(name, "test")


def test_the_official_hashes_are_those_of_the_publishers() -> None:
    """REFERENCES gives md5 in the order train images, train labels, test images, test labels."""
    fashion, kuzushiji = mnist.OFFICIAL["fashion-mnist"], mnist.OFFICIAL["kmnist"]
    assert [file.hash[:8] for file in (*fashion.train, *fashion.test)] == [
        *("8d4fb7e6", "25c81989", "bef4ecab", "bb300cfd")
    ]
    assert [file.hash[:8] for file in (*kuzushiji.train, *kuzushiji.test)] == [
        *("bdb82020", "e144d726", "5c965bf0", "7320c461")
    ]
    assert {file.algorithm for file in (*fashion.train, *kuzushiji.test)} == {"md5"}
    assert mnist.OFFICIAL["mnist"].train[0].algorithm == "sha256"


def test_bundled_digits_are_split_by_class_and_look_as_mnists() -> None:
    assert data.available("digits", "test")
    train, test = data.load("digits", "train"), data.load("digits", "test")
    assert len(train) + len(test) == 1797
    assert len(test) == pytest.approx(1797 / 5, abs=1)
    assert np.bincount(test.labels).min() >= 34
    assert test.samples.dtype == np.uint8
    assert not {i.tobytes() for i in train.samples} & {i.tobytes() for i in test.samples}
    # the ink of MNIST: on average 0.1325 of white; its ink fits a box of 20
    assert train.samples.mean() / 255 == pytest.approx(0.1325, abs=0.01)
    rows, columns = test.samples.any(2), test.samples.any(1)
    assert max(rows.sum(1).max(), columns.sum(1).max()) <= 20


def test_bundled_digits_are_read_by_a_neighbour_from_mnist(mnist_test: Dataset) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(3)
    classifier.fit(mnist_test.samples.reshape(-1, 784), mnist_test.labels)
    ours = data.load("digits", "test")
    assert classifier.score(ours.samples.reshape(-1, 784), ours.labels) > 0.7  # measured: 0.78


def test_emoji_have_nine_categories_and_names() -> None:
    train, test = data.load("emoji", "train"), data.load("emoji", "test")
    assert len(train) + len(test) == 3781
    assert train.spec.shape == (3, 32, 32)
    assert len(train.spec.classes) == 9
    assert train.spec.noun == "emoji"
    assert train.names[0] == "grinning face"
    shares = np.bincount(test.labels) / np.bincount(np.r_[train.labels, test.labels])
    assert (np.abs(shares - 0.1) < 0.03).all()
    assert data.available("emoji", "test")


def test_variants_of_an_emoji_are_on_one_side() -> None:
    train, test = (
        {emoji.group_of(name) for name in data.load("emoji", split).names}
        for split in ("train", "test")
    )
    assert not train & test
    assert emoji.group_of("man: medium skin tone, beard") == "man"


def test_a_damaged_emoji_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "emoji32.npz").write_bytes(b"PK\x03\x04")
    monkeypatch.setattr(emoji, "FILE", tmp_path / "emoji32.npz")
    with pytest.raises(DataError, match=r"emoji32.npz cannot be read .*git checkout"):
        data.load("emoji", "test")
