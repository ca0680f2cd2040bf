"""The command line, mostly within this process: another takes seconds to import torch."""

import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.vae.disks import fill, mounted
from vae import __main__ as cli
from vae import catalog, checkpoint, data, exporting, training
from vae.checkpoint import CONFIG, ENCODINGS, LOG, METRICS, PROGRESS, TRAINING, WEIGHTS
from vae.dataspec import MNIST, Dataset
from vae.metrics import generation

SMALL = ("--set", "hidden=16", "--set", "depth=1", "--batch", "100", "--validation", "0")
TRAIN = ("train", "vae-2d", *SMALL, "--data", "digits")


@pytest.fixture(autouse=True)
def _digits_are_loaded_once(
    train_digits: Dataset, test_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading resizes 1,797 images, which takes a second."""
    loaded = {"train": train_digits, "test": test_digits}
    monkeypatch.setitem(data.DATASETS, "digits", lambda split, *, progress=None: loaded[split])


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "LATENT_DEVICE": "cpu"} | more


def run(*args: object, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vae", *map(str, args)]
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, check=False
    )


def within(monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    """Run the command line in this process."""
    monkeypatch.setattr(sys, "argv", ["vae", *map(str, args)])
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    return cli.main()


@pytest.fixture
def shipped_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of shipped checkpoints, apart from the repository's."""
    folder = tmp_path / "assets" / "checkpoints"
    monkeypatch.setattr(catalog, "CHECKPOINTS", folder)
    return folder


def own_images(folder: Path, digits: Dataset, each: int = 6) -> Path:
    """A folder of PNG files, a sub-folder for each class."""
    for y in range(10):
        (folder / str(y)).mkdir(parents=True)
        for row in np.flatnonzero(digits.labels == y)[:each]:
            Image.fromarray(digits.samples[row]).save(folder / str(y) / f"{row}.png")
    return folder


def test_train_evaluate_and_export_on_images_of_ones_own(
    test_digits: Dataset,
    tmp_path: Path,
    shipped_to: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The README's commands: each uses the run's data, which is named once."""
    source, out = own_images(tmp_path / "my-images", test_digits), tmp_path / "run"
    args = (
        "train",
        "vae-2d",
        "--set",
        "hidden=16",
        "--epochs",
        2,
        "--data",
        source,
        "--out",
        out,
    )
    done = run(*args)
    assert (done.returncode, done.stdout.strip()) == (0, f"trained: {out}"), done.stderr
    assert {path.name for path in out.iterdir()} == {CONFIG, WEIGHTS, PROGRESS, LOG, TRAINING}

    assert within(monkeypatch, "evaluate", out, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures == checkpoint.read_metrics(out)
    model: Any = checkpoint.read_model(out)
    assert figures["parameters"] == sum(p.numel() for p in model.parameters())
    test = data.load(source, "test")
    assert figures["test_images"] == len(test) == 6

    named = ("--title", "Mine", "--description", "Of my own.")
    assert within(monkeypatch, "export", out, "mine", *named) == 0, capsys.readouterr().err
    shipped = shipped_to / "mine"
    assert {path.name for path in shipped.iterdir()} == {CONFIG, WEIGHTS, ENCODINGS, LOG, TRAINING}
    assert list(shipped_to.parent.iterdir()) == [shipped_to], "nothing is left beside"
    assert 2 * (shipped / WEIGHTS).stat().st_size < 1.2 * (out / WEIGHTS).stat().st_size
    manifest = checkpoint.read_manifest(shipped)
    assert (manifest.title, manifest.description) == ("Mine", "Of my own.")
    assert manifest.data == checkpoint.read_manifest(out).data == str(source)
    encodings = checkpoint.read_encodings(shipped)
    np.testing.assert_array_equal(encodings.labels, test.labels)
    assert encodings.mean.shape == (6, 2)
    assert within(monkeypatch, "evaluate", "mine") == 0
    assert checkpoint.read_metrics(shipped)["test_images"] == 6

    assert within(monkeypatch, "encode", out) == 0
    np.testing.assert_array_equal(checkpoint.read_encodings(out).labels, test.labels)


class TestExport:
    @pytest.fixture
    def source(self, checkpoints: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(checkpoints / "vae-2d", tmp_path / "run"))

    def test_without_a_title_it_has_the_presets_and_names_the_data(
        self, source: Path, shipped_to: Path, monkeypatch
    ) -> None:
        own = checkpoint.read_manifest(source)
        assert within(monkeypatch, "export", source, "name") == 0
        expected = dataclasses.replace(own, title="A title, digits")
        assert checkpoint.read_manifest(shipped_to / "name") == expected
        assert within(monkeypatch, "export", source, "second") == 0
        assert checkpoint.read_manifest(shipped_to / "second").title == "A title, digits (second)"

    def test_a_model_of_mnist_has_the_presets_title(
        self, source: Path, shipped_to: Path, monkeypatch
    ) -> None:
        raw = json.loads((source / CONFIG).read_text())
        (source / CONFIG).write_text(json.dumps(raw | {"data": "mnist"}))
        assert within(monkeypatch, "export", source, "name", "--data", "digits") == 0
        assert checkpoint.read_manifest(shipped_to / "name").title == "A title"

    def test_another_checkpoint_is_replaced_only_on_request(
        self, source: Path, shipped_to: Path, checkpoints: Path, monkeypatch, capsys
    ) -> None:
        shutil.copytree(checkpoints / "vae-5d", shipped_to / "name")
        before = checkpoint.read_manifest(shipped_to / "name")
        assert within(monkeypatch, "export", source, "name") == 2
        assert "exists; choose another name, or add --replace" in capsys.readouterr().err
        assert checkpoint.read_manifest(shipped_to / "name") == before
        assert within(monkeypatch, "export", source, "name", "--replace") == 0
        assert checkpoint.read_manifest(shipped_to / "name").blocks[0].size == 2
        assert [path.name for path in shipped_to.parent.rglob("*") if path.is_dir()] == [
            *("checkpoints", "name")
        ]

    @pytest.mark.parametrize("name", ["../name", "a/b", "", " ", ".."])
    def test_a_path_is_refused_as_a_name(
        self, source: Path, shipped_to, monkeypatch, capsys, name
    ) -> None:
        assert within(monkeypatch, "export", source, name) == 2
        assert "is not a checkpoint's name" in capsys.readouterr().err
        assert not shipped_to.exists()

    def test_an_export_that_fails_leaves_nothing(
        self, source: Path, shipped_to: Path, monkeypatch, capsys
    ) -> None:
        """A limit of the file size simulates a full disk."""
        resource = pytest.importorskip("resource")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            assert within(monkeypatch, "export", source, "name") == 2
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert "cannot be written" in error
        assert error.count("\n") == 1
        assert list(shipped_to.parent.rglob("*")) == [shipped_to]


@pytest.mark.parametrize("verb", ["evaluate", "encode", "export"])
def test_data_that_are_not_here_are_named(
    verb: str, checkpoints: Path, tmp_path: Path, shipped_to: Path, monkeypatch, capsys
) -> None:
    folder = Path(shutil.copytree(checkpoints / "vae-2d", tmp_path / "run"))
    raw = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(raw | {"data": "my-images/"}))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    args = (verb, folder, "name") if verb == "export" else (verb, folder)
    assert within(monkeypatch, *args) == 2
    error = capsys.readouterr().err
    assert f"{folder} was trained on my-images/, which does not exist; run this where" in error
    assert error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not (shipped_to / "name").exists()
    if verb == "encode":  # on other data, if they are named
        assert within(monkeypatch, *args, "--data", "digits") == 0
        assert len(checkpoint.read_encodings(folder).mean) == 359
        assert checkpoint.read_manifest(folder).data == "my-images/", "what it was trained on"
    if verb == "export":
        assert within(monkeypatch, *args, "--data", "digits") == 0
        assert len(checkpoint.read_encodings(shipped_to / "name").mean) == 359
        assert checkpoint.read_manifest(shipped_to / "name").data == "my-images/"


def test_ctrl_c_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    args = (*TRAIN, "--epochs", 100_000, "--batch", 1000, "--out", tmp_path)
    command = [sys.executable, "-m", "vae", *map(str, args)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:  # a child that is started while the signal is ignored ignores it too
        process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 120
    while not (tmp_path / PROGRESS).exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "--resume continues" in errors
    progress = checkpoint.read_progress(tmp_path)
    assert progress is not None
    logged = len((tmp_path / LOG).read_text().splitlines())
    assert progress[1] <= logged <= progress[1] + 1

    assert within(monkeypatch, *args) == 2
    assert "add --resume" in capsys.readouterr().err
    fit = training.fit

    def two_epochs(
        step: Any, batches: Any, noise: Any, epochs: int, *, first: int, **options: Any
    ) -> None:
        fit(step, batches, noise, first + 2, first=first, **options)

    monkeypatch.setattr(training, "fit", two_epochs)
    assert within(monkeypatch, *args, "--resume") == 0
    lines = (tmp_path / LOG).read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, progress[1] + 3))


def test_images_of_given_digits_are_generated(
    checkpoints: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "generated.npz"
    name = checkpoints / "cvae"
    args = ("generate", name, "--count", 25, "--digits", "907", "--seed", 3, "--out", out)
    assert within(monkeypatch, *args) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.strip() == f"25 images: {out}"
    with np.load(out) as generated:
        assert generated["labels"].tolist() == [9, 0, 7] * 8 + [9]
        assert generated["images"].dtype == np.uint8
        model: Any = checkpoint.read_model(name)
        decoded = 255 * model.decode(torch.from_numpy(generated["codes"])).sigmoid()[:, 0].numpy()
        assert np.abs(decoded - generated["images"]).max() < 0.51


def test_a_conditional_model_is_evaluated_by_an_independent_classifier(
    checkpoints: Path, test_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "CHECKPOINTS", checkpoints)
    monkeypatch.setattr(generation, "EACH", 4)
    copy = Path(shutil.copytree(checkpoints / "cvae", tmp_path / "measured"))
    source = own_images(tmp_path / "images", test_digits, 20)
    assert within(monkeypatch, "evaluate", copy, "--data", source) == 0
    figures = checkpoint.read_metrics(copy)
    wanted = {"agreement", "diversity", "learned_from_drawn", "style_slant"}
    assert wanted | {"nearest_neighbour_error"} <= set(figures)
    assert "frechet" not in figures, "40 test images are too few"
    assert 0 <= figures["agreement"] <= 1

    few = own_images(tmp_path / "few", test_digits, 10)  # one test image a class: no diversity
    assert within(monkeypatch, "evaluate", copy, "--data", few) == 0
    figures = checkpoint.read_metrics(copy)
    assert "agreement" not in figures
    assert all(np.isfinite(np.sum(value)) for value in figures.values())


def test_samples_are_measured_alone(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """--only generation keeps the figures of the rest, and replaces all of samples."""
    monkeypatch.setattr(catalog, "CHECKPOINTS", checkpoints)
    copy = Path(shutil.copytree(checkpoints / "vae-2d", tmp_path / "measured"))
    checkpoint.write_json(copy / METRICS, {"elbo": -100.5, "recall_gone": 0.5, "frechet": -1})
    only = ("--only", "generation")
    assert within(monkeypatch, "evaluate", copy, "--data", "digits", *only) == 0
    figures = checkpoint.read_metrics(copy)
    assert f"floor frechet {figures['floor']['frechet']}" in " ".join(
        capsys.readouterr().out.split()
    )
    assert set(figures) | {"nearest_neighbour_error"} == {"elbo", "floor", *figures["floor"]}
    assert figures["elbo"] == -100.5
    assert figures["frechet"] > figures["floor"]["frechet"] > 0

    copy = Path(shutil.copytree(checkpoints / "classifier", tmp_path / "classifier"))
    assert within(monkeypatch, "evaluate", copy, "--data", "digits", *only) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: the samples of {copy} cannot be measured")
    assert error.count("\n") == 1
    assert within(monkeypatch, "evaluate", copy, "--data", "digits") == 0
    assert set(checkpoint.read_metrics(copy)) == {"test_images", "parameters", "accuracy"}


def test_a_model_that_only_decodes_is_evaluated(
    few_digits: Dataset, checkpoints: Path, tmp_path: Path, small: Any, monkeypatch
) -> None:
    monkeypatch.setattr(catalog, "CHECKPOINTS", checkpoints)
    monkeypatch.setattr(generation, "EACH", 10)
    tiny = {"latent": 6, "directions": 3, "width": 4, "critic": 4, "net": "conv"}
    monkeypatch.setattr(training, "COLLAPSED", -1.0)  # one epoch leaves it without diversity
    preset = small("dcgan", epochs=1, conditional=True, **tiny)
    training.train(preset, few_digits, tmp_path / "run", torch.device("cpu"), bar=False)
    assert within(monkeypatch, "evaluate", tmp_path / "run", "--data", "digits") == 0
    figures = checkpoint.read_metrics(tmp_path / "run")
    drawn = {"agreement", "diversity", "learned_from_drawn", "nearest_neighbour_error"}
    placed = {"frechet", "precision", "recall", "sure", "sharpness", "floor"}
    assert set(figures) == {"test_images", "parameters"} | drawn | placed


def test_the_classifier_of_digits_measures_no_other_data(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "CHECKPOINTS", checkpoints)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.array(["cat", "dog"] * 30))
    args = ("train", "cvae", *SMALL, "--epochs", 1, "--data", tmp_path / "mine.npz", "--batch", 54)
    assert within(monkeypatch, *args, "--out", tmp_path / "run") == 0
    assert within(monkeypatch, "evaluate", tmp_path / "run") == 0
    figures = checkpoint.read_metrics(tmp_path / "run")
    assert figures["test_images"] == 6
    assert "agreement" not in figures
    out = tmp_path / "out.npz"
    args = ("generate", tmp_path / "run", "--count", 3, "--classes", "dog", "--out", out)
    assert within(monkeypatch, *args) == 0
    with np.load(out) as generated:
        assert generated["labels"].tolist() == [1, 1, 1]
        assert generated["images"].shape == (3, 8, 8, 3)


def test_the_history_of_a_second_stage_follows_that_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert within(monkeypatch, *TRAIN, "--epochs", 2, "--out", first) == 0
    args = (*TRAIN, "--epochs", 3, "--start", first, "--out", second)
    assert within(monkeypatch, *args) == 0
    (tmp_path / "shipped").mkdir()
    exporting.write_history(second, tmp_path / "shipped")
    logs = [checkpoint.read_log(folder)["loss"] for folder in (first, second, tmp_path / "shipped")]
    np.testing.assert_array_equal(logs[2], np.concatenate(logs[:2]))
    assert len(checkpoint.read_sheets(tmp_path / "shipped", MNIST)) == 5
    lines = (tmp_path / "shipped" / LOG).read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5]


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    done = run("train", "vae-3d", "--data", "digits", "--out", tmp_path / "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no preset 'vae-3d'; choose one of vae-2d, ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("train", "vae-2d", "--data", "no/such/data"), "no/such/data"),
        ((*TRAIN, "--net", "mpl"), "'mpl'"),
        ((*TRAIN, "--latent", "0"), "size 0"),
        ((*TRAIN, "--beta", "-1"), "beta"),
        ((*TRAIN, "--epochs", "0"), "epochs 0"),
        ((*TRAIN, "--rate", "-1"), "rate -1.0"),
        ((*TRAIN, "--seed", "-1"), "-1"),
        ((*TRAIN, "--batch", "100000"), "batch of 100000"),
        ((*TRAIN, "--validation", "100000"), "100000"),
        ((*TRAIN, "--set", "hidden"), "'hidden'"),
        ((*TRAIN, "--labels", "5"), "5 labels are too few for 10 classes"),
        (("generate", "vae-2d", "--digits", "1"), "is not conditional"),
        (("generate", "cvae", "--count", "0"), "not 0"),
        (("generate", "cvae", "--digits", "a"), "'a'"),
        (("generate", "cvae", "--digits", "²"), "no class '²'; its classes are 0, 1, 2"),
        (("generate", "cvae", "--classes", "1, cat"), "no class 'cat'"),
        ((*TRAIN, "--size", "5"), "size 5 is not in 8 to 128"),
        (("inspect", "no/such/data"), "no/such/data"),
        (("encode", "vae-2d", "--data", "digits", "--out", "codes.txt"), "codes.txt"),
        (("encode", "vae-2d", "--data", "emoji"), "emoji has images of 32x32 in colour"),
        ((*TRAIN, "--set", "hidden=wide"), "'wide'"),
        ((*TRAIN, "--set", "hidden=1.5"), "1.5"),
        ((*TRAIN, "--set", "frequency=-1"), "frequency=-1"),
        ((*TRAIN, "--set", "latnet=3"), "latnet"),
        ((*TRAIN, "--freeze", "classifier"), "'classifier'"),
        ((*TRAIN, "--start", "no/run"), "no/run"),
        (("evaluate", "no-model", "--data", "digits"), "'no-model'"),
        (("encode", "tests", "--data", "digits"), "tests is not a checkpoint"),
        (("export", "tests", "name", "--data", "digits"), "tests is not a checkpoint"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else "",
)
def test_every_mistake_is_named(
    args: tuple[str, ...], named: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    out = ("--out", tmp_path / "run") if args[0] == "train" else ()
    monkeypatch.chdir(Path(__file__).parents[2])
    assert within(monkeypatch, *args, *out) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert named in printed.err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "file").write_text("in the way")
    assert within(monkeypatch, *TRAIN, "--epochs", 1, "--out", tmp_path / "file" / "run") == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize("args", [(), ("train",), ("paint", "vae-2d"), (*TRAIN, "--epochs", "two")])
def test_invalid_commands_print_the_usage(args, monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit) as raised:
        within(monkeypatch, *args)
    assert raised.value.code == 2
    assert "usage: python -m vae" in capsys.readouterr().err


def test_options_reach_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = (
        "--latent",
        3,
        "--net",
        "mlp",
        "--beta",
        2,
        "--set",
        "warm_up=0.5",
        "--set",
        "samples=1",
    )
    others = ("--epochs", 1, "--rate", 0.01, "--seed", 5, "--set", "binarise=false")
    assert within(monkeypatch, *TRAIN, *options, *others, "--out", tmp_path) == 0
    manifest = checkpoint.read_manifest(tmp_path)
    given = {
        "latent": 3,
        "net": "mlp",
        "beta": 2.0,
        "warm_up": 0.5,
        "binarise": False,
        "hidden": 16,
    }
    assert {name: manifest.config[name] for name in given} == given
    trained = {"epochs": 1, "batch": 100, "rate": 0.01, "seed": 5, "validation": 0}
    assert {name: manifest.train[name] for name in trained} == trained
    assert manifest.data == "digits"
    assert [block.size for block in manifest.blocks] == [3]


def test_an_npz_of_ones_own_is_a_source(test_digits, tmp_path: Path, monkeypatch) -> None:
    source = tmp_path / "mine.npz"
    np.savez(source, images=test_digits.samples, labels=test_digits.labels)
    args = (
        "train",
        "ae-2d",
        *SMALL,
        "--epochs",
        1,
        "--data",
        source,
        "--out",
        tmp_path / "run",
    )
    assert within(monkeypatch, *args) == 0
    assert within(monkeypatch, "encode", tmp_path / "run") == 0
    assert checkpoint.read_manifest(tmp_path / "run").data == str(source)
    assert len(checkpoint.read_encodings(tmp_path / "run").mean) == round(len(test_digits) / 10)


def test_each_verb_reads_the_data_as_the_training_did(
    test_digits: Dataset, tmp_path: Path, shipped_to: Path, monkeypatch, capsys
) -> None:
    """Digits upside down, with the labels of digits, resized: never the digits themselves."""
    source, run = tmp_path / "flipped.npz", tmp_path / "run"
    flipped = test_digits.samples[:, ::-1]
    np.savez(source, images=flipped, labels=test_digits.labels)
    args = ("train", "vae-2d", *SMALL, "--epochs", 1, "--data", source, "--out", run)
    reading = ("--size", 16, "--invert", "--split-seed", 3)
    assert within(monkeypatch, *args, *reading) == 0
    options = data.Options(size=16, invert=True, seed=3)
    manifest = checkpoint.read_manifest(run)
    assert manifest.options == options.as_json()
    assert manifest.spec.shape == (1, 16, 16)
    expected = data.read(source, options).test
    assert within(monkeypatch, "encode", run) == 0
    assert checkpoint.read_encodings(run).digest == expected.digest
    assert within(monkeypatch, "evaluate", run) == 0
    assert checkpoint.read_metrics(run)["test_images"] == len(expected) == 36
    assert within(monkeypatch, "export", run, "mine") == 0
    assert checkpoint.read_encodings(shipped_to / "mine").digest == expected.digest
    assert checkpoint.read_manifest(shipped_to / "mine").title == "VAE, 2-d, flipped"
    capsys.readouterr()
    assert within(monkeypatch, *args, "--size", 16, "--resume") == 2
    assert "options.invert: True, now auto" in capsys.readouterr().err


def test_codes_of_ones_own_images_are_written(
    checkpoints: Path, test_digits: Dataset, tmp_path: Path, monkeypatch, capsys
) -> None:
    source, out = own_images(tmp_path / "mine", test_digits, 3), tmp_path / "codes.csv"
    name = checkpoints / "vae-2d"
    before = {path.name: path.read_bytes() for path in name.iterdir()}
    assert within(monkeypatch, "encode", name, "--data", source, "--out", out) == 0
    assert f"30 codes: {out}" in capsys.readouterr().out
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {
        path.relative_to(source).as_posix() for path in source.rglob("*.png")
    }
    assert all(row["class"] == row["name"][0] for row in rows)
    assert sorted({row["part"] for row in rows}) == ["test", "train"]
    images = np.stack([np.asarray(Image.open(source / row["name"])) for row in rows])
    model: Any = checkpoint.read_model(name)
    with torch.inference_mode():
        codes = model.encode(torch.from_numpy(images)[:, None].float() / 255).code.numpy()
    found = np.array([[float(row["z_1"]), float(row["z_2"])] for row in rows])
    np.testing.assert_allclose(found, codes, atol=1e-4)
    assert {"sd_z_1", "sd_z_2", "cross_entropy", "kl", "thickness", "slant"} <= set(rows[0])
    assert {path.name: path.read_bytes() for path in name.iterdir()} == before


def test_data_are_described(test_digits: Dataset, tmp_path: Path, monkeypatch, capsys) -> None:
    source, out = own_images(tmp_path / "mine", test_digits, 3), tmp_path / "sheet.png"
    (source / ".DS_Store").write_bytes(b"")
    assert within(monkeypatch, "inspect", source, "--size", 16, "--out", out) == 0
    printed = capsys.readouterr().out
    assert "30: 27 to train on, 3 to test on" in printed
    assert "images of 28x28 are resized to 16x16" in printed
    assert ".DS_Store is hidden" in printed
    with Image.open(out) as sheet:
        assert sheet.height > 10 * 16


@pytest.mark.parametrize("verb", ["evaluate", "encode", "encode out", "export", "generate"])
def test_a_full_disk_is_one_sentence(
    verb: str, checkpoints: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    with mounted(tmp_path / "disk", "size=8m") as disk:
        folder = Path(shutil.copytree(checkpoints / "cvae", disk / "run"))
        monkeypatch.setattr(catalog, "CHECKPOINTS", disk / "assets" / "checkpoints")
        fill(disk)
        before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
        args = {
            "encode out": ("encode", folder, "--out", disk / "codes.csv"),
            "export": ("export", folder, "name"),
            "generate": ("generate", folder, "--count", 500, "--out", disk / "out.npz"),
        }.get(verb, (verb, folder))
        assert within(monkeypatch, *args) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("error: ")
        assert "No space left on device" in error
        after = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
        assert after == before, "nothing is half-written"


def test_resume_starts_a_run_where_there_is_none(tmp_path: Path, monkeypatch) -> None:
    """One command, repeated until it succeeds, is enough on a machine that may stop."""
    args = (*TRAIN, "--epochs", 2, "--out", tmp_path / "run", "--resume")
    assert within(monkeypatch, *args) == 0
    first = (tmp_path / "run" / WEIGHTS).read_bytes()
    assert within(monkeypatch, *args) == 0
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == first


def test_an_interruption_has_its_own_exit_code(tmp_path: Path, monkeypatch, capsys) -> None:
    def interrupted(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", interrupted)
    assert within(monkeypatch, *TRAIN, "--out", tmp_path) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert torch.is_grad_enabled()
