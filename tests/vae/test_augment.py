"""Augmentation: what each change keeps, and how often it is applied."""

import pytest
import torch

from vae import augment
from vae.distributed import Noise

WHITE = torch.ones(3, 3, 12, 10)


@pytest.fixture
def noise() -> Noise:
    made = Noise(torch.device("cpu"))
    made.seed(0)
    return made


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(64, 3, 12, 10, generator=torch.Generator().manual_seed(0))


def test_nothing_changes_with_probability_0(noise: Noise, images: torch.Tensor) -> None:
    assert torch.equal(augment.augment(images, noise, flip=0.0, affine=0.0, hue=0.0), images)


def test_each_image_is_flipped_with_the_given_probability(
    noise: Noise, images: torch.Tensor
) -> None:
    augmented = augment.augment(images, noise, flip=0.5, affine=0.0, hue=0.0)
    flipped = (augmented == images.flip(-1)).flatten(1).all(1)
    kept = (augmented == images).flatten(1).all(1)
    assert (flipped ^ kept).all()
    assert 16 < flipped.sum() < 48
    everything = augment.augment(images, noise, flip=1.0, affine=0.0, hue=0.0)
    assert torch.equal(everything, images.flip(-1))


@pytest.mark.parametrize("channels", [1, 3])
def test_augmented_images_keep_their_shape_and_range(
    noise: Noise, images: torch.Tensor, channels: int
) -> None:
    x = images[:, :channels]
    augmented = augment.augment(x, noise, flip=0.5, affine=1.0, hue=1.0)
    assert augmented.shape == x.shape
    assert augmented.min() >= 0
    assert augmented.max() <= 1
    assert not torch.equal(augmented, x)


def test_the_distortion_continues_the_background(noise: Noise) -> None:
    augmented = augment.augment(WHITE, noise, flip=1.0, affine=1.0, hue=1.0)
    torch.testing.assert_close(augmented, WHITE)
    black = augment.distort(WHITE, torch.ones(3, 6))
    assert black.amin((1, 2, 3)).tolist() == [0, 0, 0]  # zeros move in


def test_draws_in_the_middle_are_the_identity(images: torch.Tensor) -> None:
    middle = torch.full((len(images), 6), 0.5)
    for mode in ("bilinear", "bicubic"):
        same = augment.distort(images, middle, interpolation=mode)
        torch.testing.assert_close(same, images, atol=1e-5, rtol=0)
    torch.testing.assert_close(augment.recolour(images, middle[:, :2]), images, atol=1e-5, rtol=0)


def test_images_that_are_not_square_turn_and_shift_in_pixels(images: torch.Tensor) -> None:
    """As the same image in the middle of a square one."""
    draws = torch.rand(len(images), 6, generator=torch.Generator().manual_seed(2))
    squares = torch.nn.functional.pad(images, (1, 1))  # 12x10 to 12x12
    expected = augment.distort(squares, draws)[..., 1:-1]
    torch.testing.assert_close(augment.distort(images, draws), expected, atol=1e-5, rtol=0)


def test_a_third_of_a_turn_of_the_hue_exchanges_the_channels(images: torch.Tensor) -> None:
    draws = torch.tensor([[0.5 + 1 / 3, 0.5]]).expand(len(images), 2)
    turned = augment.recolour(images, draws)
    torch.testing.assert_close(turned, images.roll(1, 1), atol=1e-5, rtol=0)


def test_the_hue_leaves_greys_grey(images: torch.Tensor) -> None:
    grey = images[:, :1].expand(-1, 3, -1, -1)
    draws = torch.rand(len(images), 2, generator=torch.Generator().manual_seed(1))
    turned = augment.recolour(grey, draws)
    torch.testing.assert_close(turned[:, 0], turned[:, 2], atol=1e-5, rtol=0)
    assert turned.diff(dim=1).abs().max() < 1e-5
