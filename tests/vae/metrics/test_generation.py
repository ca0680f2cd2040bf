"""Figures of generated images, on images of which they are known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.vae.drawings import bars, random_bars
from vae import attributes, checkpoint, latent
from vae.dataspec import MNIST, Dataset
from vae.latent import LatentBlock
from vae.likelihoods import likelihood_of
from vae.metrics import generation
from vae.posteriors import Point, Posterior
from vae.tensors import to_tensor


class Bars(nn.Module):
    """Its code is slant and thickness, and it decodes to a bar of these, or of random ones."""

    blocks = (LatentBlock("z", 2, "normal"), LatentBlock("class", 10, "categorical", role="class"))
    class_dims = slice(2, 12)

    def __init__(self, ignores_code: bool = False) -> None:
        super().__init__()
        self.spec, self.likelihood = MNIST, likelihood_of(MNIST)
        self.scale = nn.Parameter(torch.ones(()))
        self.ignores_code = ignores_code

    def encode_given(self, x: Tensor, one_hot: Tensor) -> Posterior:
        images = x[:, 0].numpy()
        style = np.stack([attributes.shear(images), attributes.thickness(images)], 1)
        return Posterior((Point(torch.from_numpy(style).float()), Point(one_hot)))

    def encode(self, x: Tensor) -> Posterior:
        return self.encode_given(x, torch.zeros(len(x), 10))

    def decode(self, z: Tensor) -> Tensor:
        lean, width = z.reshape(-1, 12).numpy()[:, :2].T
        if self.ignores_code:
            lean, width, _ = random_bars(len(lean), 5)
        images = torch.from_numpy(bars(np.asarray(lean), np.asarray(width)))
        return torch.logit(images, eps=1e-6).reshape(*z.shape[:-1], 1, 28, 28)


@pytest.mark.parametrize("ignores_code", [False, True])
def test_style_is_correlated_only_where_the_decoder_uses_the_code(ignores_code: bool) -> None:
    _, _, images = random_bars(500, 1)
    real = Dataset(np.rint(255 * images).astype(np.uint8), np.arange(500) % 10, MNIST)
    found = generation.style(Bars(ignores_code), real)
    assert set(found) == {"style_slant", "style_thickness"}
    if ignores_code:
        assert max(np.abs(list(found.values()))) < 0.2
    else:
        assert min(found.values()) > 0.95


def test_diversity_is_1_for_real_images_and_0_for_copies(train_digits: Dataset) -> None:
    assert generation.diversity(train_digits, train_digits) == pytest.approx(1)
    first = np.array([np.flatnonzero(train_digits.labels == kind)[0] for kind in range(10)])
    copies = Dataset(
        np.repeat(train_digits.samples[first], 20, 0), np.repeat(np.arange(10), 20), MNIST
    )
    assert generation.diversity(copies, train_digits) == pytest.approx(0, abs=1e-3)


def test_diversity_of_images_at_half_contrast_is_half() -> None:
    rng = np.random.default_rng(0)
    real = Dataset(rng.integers(0, 256, (30, 28, 28)).astype(np.uint8), np.arange(30) % 10, MNIST)
    darker = Dataset((real.samples // 2).astype(np.uint8), real.labels, MNIST)
    assert generation.diversity(darker, real) == pytest.approx(0.5, abs=0.01)


def test_a_classifier_learns_from_images_and_not_from_permuted_labels(
    train_digits: Dataset, test_digits: Dataset
) -> None:
    few = train_digits.select(slice(384))
    right = generation.accuracy_of_trained_on(few, test_digits, epochs=16)
    permuted = replace(few, labels=np.random.default_rng(0).permutation(few.labels))
    wrong = generation.accuracy_of_trained_on(permuted, test_digits, epochs=16)
    assert right > 0.8
    assert wrong < 0.4


def test_generated_images_have_the_given_classes_and_repeat(checkpoints: Path) -> None:
    model: Any = checkpoint.read_model(checkpoints / "cvae")
    labels = np.array([3, 1, 4, 1, 5] * 300)  # more than are decoded at once
    images, codes = generation.generate(model, labels, seed=2)
    assert images.shape == (1500, 28, 28)
    np.testing.assert_array_equal(codes[:, model.class_dims].argmax(1), labels)
    z = torch.from_numpy(codes[1200:1210])
    decoded = model.decode(z).sigmoid()[:, 0]
    np.testing.assert_allclose(images[1200:1210], decoded, atol=1e-5)
    np.testing.assert_array_equal(generation.generate(model, labels, seed=2)[0], images)
    assert not np.array_equal(generation.generate(model, labels, seed=3)[0], images)
    still = generation.generate(model, np.zeros(4, int), temperature=0.0)[0]
    np.testing.assert_allclose(still, still[:1].repeat(4, 0), atol=1e-6)


def test_agreement_is_the_accuracy_of_the_classifier(checkpoints: Path) -> None:
    classifier: Any = checkpoint.read_model(checkpoints / "classifier")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 28, 28)).astype(np.uint8)
    classes = classifier.classify(to_tensor(images, MNIST)).argmax(1).numpy()
    given = np.where(np.arange(40) < 10, (classes + 1) % 10, classes)
    assert generation.agreement(classifier, Dataset(images, given, MNIST)) == 0.75


def test_conditional_codes() -> None:
    blocks = Bars.blocks
    codes = latent.conditional_codes(blocks, np.array([7, 0]), np.array([[1, 2], [3, 4.0]]))
    np.testing.assert_array_equal(codes[:, :2], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(codes[:, 2:], np.eye(10)[[7, 0]])
    assert latent.conditional_codes(blocks, np.array([], int)).shape == (0, 12)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("labels", [[10], [-1], [1.5], [[1]], ["3"]])
def test_labels_that_are_no_digits_are_refused(labels: list) -> None:
    with pytest.raises(ValueError, match="classes are whole numbers from 0 to 9"):
        latent.conditional_codes(Bars.blocks, np.array(labels))


def test_codes_of_another_shape_or_space_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 labels need z of 2 numbers, not \(2, 3\)"):
        latent.conditional_codes(Bars.blocks, np.array([1, 2]), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="has no block of the class"):
        latent.conditional_codes(Bars.blocks[:1], np.array([1]))
