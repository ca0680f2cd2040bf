"""A checkpoint is a folder of safetensors, JSON and NPZ files; no pickle is written or loaded.

Only reading and writing weights imports torch, which the app's first page does without.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vae.dataspec import MNIST, DataSpec
from vae.latent import LatentBlock
from vae.mixture_prior import MixturePrior, coordinates

if TYPE_CHECKING:
    from torch import Tensor

    from vae.interface import LatentModel

FORMAT = 2
WEIGHTS, CONFIG, METRICS, ENCODINGS = (
    "weights.safetensors",
    "config.json",
    "metrics.json",
    "encodings.npz",
)
PRIOR = "prior.npz"
ATTRIBUTE = "attribute/"  # prefix of the arrays of attributes in encodings.npz
TRAINING, LOG = "training.npz", "log.jsonl"
PROGRESS = "progress.safetensors"
# what NumPy and zipfile raise for a damaged .npz (RuntimeError: an unknown compression method)
UNREADABLE = (
    *(OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file, the fault and what to do."""


class WriteError(OSError):
    """A file that cannot be written, as on a full disk; the message names it and the reason."""


@dataclass(frozen=True)
class Manifest:
    """config.json: a description of a model, its settings and how it was trained."""

    model: str  # a name in MODELS
    config: dict[str, Any]  # the model's own settings
    train: dict[str, Any]  # how it was trained
    title: str
    description: str
    blocks: tuple[LatentBlock, ...]
    abilities: tuple[str, ...]
    data: str = "mnist"  # what it was trained on: a name in data.DATASETS, or a path
    options: dict[str, Any] = field(default_factory=dict)  # how the data were read: data.Options
    spec: DataSpec = MNIST
    implicit: bool = False  # whether samples have no likelihood given their code
    format: int = field(default=FORMAT)

    def as_json(self) -> dict[str, Any]:
        """The content of config.json."""
        return asdict(self) | {"spec": self.spec.as_json()}


class Encodings(NamedTuple):
    """Posteriors of a data set's test images, the two terms of the negative ELBO of each, and what
    else is known of them."""

    mean: np.ndarray  # float32 [N, Z]
    logvar: np.ndarray  # float32 [N, Z]; -inf for a deterministic encoder
    labels: np.ndarray  # int64 [N]
    cross_entropy: np.ndarray  # float32 [N], nats, of the grey levels
    kl: np.ndarray  # float32 [N], nats
    tsne: np.ndarray | None = None  # float32 [N, 2]; none where Z = 2
    kl_per_dimension: np.ndarray | None = None  # float32 [Z], nats, mean over the samples
    attributes: Mapping[str, np.ndarray] = MappingProxyType({})  # float32 [N]; NaN where unknown
    names: tuple[str, ...] = ()  # one a sample, or empty
    digest: str = ""  # `Dataset.digest` of the samples; empty in files of earlier versions

    @property
    def arrays(self) -> list[np.ndarray]:
        """All arrays."""
        return [*(a for a in self if isinstance(a, np.ndarray)), *self.attributes.values()]


FIELDS = frozenset(Encodings._fields) - {"attributes", "names", "digest"}  # arrays of encodings.npz


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary file that replaces `path` at the end, or is removed on an error. Raises
    WriteError."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, f".{path.name}.", path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except WriteError:  # of another file that is written at the same time
        raise
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` on a temporary file, then replace `path` by it, so that a reader never opens a
    partial file. Raises WriteError."""
    with _replacing(path) as temporary:
        write(temporary)


@contextmanager
def complete_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that takes the place of `folder` at the end, or is removed on an error.

    It is made beside the parent and not in it, as the app lists a checkpoint once it is there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent.parent, prefix=".new-") as temporary:
        new = Path(temporary) / folder.name
        new.mkdir()
        yield new
        if folder.exists():
            folder.replace(Path(temporary) / "replaced")
        new.replace(folder)


def _write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON. Raises WriteError."""
    write_atomically(path, lambda p: p.write_text(_json(value), encoding="utf-8"))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent} is not a checkpoint: it has no {path.name}"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}); restore the checkpoint or train it again"
        ) from error


def read_manifest(folder: Path) -> Manifest:
    """Read config.json. Raises CheckpointError where the file is missing, is not JSON, has a newer
    format or lacks fields."""
    path = folder / CONFIG
    raw = _read_json(path)
    if not isinstance(raw, dict) or not isinstance(raw.get("format"), int):
        raise CheckpointError(f"{path} is not the config of a checkpoint: it has no format number")
    if raw["format"] > FORMAT:
        raise CheckpointError(
            f"{path} has format {raw['format']}, and this version reads up to {FORMAT}; "
            "update Latent Explorer"
        )
    try:
        for name in ("model", "title", "description", "data"):
            if not isinstance(raw.get(name, ""), str):
                raise TypeError(f"{name} is no text")
        blocks = tuple(_block(block, raw["format"]) for block in raw.pop("blocks"))
        abilities = tuple(raw.pop("abilities"))
        spec = DataSpec.from_json(raw.pop("spec")) if raw.pop("format") > 1 else MNIST
        return Manifest(**raw, blocks=blocks, abilities=abilities, spec=spec)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} has a missing or invalid field ({error}); restore it or train again"
        ) from error


def _block(fields: dict[str, Any], format_: int) -> LatentBlock:
    """A block of the manifest. In format 1 a class was recognised by the name "digit"."""
    if format_ == 1 and fields["name"] == "digit":
        fields["role"] = "class"
    if fields.get("range"):  # JSON has lists
        fields["range"] = tuple(fields["range"])
    fields["labels"] = tuple(fields.get("labels", ()))
    return LatentBlock(**fields)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Read metrics.json; {} for a checkpoint that was not evaluated."""
    path = folder / METRICS
    figures = _read_json(path) if path.exists() else {}
    if not isinstance(figures, dict):
        raise CheckpointError(f"{path} holds no figures by name; delete it or evaluate again")
    return figures


def read_encodings(folder: Path) -> Encodings:
    """Read encodings.npz. Raises CheckpointError where it is missing or damaged."""
    path, again = folder / ENCODINGS, f"python -m vae encode {folder}"
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise CheckpointError(f"{folder} has no {ENCODINGS}; make it with: {again}") from error
    except UNREADABLE as error:
        raise CheckpointError(f"{path} is damaged ({error}); make it with: {again}") from error
    names = found.pop("names", np.empty(0, str))
    digest = str(found.pop("digest", ""))
    arrays = {n: array for n, array in found.items() if n in FIELDS or n.startswith(ATTRIBUTE)}
    if missing := {"mean", "logvar", "labels", "cross_entropy", "kl"} - set(arrays):
        raise CheckpointError(
            f"{path} lacks {', '.join(sorted(missing))}; make it again with: {again}"
        )
    shape = arrays["mean"].shape
    wanted = dict.fromkeys(("labels", "cross_entropy", "kl"), shape[:1])
    wanted |= {"mean": shape, "logvar": shape, "tsne": (*shape[:1], 2)}
    wanted |= {"kl_per_dimension": shape[1:]}
    if (
        len(shape) != 2
        or any(array.shape != wanted.get(name, shape[:1]) for name, array in arrays.items())
        or names.shape not in {(0,), shape[:1]}
    ):
        shapes = {name: list(array.shape) for name, array in arrays.items()}
        raise CheckpointError(f"{path} has arrays of shapes {shapes}; make it again with: {again}")
    for name, array in arrays.items():
        unknown = name.startswith(ATTRIBUTE)  # an attribute may be, and is NaN then
        if array.dtype.kind not in "fiu" or (np.isnan(array).any() and not unknown):
            raise CheckpointError(
                f"{path}: not all {name} are numbers; make it again with: {again}"
            )
    labels = arrays.pop("labels").astype(np.int64)
    if len(labels) and labels.min() < -1:
        raise CheckpointError(
            f"{path} has the label {labels.min()}; labels are classes from 0, and -1 where "
            f"unknown; make it again with: {again}"
        )
    numbers = {name: array.astype(np.float32) for name, array in arrays.items()}
    attributes = {n.removeprefix(ATTRIBUTE): numbers.pop(n) for n in arrays if n not in FIELDS}
    return Encodings(
        labels=labels,
        **numbers,
        attributes=attributes,
        names=tuple(map(str, names.tolist())),
        digest=digest,
    )


def kl_per_dimension(encodings: Encodings) -> np.ndarray:
    """KL of each dimension [Z], nats, mean over the samples.

    Files of earlier versions do not hold it; their posteriors are Gaussian (Kingma & Welling 2013,
    appendix B) or points, without KL.
    """
    if encodings.kl_per_dimension is not None:
        return encodings.kl_per_dimension
    mean, logvar = encodings.mean, encodings.logvar
    kl = 0.5 * (np.square(mean) + np.exp(logvar) - 1 - logvar)
    return np.where(np.isneginf(logvar), 0, kl).mean(axis=0)


def write_encodings(folder: Path, encodings: Encodings) -> None:
    """Write encodings.npz.

    Values are rounded so that they compress well, more finely than pages show them: means to 2^-13,
    because maps are zoomed; terms of the ELBO to 2^-10 nats; log-variances and t-SNE to half
    precision; attributes to some 2^-12 of their range.
    """
    arrays = {
        "mean": _rounded(encodings.mean, 13),
        "cross_entropy": _rounded(encodings.cross_entropy, 10),
        "kl": _rounded(encodings.kl, 10),
        "logvar": encodings.logvar.astype(np.float16),
        "labels": encodings.labels.astype(np.int16),  # -1 where unknown
    }
    if encodings.kl_per_dimension is not None:
        arrays["kl_per_dimension"] = encodings.kl_per_dimension.astype(np.float32)
    if encodings.tsne is not None:
        arrays["tsne"] = encodings.tsne.astype(np.float16)
    if encodings.digest:
        arrays["digest"] = np.array(encodings.digest, np.str_)
    if encodings.names:
        arrays["names"] = np.array(encodings.names, np.str_)
    arrays |= {ATTRIBUTE + n: _rounded_in_range(v) for n, v in encodings.attributes.items()}
    write_atomically(folder / ENCODINGS, lambda p: np.savez_compressed(p, **arrays))


def read_prior(folder: Path, blocks: Sequence[LatentBlock]) -> MixturePrior:
    """Read prior.npz, a Gaussian mixture for codes of these blocks. Raises CheckpointError where it
    is missing or damaged."""
    path, again = folder / PRIOR, f"python -m vae encode {folder}"
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            weights, means, factors = (
                file[name].astype(np.float64) for name in ("weights", "means", "factors")
            )
        mixture = MixturePrior(weights, means, factors)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{folder} has no mixture prior ({PRIOR}); make it with: {again}"
        ) from error
    except UNREADABLE as error:
        raise CheckpointError(f"{path} is damaged ({error}); make it with: {again}") from error
    if mixture.size != (size := len(coordinates(blocks))):
        raise CheckpointError(
            f"{path} is a mixture of {mixture.size} dimensions, and the model has {size}; make it "
            f"again with: {again}"
        )
    return mixture


def write_prior(folder: Path, mixture: MixturePrior) -> None:
    """Write prior.npz, in single precision."""
    arrays = {
        name: getattr(mixture, name).astype(np.float32) for name in ("weights", "means", "factors")
    }
    write_atomically(folder / PRIOR, lambda p: np.savez_compressed(p, **arrays))


def _rounded_in_range(values: np.ndarray) -> np.ndarray:
    """Float32 values rounded to some 2^-12 of their range; those that are not finite are NaN.

    (Half precision would leave steps of 1 between the years of a column.)
    """
    values = np.where(np.isfinite(values), values, np.nan)
    known = values[~np.isnan(values)]
    extent = float(np.ptp(known.astype(np.float64))) if len(known) else 0.0
    return _rounded(values, 12 - math.frexp(extent)[1] if extent else 24)


def _rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """Float32 values rounded to multiples of 2^-bits."""
    return (np.round(values.astype(np.float64) * 2**bits) / 2**bits).astype(np.float32)


def read_log(folder: Path) -> dict[str, np.ndarray]:
    """Read log.jsonl: the means of each epoch, [epochs] by name; {} where there is none. Raises
    CheckpointError where it is damaged."""
    path = folder / LOG
    if not path.exists():
        return {}
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if not all(isinstance(line, dict) for line in lines):
            raise TypeError("a line is no object")
        names = [name for name in lines[0] if name != "epoch"] if lines else []
        # NaN in the epochs of a training stage that did not record a value
        return {name: np.array([line.get(name, np.nan) for line in lines], float) for name in names}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete it or train again") from error


def append_log(folder: Path, line: dict[str, Any]) -> None:
    """Add the means of an epoch to log.jsonl. Raises WriteError."""
    path = folder / LOG
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    text += json.dumps(line) + "\n"
    write_atomically(path, lambda p: p.write_text(text, encoding="utf-8"))


def read_sheets(folder: Path, spec: DataSpec) -> np.ndarray:
    """Read training.npz, uint8 [epochs, S, *spec.array_shape]: samples decoded at the end of each
    epoch; of length 0 where there is none. Raises CheckpointError where it is damaged."""
    path = folder / TRAINING
    if not path.exists():
        return np.empty((0, 10, *spec.array_shape), np.uint8)
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            sheets = file["sheets"]
    except UNREADABLE as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete it or train again") from error
    if sheets.shape[2:] != spec.array_shape or sheets.dtype != np.uint8:
        raise CheckpointError(f"{path} holds {sheets.dtype} {list(sheets.shape)}, not sheets")
    return sheets


def write_sheets(folder: Path, sheets: np.ndarray, *, compressed: bool = False) -> None:
    """Write training.npz; sheets are uint8 [epochs, S, *spec.array_shape].

    Compression takes 20 times as long, too long to repeat after every epoch.
    """
    write = np.savez_compressed if compressed else np.savez
    write_atomically(folder / TRAINING, lambda p: write(p, sheets=sheets))


def write_model(
    folder: Path, manifest: Manifest, weights: dict[str, Tensor], *, half: bool = False
) -> None:
    """Write weights.safetensors and config.json, either both or none; half stores float16. Raises
    WriteError."""
    import torch

    stored = {
        name: (w.half() if half and w.dtype == torch.float32 else w).detach().cpu().contiguous()
        for name, w in weights.items()
    }
    with _replacing(folder / CONFIG) as config, _replacing(folder / WEIGHTS) as tensors:
        _write_tensors(tensors, stored, None)
        config.write_text(_json(manifest.as_json()), encoding="utf-8")


def read_model(folder: Path, device: str = "cpu") -> LatentModel:
    """The model of config.json with the weights of weights.safetensors, as float32, in eval mode.

    Raises CheckpointError for a missing, truncated or foreign weights file, and for one that does
    not fit the config.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from vae.models import build

    manifest, path = read_manifest(folder), folder / WEIGHTS
    try:
        weights = load_file(path, device="cpu")
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{folder} has a config but no {WEIGHTS}; restore it or train again"
        ) from error
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is truncated or is no safetensors file ({error}); restore it"
        ) from error
    try:
        model = build(manifest.model, manifest.config, manifest.spec)
        model.blocks = manifest.blocks  # with the labels that training found
        model.load_state_dict(weights)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path} does not fit {folder / CONFIG}: {reason}") from error
    return model.to(device).eval().requires_grad_(False)


def write_progress(folder: Path, state: dict[str, Tensor], epoch: int, run: dict[str, Any]) -> None:
    """Write the state of a run after `epoch` epochs, with its settings, as one file. Raises
    WriteError."""
    stored = {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
    metadata = {"epoch": str(epoch), "run": json.dumps(run)}
    write_atomically(folder / PROGRESS, lambda p: _write_tensors(p, stored, metadata))


def read_progress(folder: Path) -> tuple[dict[str, Tensor], int, dict[str, Any]] | None:
    """(state, epochs, settings) of a run as `write_progress` saved them; None where there is none.
    Raises CheckpointError where the file is damaged."""
    from safetensors import SafetensorError, safe_open

    path = folder / PROGRESS
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        return state, int(metadata["epoch"]), json.loads(metadata["run"])
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); name another folder by --out, or delete that one"
        ) from error
