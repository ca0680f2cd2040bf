"""Images of digits as NumPy arrays: MNIST, scikit-learn's digits, a folder of images, an .npz."""

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pooch

from vae.dataspec import MNIST, Dataset
from vae.download import DataError, DataFile, Progress, download, is_good
from vae.image_file import read_image
from vae.prepare import as_uint8, enlarge, prepare

__all__ = ["DATASETS", "MIRRORS", "DataError", "Loader", "available", "load"]

SPLITS = ("train", "test")
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
FILES = {
    "train": (
        DataFile(
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            9_912_422,
        ),
        DataFile(
            "train-labels-idx1-ubyte.gz",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            28_881,
        ),
    ),
    "test": (
        DataFile(
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            1_648_877,
        ),
        DataFile(
            "t10k-labels-idx1-ubyte.gz",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            4_542,
        ),
    ),
}
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm"}


class Loader(Protocol):
    def __call__(self, split: str, *, progress: Progress | None = None) -> Dataset: ...


def load(source: str | Path, split: str, *, progress: Progress | None = None) -> Dataset:
    """Load one split of a data set.

    Args:
        source: a name in DATASETS, a folder of images, or an .npz file.
        split: "train" or "test".
        progress: called with (bytes done, total bytes) during a download; it may raise to stop it.

    Raises:
        DataError: the data could not be downloaded or read.
        ValueError: an unknown source or split, or an .npz that does not hold images of digits.
    """
    _check_split(split)
    if str(source) in DATASETS:
        return DATASETS[str(source)](split, progress=progress)
    path = Path(source).expanduser()
    if path.is_dir():
        return _folder(path, split)
    if path.is_file() and path.suffix == ".npz":
        return _npz(path, split)
    raise ValueError(
        f"data {str(source)!r} is neither a known name ({', '.join(DATASETS)}), nor a folder of "
        "images, nor an .npz file"
    )


def available(source: str | Path, split: str) -> bool:
    """Whether load(source, split) needs no download; this check uses no network."""
    _check_split(split)
    if source == "mnist":
        folder = mnist_folder()
        return all(is_good(folder / file.name, file) for file in FILES[split])
    return str(source) in DATASETS or Path(source).expanduser().exists()


def mnist_folder() -> Path:
    """The folder of the MNIST files: LATENT_DATA, else one in the user's cache folder."""
    given = os.environ.get("LATENT_DATA")
    return Path(given).expanduser() if given else Path(pooch.os_cache("latent-explorer")) / "mnist"


def mnist(
    split: str, *, progress: Progress | None = None, mirrors: Sequence[str] | None = None
) -> Dataset:
    """MNIST: 60,000 training and 10,000 test digits. A split is downloaded on first use.

    Files in LATENT_DATA are used as they are; nothing is downloaded then. `mirrors`, or else
    LATENT_MIRRORS (addresses separated by commas), replaces MIRRORS.

    Raises: DataError when the files are wrong, missing or cannot be downloaded.
    Source: LeCun, Cortes, Burges; http://yann.lecun.com/exdb/mnist
    """
    _check_split(split)
    files, folder = FILES[split], mnist_folder()
    if os.environ.get("LATENT_DATA"):
        for file in files:
            if not is_good(folder / file.name, file):
                fault = (
                    "is not the official file" if (folder / file.name).is_file() else "is missing"
                )
                raise DataError(
                    f"{folder / file.name} {fault}: LATENT_DATA must name a folder with the four "
                    "gzip files of MNIST, or be unset so that they are downloaded"
                )
        paths = [folder / file.name for file in files]
    else:
        given = [part.strip() for part in os.environ.get("LATENT_MIRRORS", "").split(",")]
        mirrors = mirrors or [part for part in given if part] or MIRRORS
        paths = download(files, folder, mirrors, progress)
    images, labels = (read_idx(path) for path in paths)
    if images.shape != (len(labels), 28, 28):
        raise DataError(f"{paths[0]} holds images of shape {images.shape} for {len(labels)} labels")
    return Dataset(images, labels.astype(np.int64), MNIST)


def bundled(split: str, *, progress: Progress | None = None) -> Dataset:
    """scikit-learn's 1,797 digits of 8x8, prepared as MNIST was; needs no network.

    A fifth of each class, chosen by a fixed seed, is the test set.

    Source: Alpaydin and Kaynak, UCI Optical Recognition of Handwritten Dataset
    """
    del progress
    from sklearn.datasets import load_digits  # takes most of a second; nothing else needs it

    _check_split(split)
    small: Any = load_digits()
    labels = small.target.astype(np.int64)
    chosen = _split_indices(labels, split)
    images = [prepare(enlarge(image / 16), invert=False).final for image in small.images[chosen]]
    return Dataset(np.stack(images), labels[chosen], MNIST)


DATASETS: dict[str, Loader] = {"mnist": mnist, "digits": bundled}


def read_idx(path: Path) -> np.ndarray:
    """Read a gzip IDX file of bytes, in the shape given by its header.

    Raises: DataError that names the file when it is unreadable or contradicts its header.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as gzip ({error})") from error
    # two zeros, 8 for unsigned bytes, the number of dimensions; then each size, big-endian
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise DataError(
            f"{path} is not an IDX file of bytes: it starts with {raw[:4].hex() or 'nothing'}"
        )
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise DataError(f"{path} ends within its header of {raw[3]} dimensions")
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    count = int(np.prod(shape, dtype=object))
    if len(raw) - start != count:
        raise DataError(f"{path} holds {len(raw) - start} bytes, and its header gives {shape}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()


def _folder(folder: Path, split: str) -> Dataset:
    """Images in a folder and its subfolders; without train/ and test/, a fifth is the test set.

    Hidden files and folders and macOS's __MACOSX are skipped.
    """
    has_splits = all((folder / part).is_dir() for part in SPLITS)
    root = folder / split if has_splits else folder
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not _is_hidden(path.relative_to(root))
        and path.is_file()
    )
    if not paths:
        raise DataError(f"{root} holds no images ({', '.join(sorted(IMAGE_SUFFIXES))})")
    names = [path.parent.name for path in paths]
    labels = np.array([int(name) if name in set("0123456789") else -1 for name in names], np.int64)
    chosen = np.arange(len(paths)) if has_splits else _split_indices(labels, split)
    images = []
    for path in (paths[i] for i in chosen):
        try:
            images.append(prepare(read_image(path.read_bytes())).final)
        except (ValueError, OSError) as error:
            raise DataError(f"{path}: {error}") from error
    return Dataset(np.stack(images), labels[chosen], MNIST)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _npz(path: Path, split: str) -> Dataset:
    """Arrays `images` and `labels` (or x, y), or x_train, y_train, x_test, y_test (Keras' names).

    Images of 28x28 are taken unchanged, others are prepared as MNIST was.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays: dict[str, Any] = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} cannot be read as .npz without pickle ({error})") from error
    has_splits = f"x_{split}" in arrays
    images = next((arrays[k] for k in (f"x_{split}", "images", "x") if k in arrays), None)
    labels = next((arrays[k] for k in (f"y_{split}", "labels", "y") if k in arrays), None)
    if images is None:
        raise ValueError(f"{path} has {sorted(arrays)}: it needs `images`, and `labels` if known")
    if images.ndim == 2 and images.shape[1] == 784:
        images = images.reshape(-1, 28, 28)
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(f"{path}: images have shape {images.shape}, not [N, H, W] or [N, H, W, C]")
    labels = np.full(len(images), -1) if labels is None else labels
    _check_labels(labels, len(images), path)
    labels = labels.astype(np.int64)
    chosen = np.arange(len(labels)) if has_splits else _split_indices(labels, split)
    unchanged = images.shape[1:] == (28, 28)
    try:
        done = [as_uint8(one) if unchanged else prepare(one).final for one in images[chosen]]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Dataset(np.stack(done), labels[chosen], MNIST)


def _split_indices(labels: np.ndarray, split: str) -> np.ndarray:
    """Ascending indices of a split: a fifth of each class is the test set, by a fixed seed."""
    if len(labels) < 5:
        raise ValueError(f"{len(labels)} images are too few to test on a fifth: give 5 or more")
    shuffled = np.random.default_rng(0).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    in_test = np.arange(len(labels)) % 5 == 2
    return np.sort(by_class[in_test if split == "test" else ~in_test])


def _check_labels(labels: np.ndarray, count: int, path: Path) -> None:
    if labels.shape != (count,):
        raise ValueError(f"{path}: labels have shape {labels.shape} for {count} images")
    bad = labels[~np.isin(labels, np.arange(-1, 10))]
    if len(bad):
        raise ValueError(f"{path}: label {bad[0]} is neither 0..9 nor -1 for unknown")


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is unknown: use 'train' or 'test'")
