"""IDX files: what is read, what is refused; EMNIST's transposed images and its letters."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from vae import data
from vae.data import idx as idx_files
from vae.data.idx import read_idx
from vae.download import DataError

SHAPE = (20, 10, 10)


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    big_endian = array.astype(array.dtype.newbyteorder(">"))
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + big_endian.tobytes()


def images(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8)


def write_set(folder: Path, prefix: str, suffix: str, labels: np.ndarray) -> Path:
    """Training and test images with labels; returns the path of the training images."""
    pack = gzip.compress if suffix == ".gz" else bytes
    for seed, part in enumerate(("train", "test" if prefix else "t10k")):
        for name, array in (("images-idx3", images(seed)), ("labels-idx1", labels)):
            (folder / f"{prefix}{part}-{name}-ubyte{suffix}").write_bytes(pack(idx(array)))
    return folder / f"{prefix}train-images-idx3-ubyte{suffix}"


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_images_come_with_their_labels_and_their_test_set(tmp_path: Path, suffix: str) -> None:
    labels = (np.arange(20) % 4).astype(np.uint8)
    path = write_set(tmp_path, "", suffix, labels)
    for source in (path, tmp_path):
        loaded = data.read(source)
        np.testing.assert_array_equal(loaded.train.samples, images(0))
        np.testing.assert_array_equal(loaded.test.samples, images(1))
        np.testing.assert_array_equal(loaded.test.labels, labels)


def test_emnist_is_transposed_and_has_letters(tmp_path: Path) -> None:
    path = write_set(tmp_path, "emnist-letters-", ".gz", (np.arange(20) % 26 + 1).astype(np.uint8))
    loaded = data.read(path)
    np.testing.assert_array_equal(loaded.train.samples, images(0).swapaxes(1, 2))
    assert loaded.train.spec.classes == tuple("ABCDEFGHIJKLMNOPQRST")
    kept = data.read(path, data.Options(transpose=False))
    np.testing.assert_array_equal(kept.train.samples, images(0))


def test_emnist_reads_its_mapping(tmp_path: Path) -> None:
    path = write_set(tmp_path, "emnist-balanced-", "", (np.arange(20) % 2).astype(np.uint8))
    (tmp_path / "emnist-balanced-mapping.txt").write_text("0 48\n1 97\n")
    assert data.read(path).train.spec.classes == ("0", "a")


def test_several_sets_in_a_folder_are_named(tmp_path: Path) -> None:
    for prefix in ("emnist-letters-", "emnist-digits-"):
        write_set(tmp_path, prefix, "", np.zeros(20, np.uint8))
    with pytest.raises(DataError, match=r"holds 2 sets .*: name one file"):
        data.read(tmp_path)


def test_images_alone_are_split(tmp_path: Path) -> None:
    path = tmp_path / "mine-images-idx3-ubyte"
    path.write_bytes(idx(images(0)))
    loaded = data.read(path)
    assert (len(loaded.train), len(loaded.test)) == (18, 2)
    assert "no file of labels was found beside mine-images-idx3-ubyte" in loaded.notes


@pytest.mark.parametrize(
    ("kind", "dtype"), [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")]
)
def test_every_type_of_value_is_read(tmp_path: Path, kind: int, dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    path = tmp_path / "a.idx3"
    path.write_bytes(idx(array, kind))
    found = read_idx(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def header(*shape: int) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (gzip.compress(header(2, 3) + b"12345", mtime=0), "holds 5 bytes"),
        (gzip.compress(header(2, 3) + b"1234567", mtime=0), "holds more than 6 bytes"),
        (gzip.compress(header(2**31, 2**31, 2**31) + b"12", mtime=0), "holds 2 bytes"),
        (gzip.compress(b"\x00\x00\x0a\x01\x00\x00\x00\x01a", mtime=0), "not an IDX file"),
        (gzip.compress(b"\x00\x00\x08\x03\x00", mtime=0), "ends within its header"),
        (gzip.compress(b"", mtime=0), "not an IDX file"),
        (gzip.compress(header(2, 3) + b"123456", mtime=0)[:-12], "cannot be read .*download it again"),
        (b"not gzip", "cannot be read .*download it again"),
    ],
)
def test_files_that_are_not_idx_are_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_no_more_is_unpacked_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idx_files, "MAX_FILE", 1 << 20)
    large, longer = tmp_path / "large.gz", tmp_path / "longer.gz"
    large.write_bytes(gzip.compress(header(1 << 24) + bytes(1 << 24)))
    longer.write_bytes(gzip.compress(header(4) + bytes(1 << 24)))
    tracemalloc.start()
    with pytest.raises(DataError, match="has more than 0 GiB of values, the limit"):
        read_idx(large)
    with pytest.raises(DataError, match="holds more than 4 bytes"):
        read_idx(longer)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
