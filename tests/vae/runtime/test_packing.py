"""A packed copy of a model: the same codes, and the original is not changed."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vae import checkpoint, service
from vae.runtime import packing
from vae.runtime.packing import Packed, packed
from vae.tensors import to_tensor

CPU = torch.device("cpu")
ENCODE = ("ae-2d", "vae-5d", "cvae")

pytestmark = pytest.mark.skipif(not packing.packs(CPU), reason="no AVX-512, or no oneDNN")


@pytest.fixture
def many() -> np.ndarray:
    return np.random.default_rng(1).random((300, 28, 28), dtype=np.float32)


@pytest.mark.parametrize("count", [1, 256, 300])
@pytest.mark.parametrize("name", ENCODE)
def test_the_codes_are_the_same(name: str, count: int, checkpoints: Path, many: np.ndarray) -> None:
    model: Any = checkpoint.read_model(checkpoints / name)
    copied: Any = packed(model)
    x = to_tensor(many[:count], model.spec)
    with torch.inference_mode():
        one, other = copied.encode(x), model.encode(x)
        torch.testing.assert_close(one.code, other.code, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(one.logvar, other.logvar, rtol=1e-4, atol=1e-5)


def test_the_original_is_not_changed(checkpoints: Path) -> None:
    model = checkpoint.read_model(checkpoints / "cvae")
    before = copy.deepcopy(model.state_dict())
    copied = packed(model)
    assert not any(isinstance(part, Packed) for part in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    encoding_parts = [
        part for name, part in copied.named_modules() if not name.startswith("decoder")
    ]
    assert any(isinstance(part, Packed) for part in encoding_parts)
    assert not any(isinstance(part, nn.Linear) for part in encoding_parts)


def test_the_decoder_is_shared(checkpoints: Path) -> None:
    model: Any = checkpoint.read_model(checkpoints / "cvae")
    copied: Any = packed(model)
    ours, theirs = copied.decoder.parameters(), model.decoder.parameters()
    assert all(a is b for a, b in zip(ours, theirs, strict=True))


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("name", ENCODE)
def test_the_service_encodes_many_images_by_it(
    name: str, checkpoints: Path, many: np.ndarray
) -> None:
    model: Any = service.load(name)
    module: Any = checkpoint.read_model(checkpoints / name)
    mean, _ = model.encode(many)
    assert model._runtime._packed is not None
    with torch.inference_mode():
        expected = module.encode(to_tensor(many, module.spec)).code.numpy()
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("shipped")
def test_the_service_encodes_few_images_by_the_original(many: np.ndarray) -> None:
    model: Any = service.load("vae-5d")
    model.encode(many[:16])
    assert model._runtime._packed is None
