"""fit(), the training loop of every model, and train(), a run in a folder that can be stopped and
resumed."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from tqdm import tqdm

from vae import checkpoint, latent, models
from vae.batches import Batches, epoch_rows, hold_out, with_labels
from vae.checkpoint import CheckpointError, Manifest
from vae.data import Options
from vae.dataspec import Dataset, DataSpec
from vae.distributed import Noise, workers
from vae.interface import Batch, Conditions, Decodes, LatentModel, Step, abilities
from vae.latent import LatentBlock
from vae.optim import TrainConfig
from vae.presets import Preset
from vae.tensors import to_array, to_tensor

SAMPLES, MAX_CLASSES = 10, 26  # decoded at the end of each epoch
COLLAPSE_SAMPLES = 100  # whose diversity is measured
COLLAPSED, COLLAPSED_EPOCHS = 0.25, 3  # a diversity that ends a run, after so many epochs below it
COLLAPSE_STEPS = 1000  # in which a generator must have learned to draw diverse samples
OnEpoch = Callable[[int, dict[str, float]], None]


class TrainingError(RuntimeError):
    """A run that failed; the message gives the reason and what to do."""


def fit(
    step: Step,
    batches: Batches,
    noise: Noise,
    epochs: int,
    *,
    seed: int = 0,
    first: int = 0,
    validation: Dataset | None = None,
    on_epoch: OnEpoch | None = None,
    bar: bool = False,
) -> None:
    """Run `step` over `batches` for the epochs first + 1 to epochs, counted from 1, and call
    on_epoch(epoch, means) after each.

    Each epoch has a seed of its own and depends only on the state at its start, so that a resumed
    run equals an uninterrupted one. Raises TrainingError where a mean is not finite.
    """
    total = epochs * len(batches)
    progress = tqdm(
        total=total,
        initial=first * len(batches),
        unit="step",
        disable=None if bar else True,
        dynamic_ncols=True,
    )
    with progress:
        for epoch in range(first, epochs):
            noise.seed(seed * 1_000_003 + epoch)
            # for dropout, whose masks differ between processes
            torch.manual_seed((seed * 1_000_003 + epoch) * noise.world + noise.rank)
            sums: dict[str, Tensor] = {}
            for index, batch in enumerate(batches.epoch(noise)):
                scalars = step(batch, (epoch * len(batches) + index) / total)
                # summed on the device: reading a value would synchronise at every step
                sums = {name: sums.get(name, 0) + value for name, value in scalars.items()}
                progress.update()
            means = _means(sums, len(batches), noise.world)
            if validation is not None:
                means |= _validate(step, validation, batches.samples.device)
            progress.set_postfix(
                {k: f"{v:.2f}" for k, v in means.items()} | {"epoch": f"{epoch + 1}/{epochs}"}
            )
            if bad := [name for name, value in means.items() if not math.isfinite(value)]:
                raise TrainingError(
                    f"{bad[0]} became {means[bad[0]]} in epoch {epoch + 1}; "
                    "try a lower learning rate than this run's"
                )
            if on_epoch:
                on_epoch(epoch + 1, means)


def _means(sums: dict[str, Tensor], count: int, world: int) -> dict[str, float]:
    values = torch.stack(list(sums.values())) / count
    if world > 1:
        dist.all_reduce(values)
        values /= world
    return dict(zip(sums, values.tolist(), strict=True))


def _validate(
    step: Step, data: Dataset, device: torch.device, size: int = 1000
) -> dict[str, float]:
    sums: dict[str, float] = {}
    for start in range(0, len(data), size):
        x = to_tensor(torch.from_numpy(data.samples[start : start + size]).to(device), data.spec)
        labels = torch.from_numpy(data.labels[start : start + size]).to(device)
        share = len(x) / len(data)
        for name, value in step.validate(Batch(x, labels)).items():
            sums[f"validation_{name}"] = sums.get(f"validation_{name}", 0) + share * value.item()
    return sums


class EpochSamples:
    """Samples decoded at the end of each epoch, from codes that stay the same: training.npz.

    There are `SAMPLES` codes from the prior; a conditional model has one code for each class, up to
    `MAX_CLASSES`, which share one style. A model that does not decode has no such samples.
    """

    def __init__(self, folder: Path, model: LatentModel, epochs: int, seed: int = 0) -> None:
        self.path, self.model = folder / checkpoint.TRAINING, copy.deepcopy(model).eval()
        codes = None
        if isinstance(model, Decodes):
            codes = latent.sample_prior(model.blocks, SAMPLES, seed)
        if codes is not None and isinstance(model, Conditions):
            one_hot = np.eye(model.class_dims.stop - model.class_dims.start)[:MAX_CLASSES]
            codes = np.tile(codes[:1], (len(one_hot), 1))
            codes[:, model.class_dims] = one_hot
        self.codes = None if codes is None else torch.from_numpy(codes)
        saved = checkpoint.read_sheets(folder, model.spec) if self.path.exists() else None
        self.sheets = [] if saved is None else list(saved[:epochs])

    @torch.inference_mode()
    def add(self, weights: dict[str, Tensor]) -> None:
        """Decode the codes with the weights at the end of an epoch, and save the images."""
        if self.codes is None:
            return
        self.model.load_state_dict(weights)
        device = next(self.model.parameters()).device
        parameters = cast(Decodes, self.model).decode(self.codes.to(device))
        images = (255 * self.model.likelihood.mean(parameters)).round().byte()
        self.sheets.append(to_array(images, self.model.spec))
        checkpoint.write_sheets(self.path.parent, np.stack(self.sheets))


def train(
    preset: Preset,
    data: Dataset,
    folder: Path,
    device: torch.device,
    *,
    resume: bool = False,
    source: str = "mnist",
    options: dict[str, Any] | None = None,
    bar: bool = True,
) -> Path:
    """Train a preset on samples into `folder`: a checkpoint, log.jsonl with one line an epoch, and
    the state to resume. source and options say where the data come from and how they were read.

    A stop at any moment loses at most the epoch in progress; `resume` continues from there, starts
    where no epoch is complete, and leaves a finished run as it is. Raises CheckpointError where the
    folder holds a model and resume is not set, where its run has other settings or no state to
    continue from; ValueError for settings that do not fit the data; WriteError on a full disk.
    """
    run = json.loads(json.dumps(asdict(preset) | {"data": source, "options": options or {}}))
    state, first = _saved_state(folder, run, resume)
    config = preset.train
    if first >= config.epochs:
        _trim_log(folder, first)
        return folder
    with workers(device) as (rank, world, own_device):
        torch.manual_seed(config.seed)  # every process starts from the same weights
        model = _initial_model(preset, data.spec).to(own_device)
        noise = Noise(own_device, rank, world)
        step = models.MODELS[preset.model].make_step(model, config, noise)
        if state:
            step.load_state({name: value.to(own_device) for name, value in state.items()})
        training, validation = hold_out(data, config.validation, config.seed)
        training = with_labels(training, config.labels, config.seed)
        if model.needs_labels and (unlabelled := int((training.labels < 0).sum())):
            raise ValueError(
                f"{preset.model} needs the class of every {data.spec.noun}, and {unlabelled:,} "
                "have none; classifier-vae needs few"
            )
        rows = epoch_rows(training, config)
        batches = Batches(training, config.batch, own_device, rank, world, rows)
        if rank == 0:
            _trim_log(folder, first)
        samples = EpochSamples(folder, model, first)
        manifest = Manifest(
            model=preset.model,
            config=asdict(model.config),
            train=asdict(config),
            title=preset.title,
            description=preset.description,
            blocks=model.blocks,
            abilities=tuple(sorted(abilities(model))),
            data=source,
            options=options or {},
            spec=data.spec,
            implicit=model.implicit,
        )
        collapse = CollapseWatch(folder, model, training)

        def on_epoch(epoch: int, means: dict[str, float]) -> None:
            if rank:
                return
            weights, last = step.weights(), epoch == config.epochs
            means = means | collapse.measure(weights, epoch * len(batches))
            if not collapse.low or not (folder / checkpoint.WEIGHTS).exists():
                finished, blocks = weights, model.blocks
                if last:
                    finished, blocks = _finished(
                        preset, model, weights, data if validation is None else validation
                    )
                checkpoint.write_model(folder, replace(manifest, blocks=blocks), finished)
            samples.add(weights)
            rounded = {name: round(value, 4) for name, value in means.items()}
            checkpoint.append_log(folder, {"epoch": epoch} | rounded)
            collapse.check(means, last=last)
            # last: only an epoch with a saved state is complete; a resumed run replaces the others
            if not collapse.low:
                checkpoint.write_progress(folder, step.state(), epoch, run)

        fit(
            step,
            batches,
            noise,
            config.epochs,
            seed=config.seed,
            first=first,
            validation=validation,
            on_epoch=on_epoch,
            bar=bar and rank == 0,
        )
    return folder


class CollapseWatch:
    """Watches an implicit model for mode collapse: samples that are all alike.

    The diversity of `COLLAPSE_SAMPLES` samples is the mean distance between two of them, divided by
    that between two training samples: near 1 for a good model, 0 for one sample repeated. A new
    generator draws nearly the same for all codes, so epochs count from the first one with diverse
    samples on, or after `COLLAPSE_STEPS` steps.
    """

    def __init__(self, folder: Path, model: LatentModel, data: Dataset) -> None:
        self.model = copy.deepcopy(model).eval() if model.implicit else None
        before = checkpoint.read_log(folder).get("diversity", np.empty(0))  # of a resumed run
        self.was_diverse = bool((before >= COLLAPSED).any())
        self.low = 0  # epochs in succession below the bound
        if self.model:
            self.codes = torch.from_numpy(
                latent.sample_prior(model.blocks, COLLAPSE_SAMPLES, seed=1)
            )
            rows = np.random.default_rng(0).permutation(len(data))[:COLLAPSE_SAMPLES]
            self.real = _mean_distance(to_tensor(data.samples[rows], data.spec))

    @torch.inference_mode()
    def measure(self, weights: dict[str, Tensor], steps: int) -> dict[str, float]:
        """{"diversity": ...} with the weights at the end of an epoch, after so many steps in all;
        {} for other models."""
        if self.model is None:
            return {}
        self.model.load_state_dict(weights)
        device = next(self.model.parameters()).device
        parameters = cast(Decodes, self.model).decode(self.codes.to(device))
        drawn = _mean_distance(self.model.likelihood.mean(parameters).float())
        found = drawn / self.real
        self.was_diverse |= found >= COLLAPSED
        counts = self.was_diverse or steps >= COLLAPSE_STEPS
        self.low = self.low + 1 if counts and found < COLLAPSED else 0
        return {"diversity": found}

    def check(self, means: dict[str, float], *, last: bool) -> None:
        """Raises TrainingError where the diversity was below `COLLAPSED` for `COLLAPSED_EPOCHS`
        epochs, or in the last one."""
        if self.low >= COLLAPSED_EPOCHS or (last and self.low):
            raise TrainingError(
                f"the samples have collapsed: their diversity is {means['diversity']:.2f} (1: that "
                f"of real ones), for {self.low} epochs below {COLLAPSED}; the model of the last "
                "epoch above that is kept; try a lower learning rate, a larger r1 or another seed"
            )


def _mean_distance(x: Tensor) -> float:
    """Mean Euclidean distance between two of the samples."""
    return float(torch.pdist(x.flatten(1)).mean())


@torch.no_grad()
def _finished(
    preset: Preset, model: LatentModel, weights: dict[str, Tensor], samples: Dataset
) -> tuple[dict[str, Tensor], tuple[LatentBlock, ...]]:
    """The weights and the blocks of a trained model once its `finish` has changed them, given
    samples."""
    finish = models.MODELS[preset.model].finish
    if finish is None:
        return weights, model.blocks
    trained = copy.deepcopy(model)
    trained.load_state_dict(weights)
    finish(trained.eval(), samples)
    return trained.state_dict(), trained.blocks


def _initial_model(preset: Preset, spec: DataSpec) -> LatentModel:
    """A model with random weights, or with those of the run that the preset starts from: all, or
    those of the frozen part."""
    model = models.build(preset.model, preset.config, spec)
    if preset.train.start:
        weights = checkpoint.read_model(Path(preset.train.start)).state_dict()
        frozen = preset.train.freeze.split(",")  # of "" it is one empty name: all of the model
        parts = tuple(f"{name}." if name else "" for name in frozen)
        kept = {name: value for name, value in weights.items() if name.startswith(parts)}
        own = {k: v for k, v in model.state_dict().items() if not k.startswith(parts)}
        try:
            model.load_state_dict(own | kept)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise CheckpointError(
                f"{preset.train.start} has weights of another shape than this run's: {reason}"
            ) from error
    return model


def _saved_state(
    folder: Path, run: dict[str, Any], resume: bool
) -> tuple[dict[str, Tensor] | None, int]:
    """The state to continue from, None to start, and the number of epochs that are complete."""
    progress = checkpoint.read_progress(folder)
    if progress is not None:
        state, epochs, saved = progress
        if not resume:
            raise CheckpointError(
                f"{folder} holds a run of {epochs} epochs; add --resume, or name another folder by "
                "--out"
            )
        _check_settings(folder, saved, run)
        return state, epochs
    if not any((folder / name).exists() for name in (checkpoint.WEIGHTS, checkpoint.CONFIG)):
        return None, 0
    if not resume:
        raise CheckpointError(
            f"{folder} holds a model already; name another folder by --out, or delete that one"
        )
    manifest = checkpoint.read_manifest(folder)
    _check_settings(folder, vars(manifest), run)
    epochs = len(_log_lines(folder))
    if epochs >= run["train"]["epochs"]:
        return None, epochs
    if epochs > 1:
        raise CheckpointError(
            f"{folder} holds a model of {epochs} epochs and no {checkpoint.PROGRESS} to continue "
            "from; name another folder by --out, or delete that one"
        )
    return None, 0  # stopped while the first epoch was saved


def _check_settings(folder: Path, saved: dict[str, Any], run: dict[str, Any]) -> None:
    if changed := sorted(_differences(_settings(saved), _settings(run))):
        raise CheckpointError(
            f"the run in {folder} has other settings ({'; '.join(changed)}); use the same, or name "
            "another folder by --out"
        )


def _settings(run: dict[str, Any]) -> dict[str, Any]:
    """The settings that determine a run's weights; those that it does not name have their
    defaults."""
    return {
        "model": run["model"],
        "data": run["data"],
        "options": Options.from_json(run.get("options") or {}).as_json(),
        "config": asdict(models.config(run["model"], run["config"])),
        "train": asdict(TrainConfig(**run["train"])),
    }


def _differences(a: dict[str, Any], b: dict[str, Any], path: str = "") -> set[str]:
    found: set[str] = set()
    for key in a.keys() | b.keys():
        left, right = a.get(key), b.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            found |= _differences(left, right, f"{path}{key}.")
        elif left != right:
            found.add(f"{path}{key}: {left}, now {right}")
    return found


def _log_lines(folder: Path) -> list[str]:
    path = folder / checkpoint.LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in lines if line.strip()]


def _trim_log(folder: Path, epochs: int) -> None:
    """Drop the lines of epochs whose state was not saved."""
    lines = _log_lines(folder)
    if len(lines) > epochs:
        text = "".join(f"{line}\n" for line in lines[:epochs])
        path = folder / checkpoint.LOG
        checkpoint.write_atomically(path, lambda p: p.write_text(text, encoding="utf-8"))


def fitted(preset: Preset, count: int, *, validation: bool = True, batch: bool = True) -> Preset:
    """Adapt a preset to a data set of `count` samples.

    With `validation`, a tenth is held out where the preset would hold out more than half; with
    `batch`, the batch size is at most the number of the remaining samples.
    """
    train = preset.train
    if validation and train.validation > count // 2:
        train = replace(train, validation=count // 10)
    if batch and train.batch > (rest := count - train.validation) > 0:
        train = replace(train, batch=rest)
    return replace(preset, train=train)


def with_options(preset: Preset, model: dict[str, Any], train: dict[str, Any]) -> Preset:
    """A preset with these settings of the model and of the training; None keeps a setting. Raises
    ValueError for an unknown one."""
    changed = {k: v for k, v in model.items() if v is not None}
    models.config(preset.model, preset.config | changed)
    config = replace(preset.train, **{k: v for k, v in train.items() if v is not None})
    return replace(preset, config=preset.config | changed, train=config)
