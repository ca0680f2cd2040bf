"""python -m vae as a user runs it: few processes, for each takes seconds to import torch."""

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

from vae import __main__ as cli
from vae import catalog, checkpoint, conditional_metrics, training
from vae.checkpoint import CONFIG, ENCODINGS, LOG, PROGRESS, TRAINING, WEIGHTS

SMALL = ("--set", "hidden=16", "--set", "depth=1", "--batch", "100", "--validation", "0")
TRAIN = ("train", "vae-2d", *SMALL, "--data", "digits")


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "LATENT_DEVICE": "cpu"} | more


def run(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vae", *map(str, words)]
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, check=False
    )


def within(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Run the command line in this process: the same code, without the seconds of the import."""
    monkeypatch.setattr(sys, "argv", ["vae", *map(str, words)])
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    return cli.main()


def test_from_training_to_what_is_shipped(tmp_path: Path) -> None:
    """train, export (which encodes), evaluate --json: real processes in a row."""
    out, shelf = tmp_path / "run", tmp_path / "shelf"
    done = run(*TRAIN, "--epochs", 2, "--out", out)
    assert (done.returncode, done.stdout.strip()) == (0, f"trained: {out}"), done.stderr
    written = {CONFIG, WEIGHTS, PROGRESS, LOG, TRAINING}
    assert {path.name for path in out.iterdir()} == written

    done = run("export", out, "my-vae", "--data", "digits", LATENT_CHECKPOINTS=str(shelf))
    assert done.returncode == 0, done.stderr
    shipped = {path.name for path in (shelf / "my-vae").iterdir()}
    assert shipped == {CONFIG, WEIGHTS, ENCODINGS, LOG, TRAINING}
    encodings = checkpoint.read_encodings(shelf / "my-vae")
    model: Any = checkpoint.read_model(shelf / "my-vae")
    assert encodings.mean.shape == (359, 2)
    assert 2 * (shelf / "my-vae" / WEIGHTS).stat().st_size < 1.2 * (out / WEIGHTS).stat().st_size

    done = run("evaluate", "my-vae", "--json", "--data", "digits", LATENT_CHECKPOINTS=str(shelf))
    figures = json.loads(done.stdout)
    assert figures == checkpoint.read_metrics(shelf / "my-vae")
    assert figures["parameters"] == sum(p.numel() for p in model.parameters())


def test_ctrl_c_leaves_a_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*TRAIN, "--epochs", 200, "--batch", 1000, "--out", tmp_path)
    command = [sys.executable, "-m", "vae", *map(str, words)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:  # where it is ignored, a child that is started ignores it too
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
    assert "--resume goes on" in errors
    logged = len((tmp_path / "log.jsonl").read_text().splitlines())
    assert 1 <= logged < 200

    assert within(monkeypatch, *words) == 2
    assert "add --resume" in capsys.readouterr().err
    assert within(monkeypatch, *words, "--resume") == 0
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, 201))


def test_digits_are_drawn_on_request(
    shelf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "drawn.npz"
    name = shelf / "cvae"
    words = ("generate", name, "--count", 25, "--digits", "907", "--seed", 3, "--out", out)
    assert within(monkeypatch, *words) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.strip() == f"25 digits: {out}"
    with np.load(out) as drawn:
        assert drawn["labels"].tolist() == [9, 0, 7] * 8 + [9]
        assert drawn["images"].dtype == np.uint8
        model: Any = checkpoint.read_model(name)
        decoded = 255 * model.decode(torch.from_numpy(drawn["codes"])).sigmoid().numpy()
        assert np.abs(decoded - drawn["images"]).max() < 0.51

    # another data set than MNIST has an independent classifier's opinion too
    monkeypatch.setattr(catalog, "CHECKPOINTS", shelf)
    copy = Path(shutil.copytree(name, tmp_path / "measured"))
    monkeypatch.setattr(conditional_metrics, "EACH", 20)
    assert within(monkeypatch, "evaluate", copy, "--data", "digits") == 0
    figures = checkpoint.read_metrics(copy)
    assert {"agreement", "diversity", "learned_from_drawn", "style_slant"} <= set(figures)
    assert 0 <= figures["agreement"] <= 1


def test_a_second_stage_goes_on_in_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert within(monkeypatch, *TRAIN, "--epochs", 2, "--out", first) == 0
    words = (*TRAIN, "--epochs", 3, "--start", first, "--out", second)
    assert within(monkeypatch, *words) == 0
    (tmp_path / "shipped").mkdir()
    cli.export_history(second, tmp_path / "shipped")
    logs = [checkpoint.read_log(folder)["loss"] for folder in (first, second, tmp_path / "shipped")]
    np.testing.assert_array_equal(logs[2], np.concatenate(logs[:2]))
    assert len(checkpoint.read_sheets(tmp_path / "shipped")) == 5
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
    ("words", "named"),
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
        ((*TRAIN, "--labels", "5"), "a multiple of 10, not 5"),
        (("generate", "vae-2d", "--count", "1"), "is not told the digit"),
        (("generate", "cvae", "--count", "0"), "not 0"),
        (("generate", "cvae", "--digits", "a"), "'a'"),
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
    words: tuple[str, ...], named: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    out = ("--out", tmp_path / "run") if words[0] == "train" else ()
    monkeypatch.chdir(Path(__file__).parents[2])
    assert within(monkeypatch, *words, *out) == 2
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


@pytest.mark.parametrize(
    "words", [(), ("train",), ("paint", "vae-2d"), (*TRAIN, "--epochs", "two")]
)
def test_words_that_make_no_command_say_how_it_goes(words, monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit) as raised:
        within(monkeypatch, *words)
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


def test_a_folder_of_ones_own_is_a_source(test_digits, tmp_path: Path, monkeypatch) -> None:
    source = tmp_path / "mine.npz"
    np.savez(source, images=test_digits.images, labels=test_digits.labels)
    words = ("train", "ae-2d", *SMALL, "--epochs", 1, "--data", source, "--out", tmp_path / "run")
    assert within(monkeypatch, *words) == 0
    assert within(monkeypatch, "encode", tmp_path / "run", "--data", source) == 0
    assert checkpoint.read_manifest(tmp_path / "run").data == str(source)
    assert len(checkpoint.read_encodings(tmp_path / "run").mean) == len(test_digits.images) // 5 + 1


def test_resume_begins_where_nothing_was_begun(tmp_path: Path, monkeypatch) -> None:
    """So that one command, repeated until it succeeds, is enough for a machine that may stop."""
    words = (*TRAIN, "--epochs", 2, "--out", tmp_path / "run", "--resume")
    assert within(monkeypatch, *words) == 0
    first = (tmp_path / "run" / WEIGHTS).read_bytes()
    assert within(monkeypatch, *words) == 0
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == first


def test_an_interruption_is_no_error(tmp_path: Path, monkeypatch, capsys) -> None:
    def interrupted(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", interrupted)
    assert within(monkeypatch, *TRAIN, "--out", tmp_path) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert torch.is_grad_enabled()
