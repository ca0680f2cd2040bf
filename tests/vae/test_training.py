"""Training: a seed determines the weights, also of a run that is stopped and resumed."""

import dataclasses
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vae import checkpoint, models, training
from vae.adversarial import AdversarialConfig
from vae.batches import Batches, epoch_rows, hold_out, with_labels
from vae.checkpoint import (
    CONFIG,
    LOG,
    PROGRESS,
    TRAINING,
    WEIGHTS,
    CheckpointError,
    WriteError,
)
from vae.dataspec import MNIST, Dataset
from vae.distributed import Noise
from vae.interface import Batch
from vae.models import MODELS
from vae.optim import TrainConfig, learning_rate
from vae.presets import PRESETS, Preset
from vae.training import TrainingError

CPU = torch.device("cpu")
# test_adversarial.py has the runs of the others
ONE_OBJECTIVE = [name for name in MODELS if not issubclass(MODELS[name].config, AdversarialConfig)]
Small = Callable[..., Preset]


def numbered(count: int) -> Dataset:
    """Images whose first two pixels are their number."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    return Dataset(images, np.arange(count) % 10, MNIST)


def numbers(batch: Batch) -> list[int]:
    pixels = (batch.x * 255).round().int()
    return (pixels[:, 0, 0, 0] * 256 + pixels[:, 0, 0, 1]).tolist()


def seeded(seed: int, rank: int = 0, world: int = 1) -> Noise:
    noise = Noise(CPU, rank, world)
    noise.seed(seed)
    return noise


def run(preset: Preset, digits: Dataset, folder: Path, **options: Any) -> bytes:
    """Train and return the weights file."""
    training.train(preset, digits, folder, CPU, source="digits", bar=False, **options)
    return (folder / WEIGHTS).read_bytes()


def epochs_logged(folder: Path) -> list[int]:
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["epoch"] for line in lines]


class TestBatches:
    def test_every_image_is_seen_once_an_epoch(self) -> None:
        batches = Batches(numbered(300), 30, CPU)
        seen = [number for batch in batches.epoch(seeded(0)) for number in numbers(batch)]
        assert len(batches) == 10
        assert sorted(seen) == list(range(300))
        assert seen != sorted(seen)

    def test_the_incomplete_batch_differs_from_epoch_to_epoch(self) -> None:
        batches, out = Batches(numbered(310), 100, CPU), []
        for seed in range(3):
            seen = Counter(n for batch in batches.epoch(seeded(seed)) for n in numbers(batch))
            assert (len(seen), set(seen.values())) == (300, {1})
            out.append(frozenset(range(310)) - set(seen))
        assert len(set(out)) == 3

    def test_labels_stay_with_their_images(self) -> None:
        for batch in Batches(numbered(50), 7, CPU).epoch(seeded(1)):
            assert batch.y.tolist() == [number % 10 for number in numbers(batch)]
            assert batch.x.dtype == torch.float32

    @pytest.mark.parametrize("world", [2, 4])
    def test_each_batch_is_divided_among_the_processes(self, world: int) -> None:
        digits = numbered(100)
        alone = list(Batches(digits, 20, CPU).epoch(seeded(2)))
        shares = [
            list(Batches(digits, 20, CPU, rank, world).epoch(seeded(2))) for rank in range(world)
        ]
        for index, whole in enumerate(alone):
            parts = [numbers(share[index]) for share in shares]
            assert [len(part) for part in parts] == [20 // world] * world
            together = [n for row in zip(*parts, strict=True) for n in row]
            assert together == numbers(whole)

    def test_an_epoch_goes_over_the_rows_that_it_is_given(self) -> None:
        rows = np.array([3, 3, 8, 1, 3, 8])
        batches = Batches(numbered(20), 2, CPU, rows=rows)
        seen = [n for batch in batches.epoch(seeded(0)) for n in numbers(batch)]
        assert len(batches) == 3
        assert sorted(seen) == sorted(rows)

    @pytest.mark.parametrize(("balance", "shares"), [(1.0, [64, 16, 4]), (0.5, [64, 32, 16])])
    def test_an_epoch_repeats_images_and_balances_classes(
        self, balance: float, shares: list[int]
    ) -> None:
        labels = np.repeat([0, 1, 2], [64, 16, 4])
        images = Dataset(np.zeros((84, 28, 28), np.uint8), labels, MNIST)
        rows = epoch_rows(images, TrainConfig(balance=balance, passes=3))
        counts = Counter(rows.tolist())
        assert [counts[row] for row in (0, 64, 80)] == [3, 3 * shares[1] // 16, 3 * shares[2] // 4]
        assert np.bincount(labels[rows]).tolist() == [3 * share for share in shares]

    def test_sizes_that_do_not_fit_are_named(self) -> None:
        with pytest.raises(ValueError, match="batch of 15 is not a multiple of 2"):
            Batches(numbered(100), 15, CPU, 0, 2)
        with pytest.raises(ValueError, match="9 digits are fewer than one batch of 10"):
            Batches(numbered(9), 10, CPU)


@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_the_noise_of_two_processes_is_that_of_one(draw: str) -> None:
    alone = getattr(seeded(4), draw)(6, 3, 2)
    parts = [getattr(seeded(4, rank, 2), draw)(3, 3, 2) for rank in range(2)]
    assert torch.equal(torch.stack(parts, dim=1).flatten(0, 1), alone)


def test_held_out_images_are_chosen_by_the_seed() -> None:
    kept, held = hold_out(numbered(500), 60, seed=3)
    assert held is not None

    def who(digits: Dataset) -> set[int]:
        return set((digits.samples[:, 0, 0].astype(int) * 256 + digits.samples[:, 0, 1]).tolist())

    assert (len(held.samples), len(kept.samples)) == (60, 440)
    assert who(held) | who(kept) == set(range(500))
    again, other = hold_out(numbered(500), 60, seed=3)[1], hold_out(numbered(500), 60, seed=4)[1]
    assert again is not None
    assert other is not None
    assert who(again) == who(held) != who(other)
    assert hold_out(numbered(5), 0, seed=0)[1] is None
    for count in (-1, 5, 6):
        with pytest.raises(ValueError, match=f"hold out {count} of 5"):
            hold_out(numbered(5), count, seed=0)


class TestFewLabels:
    def test_as_many_of_each_class_make_up_a_fifth(self) -> None:
        few = with_labels(numbered(1000), 20, seed=1)
        labelled = few.labels >= 0
        counts = np.bincount(few.labels[labelled]).tolist()
        assert counts == [few.labels[labelled].size // 10] * 10
        assert len({tuple(image[0, :2]) for image in few.samples[labelled]}) == 20
        assert labelled.mean() == pytest.approx(0.2, abs=0.02)
        assert len(few.samples[~labelled]) == 1000, "all others stay, without their labels"
        for image, label in zip(few.samples[labelled], few.labels[labelled], strict=True):
            assert (int(image[0, 0]) * 256 + int(image[0, 1])) % 10 == label

    def test_a_remainder_is_spread_over_some_classes(self) -> None:
        few = with_labels(numbered(1000), 132, seed=1)
        labelled = few.labels >= 0
        chosen = {tuple(image[0, :2]) for image in few.samples[labelled]}
        digits = [(int(high) * 256 + int(low)) % 10 for high, low in chosen]
        assert sorted(np.bincount(digits, minlength=10).tolist()) == [13] * 8 + [14] * 2

    def test_the_seed_determines_the_result(self) -> None:
        one, two, other = (with_labels(numbered(500), 10, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one.samples, two.samples)
        assert not np.array_equal(one.samples, other.samples)

    def test_zero_keeps_all_labels_and_too_many_are_refused(self) -> None:
        digits = numbered(100)
        assert with_labels(digits, 0, seed=0) is digits
        with pytest.raises(ValueError, match="110 labels need 11 digits of each class"):
            with_labels(digits, 110, seed=0)
        with pytest.raises(ValueError, match="9 labels are too few for 10 classes"):
            with_labels(digits, 9, seed=0)

    def test_a_model_that_needs_all_labels_is_refused(
        self, small: Small, train_digits: Dataset, tmp_path: Path
    ) -> None:
        with pytest.raises(ValueError, match="conditional_vae needs the class of every digit"):
            run(small("conditional_vae", labels=100), train_digits, tmp_path)

    def test_a_model_learns_from_them(self, train_digits: Dataset, tmp_path: Path) -> None:
        config = {"hidden": 32, "depth": 1, "net": "residual", "known": True, "consistency": 1.0}
        train = TrainConfig(epochs=8, batch=100, labels=100, rate=5e-3)
        preset = Preset("classifier_vae", config | {"classifier": "sigmoid"}, train, "T", "W.")
        run(preset, train_digits, tmp_path)
        log = checkpoint.read_log(tmp_path)
        assert log["error"][-1] < 0.3 < log["error"][0]


class TestSettings:
    def test_the_cosine_rises_then_falls_to_0(self) -> None:
        config = TrainConfig(rate=0.5)
        rates = [learning_rate(config, progress) for progress in np.linspace(0, 1, 101).tolist()]
        assert 0 < rates[0] < 0.001
        assert rates[5] == max(rates) == pytest.approx(0.5)
        assert rates[:6] == sorted(rates[:6])
        assert rates[5:] == sorted(rates[5:], reverse=True)
        assert rates[100] == pytest.approx(0, abs=1e-9)

    def test_the_constant_schedule_is_constant(self) -> None:
        config = TrainConfig(rate=0.5, schedule="constant")
        assert {learning_rate(config, progress) for progress in (0.0, 0.3, 1.0)} == {0.5}

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            *(("epochs", 0), ("batch", 0), ("rate", 0.0), ("rate", math.nan)),
            *(("schedule", "linear"), ("precision", "half"), ("seed", -1), ("seed", 2**32)),
            *(("balance", 1.5), ("passes", 0)),
        ],
    )
    def test_invalid_settings_are_refused(self, setting: str, value: Any) -> None:
        with pytest.raises(ValueError, match=str(value)):
            dataclasses.replace(TrainConfig(), **{setting: value})

    @pytest.mark.parametrize("name", PRESETS)
    def test_every_preset_is_valid(self, name: str) -> None:
        preset = PRESETS[name]
        models.config(preset.model, preset.config)
        assert preset.title
        assert preset.description.endswith(".")

    def test_options_change_a_preset_and_none_changes_nothing(self) -> None:
        preset = PRESETS["vae-2d"]
        assert training.with_options(preset, {"latent": None}, {"epochs": None}) == preset
        other = training.with_options(preset, {"latent": 3}, {"epochs": 2})
        assert (other.config["latent"], other.train.epochs) == (3, 2)
        with pytest.raises(ValueError, match="latnet"):
            training.with_options(preset, {"latnet": 3}, {})


@pytest.mark.parametrize("decay", [0.0, 0.6])
def test_the_average_is_a_running_mean(decay: float) -> None:
    """mean <- d mean + (1 - d) weights, where d = min(decay, (1 + t) / (10 + t))."""
    config = TrainConfig(average=decay, schedule="constant", precision="float32")
    model = models.build("vae", {"hidden": 8, "depth": 1})
    step = MODELS["vae"].make_step(model, config, seeded(0))
    expected = {k: v.clone().double() for k, v in model.state_dict().items()}
    batch = Batch(torch.rand(4, 1, 28, 28), torch.zeros(4, dtype=torch.long))
    for count in range(1, 13):
        step(batch, 0.5)
        share = min(decay, (1 + count) / (10 + count))
        for name, weights in model.state_dict().items():
            expected[name] = share * expected[name] + (1 - share) * weights
    for name, weights in step.weights().items():
        torch.testing.assert_close(weights.double(), expected[name], rtol=1e-5, atol=1e-7)


def test_images_are_augmented_in_training_and_not_in_validation() -> None:
    config = TrainConfig(precision="float32", average=0.0)
    settings = {"net": "residual", "hidden": 8, "depth": 0, "binarise": False, "flip": 1.0}
    model = models.build("vae", settings)
    step, seen = MODELS["vae"].make_step(model, config, seeded(0)), []
    model.get_submodule("encoder").register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    batch = Batch(torch.rand(4, 1, 28, 28), torch.zeros(4, dtype=torch.long))
    step(batch, 0.5)
    step.validate(batch)
    assert torch.equal(seen[0], batch.x.flip(-1))
    assert torch.equal(seen[1], batch.x)


def test_without_an_average_none_is_saved_and_an_older_state_loads() -> None:
    config = TrainConfig(average=0.0, precision="float32")
    model = models.build("vae", {"hidden": 8, "depth": 1})
    step = MODELS["vae"].make_step(model, config, seeded(0))
    step(Batch(torch.rand(4, 1, 28, 28), torch.zeros(4, dtype=torch.long)), 0.5)
    state = {name: value.clone() for name, value in step.state().items()}
    assert not [name for name in state if name.startswith("mean.")]
    old = state | {f"mean.{name}": value for name, value in model.state_dict().items()}
    step.load_state(old)  # of earlier versions
    assert step.state().keys() == state.keys()
    assert all(torch.equal(value, state[name]) for name, value in step.state().items())


@pytest.fixture(scope="module")
def whole(
    small: Small, few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The folder of a run of three epochs that was not stopped, for each model."""

    @cache
    def folder(model: str) -> Path:
        path = tmp_path_factory.mktemp(model)
        run(small(model, dropout=0.2), few_digits, path)
        return path

    return folder


@pytest.fixture
def finished(whole: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the run of a VAE that a test may change."""
    return Path(shutil.copytree(whole("vae"), tmp_path / "finished"))


@pytest.mark.parametrize("model", ONE_OBJECTIVE)
def test_the_seed_determines_the_weights(
    small, few_digits, tmp_path: Path, whole, model: str
) -> None:
    first = run(small(model, dropout=0.2, epochs=1), few_digits, tmp_path / "1")
    again = run(small(model, dropout=0.2, epochs=1), few_digits, tmp_path / "2")
    other = run(small(model, dropout=0.2, epochs=1, seed=1), few_digits, tmp_path / "3")
    assert again == first != other


def test_training_lowers_the_loss_and_logs_each_epoch(small, few_digits, tmp_path: Path) -> None:
    run(small(epochs=4, validation=100), few_digits, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    parts = {"loss", "cross_entropy", "kl"}
    assert set(lines[0]) == {"epoch"} | parts | {f"validation_{part}" for part in parts}
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert lines[-1]["validation_loss"] < lines[0]["validation_loss"]
    for line in lines:
        assert line["loss"] == pytest.approx(line["cross_entropy"] + line["kl"], abs=0.01)


class Stopped(BaseException):
    """Like a Ctrl-C, at a moment that the test chooses."""


def stop_at_call(count: int, write: Callable[..., None]) -> Callable[..., None]:
    """`write`, but its count-th call raises before anything is written."""
    calls = []

    def stopping(*args: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == count:
            raise Stopped
        write(*args, **options)

    return stopping


def stop(preset: Preset, digits: Dataset, folder: Path, writer: str, epoch: int) -> None:
    """Train until `writer` of the checkpoint is called in an epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, writer, stop_at_call(epoch, getattr(checkpoint, writer)))
        with pytest.raises(Stopped):
            run(preset, digits, folder)


@pytest.mark.parametrize(
    ("model", "writer", "epoch"),
    [
        # before anything of an epoch is written, between its files, and before it counts
        *(("vae", "write_model", 1), ("vae", "append_log", 2), ("vae", "write_progress", 1)),
        *(("vae", "write_model", 3), ("vae", "write_sheets", 3), ("vae", "write_progress", 3)),
        *((model, "write_progress", 2) for model in ONE_OBJECTIVE if model != "vae"),
    ],
)
def test_a_resumed_run_equals_one_that_was_not_stopped(
    small, few_digits, whole, tmp_path: Path, model: str, writer: str, epoch: int
) -> None:
    """Weights, log and samples."""
    preset, folder = small(model, dropout=0.2), tmp_path / "run"
    stop(preset, few_digits, folder, writer, epoch)
    samples = 0 if model == "classifier" else epoch - (writer in {"write_model", "write_sheets"})
    assert len(checkpoint.read_sheets(folder, MNIST)) == samples
    assert run(preset, few_digits, folder, resume=True) == (whole(model) / WEIGHTS).read_bytes()
    assert epochs_logged(folder) == [1, 2, 3]
    assert (folder / LOG).read_text() == (whole(model) / LOG).read_text()
    np.testing.assert_array_equal(
        checkpoint.read_sheets(folder, MNIST), checkpoint.read_sheets(whole(model), MNIST)
    )
    assert not list(folder.glob(".*")), "no temporary file is left"


@pytest.mark.parametrize("model", ONE_OBJECTIVE)
def test_each_epoch_has_its_samples(whole, model: str) -> None:
    sheets = checkpoint.read_sheets(whole(model), MNIST)
    if model == "classifier":
        assert sheets.shape == (0, 10, 28, 28)
    else:
        assert sheets.shape == (3, 10, 28, 28)
        assert (sheets[0] != sheets[2]).any()


def test_a_line_torn_by_a_kill_is_dropped(small, few_digits, finished: Path) -> None:
    """As earlier versions left it, which appended to the log."""
    with (finished / LOG).open("a") as log:
        log.write('{"epoch": 4, "lo')
    run(small(dropout=0.2), few_digits, finished, resume=True)
    assert epochs_logged(finished) == [1, 2, 3]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestFinished:
    """A folder that holds a model is not overwritten unasked."""

    @pytest.mark.parametrize("missing", [(), (PROGRESS,), (PROGRESS, TRAINING)])
    def test_resumed_it_stays_as_it_is(
        self, small, few_digits, finished: Path, missing: tuple[str, ...]
    ) -> None:
        for name in missing:
            (finished / name).unlink()
        before = contents(finished)
        run(small(dropout=0.2), few_digits, finished, resume=True)
        assert contents(finished) == before

    @pytest.mark.parametrize(
        ("missing", "named"),
        [
            ((), "holds a run of 3 epochs; add --resume, or name another folder by --out"),
            ((PROGRESS,), "holds a model already; name another folder by --out, or delete"),
            ((PROGRESS, LOG, TRAINING, CONFIG), "holds a model already"),
            ((PROGRESS, LOG, TRAINING, WEIGHTS), "holds a model already"),
        ],
    )
    def test_it_is_refused(
        self, small, few_digits, finished: Path, missing: tuple[str, ...], named: str
    ) -> None:
        for name in missing:
            (finished / name).unlink()
        before = contents(finished)
        with pytest.raises(CheckpointError, match=named):
            run(small(dropout=0.2), few_digits, finished)
        assert contents(finished) == before

    def test_one_without_a_state_to_continue_from_is_refused(
        self, small, few_digits, tmp_path: Path
    ) -> None:
        stop(small(), few_digits, tmp_path, "write_model", 3)
        (tmp_path / PROGRESS).unlink()
        before = contents(tmp_path)
        with pytest.raises(CheckpointError, match=f"model of 2 epochs and no {PROGRESS} to cont"):
            run(small(), few_digits, tmp_path, resume=True)
        assert contents(tmp_path) == before

    @pytest.mark.parametrize("state", [True, False])
    @pytest.mark.parametrize(
        ("settings", "named"),
        [
            ({"epochs": 5}, "train.epochs: 3, now 5"),
            ({"seed": 7}, "train.seed: 0, now 7"),
            ({"beta": 4.0}, "config.beta: 1.0, now 4.0"),
            ({"hidden": 16}, "config.hidden: 32, now 16"),
        ],
    )
    def test_other_settings_are_refused_by_name(
        self, small, few_digits, finished: Path, settings: dict, named: str, state: bool
    ) -> None:
        if not state:
            (finished / PROGRESS).unlink()
        with pytest.raises(CheckpointError) as raised:
            run(small(**{"dropout": 0.2} | settings), few_digits, finished, resume=True)
        assert named in str(raised.value)
        assert str(finished) in str(raised.value)


class TestEarlierVersions:
    def test_a_run_without_later_settings_continues(
        self, small, few_digits, whole, tmp_path: Path
    ) -> None:
        """A setting that was added later has its default; texts are no settings."""
        preset = small(dropout=0.2)
        stop(preset, few_digits, tmp_path, "write_model", 3)
        progress = checkpoint.read_progress(tmp_path)
        assert progress is not None
        state, epoch, saved = progress
        del saved["train"]["freeze"], saved["title"]
        checkpoint.write_progress(tmp_path, state, epoch, saved | {"description": "Another."})
        resumed = run(preset, few_digits, tmp_path, resume=True)
        assert resumed == (whole("vae") / WEIGHTS).read_bytes()

    def test_a_state_of_other_parameters_is_refused(
        self, small, few_digits, tmp_path: Path
    ) -> None:
        """An autoencoder's encoder had biases without effect; moments are kept by index."""
        preset = small("autoencoder")
        stop(preset, few_digits, tmp_path, "write_model", 3)
        progress = checkpoint.read_progress(tmp_path)
        assert progress is not None
        state, epoch, saved = progress
        more = {"optimiser.99.exp_avg": torch.zeros(2), "optimiser.99.step": torch.zeros(())}
        checkpoint.write_progress(tmp_path, state | more, epoch, saved)
        with pytest.raises(ValueError, match="the run is of an earlier version; start it again"):
            run(preset, few_digits, tmp_path, resume=True)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes")
class TestFullDisk:
    """Files that cannot be written completely; a limit of the file size simulates a full disk."""

    @pytest.fixture
    def limit(self) -> Iterator[Callable[[int], None]]:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    @pytest.mark.parametrize(
        ("size", "named"),
        [(1_000, WEIGHTS), (100_000, WEIGHTS), (400_000, PROGRESS)],
    )
    def test_a_first_epoch_leaves_whole_files_or_none(
        self, small, few_digits, tmp_path: Path, limit, size: int, named: str
    ) -> None:
        limit(size)
        with pytest.raises(WriteError, match=f"{tmp_path / 'run' / named} cannot be written: "):
            run(small(), few_digits, tmp_path / "run")
        left = {path.name for path in (tmp_path / "run").iterdir()}
        assert left == (set() if named == WEIGHTS else {WEIGHTS, CONFIG, LOG, TRAINING})
        if left:
            checkpoint.read_model(tmp_path / "run")

    def test_a_later_epoch_leaves_the_run_resumable(
        self, small, few_digits, whole, tmp_path: Path, limit
    ) -> None:
        preset = small(dropout=0.2)
        stop(preset, few_digits, tmp_path, "write_model", 2)
        before = contents(tmp_path)
        limit(1_000)
        with pytest.raises(WriteError, match=WEIGHTS):
            run(preset, few_digits, tmp_path, resume=True)
        assert contents(tmp_path) == before
        limit(10_000_000)
        resumed = run(preset, few_digits, tmp_path, resume=True)
        assert resumed == (whole("vae") / WEIGHTS).read_bytes()


class TestSecondStage:
    """A run that starts from another's weights and keeps a part of them."""

    @pytest.mark.parametrize("model", [name for name in ONE_OBJECTIVE if name != "classifier"])
    def test_frozen_parts_stay_and_the_rest_moves(
        self, small, few_digits, whole, tmp_path: Path, model: str
    ) -> None:
        stage = small(model, epochs=1, start=str(whole(model)), freeze="decoder", validation=50)
        run(stage, few_digits, tmp_path)
        first, second = (load_file(folder / WEIGHTS) for folder in (whole(model), tmp_path))
        for name, weights in first.items():
            assert torch.equal(weights, second[name]) == name.startswith("decoder."), name

    def test_the_rest_starts_at_random_and_may_have_another_shape(
        self, small, few_digits, whole, tmp_path: Path
    ) -> None:
        start = {"start": str(whole("vae")), "freeze": "decoder"}
        stage = small(**start, epochs=1, components=3, samples=4)
        run(stage, few_digits, tmp_path)
        first, second = (load_file(folder / WEIGHTS) for folder in (whole("vae"), tmp_path))
        shapes = {name: second[name].shape == value.shape for name, value in first.items()}
        assert not all(shapes.values()), "the mixture's last layer is larger"
        assert all(torch.equal(first[k], second[k]) for k in first if k.startswith("decoder."))

    def test_it_resumes_to_the_same_weights(self, small, few_digits, whole, tmp_path: Path) -> None:
        stage = small(start=str(whole("vae")), freeze="decoder")
        unstopped = run(stage, few_digits, tmp_path / "whole")
        stop(stage, few_digits, tmp_path / "stopped", "write_progress", 2)
        assert run(stage, few_digits, tmp_path / "stopped", resume=True) == unstopped

    def test_an_unknown_part_is_named(self, small, few_digits, tmp_path: Path) -> None:
        with pytest.raises(
            ValueError, match=r"no part 'classifier' to freeze; there is encoder, deco"
        ):
            run(small(freeze="classifier"), few_digits, tmp_path)

    def test_weights_of_another_shape_are_refused(
        self, small, few_digits, whole, tmp_path: Path
    ) -> None:
        with pytest.raises(CheckpointError, match="has weights of another shape"):
            run(small(hidden=8, start=str(whole("vae"))), few_digits, tmp_path)


def test_a_damaged_state_is_named_with_what_to_do(small, few_digits, finished: Path) -> None:
    state = (finished / PROGRESS).read_bytes()
    for damaged in (state[: len(state) // 2], b"", b"\xff" * 100):
        (finished / PROGRESS).write_bytes(damaged)
        with pytest.raises(CheckpointError, match=rf"{PROGRESS} is damaged .*delete that one"):
            run(small(dropout=0.2), few_digits, finished, resume=True)


def test_a_preset_is_fitted_to_a_small_data_set() -> None:
    preset = PRESETS["vae-2d"]
    for enough in (60_000, 4_000):
        assert training.fitted(preset, enough) == preset
    train = training.fitted(preset, 300).train
    assert (train.validation, train.batch) == (30, preset.train.batch)
    train = training.fitted(preset, 48).train
    assert (train.validation, train.batch) == (4, 44)
    asked = training.fitted(preset, 48, validation=False, batch=False)
    assert asked == preset, "what is asked for stays"


def test_a_loss_that_is_not_finite_ends_the_run(small, few_digits, tmp_path: Path) -> None:
    preset = small(rate=1e30, clip=0.0, schedule="constant")
    with pytest.raises(TrainingError, match=r"became (nan|inf).* in epoch 1; try a lower learning"):
        run(preset, few_digits, tmp_path)
    assert not (tmp_path / WEIGHTS).exists()


# Real processes: each takes seconds to import torch.


ALONE = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "vae", "train", *map(str, args)]


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_same_weights(train_digits, tmp_path: Path) -> None:
    small = ("--set", "hidden=24", "--set", "depth=1", "--batch", 100, "--validation", 0)
    args = (
        "beta-vae-10d",
        "--epochs",
        60,
        *small,
        "--data",
        "digits",
        "--out",
        tmp_path / "killed",
    )
    environment = os.environ | ALONE
    process = subprocess.Popen(command(*args), env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "killed" / PROGRESS).exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(random.random() * 0.5)  # at any moment
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    assert 1 <= len(epochs_logged(tmp_path / "killed")) < 60
    subprocess.run(command(*args, "--resume"), env=environment, check=True, capture_output=True)

    options = {"epochs": 60, "batch": 100, "validation": 0}
    preset = training.with_options(PRESETS["beta-vae-10d"], {"hidden": 24, "depth": 1}, options)
    whole = run(preset, train_digits, tmp_path / "whole")
    same = (tmp_path / "killed" / WEIGHTS).read_bytes() == whole
    assert same  # compared outside the assertion: pytest takes minutes to show long byte strings
    assert epochs_logged(tmp_path / "killed") == list(range(1, 61))


def in_two_processes(*args: Any) -> None:
    """Train by the command line under torchrun."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *torchrun, *command(*args)[1:]],
        env=os.environ | ALONE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_two_processes_train_the_model_of_one(train_digits, tmp_path: Path) -> None:
    """Under torchrun, with gloo: batches and noise are the same, gradients too up to rounding."""
    args = (
        "jmetzen-2d",
        "--epochs",
        2,
        "--batch",
        100,
        "--validation",
        0,
        "--set",
        "hidden=32",
    )
    in_two_processes(*args, "--data", "digits", "--out", tmp_path / "two")
    options = {"epochs": 2, "batch": 100, "validation": 0}
    preset = training.with_options(PRESETS["jmetzen-2d"], {"hidden": 32}, options)
    run(preset, train_digits, tmp_path / "one")
    one, two = (load_file(tmp_path / name / WEIGHTS) for name in ("one", "two"))
    for name, weights in one.items():
        torch.testing.assert_close(two[name], weights, rtol=1e-3, atol=1e-4)
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two")]
    for first, second in zip(*logs, strict=True):
        assert json.loads(second) == pytest.approx(json.loads(first), rel=1e-4)


@pytest.mark.slow
def test_two_processes_train_both_nets_of_a_gan(train_digits, tmp_path: Path) -> None:
    """Batch norm is over each process's part of a batch, so the weights are not those of one
    process; losses and gradients are means over both, so training goes much the same way."""
    small = ("--set", "width=4", "--set", "critic=4", "--set", "net=mlp")
    args = ("dcgan", "--epochs", 2, "--batch", 100, "--validation", 0, *small)
    in_two_processes(*args, "--data", "digits", "--out", tmp_path / "two")
    options = {"epochs": 2, "batch": 100, "validation": 0}
    preset = training.with_options(
        PRESETS["dcgan"], {"width": 4, "critic": 4, "net": "mlp"}, options
    )
    run(preset, train_digits, tmp_path / "one")
    one, two = (checkpoint.read_log(tmp_path / name) for name in ("one", "two"))
    for name in ("generator_loss", "discriminator_loss", "belief_real", "belief_drawn"):
        np.testing.assert_allclose(two[name], one[name], rtol=0.05)
    torch.manual_seed(preset.train.seed)  # every process starts from these weights
    before = models.build("dcgan", preset.config).state_dict()
    after = load_file(tmp_path / "two" / WEIGHTS)
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved >= {"generator", "discriminator"}
