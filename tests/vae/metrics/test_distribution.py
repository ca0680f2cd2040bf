"""Figures of the distribution of samples, on sets of which they are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae import checkpoint, figures, models
from vae.dataspec import MNIST, Dataset
from vae.interface import LatentModel
from vae.latent import LatentBlock
from vae.metrics import distribution, generation, neighbours
from vae.metrics.distribution import Moments, frechet_distance, manifold, moments, precision_recall

FEW = 150  # samples of each kind: a test takes little time
IN_FEATURES = {"frechet", "precision", "recall"}


def normal(count: int, size: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def figures_of(
    real: Tensor, generated: Tensor, neighbours: int = 3, chunk: int = 100
) -> tuple[float, float]:
    """Precision and recall of features."""
    balls = [manifold(x, neighbours, chunk=chunk) for x in (real, generated)]
    return precision_recall(*balls, chunk=chunk)


class TestFrechetDistance:
    def test_of_two_gaussians(self) -> None:
        """For covariances that commute it is |m - m'|^2 + |C^1/2 - C'^1/2|^2."""
        turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
        a = Moments(np.array([1.0, 0, 0]), turn @ np.diag([1.0, 4, 9]) @ turn.T)
        b = Moments(np.array([0.0, 2, 0]), turn @ np.diag([4.0, 4, 1]) @ turn.T)
        assert frechet_distance(a, b) == pytest.approx(5 + (1 - 2) ** 2 + (3 - 1) ** 2)
        assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b))

    def test_of_covariances_that_do_not_commute(self) -> None:
        """tr (C C')^1/2 is the sum of the roots of the eigenvalues of C C'."""
        a, b = moments(normal(50, 4)), moments(normal(50, 4, 1) @ normal(4, 4, 2))
        roots = np.sqrt(np.linalg.eigvals(a.covariance @ b.covariance).real)
        traces = np.trace(a.covariance) + np.trace(b.covariance)
        expected = np.square(a.mean - b.mean).sum() + traces - 2 * roots.sum()
        assert frechet_distance(a, b) == pytest.approx(expected)

    @pytest.mark.parametrize("count", [20, 500])
    def test_is_0_for_the_same_samples(self, count: int) -> None:
        """Also where there are fewer samples than features, so that a covariance is singular."""
        found = moments(10 * normal(count, 40))
        assert frechet_distance(found, found) == pytest.approx(0, abs=1e-4)

    def test_grows_with_the_distance(self) -> None:
        real, other = normal(400), normal(400, seed=1)
        near, far = (
            frechet_distance(moments(real), moments(x)) for x in (other + 0.3, other + 2.0)
        )
        assert frechet_distance(moments(real), moments(other)) < near < far
        assert far == pytest.approx(8, rel=0.2)


class TestPrecisionAndRecall:
    def test_of_the_same_set(self) -> None:
        x = normal(100, 5)
        assert figures_of(x, x) == (1, 1)

    def test_of_the_same_distribution(self) -> None:
        assert min(figures_of(normal(800), normal(800, seed=1))) > 0.9

    def test_of_sets_far_apart(self) -> None:
        assert figures_of(normal(50), normal(50, seed=1) + 100) == (0, 0)

    def test_a_mode_that_is_not_generated_lowers_recall_alone(self) -> None:
        modes = torch.tensor([[0.0, 0], [50, 0]])
        real = normal(400) + modes[torch.arange(400) % 2]
        precision, recall = figures_of(real, normal(400, seed=1))
        assert precision > 0.9
        assert recall == pytest.approx(0.5, abs=0.05)

    def test_samples_beyond_the_real_ones_lower_precision_alone(self) -> None:
        modes = torch.tensor([[0.0, 0], [50, 0]])
        generated = normal(400, seed=1) + modes[torch.arange(400) % 2]
        precision, recall = figures_of(normal(400), generated)
        assert precision == pytest.approx(0.5, abs=0.05)
        assert recall > 0.8

    def test_a_single_sample_repeated_covers_nothing_but_itself(self) -> None:
        real = normal(100)
        precision, recall = figures_of(real, real[:1].repeat(100, 1))
        assert precision == 1
        assert recall <= 0.01

    @pytest.mark.parametrize("chunk", [1, 7, 60, 1000])
    def test_the_size_of_a_chunk_changes_nothing(self, chunk: int) -> None:
        real, generated = normal(60, 3), 1.5 * normal(50, 3, 1)
        whole = figures_of(real, generated)
        assert 0 < min(whole) <= max(whole) < 1
        assert figures_of(real, generated, chunk=chunk) == whole

    def test_more_neighbours_cover_more(self) -> None:
        found = [figures_of(normal(60), 3 * normal(60, 2, 1), neighbours=k) for k in (1, 3, 9)]
        assert found == sorted(found)
        assert found[0] < found[-1]

    def test_too_few_samples_are_refused(self) -> None:
        with pytest.raises(ValueError, match="3 neighbours need more than 3 samples"):
            manifold(normal(3))


class TestNeighbours:
    def test_distances_and_radii(self) -> None:
        a, b = normal(9, 4).double(), normal(13, 4, 1).double()
        parts = [part for _, part in neighbours.squared_distances(a, b, chunk=4)]
        assert [len(part) for part in parts] == [4, 4, 1]
        exact = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
        torch.testing.assert_close(torch.cat(parts).sqrt(), exact)
        radii = neighbours.squared_radii(torch.tensor([[0.0], [1], [3], [7]]).double(), 2)
        assert radii.sqrt().tolist() == pytest.approx([3, 2, 3, 6])

    def test_the_nearest(self) -> None:
        known, x = normal(30, 4), normal(11, 4, 1)
        expected = torch.cdist(x, known).argmin(1)
        for chunk in (3, 100):
            torch.testing.assert_close(neighbours.nearest(known, x, chunk=chunk), expected)


def test_gradient_energy_of_stripes_and_of_blurred_images(test_digits: Dataset) -> None:
    stripes = np.zeros((2, 28, 28), np.uint8)
    stripes[:, :, ::2] = 255
    flat = Dataset(np.full_like(stripes, 90), np.arange(2), MNIST)
    assert distribution.gradient_energy(flat) == 0
    found = distribution.gradient_energy(Dataset(stripes, np.arange(2), MNIST))
    assert found == pytest.approx(27 / 28), "27 steps of 1 a row of 28 pixels"
    x = torch.from_numpy(test_digits.samples)[:, None].float()
    blurred = nn.functional.avg_pool2d(x, 3, 1, 1)[:, 0].round().byte().numpy()
    soft = Dataset(blurred, test_digits.labels, MNIST)
    energy = [distribution.gradient_energy(data) for data in (soft, test_digits)]
    assert energy[0] < 0.6 * energy[1]


def test_the_error_of_the_nearest_generated_image(test_digits: Dataset) -> None:
    few = test_digits.select(slice(60))
    assert generation.nearest_neighbour_error(few, few) == 0
    shifted = Dataset(few.samples, (few.labels + 1) % 10, MNIST)
    assert generation.nearest_neighbour_error(shifted, few) == 1
    unknown = Dataset(few.samples, np.where(np.arange(60) < 20, few.labels, -1), MNIST)
    assert generation.nearest_neighbour_error(few, unknown) == 0


class Remembers(LatentModel):
    """Decodes to images that it holds: the one at the index that the code is rounded to; it has no
    encoder."""

    blocks = (LatentBlock("z", 1, "uniform"),)

    def __init__(self, images: np.ndarray) -> None:
        super().__init__(MNIST)
        self.images = torch.from_numpy(images).float()[:, None] / 255

    def decode(self, z: Tensor) -> Tensor:
        rows = ((z[:, 0] + 1) / 2 * len(self.images)).long().clamp(0, len(self.images) - 1)
        return torch.logit(self.images[rows], eps=1e-6)


class RemembersClasses(Remembers):
    """Decodes to an image of the class asked for."""

    blocks = (
        LatentBlock("z", 1, "uniform"),
        LatentBlock("class", 10, "categorical", role="class"),
    )
    class_dims = slice(1, 11)

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        super().__init__(images)
        self.rows = [torch.from_numpy(np.flatnonzero(labels == y)) for y in range(10)]

    def decode(self, z: Tensor) -> Tensor:
        groups = [self.rows[int(y)] for y in z[:, self.class_dims].argmax(1)]
        at = [int((float(u) + 1) / 2 * (len(g) - 1)) for u, g in zip(z[:, 0], groups, strict=True)]
        chosen = torch.stack([group[i] for group, i in zip(groups, at, strict=True)])
        return torch.logit(self.images[chosen], eps=1e-6)


@pytest.fixture
def classifiers(checkpoints: Path) -> dict[str, Any]:
    """A trained classifier, and an untrained one of another architecture."""
    torch.manual_seed(0)
    other = models.build("classifier", {"net": "lenet", "width": 4, "hidden": 12})
    return {"classifier": checkpoint.read_model(checkpoints / "classifier"), "other": other.eval()}


def measure(model: Any, classifiers: dict[str, Any], train: Dataset, test: Dataset) -> dict:
    return distribution.evaluate(model, classifiers, train, test, quiet=True)


class TestEvaluate:
    def test_real_images_reach_the_floor_and_noise_does_not(
        self, classifiers: dict[str, Any], train_digits: Dataset, test_digits: Dataset
    ) -> None:
        test, train = test_digits.select(slice(FEW)), train_digits
        found = measure(Remembers(train.samples), classifiers, train, test)
        expected = {*IN_FEATURES, *(f"{name}_other" for name in IN_FEATURES), "sure", "sharpness"}
        assert set(found["floor"]) == expected | {"diversity", "nearest_neighbour_error"}
        assert set(found) == expected | {"diversity", "floor"}
        assert found["floor"]["nearest_neighbour_error"] < 0.4
        assert all(figures.of_samples(name) for name in found)
        noise = np.random.default_rng(0).integers(0, 256, (FEW, 28, 28)).astype(np.uint8)
        noisy = measure(Remembers(noise), classifiers, train, test)
        assert noisy["floor"] == found["floor"]
        for suffix in ("", "_other"):
            assert found[f"precision{suffix}"] > 0.4 > noisy[f"precision{suffix}"]
            assert noisy[f"frechet{suffix}"] > 3 * found[f"frechet{suffix}"]
        assert found["diversity"] > 0, "a weak classifier finds few of the classes"
        assert found["floor"]["diversity"] == pytest.approx(1, abs=0.1)
        assert found["sharpness"] == pytest.approx(1, abs=0.15)
        assert noisy["sharpness"] > 1.5

    def test_a_single_image_has_no_diversity(
        self, classifiers: dict[str, Any], train_digits: Dataset, test_digits: Dataset
    ) -> None:
        test = test_digits.select(slice(FEW))
        found = measure(Remembers(train_digits.samples[:1]), classifiers, train_digits, test)
        assert found["diversity"] == 0
        assert found["recall"] < 0.1

    def test_a_conditional_model_is_asked_for_the_classes_of_the_test_set(
        self, classifiers: dict[str, Any], train_digits: Dataset, test_digits: Dataset
    ) -> None:
        test = test_digits.select(np.flatnonzero(test_digits.labels < 3)[:FEW])
        model: Any = RemembersClasses(train_digits.samples, train_digits.labels)
        drawn = distribution.draw(model, test)
        np.testing.assert_array_equal(np.bincount(drawn.labels), np.bincount(test.labels))
        test = test_digits.select(slice(FEW))
        found = measure(model, classifiers, train_digits, test)
        assert "diversity" not in found, "it is one of samples given a class"
        assert found["precision"] > 0.4

    @pytest.mark.parametrize("settings", [{}, {"conditional": True}])
    def test_a_gan(
        self,
        settings: dict[str, Any],
        classifiers: dict[str, Any],
        train_digits: Dataset,
        test_digits: Dataset,
    ) -> None:
        small = {"latent": 8, "directions": 4, "width": 8, "critic": 8}
        model = models.build("dcgan", small | settings).eval()
        found = measure(model, classifiers, train_digits, test_digits.select(slice(FEW)))
        assert all(np.isfinite(v) for name, v in found.items() if name != "floor")
        again = measure(model, classifiers, train_digits, test_digits.select(slice(FEW)))
        assert again == found


def test_names_of_figures() -> None:
    assert figures.parse("frechet") == ("frechet", "")
    assert figures.parse("recall_classifier-lenet") == ("recall", "classifier-lenet")
    assert figures.parse("nearest_neighbour_error") == ("nearest_neighbour_error", "")
    assert not figures.of_samples("elbo")
    for figure in figures.FIGURES.values():
        assert figure.explanation.endswith(".")
        assert figure.best in {"low", "high", "one"}
