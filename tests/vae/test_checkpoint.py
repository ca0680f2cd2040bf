"""A checkpoint is read as it was written; damaged files are named."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vae import checkpoint, losses
from vae.checkpoint import CONFIG, ENCODINGS, METRICS, WEIGHTS, CheckpointError, Encodings


@pytest.fixture
def folder(checkpoints: Path, tmp_path: Path) -> Path:
    """A trained 2-d VAE that a test may damage."""
    return Path(shutil.copytree(checkpoints / "vae-2d", tmp_path / "vae-2d"))


def change_config(folder: Path, **changes: Any) -> None:
    raw = json.loads((folder / CONFIG).read_text()) | changes
    kept = {name: value for name, value in raw.items() if value is not None}
    (folder / CONFIG).write_text(json.dumps(kept))


def some_encodings(count: int = 20, size: int = 3) -> Encodings:
    rng = np.random.default_rng(0)
    mean, logvar = rng.standard_normal((2, count, size)).astype(np.float32)
    ce, kl = rng.random((2, count)).astype(np.float32) * 100
    return Encodings(mean, logvar, np.arange(count) % 10, ce, kl, mean[:, :2], mean[0])


def some_arrays() -> dict[str, Any]:
    """The arrays of `some_encodings` by name."""
    fields = some_encodings()._asdict().items()
    return {name: array for name, array in fields if isinstance(array, np.ndarray)}


def test_a_manifest_is_read_as_written(folder: Path, tmp_path: Path) -> None:
    manifest = checkpoint.read_manifest(folder)
    assert manifest.model == "vae"
    assert manifest.data == "digits"
    checkpoint.write_model(tmp_path / "copy", manifest, load_file(folder / WEIGHTS))
    assert checkpoint.read_manifest(tmp_path / "copy") == manifest


def test_the_kl_of_an_earlier_file_is_that_of_its_gaussians() -> None:
    encodings = some_encodings()
    mean, logvar = (torch.from_numpy(a) for a in (encodings.mean, encodings.logvar))
    expected = losses.gaussian_kl(mean, logvar).mean(0).numpy()
    earlier = encodings._replace(kl_per_dimension=None)
    np.testing.assert_allclose(checkpoint.kl_per_dimension(earlier), expected, rtol=1e-5)
    point = earlier._replace(logvar=np.full_like(encodings.logvar, -np.inf))
    assert not checkpoint.kl_per_dimension(point).any()


def test_encodings_are_read_as_written(tmp_path: Path) -> None:
    written = some_encodings()
    checkpoint.write_encodings(tmp_path, written)
    read = checkpoint.read_encodings(tmp_path)
    np.testing.assert_allclose(read.mean, written.mean, rtol=0, atol=2**-14)
    np.testing.assert_array_equal(read.labels, written.labels)
    assert read.labels.dtype == np.int64
    for name in ("logvar", "cross_entropy", "kl", "tsne"):
        array = getattr(read, name)
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, getattr(written, name), rtol=1e-3, atol=1e-3)


def test_attributes_and_names_are_read_as_written_and_optional(tmp_path: Path) -> None:
    years = np.linspace(1900, 2020, 20, dtype=np.float32)
    small = np.r_[np.nan, np.linspace(-1e-3, 1e-3, 19)].astype(np.float32)
    columns = {"year": years, "small/one": small, "constant": np.full(20, 7.3, np.float32)}
    names = tuple(f"grinning face {i} \N{GRINNING FACE}" for i in range(20))
    written = some_encodings()._replace(attributes=columns, names=names)
    checkpoint.write_encodings(tmp_path, written)
    read = checkpoint.read_encodings(tmp_path)
    assert read.names == names
    assert set(read.attributes) == set(columns)
    for name, values in columns.items():
        step = max(float(np.nanmax(values) - np.nanmin(values)) / 2**11, 1e-6)
        np.testing.assert_allclose(read.attributes[name], values, rtol=0, atol=step)
        assert read.attributes[name].dtype == np.float32
    checkpoint.write_encodings(tmp_path, some_encodings())
    without = checkpoint.read_encodings(tmp_path)
    assert (without.attributes, without.names) == ({}, ())


@pytest.mark.parametrize("extra", [{"attribute/slant": np.ones(3)}, {"names": np.array(["a"])}])
def test_attributes_and_names_of_another_number_are_refused(
    tmp_path: Path, extra: dict[str, np.ndarray]
) -> None:
    checkpoint.write_encodings(tmp_path, some_encodings())
    with np.load(tmp_path / ENCODINGS) as file:
        arrays: dict[str, Any] = dict(file) | extra
    np.savez(tmp_path / ENCODINGS, **arrays)
    with pytest.raises(CheckpointError, match="arrays of shapes"):
        checkpoint.read_encodings(tmp_path)


def test_terms_of_the_elbo_are_stored_finer_than_they_are_shown(tmp_path: Path) -> None:
    """Pages show them to 0.1 nats; half precision has steps of 0.25 there."""
    values = np.linspace(40, 700, 5000, dtype=np.float32)
    written = some_encodings(5000)._replace(cross_entropy=values, kl=values / 10)
    checkpoint.write_encodings(tmp_path, written)
    read = checkpoint.read_encodings(tmp_path)
    np.testing.assert_allclose(read.cross_entropy, written.cross_entropy, rtol=0, atol=0.001)
    np.testing.assert_allclose(read.kl, written.kl, rtol=0, atol=0.001)


def test_unknown_labels_and_points_survive_encodings(tmp_path: Path) -> None:
    written = some_encodings()._replace(tsne=None)
    written.labels[:5] = -1
    written.logvar[:] = -np.inf
    checkpoint.write_encodings(tmp_path, written)
    read = checkpoint.read_encodings(tmp_path)
    assert read.tsne is None
    assert read.labels.tolist() == written.labels.tolist()
    assert np.isneginf(read.logvar).all()


class TestDamage:
    """Every message names the file and what to do."""

    @pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.999])
    def test_truncated_weights(self, folder: Path, keep: float) -> None:
        whole = (folder / WEIGHTS).read_bytes()
        (folder / WEIGHTS).write_bytes(whole[: int(keep * len(whole))])
        with pytest.raises(CheckpointError, match=rf"{WEIGHTS} is truncated.*restore it"):
            checkpoint.read_model(folder)

    def test_weights_that_are_something_else(self, folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(b"PK\x03\x04" + bytes(range(256)) * 8)
        with pytest.raises(CheckpointError, match=rf"{WEIGHTS} .*no safetensors file"):
            checkpoint.read_model(folder)

    def test_no_weights(self, folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        with pytest.raises(CheckpointError, match=rf"no {WEIGHTS}; restore it or train again"):
            checkpoint.read_model(folder)

    def test_weights_of_another_size(self, folder: Path, checkpoints: Path) -> None:
        shutil.copy(checkpoints / "vae-5d" / WEIGHTS, folder / WEIGHTS)
        with pytest.raises(CheckpointError, match=rf"{WEIGHTS} does not fit .*{CONFIG}.*size mism"):
            checkpoint.read_model(folder)

    def test_weights_of_another_model(self, folder: Path) -> None:
        weights = load_file(folder / WEIGHTS)
        weights["classifier.weight"] = weights.pop("encoder.1.weight")
        save_file(weights, folder / WEIGHTS)
        with pytest.raises(CheckpointError, match=r"does not fit .*classifier\.weight"):
            checkpoint.read_model(folder)

    def test_no_checkpoint(self, tmp_path: Path) -> None:
        for read in (checkpoint.read_manifest, checkpoint.read_model):
            with pytest.raises(
                CheckpointError, match=f"{tmp_path} is not a checkpoint: .*{CONFIG}"
            ):
                read(tmp_path)

    @pytest.mark.parametrize("content", ["", "{", '{"format": 1', "\x00\x01", "NaN,"])
    def test_a_config_that_is_not_json(self, folder: Path, content: str) -> None:
        (folder / CONFIG).write_text(content)
        with pytest.raises(CheckpointError, match=rf"{CONFIG} cannot be read.*restore"):
            checkpoint.read_manifest(folder)

    def test_a_config_that_is_not_text(self, folder: Path) -> None:
        (folder / CONFIG).write_bytes(b"\xff\xfe\x00{}")
        with pytest.raises(CheckpointError, match=rf"{CONFIG} cannot be read"):
            checkpoint.read_manifest(folder)

    @pytest.mark.parametrize("content", ["[]", "3", "null", "{}", '{"format": "one"}'])
    def test_json_that_is_not_a_config(self, folder: Path, content: str) -> None:
        (folder / CONFIG).write_text(content)
        with pytest.raises(CheckpointError, match=rf"{CONFIG} is not the config.*no format"):
            checkpoint.read_manifest(folder)

    def test_a_newer_format(self, folder: Path) -> None:
        change_config(folder, format=99)
        with pytest.raises(CheckpointError, match=rf"{CONFIG} has format 99, .*update"):
            checkpoint.read_manifest(folder)

    @pytest.mark.parametrize("field", ["model", "config", "title", "blocks", "abilities"])
    def test_a_missing_field(self, folder: Path, field: str) -> None:
        change_config(folder, **{field: None})
        message = rf"{CONFIG} has a missing or invalid field .*{field}"
        with pytest.raises(CheckpointError, match=message):
            checkpoint.read_manifest(folder)

    @pytest.mark.parametrize(
        "changes",
        [
            {"blocks": [{"name": "z", "size": 0, "prior": "normal"}]},
            {"blocks": [{"name": "z", "size": 2, "prior": "gauss"}]},
            {"blocks": 3},
            {"surplus": 1},
            {"title": 5},
            {"description": ["no", "text"]},
            {"data": 1},
        ],
    )
    def test_an_invalid_field(self, folder: Path, changes: dict) -> None:
        change_config(folder, **changes)
        with pytest.raises(CheckpointError, match=rf"{CONFIG} has a missing or invalid"):
            checkpoint.read_manifest(folder)

    @pytest.mark.parametrize(
        "changes", [{"model": "gan"}, {"config": {"latnet": 2}}, {"config": {"net": "mpl"}}]
    )
    def test_a_config_that_builds_nothing(self, folder: Path, changes: dict) -> None:
        change_config(folder, **changes)
        with pytest.raises(CheckpointError, match=f"does not fit .*{CONFIG}"):
            checkpoint.read_model(folder)

    def test_metrics(self, folder: Path) -> None:
        (folder / METRICS).write_text("{")
        with pytest.raises(CheckpointError, match=rf"{METRICS} cannot be read"):
            checkpoint.read_metrics(folder)
        (folder / METRICS).write_text("[1, 2]")
        with pytest.raises(CheckpointError, match=rf"{METRICS} holds no figures by name; delete"):
            checkpoint.read_metrics(folder)
        (folder / METRICS).unlink()
        assert checkpoint.read_metrics(folder) == {}

    def test_no_encodings(self, folder: Path) -> None:
        (folder / ENCODINGS).unlink()
        with pytest.raises(CheckpointError, match=f"no {ENCODINGS}; make it with: python -m vae"):
            checkpoint.read_encodings(folder)

    @pytest.mark.parametrize("seed", range(25))
    def test_encodings_with_wrong_bytes(self, folder: Path, seed: int) -> None:
        """Truncated, or with changed bytes: the error names the remedy."""
        rng = np.random.default_rng(seed)
        content = bytearray((folder / ENCODINGS).read_bytes())
        if seed % 3 == 0:
            content = content[: rng.integers(len(content))]
        else:
            for place in rng.integers(len(content), size=20):
                content[place] ^= 0x55
        (folder / ENCODINGS).write_bytes(content)
        with pytest.raises(CheckpointError, match=rf"{ENCODINGS} .*python -m vae encode"):
            checkpoint.read_encodings(folder)

    def test_encodings_that_are_one_array(self, folder: Path) -> None:
        with (folder / ENCODINGS).open("wb") as file:
            np.save(file, np.zeros(3))
        with pytest.raises(CheckpointError, match=f"{ENCODINGS} is damaged"):
            checkpoint.read_encodings(folder)

    def test_encodings_with_a_pickle_in_them(self, folder: Path) -> None:
        arrays = some_arrays()
        arrays["mean"] = np.array([{"run": "code"}], dtype=object)
        np.savez(folder / ENCODINGS, **arrays)
        with pytest.raises(CheckpointError, match=r"damaged .*allow_pickle"):
            checkpoint.read_encodings(folder)

    def test_encodings_without_an_array(self, folder: Path) -> None:
        arrays = {k: v for k, v in some_arrays().items() if k not in ("kl", "labels")}
        np.savez(folder / ENCODINGS, **arrays)
        with pytest.raises(CheckpointError, match=f"{ENCODINGS} lacks kl, labels"):
            checkpoint.read_encodings(folder)

    @pytest.mark.parametrize("name", ["logvar", "labels", "cross_entropy", "tsne"])
    def test_encodings_of_unequal_length(self, folder: Path, name: str) -> None:
        arrays = some_arrays()
        np.savez(folder / ENCODINGS, **(arrays | {name: arrays[name][:-1]}))
        with pytest.raises(CheckpointError, match=rf"{ENCODINGS} has arrays of shapes .*\[19"):
            checkpoint.read_encodings(folder)

    @pytest.mark.parametrize("name", ["labels", "cross_entropy", "kl", "tsne"])
    def test_encodings_of_another_number_of_axes(self, folder: Path, name: str) -> None:
        arrays = some_arrays()
        arrays[name] = np.zeros((20, 3), np.float32)
        np.savez(folder / ENCODINGS, **arrays)
        with pytest.raises(CheckpointError, match=rf"{ENCODINGS} has arrays of shapes .*again"):
            checkpoint.read_encodings(folder)

    @pytest.mark.parametrize("name", ["mean", "logvar", "cross_entropy", "kl", "tsne"])
    def test_encodings_that_are_no_numbers(self, folder: Path, name: str) -> None:
        arrays = some_arrays()
        whole = arrays[name]
        damaged: list[Any] = [np.full_like(whole, np.nan), whole.astype(str)]
        for wrong in damaged:
            np.savez(folder / ENCODINGS, **(arrays | {name: wrong}))
            with pytest.raises(CheckpointError, match=f"{ENCODINGS}: not all {name} are numbers"):
                checkpoint.read_encodings(folder)

    def test_encodings_of_a_label_that_is_no_class(self, folder: Path) -> None:
        arrays = some_arrays()
        arrays["labels"] = np.full(20, -2)
        np.savez(folder / ENCODINGS, **arrays)
        with pytest.raises(CheckpointError, match=rf"{ENCODINGS} has the label -2; .*again"):
            checkpoint.read_encodings(folder)

    @pytest.mark.parametrize("content", ["[1]", '{"epoch": 1}\n3', "null"])
    def test_a_log_of_other_lines(self, folder: Path, content: str) -> None:
        (folder / checkpoint.LOG).write_text(content)
        with pytest.raises(CheckpointError, match=rf"{checkpoint.LOG} is damaged"):
            checkpoint.read_log(folder)


class TestAtomically:
    @pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt("stopped")])
    def test_a_writer_that_fails_leaves_the_old_file_alone(
        self, tmp_path: Path, error: BaseException
    ) -> None:
        path = tmp_path / "file.json"
        checkpoint.write_json(path, {"old": True})

        def write(to: Path) -> None:
            to.write_text("half of the n")
            raise error

        with pytest.raises(type(error), match=str(error)):
            checkpoint.write_atomically(path, write)
        assert json.loads(path.read_text()) == {"old": True}
        assert list(tmp_path.iterdir()) == [path]

    def test_the_folder_is_made(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "file.json"
        checkpoint.write_json(path, [1])
        assert json.loads(path.read_text()) == [1]
        assert path.stat().st_mode & 0o777 == 0o644
