"""PRESETS by name, for `python -m vae train NAME`: the shipped models and published settings."""

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
    data: str = "mnist"  # a name in data.DATASETS


# Shipped: dynamic binarisation, averaged weights, 2,000 training images held out. In two dimensions
# an importance-weighted bound, as posteriors there are far from Gaussian; in more, the KL's weight
# rises from 0, or dimensions collapse before the decoder uses them.
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
# Emoji are few: an epoch goes over them twice. Six in ten show people, so classes are balanced. The
# likelihood of 3,072 values is a density with a small deviation: gradients are large.
EMOJI = replace(
    SHIPPED, epochs=26, passes=2, batch=64, rate=2e-3, clip=3000.0, balance=0.5, validation=0
)
# A discriminator's gradients change their direction often, so Adam's mean of them is of no use.
GAN = replace(SHIPPED, epochs=40, batch=128, rate=1e-3, weight_decay=0.0, clip=0.0, momentum=0.0)
# The deviation of the styles is learned and becomes small, so that their information would outweigh
# the adversary: with a weight of 1 the samples are not like real ones.
INFOGAN = {"width": 32, "critic": 24, "equivariance": 1.0, "style_information": 0.1}
HYBRID = {"net": "hybrid", "depth": 2, "dropout": 0.05, "warm_up": 0.15}
PUBLISHED_MLP = {"net": "mlp", "hidden": 500, "depth": 2, "dropout": 0.0, "binarise": False}


def _vae(latent: int, description: str, train: TrainConfig, **config: Any) -> Preset:
    return Preset("vae", {"latent": latent} | config, train, f"VAE, {latent}-d", description)


def _jmetzen(latent: int) -> Preset:
    description = "The two-layer MLP of jmetzen (2015), with its settings."
    config = {"latent": latent} | PUBLISHED_MLP
    return Preset("vae", config, JMETZEN, f"VAE, {latent}-d, as published", description)


def _encoder(name: str, preset: Preset) -> Preset:
    """A second stage: a new encoder, to a mixture of Gaussians, for the frozen decoder.

    The importance-weighted bound yields a better decoder and a worse encoder (Rainforth et al.
    2018): its posteriors are too wide for a map and for reconstructions. One Gaussian, trained on
    the ELBO, shows one mode of the posterior; a mixture covers several.
    """
    train = replace(SHIPPED, epochs=8, start=f"runs/{name}", freeze="decoder")
    config = preset.config | {"components": 8, "samples": 32}
    return replace(preset, config=config, train=train)


def _tight(name: str, preset: Preset, samples: int) -> Preset:
    """A second stage: a few epochs on the importance-weighted bound, tighter than the ELBO."""
    train = replace(SHIPPED, epochs=6, rate=7e-4, start=f"runs/{name}")
    config = preset.config | {"samples": samples, "warm_up": 0.0, "dropout": 0.1}
    return replace(preset, config=config, train=train)


def _flow(name: str, preset: Preset) -> Preset:
    """A second stage: a flow from the normal prior to the codes of a trained model, whose encoder
    and decoder stay as they are. Samples of the prior then lie where there are codes."""
    train = replace(
        preset.train,
        epochs=12,
        rate=1e-3,
        average=0.99,
        start=f"runs/{name}",
        freeze="encoder,decoder",
    )
    config = preset.config | {"couplings": 8, "affine": 0.0, "hue": 0.0, "warm_up": 0.0}
    return replace(preset, config=config, train=train)


PRESETS: dict[str, Preset] = {
    "vae-2d": _vae(
        2,
        "Two latent dimensions: the map shows the whole latent space.",
        replace(SHIPPED, batch=256, rate=2e-3),
        depth=3,
        samples=5,
        frequency=1.5,
    ),
    "vae-5d": _vae(
        5,
        "Five latent dimensions: classes separate better than in two.",
        replace(SHIPPED, epochs=22),
        **HYBRID,
    ),
    "vae-10d": _vae(
        10,
        "Ten latent dimensions: reconstructions keep most details.",
        replace(SHIPPED, epochs=28),
        **HYBRID,
    ),
    "vae-20d": _vae(
        20,
        "Twenty latent dimensions: about as many as the model can use.",
        replace(SHIPPED, epochs=28),
        **HYBRID,
    ),
    "beta-vae-10d": Preset(
        "vae",
        {"latent": 10, "beta": 4.0, "depth": 2, "dropout": 0.05},
        replace(SHIPPED, epochs=20),
        "beta-VAE, 10-d",
        "The KL has four times the weight: fewer dimensions stay active, each easier to interpret.",
    ),
    "ae-2d": Preset(
        "autoencoder",
        {"latent": 2, "hidden": 384, "depth": 3, "dropout": 0.05},
        replace(SHIPPED, epochs=40, batch=256, rate=2e-3),
        "Autoencoder, 2-d",
        "No noise and no prior: codes between those of training images can decode to no digit.",
    ),
    "classifier-vae": Preset(
        "classifier_vae",
        {"known": True, "warm_up": 0.15, "agreement": 2.0},
        replace(SHIPPED, epochs=24),
        "VAE with a classifier, 10-d",
        "The decoder is given the class by a classifier; the code carries the style alone.",
    ),
    "cvae": Preset(
        "conditional_vae",
        {"warm_up": 0.15, "agreement": 2.0},
        replace(SHIPPED, epochs=24),
        "Conditional VAE, 20-d",
        "Encoder and decoder are given the class; twenty latent dimensions carry the style.",
    ),
    "dcgan": Preset(
        "dcgan",
        {"conditional": True},
        replace(GAN, epochs=24),
        "DCGAN, 100-d",
        "A generator that learned from a discriminator alone, both given the class; it has no "
        "encoder, and its sliders are the principal directions of its features.",
    ),
    "dcgan-unconditional": Preset(
        "dcgan",
        {},
        replace(GAN, epochs=30, batch=64, rate=2e-3),
        "DCGAN without classes, 100-d",
        "A generator that learned from a discriminator alone, without labels; its sliders are the "
        "principal directions of its features.",
    ),
    "vae-gan": Preset(
        "vae_gan",
        {"width": 32, "critic": 24},
        replace(GAN, epochs=7, batch=64, rate=2e-3),
        "VAE-GAN, 20-d",
        "Its decoder learned from a discriminator, so what it draws is sharp.",
    ),
    "infogan": Preset(
        "infogan",
        INFOGAN | {"warm_up": 0.25},
        replace(GAN, epochs=12, rate=2e-3),
        "InfoGAN",
        "Without a label it found a code for the digit, and two styles.",
    ),
    "ss-infogan": Preset(
        "ss_infogan",
        INFOGAN,
        replace(GAN, epochs=12, rate=2e-3, labels=132),
        "ss-InfoGAN",
        "The digit can be asked for; it was trained with the labels of 132 images of 58,000.",
    ),
    "classifier": Preset(
        "classifier",
        {},
        replace(SHIPPED, epochs=16, batch=128, rate=2e-3),
        "Classifier",
        "A convolutional classifier, trained on real images only.",
    ),
    # of other architectures, to compare the samples of models in features of several
    "classifier-lenet": Preset(
        "classifier",
        {"net": "lenet", "width": 16, "hidden": 96},
        replace(SHIPPED, epochs=10, batch=128, rate=2e-3),
        "Classifier, LeNet",
        "Convolutions of 5x5 pixels and max pooling, trained on real images only.",
    ),
    "classifier-residual": Preset(
        "classifier",
        {"net": "residual", "width": 16, "hidden": 64},
        replace(SHIPPED, epochs=10, batch=128, rate=2e-3),
        "Classifier, residual",
        "Residual blocks with group norm, trained on real images only.",
    ),
    "emoji-vae": Preset(
        "vae",
        {"latent": 32, "net": "residual-conv", "hidden": 256, "depth": 2, "dropout": 0.0}
        | {"beta": 16.0, "warm_up": 0.1, "flip": 0.5, "affine": 0.5, "hue": 0.1},
        EMOJI,
        "VAE, 32-d",
        "A convolutional VAE of 32x32 images in colour, trained on 3,400 emoji.",
        data="emoji",
    ),
    # anotherdatum.com/vae2, settings as published; rate and batch are those of jmetzen
    "zeldes": Preset(
        "classifier_vae",
        {"net": "sigmoid", "classifier": "sigmoid", "hidden": 128, "binarise": False},
        replace(JMETZEN, epochs=20),
        "VAE with a classifier, as published",
        "One layer of 128 sigmoid units each in encoder, decoder and classifier.",
    ),
    # few labels: an unlabelled image keeps its inferred class when it is distorted
    "few-labels": Preset(
        "classifier_vae",
        {"known": True, "consistency": 10.0, "net": "residual", "depth": 1}
        | {"classifier_dropout": 0.3},
        replace(SHIPPED, epochs=6, labels=100),
        "VAE with a classifier, few labels",
        "Trained with the labels of 100 images, ten of each class.",
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
    "emoji-vae-flow": _flow("emoji-vae", PRESETS["emoji-vae"]),
}
