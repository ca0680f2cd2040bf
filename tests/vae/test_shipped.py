"""The contract of the checkpoints that the app ships, whatever their model and their data."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae import checkpoint, data, latent, service
from vae.interface import abilities
from vae.models import MODELS

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "checkpoints"
NAMES = sorted(path.parent.name for path in ASSETS.glob(f"*/{checkpoint.CONFIG}"))

pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The service as just imported, on the CPU."""
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    yield
    service.unload_all()
    for cached in (service.encodings, service.info):
        cached.cache_clear()


def samples_for(name: str) -> np.ndarray:
    """Noise, black and white images for a model, float32 [8, *array_shape]."""
    shape = service.info(name).spec.array_shape
    noise = np.random.default_rng(0).random((6, *shape), np.float32)
    return np.concatenate([noise, np.zeros((1, *shape)), np.ones((1, *shape))]).astype(np.float32)


def test_the_weights_fit_the_manifest(name: str) -> None:
    manifest, model = checkpoint.read_manifest(ASSETS / name), checkpoint.read_model(ASSETS / name)
    assert manifest.model in MODELS
    assert model.spec == manifest.spec
    unnamed = [[replace(b, name="") for b in blocks] for blocks in (model.blocks, manifest.blocks)]
    assert unnamed[0] == unnamed[1], "names may be those of an earlier version"
    assert abilities(model) == set(manifest.abilities)
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_info_describes_it(name: str) -> None:
    info = service.info(name)
    assert info.title
    assert info.description.endswith(".")
    assert info.data in data.DATASETS
    assert data.Options.from_json(info.options) == data.Options(), "the page shows the originals"
    assert info.figures["test_images"] > 0
    assert len(info.kl) == len(info.active) == info.dims
    assert np.isfinite(info.kl).all()
    assert sorted(info.order) == list(latent.continuous(info.blocks))
    if "conditions" in info.abilities:
        assert info.class_dims is not None
        assert info.class_dims.stop - info.class_dims.start == len(info.spec.classes)


def test_its_encodings_fit_its_figures_and_classes(name: str) -> None:
    info = service.info(name)
    if "encodes" not in info.abilities:
        pytest.skip("it does not encode")
    encodings = service.encodings(name)
    assert encodings.mean.shape == (info.figures["test_images"], info.dims)
    assert encodings.labels.max() == len(info.spec.classes) - 1
    assert encodings.kl.min() >= 0
    assert encodings.attributes
    # the stored terms of the ELBO are as precise as the figures
    cross_entropy = encodings.cross_entropy.mean(dtype=float)
    assert cross_entropy == pytest.approx(info.figures["grey_cross_entropy"], rel=1e-5, abs=2e-3)
    if "grey_elbo" in info.figures:
        elbo = -cross_entropy - encodings.kl.mean(dtype=float)
        assert elbo == pytest.approx(info.figures["grey_elbo"], rel=1e-5, abs=2e-3)
    steps = np.unique(encodings.cross_entropy)
    assert len(steps) > 0.9 * len(encodings.cross_entropy), "nearly all samples differ"


def test_it_encodes_decodes_and_classifies_any_sample(name: str) -> None:
    model, samples = service.load(name), samples_for(name)
    info = model.info
    if "encodes" in info.abilities:
        mean, logvar = model.encode(samples)
        assert mean.shape == logvar.shape == (8, info.dims)
        assert np.isfinite(mean).all()
        assert (np.isfinite(logvar) | np.isneginf(logvar)).all()
        drawn = model.draw(samples, 3)
        assert drawn.shape == (8, 3, info.dims)
        assert np.isfinite(drawn).all()
        terms: Any = model.reconstruct(samples)
        assert np.isfinite(terms.cross_entropy).all()
        assert (terms.kl > -0.1).all(), "that of a mixture is an estimate"
    if "decodes" in info.abilities:
        codes = latent.sample_prior(info.blocks, 8, seed=0)
        decoded = model.decode(codes)
        assert decoded.shape == samples.shape
        assert decoded.min() >= 0
        assert decoded.max() <= 1
        assert decoded.std(axis=0).max() > 0.1, "the code has an effect"
        pictures = model.pictures(codes)
        assert pictures.dtype == np.uint8
        np.testing.assert_allclose(pictures, 255 * decoded, atol=1)
    if "classifies" in info.abilities:
        probabilities = model.classify(samples)
        assert probabilities.shape == (8, len(info.spec.classes))
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


def test_its_history_has_samples_of_its_shape(name: str) -> None:
    info, history = service.info(name), service.history(name)
    (epochs,) = {len(curve) for curve in history.curves.values()}
    assert history.sheets.shape[2:] == info.spec.array_shape
    assert len(history.sheets) in (0, epochs)
