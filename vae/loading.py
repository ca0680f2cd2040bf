"""Loaded models: each loaded once per process, in bounded memory, on the best device."""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from vae import checkpoint, latent
from vae.cache import ENTRY, LRUCache
from vae.catalog import folder_of
from vae.model import Model
from vae.runtime import Runtime
from vae.runtime.onnx import MODEL as ONNX
from vae.runtime.onnx import OnnxRuntime

if TYPE_CHECKING:
    import torch

MEMORY = 512 << 20  # bytes of weights in memory; the shipped models take 205 MB
_reading = threading.Lock()  # one model is read at a time; looking one up needs no lock
_loaded: LRUCache[Model] = LRUCache(MEMORY)


def choose_device(name: str | None = None) -> torch.device:
    """The device `name`, else LATENT_DEVICE, else the fastest one available.

    Warns and falls back to the fastest where the device is not available.
    """
    import torch

    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    best = next(device for device, usable in available.items() if usable)
    wanted = name or os.environ.get("LATENT_DEVICE") or best
    try:
        device = torch.device(wanted)
    except RuntimeError:
        device = None
    if device is None or not available.get(device.type, False):
        warnings.warn(
            f"device {wanted!r} is not available here; using {best!r}", RuntimeWarning, stacklevel=2
        )
        return torch.device(best)
    return device


def load(name: str) -> Model:
    """The model of a shipped checkpoint or of a folder, loaded once and shared by all callers.

    Beyond `MEMORY` the least recently used models are dropped; references to them stay valid.
    Raises ValueError for an unknown name, CheckpointError for files that are missing, damaged or of
    a newer format.
    """
    found = _loaded.get(name)
    if found is None:
        with _reading:  # two threads that load the same model read it once
            found = _loaded.get(name)
            if found is None:
                found = _read(name)
                # a model larger than the whole limit is kept, alone
                _loaded.put(name, found, min(found.size, MEMORY - ENTRY))
    return found


def _read(name: str) -> Model:
    folder = folder_of(name)
    imported = checkpoint.read_manifest(folder).model == ONNX
    model = Model(name, OnnxRuntime.read(folder) if imported else _torch_runtime(folder))
    if "decodes" in model.info.abilities:  # the first call initialises the runtime's kernels
        model.decode(latent.origin(model.info.blocks)[None])
    return model


def _torch_runtime(folder: Path) -> Runtime:
    from vae.runtime.decoding import threads_for
    from vae.runtime.torch import TorchRuntime

    device = choose_device()
    with threads_for(1):  # starting several takes longer than converting the weights
        return TorchRuntime(checkpoint.read_model(folder, str(device)), device)


def is_loaded(name: str) -> bool:
    """Whether `load` would return at once."""
    return name in _loaded


def unload_all() -> None:
    """Drop all models from memory."""
    _loaded.clear()
