"""The networks of classifiers."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from vae import models, nets
from vae.classifier_nets import CLASSIFIERS
from vae.dataspec import MNIST, DataSpec
from vae.presets import PRESETS

SPECS = (MNIST, replace(MNIST, shape=(3, 21, 32), classes=("cat", "dog", "fox")))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.shape))
@pytest.mark.parametrize("net", CLASSIFIERS)
def test_the_logits_are_linear_in_the_features(net: str, spec: DataSpec) -> None:
    settings = {"net": net, "width": 8, "hidden": 12}
    model: Any = models.build("classifier", settings, spec).eval()
    x = torch.rand(5, *spec.shape)
    features, last = model.features(x), model.net[-1]
    assert isinstance(last, nn.Linear)
    assert features.shape == (5, last.in_features)
    torch.testing.assert_close(last(features).log_softmax(1), model.classify(x))
    assert features.std(0).max() > 1e-4, "the features depend on the sample"


def test_the_shipped_classifiers_have_different_architectures() -> None:
    presets = [preset for preset in PRESETS.values() if preset.model == "classifier"]
    used = [preset.config.get("net", "conv") for preset in presets]
    assert sorted(used) == ["conv", "lenet", "residual"]


def test_another_net_is_refused() -> None:
    with pytest.raises(ValueError, match="no classifier 'vgg'; choose one of conv, lenet"):
        nets.classifier("vgg", MNIST, 8, 0.0)
