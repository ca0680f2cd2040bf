"""Options, splits, and data that are loaded for a model."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae import data
from vae.data.split import in_test
from vae.dataspec import MNIST, DataSpec
from vae.download import DataError


@pytest.mark.parametrize("count", [2, 5, 10, 40, 1000])
def test_a_tenth_of_each_class_is_the_test_set(count: int) -> None:
    labels = np.arange(count) % 2
    rows = in_test(labels)
    assert rows.sum() == max(1, count // 10)
    if count >= 40:
        assert abs(np.diff(np.bincount(labels[rows]))[0]) <= 1
    np.testing.assert_array_equal(rows, in_test(labels))
    if count > 5:
        assert any((rows != in_test(labels, seed)).any() for seed in range(1, 5))


def test_groups_stay_together() -> None:
    groups = [str(i // 3) for i in range(300)]
    rows = in_test(np.arange(300) // 150, groups=groups)
    by_group = rows.reshape(100, 3)
    assert (by_group.any(1) == by_group.all(1)).all()
    assert by_group.all(1).sum() == 10
    with pytest.raises(ValueError, match="1 samples cannot be split"):
        in_test(np.zeros(3, int), groups=["a"] * 3)


def test_options_are_json() -> None:
    options = data.Options(size=32, colour="grey", transpose=True)
    assert data.Options.from_json(options.as_json()) == options
    assert data.Options.from_json({}) == data.Options()
    with pytest.raises(ValueError, match="no field sise"):
        data.Options.from_json({"sise": 32})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 7}, "size 7 is not in 8 to 128"),
        ({"size": 129}, "size 129"),
        ({"colour": "red"}, "colour 'red'"),
        ({"transpose": "maybe"}, "transpose 'maybe'"),
        ({"prepare": "crop"}, "prepare 'crop'"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_bad_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data.Options(**options)


def test_a_named_set_may_be_resized_and_coloured() -> None:
    options = data.Options(size=16, colour="colour", invert=True)
    plain, styled = data.load("digits", "test"), data.load("digits", "test", options=options)
    assert styled.spec.shape == (3, 16, 16)
    assert styled.spec.prepare == "resize"
    np.testing.assert_array_equal(styled.labels, plain.labels)
    assert 255 - styled.samples.mean() == pytest.approx(plain.samples.mean(), abs=2)
    turned = data.load("digits", "test", options=data.Options(transpose=True))
    np.testing.assert_array_equal(turned.samples, plain.samples.swapaxes(1, 2))


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'nosuch' is neither a known name"):
        data.load("nosuch", "train")
    with pytest.raises(ValueError, match="split 'valid' is unknown"):
        data.load("digits", "valid")
    assert not data.available("nosuch", "train")
    (tmp_path / "model.pkl").write_bytes(b"")
    with pytest.raises(ValueError, match=r"of no format that is read .*np.savez"):
        data.load(tmp_path / "model.pkl", "train")


@pytest.mark.parametrize("source", ["~/images", "mnist", "kmnist"])
def test_a_home_folder_that_is_unknown_is_one_sentence(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container with a user number that passwd does not list."""
    pwd = pytest.importorskip("pwd")

    def unknown(_: object) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "LATENT_DATA"):
        monkeypatch.delenv(name, raising=False)
    assert not data.available(source, "test")
    with pytest.raises(DataError, match=r"the home folder is unknown: .* set HOME"):
        data.load(source, "test")


def folder_of(path: Path, names: tuple[str, ...], side: int = 20) -> Path:
    rng = np.random.default_rng(0)
    for name in names:
        (path / name).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / name / f"{i}.png")
    return path


def test_a_models_own_data_have_its_shape_and_its_classes(tmp_path: Path) -> None:
    spec = DataSpec("image", (1, 12, 16), "bernoulli", ("dog", "cat", "bird"))
    source = folder_of(tmp_path / "a", ("cat", "dog", "fish"))
    test = data.load_for(source, data.Options(), spec, "test")
    assert test.spec == spec
    assert test.samples.shape == (3, 12, 16)
    assert sorted(test.labels.tolist()) == [-1, 0, 1]
    own = data.read(source).test
    names = {"cat": 1, "dog": 0, "fish": -1}
    assert test.labels.tolist() == [names[own.spec.classes[y]] for y in own.labels]


def test_data_for_a_model_of_digits_are_prepared_as_mnist(tmp_path: Path) -> None:
    image = np.full((60, 60), 255, np.uint8)
    image[10:50, 20:26] = 0
    for i in range(5):
        Image.fromarray(np.roll(image, i, 1)).save(tmp_path / f"{i}.png")
    test = data.load_for(tmp_path, data.Options(), MNIST, "test")
    assert test.spec == MNIST
    rows = np.flatnonzero(test.samples[0].any(1))
    assert np.ptp(rows) + 1 == 20, "the ink fits a box of 20"


def test_digits_that_were_inverted_are_inverted_again(tmp_path: Path) -> None:
    """A model's spec does not change how its own data are read."""
    digits = data.load("digits", "test")
    path = tmp_path / "dark.npz"
    np.savez(path, x=255 - digits.samples, y=digits.labels)
    first = data.read(path)
    again = data.read_for(path, data.Options(), first.train.spec)
    np.testing.assert_array_equal(again.test.samples, first.test.samples)
    np.testing.assert_array_equal(again.test.labels, first.test.labels)
    assert set(first.test.samples[:, 0, 0]) == {0}


def test_data_that_do_not_fit_a_model_are_named(tmp_path: Path) -> None:
    message = (
        "emoji has images of 32x32 in colour, and the model images of 28x28 in grey; "
        "name other data, or resize them by --size 28 --colour grey"
    )
    with pytest.raises(ValueError, match=message):
        data.load_for("emoji", data.Options(), MNIST, "test")
    options = data.Options(size=28, colour="grey")
    assert data.load_for("emoji", options, MNIST, "test").samples.shape == (350, 28, 28)
    source = folder_of(tmp_path / "a", ("cat",))
    with pytest.raises(ValueError, match="the model has images of 28x28; leave --size out"):
        data.load_for(source, data.Options(size=32), MNIST, "test")
    with pytest.raises(ValueError, match="the model has images in grey"):
        data.load_for(source, data.Options(colour="colour"), MNIST, "test")
