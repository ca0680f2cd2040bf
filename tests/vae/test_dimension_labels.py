"""Dimensions are named by what they change in a constructed decoder of bars."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.vae.drawings import bars, random_bars
from vae import dimension_labels
from vae.dataspec import MNIST, Dataset
from vae.dimension_labels import Change
from vae.latent import LatentBlock


class Bars(nn.Module):
    """Draws a bar: dimension 1 is its lean, 2 the inverse of its width, 0 and 3 do nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.spec, self.likelihood = MNIST, SimpleNamespace(mean=torch.sigmoid)
        self.blocks = (
            LatentBlock("noise", 1, "normal", role="noise"),
            LatentBlock("style", 3, "uniform"),
        )

    def decode(self, z: Tensor) -> Tensor:
        drawn = bars(0.4 * z[:, 1].numpy(), 4 - 2 * z[:, 2].numpy())
        return torch.logit(torch.from_numpy(drawn)[:, None], eps=1e-4)


@pytest.fixture(scope="module")
def real() -> Dataset:
    images = np.rint(255 * random_bars(300, seed=0)[2]).astype(np.uint8)
    return Dataset(images, np.full(300, -1), MNIST)


def test_each_dimension_is_named_by_what_it_changes(real: Dataset) -> None:
    model = Bars()
    signs = dimension_labels.name_block(model, 1, real)
    assert model.blocks[1].labels == ("slant", "thickness", "")
    assert signs.tolist() == [1, -1, 1]
    assert model.blocks[0].labels == ()


def test_the_change_is_in_deviations_of_real_samples(real: Dataset) -> None:
    """A uniform distribution over a range has a deviation of the range / sqrt(12)."""
    lean, width, still = dimension_labels.measure(Bars(), (1, 2, 3), real, count=10)
    assert lean["slant"].correlation == pytest.approx(1, abs=1e-3)
    assert lean["slant"].span == pytest.approx(12**0.5, rel=0.1)
    assert width["thickness"].correlation == pytest.approx(-1, abs=1e-3)
    assert width["thickness"].span == pytest.approx(-(12**0.5), rel=0.1)
    assert set(still.values()) == {Change(0.0, 0.0)}


def test_a_change_that_is_small_or_unsteady_gives_no_name() -> None:
    label = dimension_labels.label
    assert label({"slant": Change(1.0, 0.5), "height": Change(0.2, 3.0)}).name == ""
    assert label({"slant": Change(0.9, 1.5), "height": Change(-0.8, -3.0)}).name == "slant"


def test_a_sweep_changes_one_dimension_over_its_range() -> None:
    codes = dimension_labels.sweeps(Bars().blocks, 2, count=4, steps=5, seed=1)
    assert codes.shape == (4, 5, 4)
    np.testing.assert_allclose(codes[:, :, 2], [[-1, -0.5, 0, 0.5, 1]] * 4)
    rest = np.delete(codes, 2, axis=2)
    assert (rest == rest[:, :1]).all()
    assert len(np.unique(rest[:, 0], axis=0)) == 4
