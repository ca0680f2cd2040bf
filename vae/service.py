"""The inference API of the interface: NumPy in, NumPy out.

Listing, describing and reading encodings need no torch; `load` imports it.
"""

from vae.catalog import (
    CHECKPOINTS,
    CLASSIFIER,
    History,
    ModelInfo,
    encodings,
    has_classifier,
    history,
    info,
    knows_classes,
    names,
)
from vae.checkpoint import CheckpointError, Encodings
from vae.figures import FIGURES, Figure
from vae.loading import choose_device, is_loaded, load, unload_all
from vae.model import Engine, Model, Reconstruction
from vae.runtime import Inversion

# the names of CLASSIFIER and has_classifier in former versions
JUDGE, has_judge = CLASSIFIER, has_classifier

__all__ = [
    "CHECKPOINTS",
    "CLASSIFIER",
    "FIGURES",
    "JUDGE",
    "CheckpointError",
    "Encodings",
    "Engine",
    "Figure",
    "History",
    "Inversion",
    "Model",
    "ModelInfo",
    "Reconstruction",
    "choose_device",
    "encodings",
    "has_classifier",
    "has_judge",
    "history",
    "info",
    "is_loaded",
    "knows_classes",
    "load",
    "names",
    "unload_all",
]
