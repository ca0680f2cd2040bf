"""PRESETS: what `python -m vae train NAME` trains. A variant is a config, so it is a few lines
here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vae.optim import TrainConfig


@dataclass(frozen=True)
class Preset:
    model: str  # a name in MODELS
    config: dict[str, Any]  # settings of the model that differ from its defaults
    train: TrainConfig
    title: str
    description: str  # one sentence for the app


JMETZEN = TrainConfig(
    epochs=75,
    batch=100,
    rate=1e-3,
    schedule="constant",
    weight_decay=0,
    average=0,
    clip=0,
    validation=5000,
    precision="float32",
)
HWALSUKLEE = TrainConfig(
    epochs=20,
    batch=128,
    rate=1e-3,
    schedule="constant",
    weight_decay=0,
    average=0,
    clip=0,
    validation=5000,
)
PUBLISHED_MLP = {"net": "mlp", "hidden": 500, "depth": 2, "dropout": 0.0, "binarise": False}


def _vae(latent: int, words: str, epochs: int, **config: Any) -> Preset:
    return Preset(
        "vae", {"latent": latent} | config, TrainConfig(epochs=epochs), f"VAE, {latent}-d", words
    )


PRESETS: dict[str, Preset] = {
    "vae-2d": _vae(2, "Two numbers a digit: the whole latent space fits on the map.", 60),
    "vae-5d": _vae(
        5, "Five numbers a digit: digits part, and dimensions begin to mean something.", 60
    ),
    "vae-10d": _vae(10, "Ten numbers a digit: most of what can be said about one.", 60),
    "vae-20d": _vae(20, "Twenty numbers a digit, of which the model leaves some unused.", 60),
    "beta-vae-10d": Preset(
        "vae",
        {"latent": 10, "beta": 4.0},
        TrainConfig(epochs=60),
        "beta-VAE, 10-d",
        "The KL weighs four times: fewer dimensions stay in use, each with more of a meaning.",
    ),
    "ae-2d": Preset(
        "autoencoder",
        {"latent": 2},
        TrainConfig(epochs=60),
        "Autoencoder, 2-d",
        "No noise and no prior: sharp pictures, and gaps on the map where nothing was learned.",
    ),
    "jmetzen-2d": Preset(
        "vae",
        {"latent": 2} | PUBLISHED_MLP,
        JMETZEN,
        "VAE, 2-d, as published",
        "The two-layer MLP of jmetzen (2015), with its settings.",
    ),
    "jmetzen-20d": Preset(
        "vae",
        {"latent": 20} | PUBLISHED_MLP,
        JMETZEN,
        "VAE, 20-d, as published",
        "The two-layer MLP of jmetzen (2015), with its settings.",
    ),
    "hwalsuklee-20d": Preset(
        "vae",
        {"latent": 20, "net": "dropout", "hidden": 500, "binarise": False, "scale": "softplus"},
        HWALSUKLEE,
        "VAE with dropout, 20-d, as published",
        "The ELU and tanh layers of hwalsuklee, with its settings.",
    ),
}
