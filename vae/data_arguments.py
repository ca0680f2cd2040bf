"""The options of the command line that say how a data set is read."""

from __future__ import annotations

import argparse
from dataclasses import replace

from vae.data import Options
from vae.data.options import COLOURS, PREPARATIONS

YES_OR_NO = {"yes": True, "no": False, "auto": "auto"}


def add_data_options(parser: argparse.ArgumentParser) -> None:
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
