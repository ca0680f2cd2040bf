"""MNIST and the sets in its format, Fashion-MNIST and KMNIST, downloaded on first use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vae.data.idx import read_idx
from vae.dataspec import MNIST, Dataset, DataSpec
from vae.download import DataError, DataFile, Progress, cache_folder, download, expanded, is_good

Pair = tuple[DataFile, DataFile]  # images, labels


@dataclass(frozen=True)
class DownloadedSet:
    """Four gzip IDX files, their addresses and what they hold. Called, it loads a split."""

    name: str
    spec: DataSpec
    mirrors: tuple[str, ...]  # addresses to which a file's name is appended
    train: Pair
    test: Pair

    def files(self, split: str) -> Pair:
        """The files of a split."""
        return self.train if split == "train" else self.test

    @property
    def given(self) -> Path | None:
        """The folder of the user's own copy: LATENT_DATA for MNIST, and its subfolder of the set's
        name for another; None where there is none."""
        named = os.environ.get("LATENT_DATA")
        if not named:
            return None
        folder = expanded(named)
        if self.name == "mnist":
            return folder
        return folder / self.name if (folder / self.name).is_dir() else None

    @property
    def folder(self) -> Path:
        """The folder of the files: `given`, else one in the user's cache folder. Raises DataError
        where the home folder is unknown."""
        return self.given or cache_folder() / self.name

    def available(self, split: str) -> bool:
        """Whether the files of a split are on the disk."""
        try:
            return all(is_good(self.folder / file.name, file) for file in self.files(split))
        except DataError:
            return False

    def __call__(
        self,
        split: str,
        *,
        progress: Progress | None = None,
        mirrors: Sequence[str] | None = None,
    ) -> Dataset:
        """Load a split: 60,000 training or 10,000 test images. It is downloaded on first use.

        Files in a folder of the user's are used as they are; nothing is downloaded then. `mirrors`
        replaces the set's own; for MNIST LATENT_MIRRORS does so too (addresses separated by
        commas).

        Raises: DataError when the files are wrong, missing or cannot be downloaded.
        """
        files = self.files(split)
        if self.given:
            paths = [self._checked(self.folder / file.name, file) for file in files]
        else:
            paths = download(files, self.folder, mirrors or self._mirrors(), progress)
        images, labels = (read_idx(path) for path in paths)
        if images.shape != (len(labels), *self.spec.array_shape):
            raise DataError(
                f"{paths[0]} holds images of shape {images.shape} for {len(labels)} labels"
            )
        return Dataset(images, labels.astype(np.int64), self.spec)

    def _checked(self, path: Path, file: DataFile) -> Path:
        if is_good(path, file):
            return path
        fault = "is not the official file" if path.is_file() else "is missing"
        raise DataError(
            f"{path} {fault}: LATENT_DATA must name a folder with the four gzip files of MNIST, or "
            "be unset so that they are downloaded"
        )

    def _mirrors(self) -> Sequence[str]:
        named = os.environ.get("LATENT_MIRRORS", "") if self.name == "mnist" else ""
        return [part.strip() for part in named.split(",") if part.strip()] or self.mirrors


def _pairs(hashes: Sequence[str], sizes: Sequence[int]) -> tuple[Pair, Pair]:
    """Training and test files from hashes and sizes of train images, train labels, test images and
    test labels."""
    names = [
        f"{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    files = [DataFile(*one) for one in zip(names, hashes, sizes, strict=True)]
    return (files[0], files[1]), (files[2], files[3])


# LeCun, Cortes, Burges; http://yann.lecun.com/exdb/mnist
MNIST_SET = DownloadedSet(
    "mnist",
    MNIST,
    (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    *_pairs(
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        (9_912_422, 28_881, 1_648_877, 4_542),
    ),
)

# Xiao, Rasul, Vollgraf 2017 (1708.07747)
FASHION_MNIST = DownloadedSet(
    "fashion-mnist",
    replace(
        MNIST,
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        prepare="resize",
        noun="image",
    ),
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    *_pairs(
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        (26_421_880, 29_515, 4_422_102, 5_148),
    ),
)

# Clanuwat et al. 2018 (1812.01718): cursive Japanese characters, one for each row of the syllabary
KMNIST = DownloadedSet(
    "kmnist",
    replace(
        MNIST,
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        prepare="resize",
        noun="character",
    ),
    ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    *_pairs(
        (
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        (18_165_135, 29_497, 3_041_136, 5_120),
    ),
)

OFFICIAL = {one.name: one for one in (MNIST_SET, FASHION_MNIST, KMNIST)}
