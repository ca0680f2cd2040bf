"""The command line: python -m vae VERB; `arguments.parser` lists the verbs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae import (
    checkpoint,
    codes,
    conditional_metrics,
    data,
    exporting,
    importing,
    inspect_data,
    metrics,
    training,
)
from vae.arguments import parser
from vae.catalog import CHECKPOINTS, CLASSIFIER, folder_of, has_classifier
from vae.data_arguments import data_options
from vae.dataspec import Dataset, DataSpec
from vae.interface import Conditions, LatentModel
from vae.presets import PRESETS
from vae.runtime.onnx import MODEL as ONNX
from vae.runtime.onnx import OnnxRuntime
from vae.runtime.onnx_model import as_model
from vae.service import choose_device


def train(args: argparse.Namespace) -> None:
    if args.preset not in PRESETS:
        raise ValueError(f"there is no preset {args.preset!r}; choose one of {', '.join(PRESETS)}")
    settings = {"latent": args.latent, "net": args.net, "beta": args.beta}
    for pair in args.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE, not {pair!r}")
        settings[name] = _scalar(value)
    options = ("epochs", "batch", "rate", "seed", "validation", "start", "freeze", "labels")
    run = {name: getattr(args, name) for name in options}
    preset = training.with_options(PRESETS[args.preset], settings, run)
    folder = args.out or Path("runs") / args.preset
    reading = data_options(args)
    source = args.data or preset.data
    samples = data.load(source, "train", options=reading)
    preset = training.fitted(
        preset,
        len(samples),
        validation=args.validation is None,
        batch=args.batch is None,
    )
    training.train(
        preset,
        samples,
        folder,
        choose_device(args.device),
        resume=args.resume,
        source=source,
        options=reading.as_json(),
    )
    print(f"trained: {folder}")


def _scalar(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _data_of(folder: Path, args: argparse.Namespace) -> tuple[str, data.Options, DataSpec]:
    """The data to measure on, how to read them, and the model's spec: the data of --data, else
    those that the model was trained on, read in the same way.

    Raises ValueError where the latter are not available.
    """
    manifest = checkpoint.read_manifest(folder)
    if args.data:
        return args.data, data_options(args), manifest.spec
    trained_on = manifest.data
    if trained_on in data.DATASETS or data.available(trained_on, "test"):
        own = data.Options.from_json(manifest.options)
        return trained_on, data_options(args, own), manifest.spec
    raise ValueError(
        f"the model in {folder} was trained on {trained_on}, which does not exist; run this where "
        "it does, or name other data by --data"
    )


def _read_model(folder: Path) -> LatentModel:
    """The model of a checkpoint with weights or of an imported one."""
    if checkpoint.read_manifest(folder).model == ONNX:
        return as_model(OnnxRuntime.read(folder))
    return checkpoint.read_model(folder)


def evaluate(args: argparse.Namespace) -> None:
    folder = folder_of(args.name)
    loaded = data.read_for(*_data_of(folder, args))
    model = _read_model(folder)
    test, quiet = loaded.test, not sys.stderr.isatty()
    figures = metrics.evaluate(model, loaded.train, test, quiet=quiet)
    enough = metrics.fewest_labels(test) >= conditional_metrics.MIN_PER_CLASS
    if isinstance(model, Conditions) and enough and _classifier_knows(loaded.test.spec):
        classifier: Any = checkpoint.read_model(folder_of(CLASSIFIER))
        figures |= conditional_metrics.evaluate(model, classifier, test, quiet=quiet)
    checkpoint.write_json(folder / checkpoint.METRICS, figures)
    if args.json:
        print(json.dumps(figures, indent=2))
    else:
        print("\n".join(f"{name:32} {value}" for name, value in figures.items()))


def _classifier_knows(spec: DataSpec) -> bool:
    """Whether the independent classifier is there, and was trained on samples of this kind."""
    if not has_classifier():
        return False
    trained_on = checkpoint.read_manifest(folder_of(CLASSIFIER)).spec
    return (trained_on.shape, trained_on.classes) == (spec.shape, spec.classes)


def encode(args: argparse.Namespace) -> None:
    folder = folder_of(args.name)
    source = _data_of(folder, args)
    if args.out:
        codes.check_path(args.out)
        print(f"{_write_codes(folder, args.out, source):,} codes: {args.out}")
        return
    count, dims = _encode(folder, data.load_for(*source, "test"))
    print(f"{count:,} codes of {dims} dimensions: {folder / checkpoint.ENCODINGS}")


def _write_codes(folder: Path, path: Path, source: tuple[str, data.Options, DataSpec]) -> int:
    """Write the codes of all samples, with the data's own classes; returns their number."""
    model, manifest = _read_model(folder), checkpoint.read_manifest(folder)
    loaded = data.read_for(*source, relabel=False)
    parts = [
        (split, part, metrics.encode(model, part))
        for split, part in (("train", loaded.train), ("test", loaded.test))
    ]
    codes.write(path, parts, codes.dimension_names(manifest.blocks, manifest.spec.classes))
    return sum(len(part) for _, part, _ in parts)


def _encode(folder: Path, samples: Dataset) -> tuple[int, int]:
    """Write the encodings of samples; returns their shape (N, Z)."""
    encodings = metrics.encode(_read_model(folder), samples, flat=True)
    checkpoint.write_encodings(folder, encodings)
    count, dims = encodings.mean.shape
    return count, dims


def import_(args: argparse.Namespace) -> None:
    files = importing.find_files(args.decoder, args.encoder)
    source, contract = None, files.contract
    if args.data:
        source = importing.Source(args.data, data_options(args))
    elif files.encoder and contract and contract.data:
        own = data.Options.from_json(contract.options)
        source = importing.Source(contract.data, data_options(args, own))
    declared = importing.Declared(
        latent=args.latent,
        prior=args.prior,
        shape=tuple(args.shape) if args.shape else None,
        range=tuple(args.range) if args.range else None,
        logits=args.logits,
        order=args.order,
        title=args.title,
        description=args.description,
    )
    folder = importing.import_model(files, declared, source, args.name, overwrite=args.replace)
    print(f"imported: {folder}: {importing.summary(folder)}; the app's menu lists it")


def export(args: argparse.Namespace) -> None:
    if args.onnx:
        for path in exporting.export(folder_of(args.run), args.onnx):
            print(f"exported: {path}")
    elif args.name is not None:
        _export(args)
    else:
        raise ValueError(
            "export needs a second argument: name the checkpoint, or a folder by --onnx"
        )


def _export(args: argparse.Namespace) -> None:
    run = Path(args.run)
    model, manifest = checkpoint.read_model(run), checkpoint.read_manifest(run)
    folder = CHECKPOINTS / args.name
    if Path(args.name).name != args.name or not args.name.strip(" ."):
        raise ValueError(f"{args.name!r} is not a checkpoint's name: give a name without a path")
    if folder.exists() and not args.replace:
        raise ValueError(f"{folder} exists; choose another name, or add --replace")
    source = _data_of(run, args)
    manifest = dataclasses.replace(
        manifest,
        title=args.title or _title(manifest, args.name),
        description=args.description or manifest.description,
    )
    test = data.load_for(*source, "test") if "encodes" in manifest.abilities else None
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    # beside the checkpoints, not among them: the app lists a folder only once it is complete
    with tempfile.TemporaryDirectory(dir=CHECKPOINTS.parent, prefix=".export-") as temporary:
        copy = Path(temporary) / args.name
        checkpoint.write_model(copy, manifest, model.state_dict(), half=True)
        export_history(run, copy)
        if test is not None:
            _encode(copy, test)  # with the half-precision weights that are shipped
        if folder.exists():
            folder.replace(Path(temporary) / "replaced")
        copy.replace(folder)
    print(f"exported: {folder}; measure it with: python -m vae evaluate {args.name}")


def _title(manifest: checkpoint.Manifest, name: str) -> str:
    """The title of the preset, with the data where they are not MNIST, and with the checkpoint's
    name where another checkpoint has the title already."""
    title = manifest.title
    if manifest.data not in ("mnist", ""):
        title += f", {Path(manifest.data).stem}"
    others = {path.parent.name: path.parent for path in CHECKPOINTS.glob(f"*/{checkpoint.CONFIG}")}
    others.pop(name, None)
    taken = {checkpoint.read_manifest(folder).title for folder in others.values()}
    return f"{title} ({name})" if title in taken else title


def inspect(args: argparse.Namespace) -> None:
    loaded = data.read(args.data, data_options(args))
    print(inspect_data.report(args.data, loaded))
    if args.out:
        inspect_data.write_sheet(args.out, loaded.train)
        print(f"contact sheet: {args.out}")


def export_history(run: Path, folder: Path) -> None:
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


def generate(args: argparse.Namespace) -> None:
    model = _read_model(folder_of(args.name))
    if not isinstance(model, Conditions):
        raise ValueError(f"{args.name} is not conditional, so it cannot generate a given class")
    classes = _classes(args, model.spec)
    if args.count < 1:
        raise ValueError(f"--count is 1 or more, not {args.count}")
    if args.seed < 0:
        raise ValueError(f"--seed is 0 or more, not {args.seed}")
    labels = np.resize(classes, args.count)
    images, drawn_from = conditional_metrics.generate(
        model, labels, seed=args.seed, temperature=args.temperature, quiet=False
    )
    generated = conditional_metrics.as_dataset(images, labels, model.spec)
    checkpoint.write_atomically(
        args.out,
        lambda p: np.savez_compressed(
            p, images=generated.samples, labels=generated.labels, codes=drawn_from
        ),
    )
    print(f"{args.count:,} images: {args.out}")


def _classes(args: argparse.Namespace, spec: DataSpec) -> list[int]:
    """The classes of --digits or --classes, by default all. Raises ValueError for one that the
    model does not have."""
    names = list(args.digits or spec.classes)
    if args.classes:
        names = [name.strip() for name in args.classes.split(",")]
    if unknown := [name for name in names if name not in spec.classes]:
        shown = ", ".join(spec.classes[:12]) + (", ..." if len(spec.classes) > 12 else "")
        raise ValueError(f"the model has no class {unknown[0]!r}; its classes are {shown}")
    return [spec.classes.index(name) for name in names]


VERBS = {
    "train": train,
    "evaluate": evaluate,
    "encode": encode,
    "export": export,
    "import": import_,
    "inspect": inspect,
    "generate": generate,
}


def main() -> int:
    """Run the command line and return the exit code.

    For bad input, missing data and a full disk it prints one sentence and returns 2.
    """
    args = parser().parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("vae").setLevel(logging.INFO)  # what was decided about the data
    torch.set_float32_matmul_precision("high")
    try:
        VERBS[args.verb](args)
    except KeyboardInterrupt:
        print(
            "\nstopped; complete epochs are saved, and the same command with --resume continues",
            file=sys.stderr,
        )
        return 130
    except (ValueError, OSError, data.DataError, training.TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
