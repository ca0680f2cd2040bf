"""Exports a run: its model becomes a checkpoint of the app, with weights in half precision."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from vae import catalog, checkpoint, data, metrics
from vae.checkpoint import Manifest
from vae.data import Options
from vae.dataspec import DataSpec
from vae.interface import Classifies, abilities


def export(
    run: Path,
    name: str,
    source: tuple[str, Options, DataSpec],
    *,
    title: str | None = None,
    description: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the model of a run as a checkpoint called `name`; returns its folder.

    source names the data whose test samples are encoded, by the arguments of `data.load_for`. The
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
    encodes, decodes = ({name} <= set(manifest.abilities) for name in ("encodes", "decodes"))
    test = data.load_for(*source, "test") if encodes else None
    with checkpoint.complete_folder(folder) as new:
        checkpoint.write_model(new, manifest, model.state_dict(), half=True)
        write_history(run, new)
        exported = checkpoint.read_model(new)  # with weights in half precision
        if test is not None:
            checkpoint.write_encodings(new, metrics.encode(exported, test, flat=True))
        elif decodes:
            classifier = classifier_of(manifest.spec)
            checkpoint.write_encodings(new, metrics.encode_drawn(exported, classifier))
    return folder


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
