"""The arguments of the command line, python -m vae."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from vae import data, importing, mixture_prior
from vae.catalog import CHECKPOINTS
from vae.data import Options
from vae.data.options import COLOURS, PREPARATIONS
from vae.nets import NETS
from vae.presets import PRESETS
from vae.runtime.image_layout import ORDERS

YES_OR_NO = {"yes": True, "no": False, "auto": "auto"}
PRIOR = "normal, or the Gaussian mixture that encode fitted to the codes of training samples"
DATA = f"{', '.join(data.DATASETS)}, a folder of images, or a file ({', '.join(data.FORMATS)}, IDX)"


def parser() -> argparse.ArgumentParser:
    """The argument parser, with one sub-command for each verb."""
    root = argparse.ArgumentParser(
        prog="python -m vae", description="Train, measure and convert models."
    )
    verbs = root.add_subparsers(dest="verb", required=True)

    train = _train_parser(verbs)

    evaluate = verbs.add_parser("evaluate", help="measure a checkpoint on a test set")
    evaluate.add_argument("name", help="a shipped checkpoint's name, or a folder")
    evaluate.add_argument("--json", action="store_true", help="print the figures as JSON")
    evaluate.add_argument(
        "--only",
        choices=("generation",),
        help="measure samples only, and keep the other figures in metrics.json",
    )

    encode = verbs.add_parser(
        "encode", help="store the codes of a test set and a mixture prior with a checkpoint"
    )
    encode.add_argument("name", help="a shipped checkpoint's name, or a folder")
    encode.add_argument(
        "--out", type=Path, help="write the codes of all samples to this .csv or .npz instead"
    )

    export = verbs.add_parser("export", help=f"copy a run to {CHECKPOINTS.name}/ for the app")
    _add_export_arguments(export)

    import_ = verbs.add_parser("import", help="make a checkpoint of a decoder in ONNX")
    _add_import_arguments(import_)

    for verb in (evaluate, encode, export, import_):
        verb.add_argument("--data", help=f"{DATA}; by default what the model was trained on")

    inspect = verbs.add_parser("inspect", help="describe a data set and how it is read")
    inspect.add_argument("data", help=DATA)
    inspect.add_argument("--out", type=Path, help="write a contact sheet to this .png")

    for verb in (train, evaluate, encode, export, import_, inspect):
        _add_data_options(verb)

    generate = verbs.add_parser("generate", help="write samples to an .npz")
    generate.add_argument("name", help="a checkpoint that decodes")
    generate.add_argument("--count", type=int, default=60_000, help="samples in all")
    generate.add_argument("--digits", help="which digits, in turn, such as 0123456789")
    generate.add_argument("--classes", help="which classes, in turn, separated by commas")
    generate.add_argument("--temperature", type=float, default=1.0)
    generate.add_argument("--prior", choices=mixture_prior.PRIORS, default="normal", help=PRIOR)
    generate.add_argument("--seed", type=int, default=0)
    generate.add_argument("--out", type=Path, default=Path("samples.npz"))
    return root


def _train_parser(verbs: Any) -> argparse.ArgumentParser:
    train = verbs.add_parser("train", help="train a preset into a folder")
    train.add_argument("preset", help=f"one of {', '.join(PRESETS)}")
    train.add_argument("--epochs", type=int)
    train.add_argument("--batch", type=int, help="images per step")
    train.add_argument("--rate", type=float, help="largest learning rate")
    train.add_argument("--seed", type=int)
    train.add_argument("--validation", type=int, help="training images to hold out")
    train.add_argument("--start", help="a run's folder whose weights to start from")
    train.add_argument("--labels", type=int, help="training images whose label is used")
    train.add_argument(
        "--freeze",
        help="a part that keeps the weights of --start, such as decoder; the rest starts at random",
    )
    train.add_argument("--latent", type=int, help="latent dimensions")
    train.add_argument("--net", help=", ".join(NETS))
    train.add_argument("--beta", type=float, help="weight of the KL")
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="any setting of the model"
    )
    train.add_argument("--device", help="cuda, mps or cpu; by default the best available")
    train.add_argument("--data", help=f"{DATA}; by default the preset's")
    train.add_argument("--out", type=Path, help="the run's folder; runs/PRESET by default")
    train.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    return train


def _add_export_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", help="the run's folder, or with --onnx a checkpoint's name")
    verb.add_argument("name", nargs="?", help=f"the checkpoint's name in {CHECKPOINTS.name}/")
    verb.add_argument("--onnx", type=Path, metavar="FOLDER", help="write ONNX files there instead")
    verb.add_argument(
        "--title", help="its title in the app's menu; by default the preset's and the data's"
    )
    verb.add_argument("--description", help="one sentence for the app")
    verb.add_argument("--replace", action="store_true", help="replace a checkpoint of that name")


def _add_import_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("decoder", type=Path, help="an ONNX file, or a folder of export --onnx")
    verb.add_argument("--encoder", type=Path, help="an ONNX file")
    verb.add_argument("--latent", type=int, help="latent dimensions; by default the decoder's")
    verb.add_argument("--prior", choices=importing.PRIORS, help="of the code; by default normal")
    verb.add_argument("--shape", type=int, nargs="+", help="of an image, such as 28 28 or 3 32 32")
    verb.add_argument("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="of its values")
    verb.add_argument("--logits", action="store_true", default=None, help="it gives logits")
    verb.add_argument("--order", choices=ORDERS, help="of a flat colour image; by default CHW")
    verb.add_argument("--title", help="its title in the app's menu")
    verb.add_argument("--description", help="one sentence for the app")
    verb.add_argument("--name", help="the checkpoint's name; by default made of the title")
    verb.add_argument("--replace", action="store_true", help="replace a checkpoint of that name")


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add --size, --colour, --transpose, --invert, --prepare and --split-seed; each by default as
    the data are."""
    group = parser.add_argument_group("how the data are read; by default as they are")
    group.add_argument("--size", type=int, help="sides of an image in pixels, 8 to 128")
    group.add_argument(
        "--colour", nargs="?", const="colour", choices=COLOURS, help="keep colours, or make it grey"
    )
    for name, does in (("transpose", "exchange rows and columns"), ("invert", "dark for light")):
        group.add_argument(f"--{name}", nargs="?", const="yes", choices=YES_OR_NO, help=does)
    group.add_argument(
        "--prepare", choices=PREPARATIONS, help="as MNIST's digits were, or only resized"
    )
    group.add_argument("--split-seed", type=int, help="chooses the test set where there is none")


def data_options(args: argparse.Namespace, default: Options | None = None) -> Options:
    """The options that were given, else those of `default`. Raises ValueError for a bad one."""
    given = {name: getattr(args, name) for name in ("size", "colour", "prepare")}
    given |= {name: YES_OR_NO.get(getattr(args, name)) for name in ("transpose", "invert")}
    given["seed"] = args.split_seed
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(default or Options(), **chosen)
