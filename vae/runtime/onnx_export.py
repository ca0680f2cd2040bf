"""Exports a model to ONNX: decoder.onnx, encoder.onnx, and the contract as config.json."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from vae import checkpoint, latent
from vae.checkpoint import Manifest
from vae.interface import Decodes, Encodes
from vae.runtime.onnx import DECODER, ENCODER, MODEL, check_supported
from vae.runtime.onnx_networks import IMAGES, LOGVAR, MEAN, PARAMETERS, Conversion

NEEDS = ("onnx", "onnxscript")  # by torch.onnx.export; the app does without


class Decoder(nn.Module):
    """Codes to images in [0, 1], the means of their distributions, and the parameters of these."""

    def __init__(self, model: Decodes) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        parameters = self.model.decode(z)
        return self.model.likelihood.mean(parameters), parameters


class Encoder(nn.Module):
    """Images in [0, 1] to the mean and the log-variance of their codes."""

    def __init__(self, model: Encodes) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        posterior = self.model.encode(x)
        return posterior.code, posterior.logvar


def export(source: Path, folder: Path) -> list[Path]:
    """Write the model of a checkpoint's folder to `folder` as ONNX; returns the files.

    Raises ValueError where the model has no decoder, the folder has such files, or a package that
    the export needs is missing; WriteError for a full disk.
    """
    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        raise ValueError(
            f"export --onnx needs {' and '.join(missing)}; install with: "
            f"pip install {' '.join(missing)}"
        )
    files = [folder / name for name in (DECODER, ENCODER, checkpoint.CONFIG)]
    if existing := [path for path in files if path.exists()]:
        raise ValueError(f"{existing[0]} exists; choose another folder, or delete it")
    manifest, model = checkpoint.read_manifest(source), checkpoint.read_model(source)
    if not isinstance(model, Decodes):
        raise ValueError(f"the model in {source} has no decoder; export one that decodes")
    check_supported(manifest.spec, manifest.blocks)
    codes = torch.zeros(2, latent.dims(manifest.blocks))
    images = torch.zeros(2, *manifest.spec.shape)
    _write(files[0], Decoder(model), codes, "z", (IMAGES, PARAMETERS))
    if isinstance(model, Encodes):
        _write(files[1], Encoder(model), images, "x", (MEAN, LOGVAR))
    checkpoint.write_json(files[2], _contract(manifest).as_json())
    return [path for path in files if path.exists()]


def _contract(manifest: Manifest) -> Manifest:
    """The manifest of the exported model, which has no settings and was not trained here."""
    return replace(
        manifest, model=MODEL, config=Conversion().as_json(), train={}, format=checkpoint.FORMAT
    )


def _write(
    path: Path, module: nn.Module, example: Tensor, name: str, outputs: Sequence[str]
) -> None:
    """Export a module with one input; its first axis may have any size."""
    with _quiet():
        program = torch.onnx.export(
            module.eval(),
            (example,),
            input_names=[name],
            output_names=list(outputs),
            dynamic_shapes=({0: "batch"},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    checkpoint.write_atomically(path, lambda p: program.save(p, external_data=False))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's warnings, which concern its own code and packages not in use here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
