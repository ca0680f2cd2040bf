"""The description of a data set and its contact sheet."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae import data, inspect_data


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of two classes in colour, with a broken file."""
    rng = np.random.default_rng(0)
    for name, count in (("cats", 12), ("dogs", 8)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i}.png")
    (tmp_path / "pets" / "broken.png").write_bytes(b"no image")
    return tmp_path / "pets"


def test_a_report_states_what_is_there_and_what_is_done(source: Path) -> None:
    lines = inspect_data.report("pets", data.read(source)).splitlines()
    assert lines[0] == "pets"
    assert "samples    20: 18 to train on, 2 to test on" in lines
    assert "size       16x16, colour" in lines
    assert "classes    2: cats 12, dogs 8" in lines
    assert any(line.startswith("values     0 to 255 of 255, mean 12") for line in lines)
    assert any("images keep their size, 16x16" in line for line in lines)
    assert lines[-1].startswith("skipped    1 file was skipped: broken.png: the image cannot be")


def test_many_classes_and_attributes_are_summed_up(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (400, 8, 8), dtype=np.uint8)
    path = tmp_path / "a.npz"
    columns = {"slant": np.linspace(-1, 2, 400), "age": np.full(400, np.nan)}
    np.savez(path, x=images, y=np.arange(400) % 200, **columns)
    loaded = data.read(path)
    text = inspect_data.report("a", loaded)
    assert "classes    200: 0 2, 1 2, 2 2" in text
    assert "and 188 more" in text
    assert "attribute slant -1 to 2" in text
    assert "attribute age unknown" in text
    assert inspect_data.contact_sheet(loaded.train).shape[0] < 26 * 60


@pytest.mark.parametrize("labelled", [True, False])
def test_a_contact_sheet_has_a_row_a_class(source: Path, tmp_path: Path, labelled: bool) -> None:
    dataset = data.read(source).train if labelled else data.load("digits", "test")
    if not labelled:
        path = tmp_path / "digits.npz"
        np.savez(path, images=dataset.samples)
        dataset = data.read(path).train
    inspect_data.write_sheet(tmp_path / "sheet.png", dataset)
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    scale = 48 // dataset.samples.shape[1]
    tile = scale * dataset.samples.shape[1]
    left = 124 if labelled else 4
    shown = pixels[4 : 4 + tile : scale, left : left + tile : scale]
    first = dataset.samples[0]
    np.testing.assert_array_equal(shown, first if labelled else np.repeat(first[..., None], 3, 2))
    rows = 2 if labelled else 12
    assert len(pixels) == rows * (tile + 4) + 4
