"""Codes written for other programs."""

import csv
from pathlib import Path

import numpy as np
import pytest

from vae import codes_file
from vae.checkpoint import Encodings
from vae.dataspec import Dataset, DataSpec
from vae.latent import LatentBlock

SPEC = DataSpec("image", (1, 8, 8), "bernoulli", ("cat", "dog"))
BLOCKS = (LatentBlock("z", 2, "normal"), LatentBlock("kind", 2, "categorical", role="class"))


def part(count: int, names: tuple[str, ...] = ()) -> tuple[Dataset, Encodings]:
    rng = np.random.default_rng(count)
    slant = rng.random(count, dtype=np.float32)
    slant[0] = np.nan
    labels = np.arange(count) % 2
    labels[0] = -1
    dataset = Dataset(np.zeros((count, 8, 8), np.uint8), labels, SPEC, {"slant": slant}, names)
    logvar = rng.standard_normal((count, 4)).astype(np.float32)
    logvar[:, 2:] = -np.inf
    mean = rng.standard_normal((count, 4)).astype(np.float32)
    terms = rng.random((2, count), dtype=np.float32)
    return dataset, Encodings(mean, logvar, labels, terms[0], terms[1], attributes={"slant": slant})


NAMES = codes_file.dimension_names(BLOCKS, SPEC.classes)


def test_a_csv_has_a_row_a_sample_with_names(tmp_path: Path) -> None:
    (train, first), (test, second) = part(3, ("a.png", "b.png", "ü, c.png")), part(2)
    codes_file.write(
        tmp_path / "codes.csv", [("train", train, first), ("test", test, second)], NAMES
    )
    with (tmp_path / "codes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("name", "part", "class", "z_1", "z_2", "kind_cat", "kind_dog"),
        *("sd_z_1", "sd_z_2", "cross_entropy", "kl", "slant"),
    ]
    assert [row["name"] for row in rows] == ["a.png", "b.png", "ü, c.png", "test 0", "test 1"]
    assert [row["part"] for row in rows] == ["train"] * 3 + ["test"] * 2
    assert [row["class"] for row in rows] == ["", "dog", "cat", "", "dog"]
    assert [row["slant"] == "" for row in rows] == [True, False, False, True, False]
    found = np.array([[float(row[name]) for name in NAMES] for row in rows])
    np.testing.assert_allclose(found, np.concatenate([first.mean, second.mean]), rtol=1e-5)
    deviations = np.array([float(row["sd_z_2"]) for row in rows])
    expected = np.exp(0.5 * np.concatenate([first.logvar, second.logvar])[:, 1])
    np.testing.assert_allclose(deviations, expected, rtol=1e-5)


def test_an_npz_has_the_same_as_arrays(tmp_path: Path) -> None:
    dataset, encodings = part(4)
    codes_file.write(tmp_path / "codes.npz", [("test", dataset, encodings)], NAMES)
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["codes"], encodings.mean)
        np.testing.assert_array_equal(file["deviations"][:, 2:], 0)
        assert file["dimensions"].tolist() == ["z_1", "z_2", "kind_cat", "kind_dog"]
        assert file["attribute_names"].tolist() == ["slant"]
        assert file["class"].tolist() == ["", "dog", "cat", "dog"]
        np.testing.assert_array_equal(file["attributes"][:, 0], dataset.attributes["slant"])


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"give a name that ends in \.csv or \.npz"):
        codes_file.check_path(tmp_path / "codes.txt")
