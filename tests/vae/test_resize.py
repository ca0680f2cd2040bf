"""Resizing to the shape of a sample."""

import numpy as np
import pytest

from vae.dataspec import DataSpec
from vae.resize import as_sample, grey, opaque, resize


def test_an_image_of_the_right_size_is_unaltered() -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize(image, 12, 9), image)


def test_the_aspect_ratio_is_kept_and_the_rest_has_the_borders_colour() -> None:
    image = np.full((20, 40, 3), (10, 200, 30), np.uint8)
    image[8:12, 18:22] = 255
    small = resize(image, 16, 16)
    assert small.shape == (16, 16, 3)
    np.testing.assert_array_equal(small[:4], np.full((4, 16, 3), (10, 200, 30), np.uint8))
    bright = np.argwhere(small[..., 0] > 100)
    assert np.ptp(bright, axis=0).tolist() == [1, 1], "a square stays one"


def test_the_mean_is_kept() -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 120), dtype=np.uint8)
    assert resize(image, 20, 20).mean() == pytest.approx(image.mean(), abs=1)
    assert resize(image, 120, 120).std() > 5 * resize(image, 10, 10).std(), "antialiased"


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (120, 255), (250, 0)])
def test_transparent_parts_contrast_with_the_ink(ink: int, paper: int) -> None:
    image = np.zeros((10, 10, 4), np.uint8)
    image[3:7, 3:7] = (ink, ink, ink, 255)
    mixed = opaque(image)
    assert mixed[0, 0].tolist() == [paper] * 3
    assert mixed[5, 5].tolist() == [ink] * 3
    np.testing.assert_array_equal(opaque(image[..., [0, 3]]), mixed[..., 0])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 2), (30, 20, 3), (30, 20, 4)])
def test_any_image_becomes_a_sample(channels: int, shape: tuple[int, ...]) -> None:
    spec = DataSpec("image", (channels, 8, 11), "bernoulli")
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    sample = as_sample(image, spec)
    assert sample.shape == spec.array_shape
    assert sample.dtype == np.uint8


def test_grey_pixels_keep_their_value() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(grey(np.repeat(levels[..., None], 3, axis=2)), levels)
