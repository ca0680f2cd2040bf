"""A Gaussian mixture fitted to codes: what it draws, its file, and the model's method."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae import checkpoint, exporting, mixture_prior, models, service
from vae.checkpoint import CheckpointError
from vae.dataspec import Dataset
from vae.latent import LatentBlock
from vae.mixture_prior import MixturePrior

CENTRES = np.array([[-3.0, 0.0], [3.0, 1.0]])
BLOCKS = (LatentBlock("z", 2, "normal"),)
MIXED = (
    LatentBlock("noise", 1, "normal", role="noise"),
    LatentBlock("z", 2, "normal"),
    LatentBlock("class", 3, "categorical", role="class"),
)


def clusters(count: int = 400, seed: int = 0) -> np.ndarray:
    """Codes around both centres, a quarter of them around the first."""
    rng = np.random.default_rng(seed)
    near = CENTRES[np.where(np.arange(count) % 4, 1, 0)]
    return (near + 0.2 * rng.standard_normal((count, 2))).astype(np.float32)


@pytest.fixture(scope="module")
def mixture() -> MixturePrior:
    return mixture_prior.fit(clusters())


def test_samples_lie_in_the_clusters_of_the_codes(mixture: MixturePrior) -> None:
    drawn = mixture.sample(4000, seed=0)
    distances = np.linalg.norm(drawn[:, None] - CENTRES, axis=2)
    assert distances.min(1).max() < 1.5
    share = (distances.argmin(1) == 0).mean()
    assert abs(share - 0.25) < 0.05
    spread = (drawn - CENTRES[distances.argmin(1)]).std(0)
    np.testing.assert_allclose(spread, 0.2, rtol=0.15)


def correlation(codes: np.ndarray) -> float:
    return float(np.corrcoef(codes[:, 0], codes[:, 1]).flat[1])


def test_correlated_codes_are_drawn_correlated() -> None:
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((2000, 2)) @ [[1, 0.9], [0, 0.3]]
    drawn = mixture_prior.fit(codes).sample(4000, seed=1)
    assert abs(correlation(drawn) - correlation(codes)) < 0.03


def test_the_same_seed_draws_the_same(mixture: MixturePrior) -> None:
    assert np.array_equal(mixture.sample(50, seed=3), mixture.sample(50, seed=3))
    assert not np.array_equal(mixture.sample(50, seed=3), mixture.sample(50, seed=4))


def test_at_temperature_zero_the_means_are_drawn(mixture: MixturePrior) -> None:
    drawn = mixture.sample(100, seed=0, temperature=0.0)
    assert np.linalg.norm(drawn[:, None] - mixture.means, axis=2).min(1).max() < 1e-5


def test_held_out_codes_choose_the_number_of_components() -> None:
    assert len(mixture_prior.fit(clusters(), components=(1, 2, 40)).weights) == 2
    one = np.random.default_rng(0).standard_normal((400, 2))
    assert len(mixture_prior.fit(one).weights) == 1


def test_few_and_repeated_codes_are_fitted() -> None:
    drawn = mixture_prior.fit(np.ones((60, 5), np.float32)).sample(20, seed=0)
    np.testing.assert_allclose(drawn, 1, atol=1e-3)
    with pytest.raises(ValueError, match=r"needs 50 codes or more, not 49"):
        mixture_prior.fit(np.zeros((49, 5), np.float32))


def test_noise_and_classes_keep_their_own_prior(mixture: MixturePrior) -> None:
    drawn = mixture_prior.sample(MIXED, mixture, 300, seed=0)
    own = mixture_prior.sample(MIXED, None, 300, seed=0)
    rest = [0, 3, 4, 5]
    assert np.array_equal(drawn[:, rest], own[:, rest])
    assert np.linalg.norm(drawn[:, None, 1:3] - CENTRES, axis=2).min(1).max() < 1.5


@pytest.mark.parametrize("temperature", [-1.0, np.nan, np.inf])
def test_an_impossible_temperature_is_refused(mixture: MixturePrior, temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature {temperature}"):
        mixture_prior.sample(BLOCKS, mixture, 5, 0, temperature)


def test_the_file_is_read_as_written(mixture: MixturePrior, tmp_path: Path) -> None:
    checkpoint.write_prior(tmp_path, mixture)
    again = checkpoint.read_prior(tmp_path, BLOCKS)
    np.testing.assert_allclose(again.sample(99, seed=0), mixture.sample(99, seed=0), atol=1e-5)


def damaged(folder: Path, **changes: np.ndarray) -> None:
    arrays: dict[str, Any] = {"weights": np.ones(1), "means": np.zeros((1, 2))}
    arrays |= {"factors": np.eye(2)[None]} | changes
    np.savez(folder / checkpoint.PRIOR, **arrays)


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": np.array([0.5])},
        {"weights": np.array([-1.0])},
        {"weights": np.array(["a"])},
        {"weights": np.array([{}], dtype=object)},
        {"means": np.zeros(2)},
        {"means": np.full((1, 2), np.nan)},
        {"means": np.zeros((2, 2))},
        {"factors": np.eye(3)[None]},
        {"means": np.zeros((1, 3)), "factors": np.eye(3)[None]},
    ],
    ids=str,
)
def test_a_damaged_file_is_one_sentence(changes: dict, tmp_path: Path) -> None:
    damaged(tmp_path)
    assert checkpoint.read_prior(tmp_path, BLOCKS).size == 2
    damaged(tmp_path, **changes)
    with pytest.raises(CheckpointError, match=rf"{checkpoint.PRIOR}.*python -m vae encode") as one:
        checkpoint.read_prior(tmp_path, BLOCKS)
    assert "\n" not in str(one.value)


def test_a_truncated_and_a_missing_file_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no mixture prior.*python -m vae encode"):
        checkpoint.read_prior(tmp_path, BLOCKS)
    damaged(tmp_path)
    path = tmp_path / checkpoint.PRIOR
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"is damaged.*python -m vae encode"):
        checkpoint.read_prior(tmp_path, BLOCKS)


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_a_prior_is_fitted_to_the_codes_of_a_model(name: str, few_digits: Dataset) -> None:
    config = {"hidden": 16, "depth": 1, "latent": 3}
    model = models.build(name, config, few_digits.spec).eval()
    found = exporting.fit_prior(model, few_digits)
    assert found is not None
    assert found.size == 3
    again = exporting.fit_prior(model, few_digits)
    assert again is not None
    assert np.array_equal(found.means, again.means)
    assert exporting.fit_prior(model, few_digits.select(slice(10))) is None


def test_a_model_draws_from_the_prior_that_is_asked_for(
    checkpoints: Path, mixture: MixturePrior, tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoints / "vae-2d", tmp_path / "vae-2d")
    model = service.load(str(folder))
    assert model.info.priors == ("normal",)
    with pytest.raises(CheckpointError, match="python -m vae encode"):
        model.sample_prior(5, prior="mixture")
    with pytest.raises(ValueError, match="no prior 'flat'; choose one of normal, mixture"):
        model.sample_prior(5, prior="flat")
    assert abs(model.sample_prior(500, seed=1).std() - 1) < 0.1
    checkpoint.write_prior(folder, mixture)
    drawn = model.sample_prior(500, seed=1, prior="mixture")
    assert np.linalg.norm(drawn[:, None] - CENTRES, axis=2).min(1).max() < 1.5


def test_an_autoencoder_has_a_prior_once_it_is_fitted(
    checkpoints: Path, mixture: MixturePrior, tmp_path: Path
) -> None:
    folders = [shutil.copytree(checkpoints / "ae-2d", tmp_path / name) for name in ("a", "b")]
    checkpoint.write_prior(folders[1], mixture)
    assert [service.info(str(folder)).priors for folder in folders] == [(), ("mixture",)]
