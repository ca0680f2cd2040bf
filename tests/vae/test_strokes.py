"""Slant and thickness on the device are those of `attributes`; styles are to change with them."""

import pytest
import torch

from tests.vae.drawings import random_bars
from vae import attributes, augment, strokes


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.from_numpy(random_bars(50, seed=1)[2])[:, None]


@pytest.mark.parametrize("name", ["slant", "thickness"])
def test_measures_are_those_of_the_attributes(images: torch.Tensor, name: str) -> None:
    expected = torch.from_numpy(getattr(attributes, name)(images[:, 0].numpy())).float()
    found = getattr(strokes, name)(images)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_an_image_without_ink_has_finite_measures() -> None:
    for measure in strokes.MEASURES:
        assert measure(torch.zeros(2, 1, 8, 5)).isfinite().all()


def test_a_style_that_changes_as_the_attributes_do_has_no_error(images: torch.Tensor) -> None:
    distorted = augment.distort(
        images, torch.rand(50, 6, generator=torch.Generator().manual_seed(0))
    )
    moved = torch.stack(
        [
            (measure(distorted) - measure(images)) / (strokes.REACH * measure(images).std())
            for measure in strokes.MEASURES
        ],
        1,
    )
    right = strokes.change_error(moved, images, distorted)
    torch.testing.assert_close(right, torch.zeros(50), atol=1e-6, rtol=0)
    assert strokes.change_error(-moved, images, distorted).mean() > 0.01
    assert strokes.change_error(moved[:, :1], images, distorted).shape == (50,)


def test_thicken_makes_strokes_thicker_or_thinner_and_none_vanish(images: torch.Tensor) -> None:
    before = strokes.thickness(images)
    levels = torch.linspace(0, 1, 5)
    after = torch.stack([strokes.thickness(augment.thicken(images, d.expand(50))) for d in levels])
    assert (after[:-1] > after[1:]).all(), "a higher level leaves less"
    assert (after[0] > before).all()
    assert (after[-1] < before).all()
    assert augment.thicken(images, torch.ones(50)).amax((1, 2, 3)).min() > 0.5
