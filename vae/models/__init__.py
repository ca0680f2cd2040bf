"""MODELS: every model by name. A new model is one file beside this one and one line below."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from vae.dataspec import MNIST, Dataset, DataSpec
from vae.interface import LatentModel, Step
from vae.models import (
    autoencoder,
    classifier,
    classifier_vae,
    conditional_vae,
    dcgan,
    infogan,
    ss_infogan,
    vae,
    vae_gan,
)


class ModelSpec(NamedTuple):
    """How a model is configured, built and trained."""

    config: type  # a frozen dataclass of JSON scalars
    model: Callable[[Any, DataSpec], LatentModel]  # config, the data's spec -> module
    make_step: Callable[..., Step]  # (module, TrainConfig, Noise) -> Step
    # changes a trained model once, such as the axes of its code, given samples: those held out
    # from its training, else the training samples
    finish: Callable[[Any, Dataset], None] | None = None


MODELS: dict[str, ModelSpec] = {
    "autoencoder": ModelSpec(
        autoencoder.AutoencoderConfig, autoencoder.Autoencoder, autoencoder.make_step
    ),
    "classifier": ModelSpec(
        classifier.ClassifierConfig, classifier.Classifier, classifier.make_step
    ),
    "classifier_vae": ModelSpec(
        classifier_vae.ClassifierVAEConfig, classifier_vae.ClassifierVAE, classifier_vae.make_step
    ),
    "conditional_vae": ModelSpec(
        conditional_vae.ConditionalVAEConfig,
        conditional_vae.ConditionalVAE,
        conditional_vae.make_step,
    ),
    "dcgan": ModelSpec(dcgan.DCGANConfig, dcgan.build, dcgan.make_step, dcgan.finish),
    "infogan": ModelSpec(infogan.InfoGANConfig, infogan.build, infogan.make_step, infogan.finish),
    "ss_infogan": ModelSpec(
        ss_infogan.SSInfoGANConfig, ss_infogan.SSInfoGAN, ss_infogan.make_step, infogan.finish
    ),
    "vae": ModelSpec(vae.VAEConfig, vae.VAE, vae.make_step),
    "vae_gan": ModelSpec(vae_gan.VAEGANConfig, vae_gan.VAEGAN, vae_gan.make_step),
}


def config(name: str, settings: dict[str, Any]) -> Any:
    """A model's config from a dict of JSON scalars.

    Raises ValueError for a name that is not in MODELS, for unknown settings and for values out of
    range.
    """
    if name not in MODELS:
        raise ValueError(f"there is no model {name!r}; choose one of {', '.join(MODELS)}")
    types = {f.name: str(f.type) for f in dataclasses.fields(MODELS[name].config)}
    if unknown := sorted(set(settings) - set(types)):
        raise ValueError(f"{name} has no setting {', '.join(unknown)}; it has {', '.join(types)}")
    for setting, value in settings.items():
        given, expected = type(value).__name__, types[setting]
        if given != expected and (given, expected) != ("int", "float"):
            raise ValueError(f"{setting} of {name} is of type {expected}, not {value!r}")
    converted = {k: float(v) if types[k] == "float" else v for k, v in settings.items()}
    return MODELS[name].config(**converted)


def build(name: str, settings: dict[str, Any], spec: DataSpec = MNIST) -> LatentModel:
    """A model with random weights, for data of this spec. Raises as `config`, and ValueError where
    the model does not fit the data."""
    checked = config(name, settings)
    return MODELS[name].model(checked, spec)
