"""Folders of images: classes, parts, files that are skipped, sizes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae import data
from vae.data.folder import read_folder
from vae.download import DataError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def stroke(path: Path, at: int = 10, side: int = 60) -> Path:
    """A picture of a vertical stroke, dark on white."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((side, side), 255, np.uint8)
    image[side // 6 : -side // 6, at % (side - 6) : at % (side - 6) + 6] = 0
    Image.fromarray(image).save(path)
    return path


def colours(path: Path, seed: int, size: tuple[int, int] = (40, 40)) -> np.ndarray:
    """A picture of coarse random blocks in colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(blocks).resize((size[1], size[0]), Image.Resampling.NEAREST))
    Image.fromarray(image).save(path)
    return image


def classes_of(loaded: data.Loaded) -> dict[str, str]:
    """The class name of each file."""
    parts = (loaded.train, loaded.test)
    return {n: p.spec.classes[y] for p in parts for n, y in zip(p.names, p.labels, strict=True)}


def test_classes_are_the_names_of_the_subfolders(tmp_path: Path) -> None:
    pictures = {
        f"{name}/{i}.png": colours(tmp_path / name / f"{i}.png", 10 * k + i)
        for k, name in enumerate(("cats", "dogs"))
        for i in range(10)
    }
    loaded = data.read(tmp_path)
    assert loaded.train.spec.classes == ("cats", "dogs")
    assert loaded.train.spec.shape == (3, 40, 40)
    assert classes_of(loaded) == {name: name.partition("/")[0] for name in pictures}
    for part in (loaded.train, loaded.test):
        for name, sample in zip(part.names, part.samples, strict=True):
            np.testing.assert_array_equal(sample, pictures[name])
    assert np.bincount(loaded.test.labels).tolist() == [1, 1]
    assert data.available(tmp_path, "test")
    np.testing.assert_array_equal(data.load(str(tmp_path), "test").samples, loaded.test.samples)


@pytest.mark.parametrize(
    "folders",
    [
        [str(d) for d in range(10)],
        [f"0{d}" for d in range(10)],
        WORDS,
        [word.title() for word in WORDS],
        [f"digit_{d}" for d in range(10)],
        [f"Sample{d + 1:03}" for d in range(10)],
        [f"{d}/writer{d % 3}" for d in range(10)],
        [f"writer{d % 3}/{d}" for d in range(10)],
        [f"data/images/{d}" for d in range(10)],
    ],
    ids=lambda folders: folders[1],
)
def test_names_that_mean_digits_are_digits_in_order(tmp_path: Path, folders: Sequence[str]) -> None:
    files = {folder: stroke(tmp_path / folder / "1.png", d) for d, folder in enumerate(folders)}
    loaded = data.read(tmp_path)
    assert loaded.train.spec.classes == tuple("0123456789")
    assert (loaded.train.spec.prepare, loaded.train.spec.noun) == ("mnist", "digit")
    assert loaded.train.spec.shape == (1, 28, 28)
    if folders[1] == "Sample002":
        assert "the names mean digits: Sample001 is 0, Sample002 is 1" in loaded.notes
    found = classes_of(loaded)
    for digit, path in enumerate(files.values()):
        assert found[path.relative_to(tmp_path).as_posix()] == str(digit)


@pytest.mark.parametrize(
    ("pattern", "classes"),
    [
        ("{d}_{i:03}.png", "0123456789"),
        ("{d}-writer{i}.png", "0123456789"),
        ("digit{d}_{i}.png", "0123456789"),
        ("{word}_{i}.png", "0123456789"),
    ],
)
def test_files_may_begin_with_their_digit(tmp_path: Path, pattern: str, classes: str) -> None:
    for d in range(10):
        for i in range(2):
            stroke(tmp_path / pattern.format(d=d, i=i, word=WORDS[d]), d + i)
    loaded = data.read(tmp_path)
    assert loaded.train.spec.classes == tuple(classes)
    by_name = classes_of(loaded)
    assert by_name[pattern.format(d=7, i=1, word=WORDS[7])] == "7"


@pytest.mark.parametrize(
    ("pattern", "classes"),
    [("{k}.{i}.png", ("cat", "dog")), ("IMG_2024010{i}_{j}.png", ()), ("{j}.png", ())],
)
def test_other_file_names(tmp_path: Path, pattern: str, classes: tuple[str, ...]) -> None:
    for j in range(8):
        stroke(tmp_path / pattern.format(k=("cat", "dog")[j % 2], i=j // 2, j=j), j)
    loaded = data.read(tmp_path)
    assert loaded.train.spec.classes == classes
    assert any(("no classes" in note) == (not classes) for note in loaded.notes)


def test_two_classes_named_0_and_1_need_not_be_digits(tmp_path: Path) -> None:
    for i in range(8):
        colours(tmp_path / "a" / str(i % 2) / f"{i}.png", i)
        stroke(tmp_path / "b" / str(i % 2) / f"{i}.png", i)
    assert data.read(tmp_path / "a").train.spec.shape == (3, 40, 40)
    assert data.read(tmp_path / "b").train.spec.prepare == "mnist"
    kept = data.read(tmp_path / "b", data.Options(prepare="resize")).train
    assert (kept.spec.shape, kept.spec.classes) == ((1, 60, 60), ("0", "1"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train", "test"),
        ("training", "testing"),
        ("Train", "Test"),
        ("train", "val"),
        ("trainingSet/trainingSet", "testSet/testSet"),
        ("data/train", "data/test"),
    ],
)
def test_parts_are_kept(tmp_path: Path, first: str, second: str) -> None:
    for i in range(6):
        stroke(tmp_path / first / "ink" / f"a{i}.png", i)
    for i in range(3):
        stroke(tmp_path / second / "ink" / f"b{i}.png", i)
    loaded = data.read(tmp_path)
    assert len(loaded.train) == 6
    assert {Path(name).name for name in loaded.test.names} == {"b0.png", "b1.png", "b2.png"}
    assert loaded.train.spec.classes == ("ink",)


def test_three_parts_and_strays(tmp_path: Path) -> None:
    for part, count in (("train", 5), ("val", 3), ("test", 2)):
        for i in range(count):
            stroke(tmp_path / part / f"{i}.png", i)
    stroke(tmp_path / "example.png")
    loaded = data.read(tmp_path)
    assert (len(loaded.train), len(loaded.test)) == (8, 2)
    assert loaded.skipped == ("example.png is in no part",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("._0.png", "is hidden"),
        (".DS_Store", "is hidden"),
        (".trash/0.png", "is hidden"),
        ("__MACOSX/1/0.png", "belongs to the operating system"),
        ("Thumbs.db", "belongs to the operating system"),
        ("photo.heic", "is no image of a format that is read (.heic)"),
        ("broken.png", "the image cannot be read"),
        ("empty.png", "is empty"),
        ("blank.png", "is blank"),
    ],
)
def test_files_that_are_no_images_are_named_and_skipped(
    tmp_path: Path, name: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / ".data"  # the folder itself may be hidden
    for i in range(10):
        stroke(folder / "ink" / f"{i}.png", 10 + i)
    other = folder / name
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(b"" if name == "empty.png" else b"no image")
    if name == "blank.png":
        Image.new("L", (60, 60), 255).save(other)
    loaded = data.read(folder)
    assert (len(loaded.train), len(loaded.test)) == (9, 1)
    (skipped,) = loaded.skipped
    assert name in skipped
    assert reason in skipped
    assert loaded.warning == f"1 file was skipped: {skipped}"
    data.load(folder, "test")
    assert skipped in caplog.text, "nothing is skipped silently"


def test_blank_digits_are_skipped_too(tmp_path: Path) -> None:
    for d in range(10):
        for i in range(2):
            stroke(tmp_path / str(d) / f"{i}.png", 10 * i + d)
    Image.new("L", (60, 60), 200).save(tmp_path / "3" / "1.png")
    loaded = data.read(tmp_path)
    assert len(loaded.train) + len(loaded.test) == 19
    assert loaded.skipped[0].startswith("3/1.png: the image is blank")


def test_many_skipped_files_are_counted(tmp_path: Path) -> None:
    for i in range(10):
        stroke(tmp_path / f"{i}.png", i)
        (tmp_path / f"{i}.heic").write_bytes(b"")
    warning = data.read(tmp_path).warning
    assert warning.startswith("10 files were skipped: 0.heic is no image")
    assert warning.endswith("; and 5 more")


def test_a_folder_without_usable_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no images"):
        data.read(tmp_path)
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(b"garbage")
    with pytest.raises(DataError, match=r"none of 3 images can be used: 0.png: the image cannot"):
        data.read(tmp_path)
    stroke(tmp_path / "only.png")
    with pytest.raises(ValueError, match="has 1 usable image"):
        data.read(tmp_path)


def test_several_sizes_become_one_with_the_aspect_ratio_kept(tmp_path: Path) -> None:
    for i in range(12):
        colours(tmp_path / f"{i}.png", i, (30 + i, 200))
    loaded = data.read(tmp_path, data.Options(size=32))
    assert loaded.train.spec.shape == (3, 32, 32)
    assert any("12 sizes are resized to 32x32" in note for note in loaded.notes)
    sample = loaded.train.samples[0].astype(int)
    assert np.ptp(sample[0], axis=0).max() == 0, "the rest has one colour"
    assert np.ptp(sample[16]) > 0
    assert data.read(tmp_path).train.spec.shape == (3, 64, 64)


def test_grey_in_rgb_files_is_grey_unless_colour_is_asked_for(tmp_path: Path) -> None:
    for i in range(10):
        image = Image.open(stroke(tmp_path / f"{i}.png", i)).convert("RGB")
        image.save(tmp_path / f"{i}.jpg", quality=60)
        (tmp_path / f"{i}.png").unlink()
    assert data.read(tmp_path).train.spec.shape == (1, 60, 60)
    coloured = data.read(tmp_path, data.Options(colour="colour")).train
    assert coloured.spec.shape == (3, 60, 60)
    assert np.ptp(coloured.samples, axis=3).max() < 24


def test_transparent_images_are_put_on_a_background_that_shows_them(tmp_path: Path) -> None:
    for i, value in enumerate((0, 250) * 2):
        pixels = np.zeros((20, 20, 4), np.uint8)
        pixels[5:15, 5 + i : 10 + i] = (value, value, value, 255)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    loaded = data.read(tmp_path)
    samples = np.concatenate([loaded.train.samples, loaded.test.samples])
    assert np.ptp(samples, axis=(1, 2)).min() >= 250


def test_files_of_few_bits_are_scaled_over_the_whole_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(10):
        top = 16 if i else 8
        values = rng.integers(0, top, (20, 20), dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / f"{i}.png")
    loaded = data.read(tmp_path)
    samples = dict(zip(loaded.train.names, loaded.train.samples, strict=True))
    samples |= dict(zip(loaded.test.names, loaded.test.samples, strict=True))
    assert samples["1.png"].max() == 255
    assert samples["0.png"].max() == 7 * 17


def test_files_of_16_bits_share_one_white(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (20, 20)).astype(np.uint16)
    for i in range(10):
        Image.fromarray(values // (1 if i else 8)).save(tmp_path / f"{i}.png")
    loaded = data.read(tmp_path)
    samples = dict(zip(loaded.train.names, loaded.train.samples, strict=True))
    samples |= dict(zip(loaded.test.names, loaded.test.samples, strict=True))
    assert samples["1.png"].max() >= 254
    assert samples["0.png"].max() == pytest.approx(255 / 8, abs=1)


def test_too_much_memory_is_refused_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(10):
        stroke(tmp_path / f"{i}.png", i)
    monkeypatch.setattr("vae.data.samples.MAX_BYTES", 10 * 3 * 20 * 20)
    with pytest.raises(ValueError, match=r"10 images of 60x60 need .*add --size 20"):
        data.read(tmp_path)
    assert len(data.read(tmp_path, data.Options(size=20)).train) == 9


def test_a_folder_of_arrays_or_of_two_sets(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 12, 12), dtype=np.uint8)
    np.save(tmp_path / "x_train.npy", images)
    np.save(tmp_path / "y_train.npy", np.arange(30) % 3)
    np.save(tmp_path / "x_test.npy", images[:5])
    np.save(tmp_path / "y_test.npy", np.arange(5) % 3)
    loaded = data.read(tmp_path)
    assert (len(loaded.train), len(loaded.test)) == (30, 5)
    assert loaded.test.labels.tolist() == [0, 1, 2, 0, 1]


def test_nothing_is_decoded_to_list_a_folder(tmp_path: Path) -> None:
    """A folder may hold more images than fit into memory."""
    (tmp_path / "0.png").write_bytes(b"no image")
    assert len(read_folder(tmp_path).images) == 1


def test_links_are_followed_and_broken_ones_named(tmp_path: Path) -> None:
    for i in range(10):
        colours(tmp_path / "real" / f"{i}.png", i)
        colours(tmp_path / "mine" / "cats" / f"{i}.png", 20 + i)
    (tmp_path / "mine" / "dogs").symlink_to(tmp_path / "real")
    (tmp_path / "mine" / "loop").symlink_to(tmp_path / "mine")
    (tmp_path / "mine" / "cats" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    loaded = data.read(tmp_path / "mine")
    assert sorted(classes_of(loaded).values()) == ["cats"] * 10 + ["dogs"] * 10
    assert [reason.split()[0] for reason in loaded.skipped] == ["cats/lost.png"]
