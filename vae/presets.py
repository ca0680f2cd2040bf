"""PRESETS: what `python -m vae train NAME` trains. A variant is a config, so it is a few lines
here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vae.optim import TrainConfig


@dataclass(frozen=True)
class Preset:
    model: str  # a name in MODELS
    config: dict[str, Any]  # settings of the model that differ from its defaults
    train: TrainConfig
    title: str
    description: str  # one sentence for the app


# Shipped: fresh binarisation, averaged weights, 2,000 training images held out to choose by. In two
# dimensions an importance-weighted bound, for no Gaussian fits the posterior there; in more, the
# KL's weight rises at first, or dimensions are given up before the decoder has learned to use them.
SHIPPED = TrainConfig(epochs=45, batch=128, rate=1.5e-3, validation=2000)

# jmetzen.github.io, 2015-11-27, and hwalsuklee/tensorflow-mnist-VAE: settings as published
JMETZEN = TrainConfig(
    epochs=75,
    batch=100,
    rate=1e-3,
    schedule="constant",
    weight_decay=0.0,
    average=0.0,
    clip=0.0,
    validation=5000,
    precision="float32",
)
HWALSUKLEE = TrainConfig(
    epochs=20,
    batch=128,
    rate=1e-3,
    schedule="constant",
    weight_decay=0.0,
    average=0.0,
    clip=0.0,
    validation=5000,
)
HYBRID = {"net": "hybrid", "depth": 2, "dropout": 0.05, "warm_up": 0.15}
PUBLISHED_MLP = {"net": "mlp", "hidden": 500, "depth": 2, "dropout": 0.0, "binarise": False}


def _vae(latent: int, words: str, train: TrainConfig, **config: Any) -> Preset:
    return Preset("vae", {"latent": latent} | config, train, f"VAE, {latent}-d", words)


def _jmetzen(latent: int) -> Preset:
    words = "The two-layer MLP of jmetzen (2015), with its settings."
    config = {"latent": latent} | PUBLISHED_MLP
    return Preset("vae", config, JMETZEN, f"VAE, {latent}-d, as published", words)


def _encoder(name: str, preset: Preset) -> Preset:
    """A second stage: with the decoder as it is, the encoder alone learns, on the ELBO.

    The importance-weighted bound makes the better decoder and the worse encoder (Rainforth et al.
    2018): it pays for covering every place that a digit might have, where a map and a
    reconstruction want the one that fits best.
    """
    train = replace(SHIPPED, epochs=6, start=f"runs/{name}", freeze="decoder")
    return replace(preset, config=preset.config | {"samples": 1}, train=train)


def _tight(name: str, preset: Preset, samples: int) -> Preset:
    """A second stage: a few epochs on the importance-weighted bound, tighter than the ELBO."""
    train = replace(SHIPPED, epochs=6, rate=7e-4, start=f"runs/{name}")
    config = preset.config | {"samples": samples, "warm_up": 0.0, "dropout": 0.1}
    return replace(preset, config=config, train=train)


PRESETS: dict[str, Preset] = {
    "vae-2d": _vae(
        2,
        "Two numbers a digit: the whole latent space fits on the map.",
        replace(SHIPPED, batch=256, rate=2e-3),
        depth=3,
        samples=5,
        frequency=1.5,
    ),
    "vae-5d": _vae(
        5,
        "Five numbers a digit: kinds of digits part, and dimensions begin to mean something.",
        replace(SHIPPED, epochs=22),
        **HYBRID,
    ),
    "vae-10d": _vae(
        10,
        "Ten numbers a digit: most of what can be said about one.",
        replace(SHIPPED, epochs=28),
        **HYBRID,
    ),
    "vae-20d": _vae(
        20,
        "Twenty numbers a digit: as many as the model can find a use for.",
        replace(SHIPPED, epochs=28),
        **HYBRID,
    ),
    "beta-vae-10d": Preset(
        "vae",
        {"latent": 10, "beta": 4.0, "depth": 2, "dropout": 0.05},
        replace(SHIPPED, epochs=20),
        "beta-VAE, 10-d",
        "The KL weighs four times: fewer dimensions stay in use, each with more of a meaning.",
    ),
    "ae-2d": Preset(
        "autoencoder",
        {"latent": 2, "hidden": 384, "depth": 3, "dropout": 0.05},
        replace(SHIPPED, epochs=40, batch=256, rate=2e-3),
        "Autoencoder, 2-d",
        "No noise and no prior: sharp pictures, and gaps on the map where nothing was learned.",
    ),
    "classifier-vae": Preset(
        "classifier_vae",
        {"known": True, "warm_up": 0.15, "agreement": 2.0},
        replace(SHIPPED, epochs=24),
        "VAE with a classifier, 10-d",
        "A classifier tells the decoder which digit, so that the code says only how it is written.",
    ),
    "cvae": Preset(
        "conditional_vae",
        {"warm_up": 0.15, "agreement": 2.0},
        replace(SHIPPED, epochs=24),
        "Conditional VAE, 20-d",
        "Encoder and decoder are told the digit; twenty numbers say how it is written.",
    ),
    "classifier": Preset(
        "classifier",
        {},
        replace(SHIPPED, epochs=16, batch=128, rate=2e-3),
        "Classifier",
        "A convolutional network that names digits. It has seen no generated one.",
    ),
    # anotherdatum.com/vae2, settings as published; rate and batch are those of jmetzen
    "zeldes": Preset(
        "classifier_vae",
        {"net": "sigmoid", "classifier": "sigmoid", "hidden": 128, "binarise": False},
        replace(JMETZEN, epochs=20),
        "VAE with a classifier, as published",
        "One layer of 128 sigmoid units each in encoder, decoder and classifier.",
    ),
    # few labels: what is certain of an image stays so when it is distorted
    "few-labels": Preset(
        "classifier_vae",
        {"known": True, "consistency": 10.0, "net": "residual", "depth": 1}
        | {"classifier_dropout": 0.3},
        replace(SHIPPED, epochs=6, labels=100),
        "VAE with a classifier, few labels",
        "Told the digits of 100 images, ten of each, it finds those of the others itself.",
    ),
    "jmetzen-2d": _jmetzen(2),
    "jmetzen-20d": _jmetzen(20),
    "hwalsuklee-20d": Preset(
        "vae",
        {"latent": 20, "net": "dropout", "hidden": 500, "binarise": False, "scale": "softplus"},
        HWALSUKLEE,
        "VAE with dropout, 20-d, as published",
        "The ELU and tanh layers of hwalsuklee, with its settings.",
    ),
}
PRESETS |= {
    "vae-2d-encoder": _encoder("vae-2d", PRESETS["vae-2d"]),
    "vae-5d-tight": _tight("vae-5d", PRESETS["vae-5d"], 5),
    "vae-20d-tight": _tight("vae-20d", PRESETS["vae-20d"], 3),
    "cvae-tight": _tight("cvae", PRESETS["cvae"], 3),
}
