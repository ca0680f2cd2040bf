"""Imports a model of another library: its ONNX files become a checkpoint that every page offers."""

from __future__ import annotations

import re
import shutil
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from vae import checkpoint, data, latent
from vae.catalog import new_folder
from vae.checkpoint import CheckpointError, Manifest
from vae.data import Options
from vae.dataspec import SIDES, Dataset, DataSpec
from vae.latent import LatentBlock
from vae.runtime.image_layout import image_shape
from vae.runtime.onnx import DECODER, ENCODER, MODEL, OnnxRuntime
from vae.runtime.onnx_networks import (
    LOGITS,
    PARAMETERS,
    Conversion,
    check_codes,
    decoded_shape,
)
from vae.runtime.onnx_session import Session

PRIORS = ("normal", "uniform")
DESCRIPTION = "An imported model."
LONGEST = 60  # characters of a folder's name
LIKELIHOOD = "bernoulli"  # of a decoder that gives no parameters of another one


@dataclass(frozen=True)
class Declared:
    """What is said of the networks. None: as the contract beside the decoder says, else as found by
    running it."""

    latent: int | None = None  # coordinates of a code
    prior: str | None = None  # in PRIORS
    shape: tuple[int, ...] | None = None  # of an image: H W, C H W or H W C
    range: tuple[float, float] | None = None  # the values of black and white
    logits: bool | None = None  # whether the decoder gives logits
    order: str | None = None  # of a flat image: CHW or HWC
    title: str | None = None
    description: str | None = None


class DataSource(NamedTuple):
    """Data whose test samples are encoded, and how they are read."""

    name: str  # in data.DATASETS, or a path
    options: Options


class Files(NamedTuple):
    """What is imported."""

    decoder: Path
    encoder: Path | None
    contract: Manifest | None  # config.json, as `export --onnx` writes it


def find_files(decoder: Path, encoder: Path | None = None) -> Files:
    """The files of a model: `decoder` may be a folder that `export --onnx` wrote. Its contract and
    its encoder are found beside its decoder, too. Raises CheckpointError for another config.json.
    """
    if decoder.is_dir():
        decoder = decoder / DECODER
    folder, contract = decoder.parent, None
    if decoder.name == DECODER and (folder / checkpoint.CONFIG).exists():
        contract = checkpoint.read_manifest(folder)
        if contract.model != MODEL:
            raise CheckpointError(
                f"{folder / checkpoint.CONFIG} is of a {contract.model}, not the contract of an "
                "ONNX model; move the decoder to a folder of its own"
            )
        if encoder is None and (folder / ENCODER).exists():
            encoder = folder / ENCODER
    return Files(decoder, encoder, contract)


def import_model(
    files: Files,
    declared: Declared,
    source: DataSource | None,
    name: str | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write the networks as a checkpoint called `name`; returns its folder.

    The networks are run first. An encoder encodes the test samples of `source`. By default the name
    is made of the title. Raises CheckpointError for files that break the contract, ValueError for
    an encoder without data and for a name that exists, unless `overwrite`.
    """
    decoder, encoder, contract = files
    manifest = _manifest(Session(decoder), declared, contract)
    folder = new_folder(
        name or _slug(manifest.title) or _slug(decoder.stem) or "model", overwrite=overwrite
    )
    test = None
    if source is not None:
        manifest, test = _with_data(manifest, source, known=contract is not None)
    conversion = Conversion.from_json(manifest.config)
    runtime = OnnxRuntime(decoder, encoder, manifest.spec, manifest.blocks, conversion)
    manifest = replace(manifest, abilities=tuple(sorted(runtime.abilities)))
    if encoder is not None and test is None:
        raise ValueError(
            f"{encoder} needs images to encode; name them by --data, or import the decoder alone, "
            "from a folder without an encoder"
        )
    with checkpoint.complete_folder(folder) as new:
        shutil.copyfile(decoder, new / DECODER)
        if encoder is not None and test is not None:
            shutil.copyfile(encoder, new / ENCODER)
            checkpoint.write_encodings(new, _encodings(runtime, test))
        checkpoint.write_json(new / checkpoint.CONFIG, manifest.as_json())
    return folder


def _manifest(session: Session, declared: Declared, contract: Manifest | None) -> Manifest:
    """The manifest by what is declared, else by the contract, else as found."""
    blocks = _blocks(session, declared, contract)
    return Manifest(
        model=MODEL,
        config=_conversion(session, declared, contract).as_json(),
        train={},
        title=declared.title or (contract.title if contract else session.path.stem),
        description=declared.description or (contract.description if contract else DESCRIPTION),
        blocks=blocks,
        abilities=(),
        data=contract.data if contract else "",
        options=contract.options if contract else {},
        spec=_spec(session, blocks, declared, contract),
    )


def _blocks(
    session: Session, declared: Declared, contract: Manifest | None
) -> tuple[LatentBlock, ...]:
    """One block, or those of the contract. Raises CheckpointError where its size is not known."""
    if contract and declared.latent is None and declared.prior is None:
        return contract.blocks
    shape = session.input_shape
    size = declared.latent
    if size is None and len(shape) > 2:
        check_codes(session, shape[1] or 1)
    if size is None and len(shape) == 2:
        size = shape[1]
    if size is None:
        raise CheckpointError(
            f"{session.path} does not say how many coordinates a code has; say it by --latent"
        )
    if size < 1:
        raise ValueError(f"--latent is 1 or more, not {size}")
    return (LatentBlock("z", size, declared.prior or "normal"),)  # pyright: ignore[reportArgumentType]


def _conversion(session: Session, declared: Declared, contract: Manifest | None) -> Conversion:
    settings = dict(contract.config) if contract else {}
    if session.outputs == (LOGITS,):
        settings["logits"] = True
    named = {"range": declared.range, "logits": declared.logits, "order": declared.order}
    settings |= {name: value for name, value in named.items() if value is not None}
    return Conversion.from_json(settings)


def _spec(
    session: Session,
    blocks: tuple[LatentBlock, ...],
    declared: Declared,
    contract: Manifest | None,
) -> DataSpec:
    """The spec of the images: of the contract, or by the shape that is declared or found.

    Unless the decoder gives the parameters of another likelihood, its values are probabilities.
    """
    if contract and declared.shape is None:
        has_parameters = PARAMETERS in session.outputs
        return contract.spec if has_parameters else replace(contract.spec, likelihood=LIKELIHOOD)
    check_codes(session, latent.dims(blocks))
    found = declared.shape or decoded_shape(session, latent.dims(blocks))
    shape = image_shape(found)
    if shape is None:
        raise CheckpointError(
            f"{session.path} gives values of shape {list(found)} for each code, which is no "
            "image of 1 or 3 channels; name its shape by --shape, such as --shape 28 28"
        )
    if max(shape[1:]) > SIDES[1]:
        raise CheckpointError(
            f"{session.path} gives images of {shape[1]}x{shape[2]}, and the app shows sides of "
            f"{SIDES[1]} pixels at the most; export a decoder of smaller images"
        )
    return DataSpec("image", shape, LIKELIHOOD)


def _with_data(manifest: Manifest, source: DataSource, *, known: bool) -> tuple[Manifest, Dataset]:
    """The manifest with the source of the data, and their test samples in the decoder's size.

    Unless they are `known`, by a contract, the classes are those of the data. Raises as
    `data.load_for`.
    """
    spec, options = manifest.spec, source.options
    if not known:
        if source.name in data.DATASETS:  # `read` would need the training part, too
            found = data.load(source.name, "test", options=options)
        else:
            found = data.read(source.name, options, like=spec).test
        spec = replace(found.spec, shape=spec.shape, likelihood=spec.likelihood)
    test = data.load_for(source.name, options, spec, "test")
    return replace(manifest, data=source.name, options=options.as_json(), spec=spec), test


def _encodings(runtime: OnnxRuntime, test: Dataset) -> checkpoint.Encodings:
    """The encoded test samples."""
    from vae import metrics
    from vae.runtime.onnx_model import as_model

    return metrics.encode(as_model(runtime), test, flat=True)


def _slug(title: str) -> str:
    """A folder's name from a title: its letters and digits of ASCII, those with accents without."""
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST].strip("-")


def summary(folder: Path) -> str:
    """How an imported model was understood, in one line."""
    manifest = checkpoint.read_manifest(folder)
    channels, height, width = manifest.spec.shape
    low, high = Conversion.from_json(manifest.config).range
    values = "logits" if manifest.config.get("logits") else f"values from {low:g} to {high:g}"
    priors = " and ".join(sorted({block.prior for block in manifest.blocks}))
    dims = latent.dims(manifest.blocks)
    return (
        f"images of {height}x{width} in {'colour' if channels == 3 else 'grey'}, {values}; codes "
        f"of {dims} {'dimension' if dims == 1 else 'dimensions'}, {priors} prior; "
        f"{'with' if 'encodes' in manifest.abilities else 'without'} an encoder"
    )
