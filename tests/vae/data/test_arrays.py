"""Arrays of one's own: layouts, ranges of values, names of arrays, parts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae import data
from vae.data.arrays import key_of
from vae.data.pixels import as_images, to_uint8
from vae.download import DataError

COUNT = 60


def digits_like(count: int = COUNT, side: int = 28) -> np.ndarray:
    """Grey noise in a square, uint8 [N, side, side], that uses all values."""
    images = np.random.default_rng(0).integers(0, 256, (count, side, side), dtype=np.uint8)
    images[0, 0, :2] = 0, 255
    return images


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def together(loaded: data.Loaded) -> dict[bytes, str]:
    """The class name of each sample, by its pixels."""
    parts = (loaded.train, loaded.test)
    names = (*loaded.train.spec.classes, "unknown")
    return {x.tobytes(): names[y] for p in parts for x, y in zip(p.samples, p.labels, strict=True)}


@pytest.mark.parametrize(
    "shape",
    [(28, 28), (28, 28, 1), (1, 28, 28), (784,)],
    ids=lambda shape: "x".join(map(str, shape)),
)
def test_all_layouts_give_the_same_pictures(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images, labels = digits_like(), np.arange(COUNT) % 10
    path = save(tmp_path / "mine.npz", images=images.reshape(COUNT, *shape), labels=labels)
    expected = {x.tobytes(): str(y) for x, y in zip(images, labels, strict=True)}
    assert together(data.read(path)) == expected


@pytest.mark.parametrize("shape", [(20, 14, 3), (3, 20, 14)])
def test_colour_layouts_give_the_same_pictures(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(1).integers(0, 256, (COUNT, 20, 14, 3), dtype=np.uint8)
    saved = np.moveaxis(images, 3, 1) if shape[0] == 3 else images
    loaded = data.read(save(tmp_path / "mine.npz", images=saved))
    assert loaded.train.spec.shape == (3, 20, 14)
    assert set(together(loaded)) == {x.tobytes() for x in images}


@pytest.mark.parametrize("planes", [False, True])
def test_flat_colour_images_are_read_in_either_order(planes: bool) -> None:
    y, x = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
    smooth = np.stack([8 * x, 8 * y, 255 - 8 * x], axis=2)[None].repeat(3, 0)
    flat = np.moveaxis(smooth, 3, 1) if planes else smooth
    np.testing.assert_array_equal(as_images(flat.reshape(3, -1), "mine.npz"), smooth)


GREY = np.arange(256).reshape(1, 16, 16)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (GREY.astype(np.uint8), GREY),
        (GREY.astype(np.int64), GREY),
        (GREY.astype(np.float32), GREY),
        (GREY / 255, GREY),
        (GREY / 127.5 - 1, GREY),
        (GREY / 255 - 0.5, GREY),
        (GREY.astype(np.int16) - 128, GREY),
        (GREY.astype(np.uint16) * 257, GREY),
        (GREY > 99, 255 * (GREY > 99)),
        ((GREY > 99).astype(np.uint8), 255 * (GREY > 99)),
        ((GREY > 99).astype(np.int64), 255 * (GREY > 99)),
        (2.0 * (GREY > 99) - 1, 255 * (GREY > 99)),
        ((GREY // 16).astype(np.uint8), 17 * (GREY // 16)),
        (GREY // 16 + (GREY == 255), np.rint((GREY // 16 + (GREY == 255)) * 255 / 16)),
        (GREY * 4095 // 255, GREY),
        (GREY * 100 // 255, np.rint((GREY * 100 // 255) * 2.55)),
        (GREY / 255 * 5 - 1.5, GREY),  # standardised
    ],
    ids=[
        *("0..255", "int64", "float 0..255", "0..1", "-1..1", "-0.5..0.5", "int8", "16 bits"),
        *(
            "bool",
            "0/1",
            "0/1 int64",
            "-1/1",
            "0..15",
            "0..16",
            "12 bits",
            "percent",
            "standardised",
        ),
    ],
)
def test_the_range_of_values_is_found(values: np.ndarray, expected: np.ndarray) -> None:
    (found,), note = to_uint8([values], "mine.npz")
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert note


def test_the_range_is_decided_over_the_whole_array() -> None:
    """A dark image stays dark, in the training set too where only a test image is bright."""
    dark, bright = GREY // 32, GREY
    (found, _), note = to_uint8([dark, bright], "mine.npz")
    np.testing.assert_array_equal(found, dark)
    assert note == "values 0..255 are taken as they are"
    _, note = to_uint8([GREY // 16 + (GREY == 255)], "mine.npz")
    assert note == "values 0..16 are scaled to 0..255, decided over the whole array"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.arange(COUNT) % 10, "0 1 2 3 4 5 6 7 8 9"),
        ((np.arange(COUNT) % 10).astype(float), "0 1 2 3 4 5 6 7 8 9"),
        (np.arange(COUNT) % 10 + 1, "1 2 3 4 5 6 7 8 9 10"),
        (np.array(["7", "3"] * 30), "3 7"),
        (np.array([b"7", b"3"] * 30), "3 7"),
        (np.array(["7.0", "3.0"] * 30), "3 7"),
        (np.array([b"7.0", b"3"] * 30), "3 7"),
        (np.array(["b", "a", "c"] * 20), "a b c"),
        (np.eye(3)[np.arange(COUNT) % 3], "0 1 2"),
        (np.eye(3, dtype=bool)[np.arange(COUNT) % 3], "0 1 2"),
        (np.arange(COUNT)[:, None] % 4, "0 1 2 3"),
        (np.arange(COUNT) % 3 - 1, "0 1"),
        (np.where(np.arange(COUNT) % 2, np.nan, 5), "5"),
        (np.array(["cat", ""] * 30), "cat"),
    ],
    ids=[
        *("int", "float", "1..10", "text", "bytes", "7.0", "mixed bytes", "letters"),
        *("one-hot", "one-hot bool", "column", "-1 unknown", "NaN unknown", "empty unknown"),
    ],
)
def test_labels_of_any_kind_are_class_names(
    tmp_path: Path, labels: np.ndarray, classes: str
) -> None:
    loaded = data.read(save(tmp_path / "mine.npz", images=digits_like(), labels=labels))
    assert loaded.train.spec.classes == tuple(classes.split())
    assert set(np.unique(loaded.train.labels)) - {-1} == set(range(len(classes.split())))
    named = labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel()
    wanted = {x.tobytes(): y for x, y in zip(digits_like(), named.tolist(), strict=True)}
    for pixels, name in together(loaded).items():
        value = wanted[pixels]
        value = value.decode() if isinstance(value, bytes) else value
        if name == "unknown":
            assert value in ("", -1) or np.isnan(value)
        else:
            assert str(value).removesuffix(".0") == name


def test_labels_may_be_missing(tmp_path: Path) -> None:
    loaded = data.read(save(tmp_path / "mine.npz", images=digits_like(40)))
    assert loaded.train.spec.classes == ()
    assert (len(loaded.train), len(loaded.test)) == (36, 4)
    assert (loaded.train.labels == -1).all()


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        ("x_train y_train x_test y_test", "train test"),
        ("train_images train_labels test_images test_labels", "train test"),
        (
            "train_images train_labels val_images val_labels test_images test_labels",
            "train val test",
        ),
        ("trainX trainY testX testY", "train test"),
        ("X_train Y_train X_val Y_val", "train val"),
    ],
)
def test_parts_by_the_names_in_use_are_kept(tmp_path: Path, names: str, parts: str) -> None:
    images = dict(zip(parts.split(), np.split(digits_like(), len(parts.split())), strict=True))
    arrays = {}
    for name in names.split():
        part = next(one for one in parts.split() if one in name)
        is_images = any(word in name for word in ("x_", "X", "images"))
        arrays[name] = images[part] if is_images else np.arange(len(images[part]))[:, None] % 2
    loaded = data.read(save(tmp_path / "mine.npz", **arrays))
    expected = images["test" if "test" in parts else "val"]
    np.testing.assert_array_equal(loaded.test.samples, expected)
    assert len(loaded.train) == COUNT - len(expected)
    assert loaded.test.spec.classes == ("0", "1")


def test_openml_and_positional_names(tmp_path: Path) -> None:
    flat = digits_like().reshape(COUNT, -1).astype(float)
    loaded = data.read(save(tmp_path / "a.npz", data=flat, target=np.array(["4", "9"] * 30)))
    assert loaded.train.spec.classes == ("4", "9")
    np.savez(tmp_path / "b.npz", digits_like(), np.arange(COUNT) % 3)
    assert data.read(tmp_path / "b.npz").train.spec.classes == ("0", "1", "2")
    np.save(tmp_path / "c.npy", flat.astype(np.uint8))
    assert len(data.read(tmp_path / "c.npy").train) == 54
    assert key_of("values").kind == ""
    assert key_of("target") == ("labels", "")


def test_class_names_and_columns_of_numbers_are_kept(tmp_path: Path) -> None:
    slant = np.linspace(0, 1, COUNT)
    names = np.array([f"file {i}" for i in range(COUNT)])
    arrays = {"labels": np.arange(COUNT) % 2, "classes": np.array(["dog", "cat"])}
    path = save(tmp_path / "a.npz", images=digits_like(), slant=slant, names=names, **arrays)
    loaded = data.read(path)
    assert loaded.train.spec.classes == ("dog", "cat")
    for part in (loaded.train, loaded.test):
        rows = [int(name.split()[1]) for name in part.names]
        np.testing.assert_array_equal(part.samples, digits_like()[rows])
        np.testing.assert_allclose(part.attributes["slant"], slant[rows], rtol=1e-6)
        np.testing.assert_array_equal(part.labels, np.array(rows) % 2)


def test_unequal_sides_and_small_ones_are_kept(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 17, (50, 8, 11))
    assert data.read(save(tmp_path / "a.npz", x=images)).train.spec.shape == (1, 8, 11)
    large = np.random.default_rng(0).integers(0, 255, (20, 200, 150), dtype=np.uint8)
    loaded = data.read(save(tmp_path / "b.npz", x=large))
    assert loaded.train.spec.shape == (1, 64, 64)
    assert "images of 200x150 are resized to 64x64" in loaded.notes
    assert data.read(tmp_path / "b.npz", data.Options(size=32)).train.spec.shape == (1, 32, 32)


def test_options_turn_and_invert(tmp_path: Path) -> None:
    images = digits_like(20, 16)
    path = save(tmp_path / "a.npz", x=images)
    turned = data.read(path, data.Options(transpose=True))
    assert set(together(turned)) == {x.T.tobytes() for x in images}
    inverted = data.read(path, data.Options(invert=True))
    assert set(together(inverted)) == {(255 - x).tobytes() for x in images}


def test_digits_as_in_mnist_are_recognised_and_stay_unaltered(tmp_path: Path) -> None:
    bundled = data.load("digits", "test")
    light = save(tmp_path / "a.npz", x=bundled.samples, y=bundled.labels)
    dark = save(tmp_path / "b.npz", x=255 - bundled.samples, y=bundled.labels)
    expected = {x.tobytes(): str(y) for x, y in zip(*bundled_pair(bundled), strict=True)}
    for path in (light, dark):
        loaded = data.read(path)
        assert together(loaded) == expected
        assert loaded.train.spec == bundled.spec
    kept = data.read(dark, data.Options(invert=False))
    assert set(together(kept)) == {(255 - x).tobytes() for x in bundled.samples}


def bundled_pair(dataset: data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return dataset.samples, dataset.labels


@pytest.mark.parametrize("count", [2, 3, 9, 40, 400])
def test_any_number_of_images_is_split(tmp_path: Path, count: int) -> None:
    labels = np.arange(count) % 200
    loaded = data.read(save(tmp_path / "a.npz", x=digits_like(count, 8), y=labels))
    assert len(loaded.test) == max(1, count // 10)
    assert len(loaded.train) + len(loaded.test) == count


IMAGES = digits_like(9)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"first": IMAGES, "second": IMAGES}, "it needs `images`"),
        ({"images": IMAGES[:, 0]}, "28 values are no square image"),
        ({"images": IMAGES[:0]}, "has no images: its shape is 0x28x28"),
        ({"images": np.full((9, 28, 28), 7.0)}, "are blank, all their values are 7"),
        ({"images": np.full((9, 28, 28), np.nan)}, "9 images have values that are missing, NaN"),
        ({"images": IMAGES, "labels": np.zeros(8)}, "there are 8 labels for 9 images"),
        ({"images": IMAGES, "labels": np.full(9, 0.5)}, "label 0.5 is not a whole number"),
        ({"images": IMAGES[:1]}, "has 1 usable image"),
        ({"images": np.array(["a"] * 9)}, "images of the type <U1 cannot be read"),
        ({"x_train": IMAGES, "x_test": IMAGES[:, :14]}, "images of 28x28 and 14x28"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = save(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        data.read(path)
    assert str(path) in str(caught.value)
    assert "np." not in str(caught.value)


def test_pickle_is_never_loaded(tmp_path: Path) -> None:
    objects = np.array(["7", None] * 30, object)
    path = save(tmp_path / "a.npz", images=digits_like(), labels=objects)
    with pytest.raises(DataError, match=r"`labels` is an array of Python objects.*astype\(str\)"):
        data.read(path)
    path = save(tmp_path / "b.npz", images=digits_like(), notes=objects)
    assert len(data.read(path).train) == 54, "an array that is not needed is no reason to refuse"
    np.save(tmp_path / "c.npy", objects)
    with pytest.raises(DataError, match="Python objects, which need pickle"):
        data.read(tmp_path / "c.npy")


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError, match=f"{name} cannot be read as"):
        data.read(tmp_path / name)


def test_labels_beside_an_npy_file(tmp_path: Path) -> None:
    images, labels = digits_like(), np.arange(COUNT) % 3
    np.save(tmp_path / "mine.npy", images)
    np.save(tmp_path / "mine_labels.npy", labels)
    loaded = data.read(tmp_path / "mine.npy")
    assert together(loaded) == {x.tobytes(): str(y) for x, y in zip(images, labels, strict=True)}
    assert any("mine_labels.npy" in note for note in loaded.notes)


def test_arrays_that_are_not_used_are_named(tmp_path: Path) -> None:
    path = save(
        tmp_path / "mine.npz", x_train=digits_like(), y_test=[1], sex=np.array(["f"] * COUNT)
    )
    assert any("y_test, sex" in note for note in data.read(path).notes)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"labels": np.arange(COUNT) % 3, "classes": np.array(["a", "b"])}, "label 2 .*classes"),
        ({"labels": np.arange(50)}, "50 labels for 60 images"),
        ({"images": np.full((COUNT, 9, 9), 3)}, "blank"),
        ({"images": np.zeros((0, 81))}, "no images"),
        ({"images": np.where(np.arange(COUNT) == 7, np.inf, 1.0)[:, None, None]}, "image 7,"),
    ],
    ids=["too few names", "too few labels", "blank", "empty", "infinite"],
)
def test_arrays_that_contradict_one_another_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], match: str
) -> None:
    path = save(tmp_path / "mine.npz", **{"images": digits_like(), **arrays})
    with pytest.raises(ValueError, match=rf"mine\.npz.*{match}"):
        data.read(path)


def test_class_names_are_one_line(tmp_path: Path) -> None:
    names = np.array(["a\nb", "süße katze 🐈"])[np.arange(COUNT) % 2]
    loaded = data.read(save(tmp_path / "mine.npz", images=digits_like(), labels=names))
    assert loaded.train.spec.classes == ("a b", "süße katze 🐈")


def test_objects_are_refused_in_one_sentence(tmp_path: Path) -> None:
    path = save(tmp_path / "mine.npz", images=digits_like(2), labels=np.array(["a", 1], object))
    with pytest.raises(DataError, match=r"^\S+mine\.npz: `labels` .* pickle") as error:
        data.read(path)
    assert str(error.value).count("mine.npz") == 1
