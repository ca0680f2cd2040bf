"""Small things to test the models with: scikit-learn's digits, narrow nets, one thread."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from vae import catalog, checkpoint, data, metrics, service, training
from vae.data import Digits
from vae.models import MODELS
from vae.optim import TrainConfig
from vae.presets import Preset

CPU = torch.device("cpu")
SMALL = {"hidden": 32, "depth": 1}  # settings that every model with a latent space has


@pytest.fixture(scope="session", autouse=True)
def _one_thread_for_what_tests_share() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Small products are faster on one, and sums come out the same on every machine. For each test
    anew: some set another number."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def train_digits() -> Digits:
    return data.load("digits", "train")


@pytest.fixture(scope="session")
def test_digits() -> Digits:
    return data.load("digits", "test")


Small = Callable[..., Preset]


@pytest.fixture(scope="session")
def small() -> Small:
    """A preset that trains in a second; keywords of TrainConfig go to it, others to the model."""

    def preset(model: str = "vae", **settings: Any) -> Preset:
        known = TrainConfig.__dataclass_fields__
        run: dict[str, Any] = {"epochs": 3, "batch": 128} | {
            k: v for k, v in settings.items() if k in known
        }
        fields = MODELS[model].config.__dataclass_fields__
        config = {k: v for k, v in SMALL.items() if k in fields}
        config |= {k: v for k, v in settings.items() if k not in known}
        return Preset(model, config, TrainConfig(**run), "A title", "A description.")

    return preset


@pytest.fixture(scope="session")
def shelf(
    make_once: Callable[[str, Callable[[Path], None]], Path],
    small: Small,
    train_digits: Digits,
    test_digits: Digits,
) -> Path:
    """A folder of trained checkpoints as the app ships them: ae-2d, vae-2d and vae-5d, a model that
    is told the digit, and an independent classifier."""
    return make_once(
        "checkpoints", lambda folder: _train_checkpoints(folder, small, train_digits, test_digits)
    )


def _train_checkpoints(
    folder: Path, small: Small, train_digits: Digits, test_digits: Digits
) -> None:
    for name, model, latent in (
        ("ae-2d", "autoencoder", 2),
        ("vae-2d", "vae", 2),
        ("vae-5d", "vae", 5),
        ("cvae", "conditional_vae", 3),
    ):
        preset = small(model, latent=latent, epochs=6 if name == "vae-2d" else 2, rate=5e-3)
        training.train(preset, train_digits, folder / name, CPU, data="digits", bar=False)
        shipped = checkpoint.read_model(folder / name)
        few = Digits(test_digits.images[:90], test_digits.labels[:90])  # too few for t-SNE: quick
        checkpoint.write_encodings(folder / name, metrics.encode(shipped, few))
    classifier = Preset(
        "classifier", {"width": 4}, TrainConfig(epochs=2, batch=128), "Classifier", "Words."
    )
    training.train(classifier, train_digits, folder / "classifier", CPU, data="digits", bar=False)
    checkpoint.write_json(folder / "vae-2d" / checkpoint.METRICS, {"elbo": -100.5})


@pytest.fixture
def shipped(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The service as it is just after its import, with `shelf` as what is shipped."""

    def forget() -> None:
        for cached in (service.encodings, service.info):
            cached.cache_clear()
        service.unload_all()

    forget()
    monkeypatch.setattr(catalog, "CHECKPOINTS", shelf)
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    yield shelf
    forget()


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the checks of shapes and types that pytest adds, as outside of it: the code's own
    are tested."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def images() -> np.ndarray:
    """[7, 28, 28] grey levels without meaning."""
    return np.random.default_rng(0).random((7, 28, 28), dtype=np.float32)
