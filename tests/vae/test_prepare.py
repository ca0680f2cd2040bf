import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.vae.drawings import (
    BLACK,
    WHITE,
    Colour,
    coloured,
    distance,
    drawing,
    image_bytes,
)
from vae.dataspec import Dataset
from vae.image_file import read_image
from vae.prepare import Prepared, enlarge, prepare


def middle(image: np.ndarray) -> np.ndarray:
    """Centre of mass (row, column) as pixel indices."""
    mass, index = image.sum(dtype=float), np.arange(28)
    return np.array([image.sum(1) @ index, image.sum(0) @ index]) / mass


def check_form(prepared: Prepared) -> None:
    final = prepared.final
    assert (final.shape, final.dtype) == ((28, 28), np.uint8)
    assert max(prepared.scaled.shape) == 20
    assert (final[[0, -1]].max(), final[:, [0, -1]].max()) == (0, 0)
    assert max(np.count_nonzero(final.any(1)), np.count_nonzero(final.any(0))) in (18, 19, 20)
    # MNIST's own: the middle pixel, 14, within the half pixel that whole shifts leave
    np.testing.assert_allclose(middle(final), 14, atol=0.52)
    assert final.max() == 255


def test_the_steps_lead_from_the_image_to_the_digit() -> None:
    prepared = prepare(drawing())
    check_form(prepared)
    assert [image.dtype for _, image in prepared.steps()] == [np.uint8] * 5
    assert len({title for title, _ in prepared.steps()}) == 5
    np.testing.assert_array_equal(prepared.grey, drawing())
    np.testing.assert_array_equal(prepared.inverted, 255 - drawing())
    rows, columns = np.nonzero(drawing() < 128)
    assert prepared.cropped.shape == (np.ptp(rows) + 1, np.ptp(columns) + 1)
    assert prepared.steps()[-1][1] is prepared.final


@pytest.mark.parametrize(
    "view",
    [
        lambda image: 255 - image,
        lambda image: image / 255,
        lambda image: image.astype(np.float32) / 255,
        lambda image: image > 127,
        lambda image: image.astype(np.int64),
        lambda image: image[:, :, None],
        lambda image: np.stack([image] * 3, -1),
        lambda image: np.stack([image, np.full_like(image, 255)], -1),
        lambda image: coloured(image, (255, 255, 0), (10, 20, 120)),
        lambda image: coloured(image, (120, 120, 120), (60, 60, 60)),
        lambda image: np.pad(image, ((90, 10), (30, 200)), constant_values=255),
        lambda image: np.repeat(np.repeat(image, 3, 0), 3, 1),
    ],
    ids=[
        "inverted",
        "float64",
        "float32",
        "bool",
        "int64",
        "one channel",
        "rgb",
        "grey and alpha",
        "yellow on blue",
        "grey on grey",
        "moved",
        "larger",
    ],
)
def test_shape_kind_colour_and_place_do_not_matter(
    view: Callable[[np.ndarray], np.ndarray],
) -> None:
    image = drawing()
    assert distance(prepare(view(image)).final, prepare(image).final) < 1.5  # of 255


@pytest.mark.parametrize(
    ("ink", "paper"),
    [((255, 240, 0), WHITE), ((200, 30, 30), (30, 115, 30)), ((0, 0, 255), BLACK)],
    ids=["yellow on white", "red on green", "blue on black"],
)
def test_colours_of_one_brightness_are_told_apart(ink: Colour, paper: Colour) -> None:
    image = coloured(drawing(), ink, paper)
    assert distance(prepare(image).final, prepare(drawing()).final) < 1.5


@pytest.mark.parametrize("ink", [BLACK, WHITE, (200, 30, 30), (250, 230, 60), (128, 128, 128)])
def test_ink_on_transparency_gets_a_paper_that_shows_it(ink: Colour) -> None:
    alpha = 255 - drawing()
    image = np.dstack([np.broadcast_to(np.array(ink, np.uint8), (280, 280, 3)), alpha])
    expected = prepare(drawing()).final
    assert distance(prepare(image).final, expected) < 1.5
    assert distance(prepare(read_image(image_bytes(Image.fromarray(image)))).final, expected) < 1.5


@pytest.mark.parametrize(("ink", "paper"), [(BLACK, WHITE), (WHITE, BLACK)])
def test_a_card_with_a_transparent_rim_keeps_its_paper(ink: Colour, paper: Colour) -> None:
    card = np.dstack([coloured(drawing(), ink, paper), np.full((280, 280), 255, np.uint8)])
    image = np.pad(card, ((40, 40), (40, 40), (0, 0)))
    assert distance(prepare(image).final, prepare(drawing()).final) < 1.5


def test_inversion_can_be_forced() -> None:
    image = drawing()
    np.testing.assert_array_equal(prepare(image, invert=True).final, prepare(image).final)
    np.testing.assert_array_equal(prepare(255 - image, invert=False).final, prepare(image).final)


def photograph(noise: float, shadow: float, quality: int | None) -> np.ndarray:
    """A drawing as a camera sees it: dark corner, noise, JPEG; uint8 [600, 600, 3]."""
    x = np.linspace(0, 1, 600)
    light = 1 - shadow * np.outer(x, x)
    image = coloured(drawing(600), (40, 40, 60), (215, 210, 200)) * light[:, :, None]
    image = image + noise * np.random.default_rng(0).standard_normal(image.shape)
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    if quality is None:
        return pixels
    return read_image(image_bytes(Image.fromarray(pixels), "JPEG", quality=quality))


@pytest.mark.parametrize(
    ("noise", "shadow", "quality"),
    [(0, 0, 30), (8, 0, None), (25, 0, None), (0, 0.5, None), (6, 0.6, 50)],
)
def test_photographs_come_out_clean(noise: float, shadow: float, quality: int | None) -> None:
    prepared = prepare(photograph(noise, shadow, quality))
    check_form(prepared)
    assert distance(prepared.final, prepare(drawing(600)).final) < 6
    assert np.count_nonzero(prepared.final < 13) > 28 * 28 / 2  # the paper is black


def test_specks_are_removed_and_a_detached_stroke_is_kept() -> None:
    expected = prepare(drawing()).final
    dusty = drawing().copy()
    for row, column in ((5, 5), (270, 20), (20, 260), (250, 250)):
        dusty[row : row + 4, column : column + 4] = 0
    assert distance(prepare(dusty).final, expected) < 1
    stroke = drawing().copy()
    stroke[20:35, 90:150] = 0
    assert prepare(stroke).cropped.shape[0] > prepare(drawing()).cropped.shape[0] + 15


@pytest.mark.parametrize("width", [1, 2, 8, 40])
def test_a_pen_of_any_width_gives_full_contrast(width: int) -> None:
    final = prepare(drawing(width=width)).final
    assert final.max() == 255
    assert np.count_nonzero(final > 127) >= 20


def test_extreme_shapes_stay_whole() -> None:
    flag = np.zeros((200, 200), np.uint8)
    flag[20:180, 20:60] = 255  # heavy on the left,
    flag[20:24, 20:180] = 255  # and a long thin arm
    final = prepare(flag).final
    assert np.count_nonzero(final.any(0)) == 20
    line = np.zeros((300, 300), np.uint8)
    line[10:290, 150] = 255
    assert prepare(line).scaled.shape == (20, 1)
    assert prepare(line.T).scaled.shape == (1, 20)
    dot = np.zeros((90, 90), np.uint8)
    dot[40:44, 40:44] = 255
    assert prepare(dot).final[9:19, 9:19].min() == 255


def test_preparing_twice_changes_nothing() -> None:
    for image in (drawing(), drawing(width=40), photograph(6, 0.6, 50)):
        once = prepare(image).final
        assert distance(prepare(once).final, once) < 0.5
        # nor on a larger canvas, where the whole way is gone
        assert distance(prepare(np.pad(once, 30)).final, once) < 3


def test_mnist_images_are_unchanged(mnist_test: Dataset) -> None:
    changed = [i for i in mnist_test.samples[:2000] if (prepare(i).final != i).any()]
    assert len(changed) == 0


@pytest.mark.parametrize(
    ("scale", "ink", "paper", "bound"),
    [  # bounds: mean over digits of the mean absolute difference, of 255; measured value + 20 %
        (1, BLACK, WHITE, 1),  # 0.75: one digit in forty lies at the edge of two whole shifts
        (4, BLACK, WHITE, 9),  # 7.2: half a pixel is lost in the crop, as in MNIST's own making
        (4, WHITE, BLACK, 9),
        (4, (200, 30, 30), (30, 120, 30), 9),
        (10, (90, 90, 90), (200, 200, 200), 9.5),  # 7.7
    ],
)
def test_a_prepared_digit_does_not_depend_on_the_canvas(
    mnist_test: Dataset, scale: int, ink: Colour, paper: Colour, bound: float
) -> None:
    rng = np.random.default_rng(0)
    found = []
    for digit in mnist_test.samples[rng.choice(10_000, 40, replace=False)]:
        side = 28 * scale
        large = Image.fromarray(255 - digit).resize((side, side), Image.Resampling.BICUBIC)
        canvas = np.full((2 * side, 3 * side), 255, np.uint8)
        row, column = rng.integers(0, side), rng.integers(0, 2 * side)
        canvas[row : row + side, column : column + side] = np.asarray(large)
        prepared = prepare(coloured(canvas, ink, paper))
        np.testing.assert_allclose(middle(prepared.final), 14, atol=0.52)
        found.append(distance(prepared.final, digit))
    assert np.mean(found) < bound
    # what two different digits of one class are apart
    same = mnist_test.samples[mnist_test.labels == 3]
    assert bound < distance(same[0], same[1]) / 2


def test_enlarge_keeps_the_shape_of_the_strokes() -> None:
    small = np.zeros((8, 8))
    small[1:7, 3] = 1
    large = enlarge(small)
    assert large.shape == (40, 40)
    assert (large.min(), large.max()) == (0, 1)
    assert 2 <= np.count_nonzero(large[20] > 0.5) <= 5  # a stroke of one value is four wide


def test_a_canvas_is_prepared_at_once() -> None:
    image = drawing()
    start = time.process_time()
    for _ in range(20):
        prepare(image)
    assert (time.process_time() - start) / 20 < 0.05  # seconds; measured 0.003


@pytest.mark.parametrize(
    "blank",
    [
        np.zeros((28, 28), np.uint8),
        np.full((280, 280, 3), 255, np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.full((40, 40, 4), 200, np.uint8),
        np.zeros((1, 1)),
        np.random.default_rng(0).normal(0.8, 0.02, (300, 300)).clip(0, 1),
        np.random.default_rng(0).normal(0.5, 0.1, (300, 300)).clip(0, 1),
        np.outer(np.linspace(0.6, 1, 300), np.linspace(0.6, 1, 300)),
    ],
    ids=["black", "white", "clear", "even", "one pixel", "noise", "much noise", "shadow"],
)
def test_a_blank_page_is_refused(blank: np.ndarray) -> None:
    with pytest.raises(ValueError, match="blank"):
        prepare(blank)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros(784), r"not \(784,\)"),
        (np.zeros((28, 28, 5)), r"not \(28, 28, 5\)"),
        (np.zeros((0, 28)), r"not \(0, 28\)"),
        (np.zeros((2, 2, 2, 2)), r"not \(2, 2, 2, 2\)"),
        (np.full((28, 28), 255.0), "float64 lies in 0 to 1, not in 255.0 to 255.0"),
        (np.full((28, 28), -1), "not in -1.0"),
        (np.full((28, 28), 300), "0 to 255, not in 300.0"),
        (np.full((28, 28), np.nan), "nan"),
        (np.full((28, 28), np.inf), "inf"),
        (np.full((28, 28), 1j), "complex128"),
        (np.full((28, 28), "a"), "<U1"),
    ],
)
def test_arrays_of_other_shapes_or_values_are_refused(image: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepare(image)


def test_an_unknown_inversion_is_refused() -> None:
    with pytest.raises(ValueError, match="'maybe' is none of"):
        prepare(drawing(), invert="maybe")
