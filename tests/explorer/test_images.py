"""Arrays as images: nothing is lost, blurred or put in another place."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from explorer import images

PREFIX = "data:image/png;base64,"


def ramp(count: int) -> np.ndarray:
    """Images [count, 3, 2] with a grey level of their own each."""
    return np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((3, 2), np.uint8)


def test_grey_levels_are_rounded_and_clipped() -> None:
    levels = np.array([-0.1, 0.0, 0.5 / 255, 0.51 / 255, 1.0, 1.7], np.float32)
    assert images.to_uint8(levels).tolist() == [0, 0, 0, 1, 255, 255]


def test_bytes_stay_as_they_are() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert images.to_uint8(levels) is levels


@pytest.mark.parametrize(("columns", "gap"), [(1, 0), (3, 0), (3, 2), (4, 1), (9, 1)])
def test_each_tile_is_where_a_reader_looks_for_it(columns: int, gap: int) -> None:
    sheet = images.tile(ramp(7), columns, gap, ground=99)
    rows = -(-7 // columns)
    assert sheet.shape == (rows * (3 + gap) - gap, columns * (2 + gap) - gap)
    for index in range(7):
        top, left = index // columns * (3 + gap), index % columns * (2 + gap)
        assert (sheet[top : top + 3, left : left + 2] == index).all()
    assert (sheet == 99).sum() == sheet.size - 7 * 3 * 2


@pytest.mark.parametrize(
    ("shape", "columns"), [((0, 28, 28), 3), ((28, 28), 3), ((2, 28, 28), 0), ((2, 3, 4, 5, 1), 1)]
)
def test_arrays_that_are_not_images_are_refused(shape: tuple[int, ...], columns: int) -> None:
    with pytest.raises(ValueError, match=rf"{columns} columns"):
        images.tile(np.zeros(shape), columns)


@pytest.mark.parametrize("shape", [(28, 28), (5, 9, 3)])
def test_png_gives_back_every_pixel(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(images.png(image)))), image)


def test_webp_names_its_limit() -> None:
    with pytest.raises(ValueError, match=r"16,383 pixels a side at the most, not \(16384, 1\)"):
        images.webp(np.zeros((16_384, 1), np.uint8))
    assert images.webp(np.zeros((16_383, 1), np.uint8))


def test_a_data_uri_holds_the_png() -> None:
    uri = images.data_uri(np.eye(28))
    assert uri.startswith(PREFIX)
    assert base64.b64decode(uri.removeprefix(PREFIX)) == images.png(np.eye(28))


def test_tiles_of_colour_keep_their_channels() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 3), dtype=np.uint8)
    sheet = images.tile(colours, 2, gap=1, ground=255)
    assert sheet.shape == (3 * 5 - 1, 2 * 4 - 1, 3)
    assert np.array_equal(sheet[5:9, 4:7], colours[3])
    assert (sheet[10:, 4:] == 255).all(), "the place beyond the last image"


def test_equal_images_differ_by_black_in_either_order() -> None:
    a, b = np.random.default_rng(1).random((2, 4, 28, 28), np.float32)
    assert not images.difference(a, a).any()
    assert np.array_equal(images.difference(a, b), images.difference(b, a))
    assert images.difference(a, b).shape == (4, 28, 28, 3)


def test_images_in_colour_differ_by_one_heat_for_all_channels() -> None:
    a, b = np.random.default_rng(1).random((2, 4, 9, 9, 3), np.float32)
    apart = images.difference(a, b, channels=True)
    assert apart.shape == (4, 9, 9, 3)
    grey = np.abs(a - b).mean(-1)
    assert np.array_equal(apart, images.difference(grey, np.zeros_like(grey)))


def test_a_larger_difference_is_brighter() -> None:
    gaps = np.linspace(0, 1, 28, dtype=np.float32)
    brightness = images.difference(gaps[None], np.zeros((1, 28), np.float32)).sum(-1, dtype=int)[0]
    assert (np.diff(brightness) >= 0).all()
    assert brightness[-1] > brightness[14] > brightness[1] > 0
