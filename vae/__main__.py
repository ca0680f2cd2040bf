"""The command line: python -m vae VERB; `arguments.parser` lists the verbs."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae import (
    checkpoint,
    codes_file,
    data,
    exporting,
    figures,
    importing,
    inspect_data,
    metrics,
    training,
)
from vae.arguments import data_options, parser
from vae.catalog import CLASSIFIER, classifiers, folder_of, knows_classes
from vae.dataspec import Dataset, DataSpec
from vae.interface import Conditions, Decodes, Encodes, LatentModel
from vae.metrics import distribution, generation
from vae.presets import PRESETS
from vae.runtime import onnx_export
from vae.runtime.onnx import MODEL as ONNX
from vae.runtime.onnx import OnnxRuntime
from vae.runtime.onnx_model import as_model
from vae.service import choose_device


def train(args: argparse.Namespace) -> None:
    """Train a preset into a folder, or resume a run."""
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
    if not trained_on:
        raise ValueError(f"the model in {folder} was imported without data; name some by --data")
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
    """Measure a checkpoint, print the figures and write metrics.json."""
    folder = folder_of(args.name)
    loaded = data.read_for(*_data_of(folder, args))
    model = _read_model(folder)
    quiet = not sys.stderr.isatty()
    measured = _figures_of_samples(model, loaded.train, loaded.test, quiet)
    if not args.only:
        classifier: Any = exporting.classifier_of(loaded.test.spec)
        others = metrics.evaluate(
            model, loaded.train, loaded.test, classifier=classifier, quiet=quiet
        )
    elif measured:
        known = checkpoint.read_metrics(folder)
        others = {key: value for key, value in known.items() if not figures.of_samples(key)}
    else:
        raise ValueError(
            f"the samples of {args.name} cannot be measured: that needs a model that decodes, a "
            f"classifier of the same classes, and {distribution.MIN_SAMPLES} test samples"
        )
    found = others | measured
    checkpoint.write_json(folder / checkpoint.METRICS, found)
    print(json.dumps(found, indent=2) if args.json else _lines(found))


def _figures_of_samples(
    model: LatentModel, train: Dataset, test: Dataset, quiet: bool
) -> dict[str, Any]:
    """The figures of what the model generates, as far as its abilities, the test set and the
    independent classifiers allow."""
    enough = metrics.fewest_labels(test) >= generation.MIN_PER_CLASS
    if not isinstance(model, Decodes) or not enough or not knows_classes(test.spec):
        return {}
    read: dict[str, Any] = {n: checkpoint.read_model(folder_of(n)) for n in classifiers(test.spec)}
    found: dict[str, Any] = {}
    if distribution.measurable(test):
        found |= distribution.evaluate(model, read, train, test, quiet=quiet)
    if isinstance(model, Conditions):
        found |= generation.evaluate(model, read[CLASSIFIER], test, quiet=quiet)
    return found


def _lines(found: dict[str, Any], before: str = "") -> str:
    """Figures for a terminal, those of the floor after the others."""
    groups = {name: value for name, value in found.items() if isinstance(value, dict)}
    lines = [f"{before + n:40} {value}" for n, value in found.items() if n not in groups]
    return "\n".join([*lines, *(_lines(group, f"{n} ") for n, group in groups.items())])


def encode(args: argparse.Namespace) -> None:
    """Write encodings.npz of a checkpoint, or the codes of all samples to a file by --out."""
    folder = folder_of(args.name)
    source = _data_of(folder, args)
    if args.out:
        codes_file.check_path(args.out)
        print(f"{_write_codes(folder, args.out, source):,} codes: {args.out}")
        return
    model = _read_model(folder)
    loaded = data.read_for(*source) if isinstance(model, Encodes) else None
    count, dims = exporting.write_codes(folder, model, loaded).mean.shape
    print(f"{count:,} codes of {dims} dimensions: {folder / checkpoint.ENCODINGS}")
    if (path := folder / checkpoint.PRIOR).exists():
        mixture = checkpoint.read_prior(folder, model.blocks)
        print(f"a mixture of {len(mixture.weights)} Gaussians fitted to training codes: {path}")


def _write_codes(folder: Path, path: Path, source: tuple[str, data.Options, DataSpec]) -> int:
    """Write the codes of all samples, with the data's own classes; returns their number."""
    model, manifest = _read_model(folder), checkpoint.read_manifest(folder)
    loaded = data.read_for(*source, relabel=False)
    parts = [
        (split, part, metrics.encode(model, part))
        for split, part in (("train", loaded.train), ("test", loaded.test))
    ]
    codes_file.write(
        path, parts, codes_file.dimension_names(manifest.blocks, manifest.spec.classes)
    )
    return sum(len(part) for _, part, _ in parts)


def import_(args: argparse.Namespace) -> None:
    """Make a checkpoint of ONNX files."""
    files = importing.find_files(args.decoder, args.encoder)
    source, contract = None, files.contract
    if args.data:
        source = importing.DataSource(args.data, data_options(args))
    elif files.encoder and contract and contract.data:
        own = data.Options.from_json(contract.options)
        source = importing.DataSource(contract.data, data_options(args, own))
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
    """Copy a run to the app's checkpoints, or write ONNX files by --onnx."""
    if args.onnx:
        for path in onnx_export.export(folder_of(args.run), args.onnx):
            print(f"exported: {path}")
    elif args.name is not None:
        run = Path(args.run)
        folder = exporting.export(
            run,
            args.name,
            _data_of(run, args),
            title=args.title,
            description=args.description,
            overwrite=args.replace,
        )
        print(f"exported: {folder}; measure it with: python -m vae evaluate {args.name}")
    else:
        raise ValueError(
            "export needs a second argument: name the checkpoint, or a folder by --onnx"
        )


def inspect(args: argparse.Namespace) -> None:
    """Describe a data set, and draw a contact sheet by --out."""
    loaded = data.read(args.data, data_options(args))
    print(inspect_data.report(args.data, loaded))
    if args.out:
        inspect_data.write_sheet(args.out, loaded.train)
        print(f"contact sheet: {args.out}")


def generate(args: argparse.Namespace) -> None:
    """Write samples to an .npz; of given classes, where the model is conditional."""
    model = _read_model(folder_of(args.name))
    if args.count < 1:
        raise ValueError(f"--count is 1 or more, not {args.count}")
    if args.seed < 0:
        raise ValueError(f"--seed is 0 or more, not {args.seed}")
    if not isinstance(model, Decodes):
        raise ValueError(f"{args.name} does not decode, so it cannot generate")
    asked: dict[str, Any] = {}
    mixture = None
    if args.prior == "mixture":
        mixture = checkpoint.read_prior(folder_of(args.name), model.blocks)
    if isinstance(model, Conditions):
        asked["labels"] = np.resize(_classes(args, model.spec), args.count)
    elif args.digits or args.classes:
        raise ValueError(f"{args.name} is not conditional, so it cannot generate a given class")
    images, drawn_from = generation.generate(
        model,
        asked.get("labels"),
        count=args.count,
        seed=args.seed,
        temperature=args.temperature,
        mixture=mixture,
        quiet=False,
    )
    levels = np.rint(255 * images).astype(np.uint8)
    checkpoint.write_atomically(
        args.out, lambda p: np.savez_compressed(p, images=levels, **asked, codes=drawn_from)
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
