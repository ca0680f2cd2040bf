"""The renderer of images: any size, grey and colour."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from explorer.images import WEBP_SIDE
from explorer.renderers import RENDERERS, image, renderer
from vae.dataspec import MNIST, DataSpec

COLOUR = DataSpec("image", (3, 12, 8), "bernoulli")
GREY = DataSpec("image", (1, 12, 8), "bernoulli")
RED, BLUE = (220, 30, 20), (10, 40, 230)


def file_of(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def wide(count: int = 1) -> np.ndarray:
    """A picture wider than high: red, with a blue right half."""
    picture = np.full((20 * count, 60 * count, 3), RED, np.uint8)
    picture[:, 30 * count :] = BLUE
    return picture


@pytest.mark.parametrize("shape", [(28, 28), (5, 9, 3)])
def test_the_large_view_holds_the_size_and_every_value(shape: tuple[int, ...]) -> None:
    sample = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    view = image.view(sample)
    assert view["size"] == [*shape, 1][:3]
    values = np.frombuffer(base64.b64decode(view["pixels"]), np.uint8)
    assert np.array_equal(values.reshape(shape), sample)
    with pytest.raises(ValueError, match="uint8"):
        image.view(sample.astype(float))


@pytest.mark.parametrize("sides", [(8, 8), (28, 28), (32, 32), (128, 128), (8, 128), (128, 8)])
def test_a_sheet_of_thumbnails_fits_into_webp_and_bounded_memory(sides: tuple[int, int]) -> None:
    height, width = sides
    columns, tiles = image.sheet_size(DataSpec("image", (3, height, width), "bernoulli"))
    assert tiles % columns == 0
    assert max(columns * width, tiles // columns * height) <= WEBP_SIDE
    assert 0.4 * image.SHEET <= tiles * height * width <= image.SHEET


def test_ten_thousand_digits_are_on_one_sheet() -> None:
    assert image.sheet_size(MNIST) == (100, 10_000)


def test_only_what_was_prepared_as_mnist_can_be_drawn() -> None:
    assert image.entries(MNIST) == ("draw", "upload")
    assert image.entries(COLOUR) == ("upload",)


def test_an_upload_keeps_its_colours_and_its_aspect() -> None:
    entered = image.prepare(image.read(file_of(wide())), COLOUR)
    assert entered.sample.shape == (12, 8, 3)
    assert 0 <= entered.sample.min() <= entered.sample.max() <= 1
    middle = np.rint(255 * entered.sample[6])
    assert np.abs(middle[1] - RED).max() < 20
    assert np.abs(middle[6] - BLUE).max() < 20
    # 60x20 becomes 8 pixels wide and 3 high; above and below is the colour of its border
    assert np.ptp(entered.sample[0], axis=0).max() == 0
    assert np.array_equal(entered.steps[-1][1] / np.float32(255), entered.sample)


def test_an_upload_becomes_grey_where_the_samples_are() -> None:
    entered = image.prepare(image.read(file_of(wide())), GREY)
    assert entered.sample.shape == (12, 8)


def test_a_grey_upload_becomes_a_colour_sample() -> None:
    entered = image.prepare(np.full((30, 30), 90, np.uint8), COLOUR)
    assert entered.sample.shape == (12, 8, 3)
    assert np.ptp(entered.sample, axis=2).max() == 0


def test_a_large_upload_is_shown_reduced() -> None:
    before = image.prepare(image.read(file_of(wide(20))), COLOUR).steps[0][1]
    assert max(before.shape[:2]) <= 4 * 12


@pytest.mark.parametrize("spec", [MNIST, COLOUR, GREY])
def test_a_download_has_whole_pixels_of_all_samples(spec: DataSpec) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (5, *spec.array_shape), dtype=np.uint8)
    (png,) = renderer(spec).downloads(samples, 3)
    sheet = np.asarray(Image.open(io.BytesIO(png.make())))
    height, width = spec.array_shape[:2]
    times = sheet.shape[0] // (2 * height + image.GAP)
    assert sheet.shape[:2] == (times * (2 * height + 2), times * (3 * width + 4))
    assert np.array_equal(sheet[::times, ::times][:height, :width], samples[0])


def test_a_comparison_is_black_where_nothing_differs() -> None:
    sample = np.random.default_rng(0).random((12, 8, 3), np.float32)
    rows = dict(image.comparison(sample, sample, "<b>"))
    assert list(rows) == ["original", "reconstruction", "difference"]
    assert "<b>" not in rows["original"]
    encoded = rows["difference"].partition("base64,")[2].partition('"')[0]
    assert not np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded)))).any()


def test_a_kind_without_a_renderer_is_named() -> None:
    text = DataSpec("text", (5,), "categorical", vocabulary=("a", "b"), prepare="tokens")
    assert set(RENDERERS) == {"image"}
    with pytest.raises(ValueError, match="kind 'text' cannot be shown"):
        renderer(text)
