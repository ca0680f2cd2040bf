"""Attributes measured on images are those of the strokes and colours that were drawn."""

import numpy as np
import pytest

from tests.vae.drawings import bars, random_bars
from vae import attributes
from vae.dataspec import MNIST, Dataset, DataSpec

COLOUR = DataSpec("image", (3, 12, 9), "bernoulli")


def rectangle(left: int, top: int, width: int, height: int) -> np.ndarray:
    """A white rectangle on black, [1, 40, 30]."""
    image = np.zeros((1, 40, 30), np.float32)
    image[0, top : top + height, left : left + width] = 1
    return image


@pytest.mark.parametrize(("width", "height"), [(4, 20), (12, 12), (25, 3)])
@pytest.mark.parametrize("place", [(0, 0), (5, 11)])
def test_width_and_height_are_those_of_an_upright_rectangle(
    width: int, height: int, place: tuple[int, int]
) -> None:
    image = rectangle(*place, width, height)
    kept = 1 - 2 * attributes.OUTSIDE
    assert attributes.width(image)[0] == pytest.approx(kept * width, rel=1e-3)
    assert attributes.height(image)[0] == pytest.approx(kept * height, rel=1e-3)
    assert attributes.slant(image)[0] == pytest.approx(0, abs=1e-6)


def test_slant_and_thickness_are_those_of_a_stroke() -> None:
    lean, width, images = random_bars(200, 0)
    np.testing.assert_allclose(attributes.shear(images), lean, atol=0.02)
    np.testing.assert_allclose(attributes.slant(images), np.arctan(lean), atol=0.02)
    assert np.corrcoef(attributes.thickness(images), width)[0, 1] > 0.97
    upright = bars(np.zeros(2), np.array([2.0, 4.0]))
    np.testing.assert_allclose(attributes.thickness(upright), [2, 4], rtol=0.25)


def test_a_slanted_stroke_is_as_wide_as_an_upright_one() -> None:
    lean = np.linspace(-0.4, 0.4, 5)
    images = bars(lean, np.full(5, 3.0))
    np.testing.assert_allclose(attributes.width(images), attributes.width(images)[2], rtol=0.12)
    covered = [np.ptp(np.flatnonzero(image.sum(0) > 0)) for image in images]
    assert covered[0] > 1.5 * covered[2], "the columns that it covers are more"


def test_a_scaled_image_has_scaled_lengths() -> None:
    small = bars(np.array([0.2]), np.array([4.0]))
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    assert attributes.height(large)[0] == pytest.approx(2 * attributes.height(small)[0], rel=0.02)
    # the steps of its edges are larger for a large stroke, and smoother for one of more pixels
    assert attributes.width(large)[0] == pytest.approx(2 * attributes.width(small)[0], rel=0.12)
    assert attributes.slant(large)[0] == pytest.approx(attributes.slant(small)[0], abs=1e-2)


def test_an_image_without_ink_has_finite_attributes() -> None:
    blank = np.zeros((2, 28, 28), np.float32)
    for name, measure in attributes.GREY.items():
        np.testing.assert_allclose(measure.values(blank), 0, atol=1e-6, err_msg=name)


def test_colours_are_measured_on_colour_images() -> None:
    samples = np.zeros((3, 12, 9, 3), np.uint8)
    samples[0], samples[1, ..., 0], samples[2, ..., 2] = 255, 255, 255  # white, red, blue
    found = attributes.measure(Dataset(samples, np.full(3, -1), COLOUR))
    assert set(found) == set(attributes.COLOUR)
    np.testing.assert_allclose(found["brightness"], [1, 1 / 3, 1 / 3], rtol=1e-5)
    np.testing.assert_allclose(found["saturation"], [0, 1, 1])
    np.testing.assert_allclose(found["warmth"], [0, 1, -1])


def test_chunks_do_not_change_what_is_measured() -> None:
    count = 2 * attributes.CHUNK + 7
    samples = np.rint(255 * random_bars(count, 0)[2]).astype(np.uint8)
    digits = Dataset(samples, np.zeros(count, np.int64), MNIST)
    whole = attributes.measure(digits)
    last = attributes.measure(digits.select(np.arange(1990, 2007)))
    assert set(whole) == set(attributes.GREY)
    for name, values in whole.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values[1990:], last[name], rtol=1e-4, atol=1e-5)


def test_a_data_set_keeps_the_attributes_that_it_has() -> None:
    years = np.array([1987.5, np.nan])
    samples = np.zeros((2, 28, 28), np.uint8)
    own = Dataset(samples, np.full(2, -1), MNIST, {"year": years})
    found = attributes.measure(own)
    assert list(found) == ["year"]
    np.testing.assert_array_equal(found["year"], years.astype(np.float32))


def test_sequences_have_no_measured_attributes() -> None:
    spec = DataSpec("sequence", (20, 3), "gaussian")
    assert attributes.measure(Dataset(np.zeros((4, 20, 3)), np.full(4, -1), spec)) == {}
