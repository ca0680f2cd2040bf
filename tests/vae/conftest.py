"""Small data sets and models, trained once for all tests; every test runs on one thread."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from vae import catalog, checkpoint, data, metrics, service, training
from vae.dataspec import Dataset
from vae.models import MODELS
from vae.optim import TrainConfig
from vae.presets import Preset

CPU = torch.device("cpu")
SMALL = {"net": "residual", "hidden": 32, "depth": 1}  # of every model with a latent space


@pytest.fixture(scope="session", autouse=True)
def _one_thread_for_session_fixtures() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Small products are faster on one thread, and sums are the same on every machine. Before each
    test: some set another number."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def train_digits() -> Dataset:
    return data.load("digits", "train")


@pytest.fixture(scope="session")
def test_digits() -> Dataset:
    return data.load("digits", "test")


@pytest.fixture(scope="session")
def few_digits(train_digits: Dataset) -> Dataset:
    """200 images to train on where it does not matter how well."""
    return train_digits.select(slice(200))


Small = Callable[..., Preset]


@pytest.fixture(scope="session")
def small() -> Small:
    """A preset that trains in a second; keywords of TrainConfig go to it, others to the model."""

    def preset(model: str = "vae", **settings: Any) -> Preset:
        train_fields = TrainConfig.__dataclass_fields__
        run: dict[str, Any] = {"epochs": 3, "batch": 100} | {
            k: v for k, v in settings.items() if k in train_fields
        }
        fields = MODELS[model].config.__dataclass_fields__
        config = {k: v for k, v in SMALL.items() if k in fields}
        config |= {k: v for k, v in settings.items() if k not in train_fields}
        return Preset(model, config, TrainConfig(**run), "A title", "A description.")

    return preset


@pytest.fixture(scope="session")
def checkpoints(
    make_once: Callable[[str, Callable[[Path], None]], Path],
    small: Small,
    train_digits: Dataset,
    test_digits: Dataset,
) -> Path:
    """A folder of trained checkpoints as the app ships them: ae-2d, vae-2d, vae-5d, a conditional
    model, and an independent classifier."""
    return make_once(
        "checkpoints", lambda folder: _train_checkpoints(folder, small, train_digits, test_digits)
    )


def _train_checkpoints(
    folder: Path, small: Small, train_digits: Dataset, test_digits: Dataset
) -> None:
    for name, model, latent in (
        ("ae-2d", "autoencoder", 2),
        ("vae-2d", "vae", 2),
        ("vae-5d", "vae", 5),
        ("cvae", "conditional_vae", 3),
    ):
        preset = small(model, latent=latent, epochs=6 if name == "vae-2d" else 2, rate=5e-3)
        training.train(preset, train_digits, folder / name, CPU, source="digits", bar=False)
        model = checkpoint.read_model(folder / name)
        few = test_digits.select(slice(90))  # too few for t-SNE, slow
        checkpoint.write_encodings(folder / name, metrics.encode(model, few))
    classifier = Preset(
        "classifier", {"width": 4}, TrainConfig(epochs=2, batch=128), "Classifier", "A description."
    )
    training.train(classifier, train_digits, folder / "classifier", CPU, source="digits", bar=False)
    checkpoint.write_json(folder / "vae-2d" / checkpoint.METRICS, {"elbo": -100.5})


@pytest.fixture
def shipped(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The service as just imported, with `checkpoints` as those that are shipped."""

    def forget() -> None:
        for cached in (service.encodings, service.info):
            cached.cache_clear()
        service.unload_all()

    forget()
    monkeypatch.setattr(catalog, "CHECKPOINTS", checkpoints)
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    yield checkpoints
    forget()


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the run-time checks of shapes and types that pytest adds."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def images() -> np.ndarray:
    """Uniform noise, [7, 28, 28]."""
    return np.random.default_rng(0).random((7, 28, 28), dtype=np.float32)
