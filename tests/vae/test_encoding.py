"""Packed for many images: the same codes, the original untouched."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vae import checkpoint, encoding, service
from vae.encoding import Packed, packed

CPU = torch.device("cpu")
ENCODE = ("ae-2d", "vae-5d", "cvae")

pytestmark = pytest.mark.skipif(not encoding.packs(CPU), reason="no AVX-512, or no oneDNN")


@pytest.fixture
def many() -> np.ndarray:
    return np.random.default_rng(1).random((300, 28, 28), dtype=np.float32)


@pytest.mark.parametrize("count", [1, 256, 300])
@pytest.mark.parametrize("name", ENCODE)
def test_the_codes_are_the_same(name: str, count: int, checkpoints: Path, many: np.ndarray) -> None:
    model: Any = checkpoint.read_model(checkpoints / name)
    twin: Any = packed(model)
    x = torch.from_numpy(many[:count])
    with torch.inference_mode():
        for mine, other in zip(twin.encode(x), model.encode(x), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_the_original_stays_as_it_was(checkpoints: Path) -> None:
    model = checkpoint.read_model(checkpoints / "cvae")
    before = copy.deepcopy(model.state_dict())
    twin = packed(model)
    assert not any(isinstance(part, Packed) for part in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    reads = [part for name, part in twin.named_modules() if not name.startswith("decoder")]
    assert any(isinstance(part, Packed) for part in reads)
    assert not any(isinstance(part, nn.Linear) for part in reads)


def test_the_rest_is_shared(checkpoints: Path) -> None:
    model: Any = checkpoint.read_model(checkpoints / "cvae")
    twin: Any = packed(model)
    ours, theirs = twin.decoder.parameters(), model.decoder.parameters()
    assert all(a is b for a, b in zip(ours, theirs, strict=True))


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("name", ENCODE)
def test_the_service_reads_many_by_it(name: str, checkpoints: Path, many: np.ndarray) -> None:
    model = service.load(name)
    module: Any = checkpoint.read_model(checkpoints / name)
    mean, _ = model.encode(many)
    assert model._packed is not None
    with torch.inference_mode():
        expected = module.encode(torch.from_numpy(many)).mean.numpy()
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("shipped")
def test_a_few_are_read_by_the_model_itself(many: np.ndarray) -> None:
    model = service.load("vae-5d")
    model.encode(many[:16])
    assert model._packed is None
