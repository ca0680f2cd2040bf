"""Exports a run: its model becomes a checkpoint of the app, with weights in half precision."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from vae import catalog, checkpoint, data, metrics, mixture_prior
from vae.checkpoint import Encodings, Manifest
from vae.data import Options
from vae.dataspec import Dataset, DataSpec
from vae.interface import Classifies, Decodes, Encodes, LatentModel, abilities
from vae.metrics.likelihood import part_size

MOST = 20_000  # training samples that the mixture prior is fitted to
Source = tuple[str, Options, DataSpec]  # the arguments of data.read_for


def export(
    run: Path,
    name: str,
    source: Source,
    *,
    title: str | None = None,
    description: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the model of a run as a checkpoint called `name`; returns its folder.

    source names the data whose samples are encoded, by the arguments of `data.read_for`. The
    title and the description are those of the run unless they are given.

    Raises: CheckpointError for a damaged run; ValueError for a name that exists, unless
        `overwrite`; WriteError for a full disk; DataError for data that cannot be read.
    """
    model, manifest = checkpoint.read_model(run), checkpoint.read_manifest(run)
    folder = catalog.new_folder(name, overwrite=overwrite)
    manifest = replace(
        manifest,
        title=title or _title(manifest, name),
        description=description or manifest.description,
        abilities=tuple(sorted(abilities(model))),  # those of an older run may lack a newer one
    )
    loaded = data.read_for(*source) if isinstance(model, Encodes) else None
    with checkpoint.complete_folder(folder) as new:
        checkpoint.write_model(new, manifest, model.state_dict(), half=True)
        write_history(run, new)
        exported = checkpoint.read_model(new)  # with weights in half precision
        if isinstance(model, Decodes):
            write_codes(new, exported, loaded)
    return folder


def write_codes(folder: Path, model: LatentModel, loaded: data.Loaded | None) -> Encodings:
    """Write encodings.npz of a checkpoint, and prior.npz where the model encodes: a Gaussian
    mixture fitted to codes of training samples. Returns the encodings.

    A model that cannot encode needs no data; the codes are drawn from its prior. Raises ValueError
    for a model that does not decode.
    """
    if isinstance(model, Decodes) and not isinstance(model, Encodes):
        encodings = metrics.encode_drawn(model, classifier_of(model.spec))
    else:
        assert loaded is not None, "a model that encodes is given data"
        encodings = metrics.encode(model, loaded.part("test"), flat=True)
        if (mixture := fit_prior(model, loaded.part("train"))) is not None:
            checkpoint.write_prior(folder, mixture)
    checkpoint.write_encodings(folder, encodings)
    return encodings


@torch.inference_mode()
def fit_prior(
    model: LatentModel, train: Dataset, seed: int = 0
) -> mixture_prior.MixturePrior | None:
    """A Gaussian mixture fitted to a code of each of `MOST` training samples, drawn from its
    posterior: what the decoder was trained on. None for too few samples, and for a model without
    normal coordinates."""
    dims = list(mixture_prior.coordinates(model.blocks))
    if len(train) < mixture_prior.FEWEST or not dims:
        return None
    rows = np.random.default_rng(seed).permutation(len(train))[:MOST]
    x = metrics.as_tensor(train.select(np.sort(rows)))
    generator = torch.Generator().manual_seed(seed)
    encoder = cast(Encodes, model)
    parts = [encoder.encode(p).draw(1, generator)[0] for p in x.split(part_size(x, 1000))]
    return mixture_prior.fit(torch.cat(parts)[:, dims].numpy(), seed=seed)


def classifier_of(spec: DataSpec) -> Classifies | None:
    """The independent classifier, where it knows such samples."""
    if not catalog.knows_classes(spec):
        return None
    return cast(Classifies, checkpoint.read_model(catalog.folder_of(catalog.CLASSIFIER)))


def _title(manifest: Manifest, name: str) -> str:
    """The title of the preset, with the data where they are not MNIST, and with the checkpoint's
    name where another checkpoint has the title already."""
    title = manifest.title
    if manifest.data not in ("mnist", ""):
        title += f", {Path(manifest.data).stem}"
    others = {
        path.parent.name: path.parent for path in catalog.CHECKPOINTS.glob(f"*/{checkpoint.CONFIG}")
    }
    others.pop(name, None)
    taken = {checkpoint.read_manifest(folder).title for folder in others.values()}
    return f"{title} ({name})" if title in taken else title


def write_history(run: Path, folder: Path) -> None:
    """Write the log and the samples of a run to `folder`, preceded by those of the runs that its
    weights started from."""
    stages = [run]
    while start := checkpoint.read_manifest(stages[0]).train.get("start"):
        if not (Path(start) / checkpoint.CONFIG).exists() or Path(start) in stages:
            break
        stages.insert(0, Path(start))
    logs = [stage / checkpoint.LOG for stage in stages]
    texts = [log.read_text(encoding="utf-8") for log in logs if log.exists()]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    numbered = [json.dumps(line | {"epoch": epoch}) for epoch, line in enumerate(lines, 1)]
    checkpoint.write_atomically(
        folder / checkpoint.LOG, lambda p: p.write_text("".join(f"{line}\n" for line in numbered))
    )
    spec = checkpoint.read_manifest(run).spec
    sheets = np.concatenate([checkpoint.read_sheets(stage, spec) for stage in stages])
    if len(sheets):
        checkpoint.write_sheets(folder, sheets, compressed=True)
