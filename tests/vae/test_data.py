"""Data sets as arrays: MNIST, the bundled digits, folders of images, .npz and IDX files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae import data
from vae.data import DataError, available, load, read_idx
from vae.dataspec import Dataset


def test_mnist_is_what_it_is_known_to_be(mnist_test: Dataset) -> None:
    assert mnist_test.samples.shape == (10_000, 28, 28)
    assert mnist_test.samples.dtype == np.uint8
    assert mnist_test.labels.dtype == np.int64
    assert mnist_test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert mnist_test.samples.mean() / 255 == pytest.approx(0.13251, abs=1e-5)


def test_a_data_folder_must_hold_the_official_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz is missing: LATENT_DATA"):
        load("mnist", "test")
    for file in data.FILES["test"]:
        (tmp_path / file.name).write_bytes(b"0" * file.size)
    assert not available("mnist", "test")
    with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz is not the official"):
        load("mnist", "test")


def test_bundled_digits_are_split_by_class_and_look_alike() -> None:
    assert available("digits", "test")
    train, test = load("digits", "train"), load("digits", "test")
    again = load("digits", "test")
    assert len(train.samples) + len(test.samples) == 1797
    assert len(test.samples) == pytest.approx(1797 / 5, abs=1)
    np.testing.assert_array_equal(test.samples, again.samples)
    assert np.bincount(test.labels).min() >= 34
    assert test.samples.dtype == np.uint8
    assert test.labels.dtype == np.int64
    assert not {i.tobytes() for i in train.samples} & {i.tobytes() for i in test.samples}
    # the ink of MNIST: on average 0.1325 of white; its ink fits a box of 20
    assert train.samples.mean() / 255 == pytest.approx(0.1325, abs=0.01)
    rows = test.samples.any(2)
    columns = test.samples.any(1)
    assert max(rows.sum(1).max(), columns.sum(1).max()) <= 20


def test_bundled_digits_are_read_by_a_neighbour_from_mnist(mnist_test: Dataset) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(3).fit(mnist_test.samples.reshape(-1, 784), mnist_test.labels)
    ours = load("digits", "test")
    assert classifier.score(ours.samples.reshape(-1, 784), ours.labels) > 0.7  # measured: 0.78


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
    assert (len(train.samples), len(test.samples)) == (16, 4)
    assert sorted(test.labels.tolist()) == [-1, -1, 1, 1]
    assert test.samples.shape == (4, 28, 28)
    assert test.samples.max() > 250


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
    assert len(load(folder, "train").samples) == 4
    assert len(load(folder, "test").samples) == 1


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
    assert [len(part.samples) for part in parts] == [40, 10]
    assert parts[1].labels.tolist() != sorted(parts[1].labels.tolist())
    assert np.bincount(parts[1].labels).tolist() == [1] * 10
    pairs = [zip(part.samples, part.labels, strict=True) for part in parts]
    together = {i.tobytes(): y for part in pairs for i, y in part}
    assert together == {i.tobytes(): y for i, y in zip(images, labels, strict=True)}


def test_an_npz_may_be_flat_unlabelled_floating_or_parted(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 784), dtype=np.uint8)
    path = tmp_path / "mine.npz"
    np.savez(path, images=images / 255)
    flat = load(path, "test")
    assert flat.samples.shape == (2, 28, 28)
    assert flat.labels.tolist() == [-1, -1]
    np.savez(path, x_train=images, y_train=np.zeros(10), x_test=images[:3], y_test=np.ones(3))
    parted = load(path, "test")
    np.testing.assert_array_equal(parted.samples.reshape(3, 784), images[:3])
    assert parted.labels.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": np.zeros((9, 28, 28))}, "it needs `images`"),
        ({"images": np.zeros((9, 28))}, r"images have shape \(9, 28\)"),
        ({"images": np.zeros((0, 28, 28))}, r"images have shape \(0, 28, 28\)"),
        ({"images": np.full((9, 28, 28), 7.0)}, "lies in 0 to 1, not in 7.0 to 7.0"),
        ({"images": np.full((9, 28, 28), np.nan)}, "not in nan to nan"),
        ({"images": np.zeros((9, 40, 40))}, "blank"),
        ({"images": np.zeros((9, 28, 28)), "labels": np.zeros(8)}, r"labels have shape \(8,\)"),
        ({"images": np.zeros((9, 28, 28)), "labels": np.full(9, 11)}, "label .*11.* is neither"),
    ],
)
def test_a_bad_npz_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=message) as caught:
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
    ("raw", "message"),
    [
        (gzip.compress(idx((2, 3), b"12345"), mtime=0), "holds 5 bytes"),
        (gzip.compress(idx((2, 3), b"1234567"), mtime=0), "holds 7 bytes"),
        (gzip.compress(idx((2**31, 2**31, 2**31), b"12"), mtime=0), "holds 2 bytes"),
        (
            gzip.compress(b"\x00\x00\x0d\x01\x00\x00\x00\x01aaaa", mtime=0),
            "not an IDX file",
        ),
        (gzip.compress(b"\x00\x00\x08\x03\x00", mtime=0), "ends within its header"),
        (gzip.compress(b"", mtime=0), "not an IDX file"),
        (gzip.compress(idx((2, 3), b"123456"), mtime=0)[:-12], "cannot be read as gzip"),
        (b"not gzip", "cannot be read as gzip"),
    ],
)
def test_files_that_are_not_idx_are_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
