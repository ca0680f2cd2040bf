"""python -m vae train | evaluate | encode | export | generate: the models from the command line."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae import checkpoint, conditional_metrics, data, metrics, training
from vae.catalog import CHECKPOINTS, CLASSIFIER, folder_of, has_classifier
from vae.interface import Conditions
from vae.presets import PRESETS
from vae.service import choose_device


def parser() -> argparse.ArgumentParser:
    """The command line, one sub-command a verb."""
    whole = argparse.ArgumentParser(prog="python -m vae", description=__doc__)
    verbs = whole.add_subparsers(dest="verb", required=True)

    train = verbs.add_parser("train", help="train a preset into a folder")
    train.add_argument("preset", help=f"one of {', '.join(PRESETS)}")
    train.add_argument("--epochs", type=int)
    train.add_argument("--batch", type=int, help="images a step")
    train.add_argument("--rate", type=float, help="peak learning rate")
    train.add_argument("--seed", type=int)
    train.add_argument("--validation", type=int, help="training images to hold out")
    train.add_argument("--start", help="a run's folder whose weights to start from")
    train.add_argument("--labels", type=int, help="training images whose digit is told")
    train.add_argument("--freeze", help="a part that keeps its weights, such as decoder")
    train.add_argument("--latent", type=int, help="latent dimensions")
    train.add_argument("--net", help="mlp, dropout, residual or conv")
    train.add_argument("--beta", type=float, help="weight of the KL")
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="any setting of the model"
    )
    train.add_argument("--device", help="cuda, mps or cpu; by default the best there is")
    train.add_argument(
        "--data", default="mnist", help="mnist, digits, a folder of images or an .npz file"
    )
    train.add_argument("--out", type=Path, help="the run's folder; runs/PRESET by default")
    train.add_argument("--resume", action="store_true", help="go on with a run that was stopped")

    for verb, words in (
        ("evaluate", "measure a checkpoint on the test set and keep the figures with it"),
        ("encode", "encode the test set and keep the codes with the checkpoint"),
    ):
        one = verbs.add_parser(verb, help=words)
        one.add_argument("name", help="a shipped checkpoint's name, or a folder")
        one.add_argument("--data", default="mnist")
        if verb == "evaluate":
            one.add_argument("--json", action="store_true", help="print the figures as JSON")

    export = verbs.add_parser(
        "export", help="ship a run: half-precision weights, codes and loss curve"
    )
    export.add_argument("run", type=Path, help="the run's folder")
    export.add_argument("name", help=f"the checkpoint's name below {CHECKPOINTS.name}/")
    export.add_argument("--data", default="mnist")

    generate = verbs.add_parser("generate", help="draw digits on request into an .npz")
    generate.add_argument("name", help="a checkpoint of a model that is told the digit")
    generate.add_argument("--count", type=int, default=60_000, help="digits in all")
    generate.add_argument("--digits", default="0123456789", help="which ones, in turn")
    generate.add_argument("--temperature", type=float, default=1.0)
    generate.add_argument("--seed", type=int, default=0)
    generate.add_argument("--out", type=Path, default=Path("digits.npz"))
    return whole


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
    digits = data.load(args.data, "train")
    training.train(
        preset, digits, folder, choose_device(args.device), resume=args.resume, data=args.data
    )
    print(f"trained: {folder}")


def _scalar(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def evaluate(args: argparse.Namespace) -> None:
    folder = folder_of(args.name)
    model = checkpoint.read_model(folder)
    test, quiet = data.load(args.data, "test"), not sys.stderr.isatty()
    figures = metrics.evaluate(model, data.load(args.data, "train"), test, quiet=quiet)
    if isinstance(model, Conditions) and has_classifier():
        classifier: Any = checkpoint.read_model(folder_of(CLASSIFIER))
        figures |= conditional_metrics.evaluate(model, classifier, test, quiet=quiet)
    checkpoint.write_json(folder / checkpoint.METRICS, figures)
    if args.json:
        print(json.dumps(figures, indent=2))
    else:
        print("\n".join(f"{name:32} {value}" for name, value in figures.items()))


def encode(args: argparse.Namespace) -> None:
    folder = folder_of(args.name)
    encodings = metrics.encode(
        checkpoint.read_model(folder), data.load(args.data, "test"), flat=True
    )
    checkpoint.write_encodings(folder, encodings)
    count, dims = encodings.mean.shape
    print(f"{count:,} codes of {dims} dimensions: {folder / checkpoint.ENCODINGS}")


def export(args: argparse.Namespace) -> None:
    model, manifest = checkpoint.read_model(args.run), checkpoint.read_manifest(args.run)
    folder = CHECKPOINTS / args.name
    checkpoint.write_model(
        folder, dataclasses.replace(manifest, data=args.data), model.state_dict(), half=True
    )
    export_history(args.run, folder)
    args.name = str(folder)
    if "encodes" in manifest.abilities:
        encode(args)  # with what is shipped, half-precision weights and all
    print(f"shipped: {folder}; measure it with: python -m vae evaluate {args.name}")


def export_history(run: Path, folder: Path) -> None:
    """Loss curves and sheets; those of a second stage go on where the run it started from ended."""
    stages = [run]
    while start := checkpoint.read_manifest(stages[0]).train.get("start"):
        if not (Path(start) / checkpoint.CONFIG).exists():
            break
        stages.insert(0, Path(start))
    logs = [stage / checkpoint.LOG for stage in stages]
    texts = [log.read_text(encoding="utf-8") for log in logs if log.exists()]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    numbered = [json.dumps(line | {"epoch": epoch}) for epoch, line in enumerate(lines, 1)]
    checkpoint.write_atomically(
        folder / checkpoint.LOG, lambda p: p.write_text("".join(f"{line}\n" for line in numbered))
    )
    sheets = np.concatenate([checkpoint.read_sheets(stage) for stage in stages])
    if len(sheets):
        checkpoint.write_sheets(folder, sheets, compressed=True)


def generate(args: argparse.Namespace) -> None:
    model = checkpoint.read_model(folder_of(args.name))
    if not isinstance(model, Conditions):
        raise ValueError(f"{args.name} is not told the digit, so it draws none on request")
    if not args.digits.isdigit():
        raise ValueError(f"--digits takes digits such as 0123456789, not {args.digits!r}")
    if args.count < 1:
        raise ValueError(f"--count is 1 or more, not {args.count}")
    labels = np.resize([int(character) for character in args.digits], args.count)
    images, codes = conditional_metrics.draw(
        model, labels, seed=args.seed, temperature=args.temperature, quiet=False
    )
    drawn = conditional_metrics.pixels(images, labels)
    checkpoint.write_atomically(
        args.out,
        lambda p: np.savez_compressed(p, images=drawn.images, labels=drawn.labels, codes=codes),
    )
    print(f"{args.count:,} digits: {args.out}")


VERBS = {
    "train": train,
    "evaluate": evaluate,
    "encode": encode,
    "export": export,
    "generate": generate,
}


def main() -> int:
    """Run the command line; bad input is one sentence and exit code 2."""
    args = parser().parse_args()
    torch.set_float32_matmul_precision("high")
    try:
        VERBS[args.verb](args)
    except KeyboardInterrupt:
        print(
            "\nstopped; finished epochs are kept, and the same command with --resume goes on",
            file=sys.stderr,
        )
        return 130
    except (ValueError, OSError, data.DataError, training.TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
