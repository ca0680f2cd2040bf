"""fit(): the one training loop, for every model; train(): a run in a folder that can be stopped and
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
from vae.batches import Batches, hold_out, with_labels
from vae.checkpoint import CheckpointError, Manifest
from vae.data import Digits
from vae.distributed import Noise, workers
from vae.interface import Batch, Conditions, Decodes, LatentModel, Step, abilities
from vae.optim import TrainConfig
from vae.presets import Preset

OnEpoch = Callable[[int, dict[str, float]], None]


class TrainingError(RuntimeError):
    """A run that cannot go on; the message says why and what to do."""


def fit(
    step: Step,
    batches: Batches,
    noise: Noise,
    epochs: int,
    *,
    seed: int = 0,
    first: int = 0,
    validation: Digits | None = None,
    on_epoch: OnEpoch | None = None,
    bar: bool = False,
) -> None:
    """Run `step` over `batches` for epochs first + 1 to epochs; on_epoch(epoch, means) after each,
    epoch from 1.

    Each epoch starts from its own seed, so that it depends on nothing but the weights it starts
    from: that is what makes a resumed run equal to one never stopped. Raises TrainingError where a
    mean is no longer finite.
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
            torch.manual_seed(
                (seed * 1_000_003 + epoch) * noise.world + noise.rank
            )  # dropout: own to a process
            sums: dict[str, Tensor] = {}
            for index, batch in enumerate(batches.epoch(noise)):
                scalars = step(batch, (epoch * len(batches) + index) / total)
                # added up on the device: reading a number here would make the processor wait for it
                # at every step
                sums = {name: sums.get(name, 0) + value for name, value in scalars.items()}
                progress.update()
            means = _means(sums, len(batches), noise.world)
            if validation is not None:
                means |= _validate(step, validation, batches.images.device)
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
    step: Step, digits: Digits, device: torch.device, size: int = 1000
) -> dict[str, float]:
    sums: dict[str, float] = {}
    for start in range(0, len(digits.images), size):
        images = torch.from_numpy(digits.images[start : start + size]).to(device).float() / 255
        labels = torch.from_numpy(digits.labels[start : start + size]).to(device)
        share = len(images) / len(digits.images)
        for name, value in step.validate(Batch(images, labels)).items():
            sums[f"validation_{name}"] = sums.get(f"validation_{name}", 0) + share * value.item()
    return sums


class Sheets:
    """Ten digits at the end of each epoch, drawn from the prior in one style: training.npz.

    Codes are the same in every epoch. A model that is told the digit draws 0 to 9, any other what
    ten codes of its own choosing are. One that does not decode has no sheets.
    """

    def __init__(self, folder: Path, model: LatentModel, epochs: int, seed: int = 0) -> None:
        self.path, self.model = folder / checkpoint.TRAINING, copy.deepcopy(model).eval()
        told = isinstance(model, Conditions)
        codes = latent.sample_prior(model.blocks, 10, seed) if isinstance(model, Decodes) else None
        if codes is not None and told:
            codes[:] = codes[:1]
            codes[:, model.digit] = np.eye(10)
        self.codes = None if codes is None else torch.from_numpy(codes)
        kept = checkpoint.read_sheets(folder) if self.path.exists() else None
        self.sheets = [] if kept is None else list(kept[:epochs])

    @torch.inference_mode()
    def draw(self, weights: dict[str, Tensor]) -> None:
        """Add the sheet of the epoch that ends with these weights."""
        if self.codes is None:
            return
        self.model.load_state_dict(weights)
        device = next(self.model.parameters()).device
        decoded = cast(Decodes, self.model).decode(self.codes.to(device)).sigmoid()
        self.sheets.append((255 * decoded).round().byte().cpu().numpy())
        checkpoint.write_sheets(self.path.parent, np.stack(self.sheets))


def train(
    preset: Preset,
    digits: Digits,
    folder: Path,
    device: torch.device,
    *,
    resume: bool = False,
    data: str = "mnist",
    bar: bool = True,
) -> Path:
    """Train a preset on images into `folder`: a checkpoint, log.jsonl with one line an epoch, and
    the state to resume.

    A stop at any moment loses at most the epoch in progress; `resume` goes on from there, and
    begins where no epoch is done. Raises CheckpointError where the folder holds a run and resume is
    not set, or one begun with other settings; ValueError for settings that don't fit.
    """
    run = json.loads(json.dumps(asdict(preset) | {"data": data}))
    progress = _unfinished(folder, run, resume)
    config = preset.train
    with workers(device) as (rank, world, own):
        torch.manual_seed(config.seed)  # every process starts from the same weights
        model = _begin(preset).to(own)
        noise = Noise(own, rank, world)
        step = models.MODELS[preset.model].make_step(model, config, noise)
        first = 0
        if progress:
            state, first, _ = progress
            step.load_state({name: value.to(own) for name, value in state.items()})
        if rank == 0:
            _trim_log(folder, first)
        sheets = Sheets(folder, model, first)
        kept, held = hold_out(digits, config.validation, config.seed)
        kept = with_labels(kept, config.labels, config.seed)
        if model.needs_labels and (unknown := int((kept.labels < 0).sum())):
            raise ValueError(
                f"{preset.model} needs the digit of every image, and {unknown:,} are unknown; "
                "classifier-vae makes do with few"
            )
        batches = Batches(kept, config.batch, own, rank, world)
        manifest = Manifest(
            model=preset.model,
            config=asdict(model.config),
            train=asdict(config),
            title=preset.title,
            description=preset.description,
            blocks=model.blocks,
            abilities=tuple(sorted(abilities(model))),
            data=data,
        )

        def on_epoch(epoch: int, means: dict[str, float]) -> None:
            if rank:
                return
            checkpoint.write_model(folder, manifest, step.weights())
            sheets.draw(step.weights())
            with (folder / checkpoint.LOG).open("a", encoding="utf-8") as log:
                log.write(
                    json.dumps({"epoch": epoch} | {k: round(v, 4) for k, v in means.items()}) + "\n"
                )
            # last, for it is what counts: a line too many is dropped on resuming, none is missing
            checkpoint.write_progress(folder, step.state(), epoch, run)

        fit(
            step,
            batches,
            noise,
            config.epochs,
            seed=config.seed,
            first=first,
            validation=held,
            on_epoch=on_epoch,
            bar=bar and rank == 0,
        )
    return folder


def _begin(preset: Preset) -> LatentModel:
    """A fresh model, or one with the weights of the run that the preset starts from."""
    model = models.build(preset.model, preset.config)
    if preset.train.start:
        begun = checkpoint.read_model(Path(preset.train.start))
        try:
            model.load_state_dict(begun.state_dict())
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise CheckpointError(
                f"{preset.train.start} has weights of another shape than this run's: {reason}"
            ) from error
    return model


def _unfinished(
    folder: Path, run: dict[str, Any], resume: bool
) -> tuple[dict[str, Tensor], int, dict] | None:
    progress = checkpoint.read_progress(folder)
    if progress is None:  # also a run that was stopped in its first epoch: nothing is lost but that
        return None
    _, epoch, begun = progress
    if not resume:
        raise CheckpointError(
            f"{folder} holds a run of {epoch} epochs; add --resume, or name another folder by --out"
        )
    if changed := sorted(_differences(_settings(begun), _settings(run))):
        raise CheckpointError(
            f"the run in {folder} was begun with other settings ({'; '.join(changed)}); keep them"
        )
    return progress


def _settings(run: dict[str, Any]) -> dict[str, Any]:
    """What decides a run's weights: its settings in full, those that a later version added
    included."""
    return {
        "model": run["model"],
        "data": run["data"],
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


def _trim_log(folder: Path, epochs: int) -> None:
    """Drop the lines of epochs that were logged but not kept, so that a resumed log has each epoch
    once."""
    path = folder / checkpoint.LOG
    if path.exists():
        kept = [line for line in path.read_text().splitlines() if line.strip()][:epochs]
        text = "".join(f"{line}\n" for line in kept)
        checkpoint.write_atomically(path, lambda p: p.write_text(text))


def with_options(preset: Preset, model: dict[str, Any], train: dict[str, Any]) -> Preset:
    """The preset with some settings changed; those that are None stay. Raises ValueError for one it
    has not."""
    changed = {k: v for k, v in model.items() if v is not None}
    models.config(preset.model, preset.config | changed)
    config = replace(preset.train, **{k: v for k, v in train.items() if v is not None})
    return replace(preset, config=preset.config | changed, train=config)
