"""Imports a model of another library: ONNX files become a checkpoint that every page offers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vae import checkpoint
from vae.catalog import CHECKPOINTS
from vae.checkpoint import Manifest
from vae.dataspec import DataSpec, Dataset
from vae.latent import LatentBlock
from vae.runtime.image_layout import image_shape
from vae.runtime.onnx import DECODER, ENCODER, MODEL, Conversion, OnnxRuntime, abilities
from vae.runtime.onnx_session import Session

PRIORS = ("normal", "uniform")


@dataclass(frozen=True)
class Settings:
    """What is declared of the networks. None: as in the contract beside the decoder, else as found
    by running it."""

    latent: int | None = None  # coordinates of a code
    prior: str | None = None  # in PRIORS
    shape: tuple[int, ...] | None = None  # of an image: H W, C H W or H W C
    range: tuple[float, float] | None = None  # the values of black and white
    logits: bool = False  # whether the decoder gives logits
    order: str | None = None  # CHW or HWC, of a flat image
    title: str | None = None
    description: str | None = None
