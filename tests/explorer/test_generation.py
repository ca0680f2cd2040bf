"""Generated digits as arrays: requests, styles, the layout of a number, downloads."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer import generation
from explorer.renderers import renderer
from vae import latent, service
from vae.dataspec import MNIST
from vae.latent import LatentBlock

WHITE = np.full((1, 28, 28), 255, np.uint8)


def stroke(left: int, right: int) -> np.ndarray:
    """A digit with ink in the columns `left` to `right`."""
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, left : right + 1] = 255
    return digit


# --- requested labels ---------------------------------------------------------------------------


def test_labels_repeat_in_ascending_order() -> None:
    assert generation.in_turn((7, 3), 5).tolist() == [3, 7, 3, 7, 3]


@pytest.mark.parametrize("count", [-1, 0, 10_001, 1_000_000])
def test_an_impossible_count_is_named(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count:,} digits cannot be drawn here: ask for 1 to"):
        generation.check_request((1,), count, MNIST, generation.most(784))


def test_an_empty_choice_is_named() -> None:
    with pytest.raises(ValueError, match="No digit is chosen"):
        generation.check_request((), 10, MNIST, 100)


def test_the_number_of_samples_is_bounded_by_their_values() -> None:
    assert generation.most(28 * 28) == 10_000
    assert generation.most(8 * 8) == 10_000
    for values in (32 * 32 * 3, 128 * 128 * 3, 10**9):
        assert generation.most(values) * values <= max(values, 10_000 * 28 * 28)
        assert 1 <= generation.most_shown(values) <= min(400, generation.most(values))


@pytest.mark.parametrize(
    ("text", "digits", "spaces"),
    [
        ("2026-11", [2, 0, 2, 6, 1, 1], [4]),
        ("3.14159", [3, 1, 4, 1, 5, 9], [1]),
        ("  7  ", [7], []),
        ("1, 2", [1, 2], [1, 1]),
        ("\u0665 5 \u00b2", [5], []),  # an Arabic five and a superscript two are no digits here
    ],
)
def test_characters_other_than_digits_are_spaces(
    text: str, digits: list[int], spaces: list[int]
) -> None:
    assert generation.digits_of(text) == (digits, spaces)


@pytest.mark.parametrize("text", ["", "   ", "none here", "\u0665"])
def test_a_text_without_a_digit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no digit in this text"):
        generation.digits_of(text)


def test_a_number_has_at_most_forty_digits() -> None:
    assert len(generation.digits_of("1 " * 40)[0]) == 40
    with pytest.raises(ValueError, match=r"41 digits are too many\. Use at most 40 digits"):
        generation.digits_of("1 " * 41)


@pytest.mark.parametrize("kinds", [*range(1, 11), 26])
@pytest.mark.parametrize("count", [1, 9, 100, 101, 10_000])
def test_a_kind_of_digit_keeps_to_its_columns(kinds: int, count: int) -> None:
    wide, narrow = generation.columns(kinds, count)
    for across in (wide, narrow):
        assert across == count or across % kinds == 0 or kinds > across
    assert 1 <= narrow <= wide <= 20
    assert narrow <= 10


# --- styles -------------------------------------------------------------------------------------


def test_a_style_is_a_code_without_the_class_block() -> None:
    codes = np.arange(24, dtype=np.float32).reshape(2, 12)
    kept = generation.style_of(codes, slice(1, 11))
    assert kept.tolist() == [[0, 11], [12, 23]]


def test_each_point_of_the_circle_has_the_prior_s_spread() -> None:
    blocks = [LatentBlock("z", 200_000, "normal")]
    pairs = latent.sample_prior(blocks, 2, seed=0)
    assert np.allclose(generation.style_at_angle(pairs, 0, blocks), pairs[0])
    assert np.allclose(generation.style_at_angle(pairs, 90, blocks), pairs[1], atol=1e-6)
    assert np.allclose(generation.style_at_angle(pairs, 360, blocks), pairs[0], atol=1e-5)
    for degrees in (30, 135, 250):
        assert abs(generation.style_at_angle(pairs, degrees, blocks).std() - 1) < 0.01


def test_a_uniform_style_stays_uniform_on_its_path_and_other_blocks_stay() -> None:
    blocks = [
        LatentBlock("style", 50_000, "uniform", range=(-1.0, 3.0)),
        LatentBlock("code", 4, "categorical"),
    ]
    pairs = latent.sample_prior(blocks, 2, seed=0)
    path = [generation.style_at_angle(pairs, degrees, blocks) for degrees in range(0, 361, 10)]
    assert np.allclose(path[0], pairs[0], atol=1e-5)
    assert np.allclose(path[-1], pairs[0], atol=1e-5)
    steps = np.abs(np.diff(path, axis=0))[:, :50_000]
    assert steps.max() <= 4 / 18 + 1e-5, "no jump: 4 is covered in 180 degrees"
    for style in path:
        assert np.allclose(
            np.quantile(style[:50_000], [0, 0.25, 0.5, 0.75, 1]), range(-1, 4), atol=0.05
        )
        assert (style[50_000:] == pairs[0, 50_000:]).all()


# --- a number in one style ----------------------------------------------------------------------


def test_a_cropped_digit_is_as_wide_as_its_ink() -> None:
    slim, broad = generation.cropped(np.stack([stroke(13, 14), stroke(4, 23)]))
    assert slim.shape == (28, 4)
    assert broad.shape == (28, 22)
    assert slim[:, 1:3].sum() == stroke(13, 14).sum()


def test_ink_at_the_edges_and_none_at_all_are_cropped_too() -> None:
    full, empty = generation.cropped(np.concatenate([WHITE, 0 * WHITE]))
    assert full.shape == (28, 28)
    assert 4 <= empty.shape[1] < 28


def test_a_space_widens_the_gap_between_two_digits() -> None:
    two = np.stack([stroke(10, 17)] * 2)
    together, apart = generation.number_picture(two, []), generation.number_picture(two, [1])
    assert apart.shape[1] - together.shape[1] == generation.SPACE
    assert together.sum() == apart.sum() == two.sum()


def test_a_long_number_breaks_into_lines_and_loses_nothing() -> None:
    forty = np.stack([stroke(4, 23)] * 40)
    picture = generation.number_picture(forty, [], width=200)
    assert picture.shape[0] > 4 * 28
    assert picture.shape[1] <= 200 + 16
    assert picture.sum() == forty.sum()


# --- downloads ----------------------------------------------------------------------------------


def test_a_sheet_s_pixels_are_whole_squares() -> None:
    digits = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)
    (png,) = renderer(MNIST).downloads(digits, 5)
    sheet = np.asarray(Image.open(io.BytesIO(png.make())))
    assert sheet.shape == (4 * (2 * 30 - 2), 4 * (5 * 30 - 2))
    assert np.array_equal(sheet[: 4 * 28 : 4, : 4 * 28 : 4], digits[0])
    assert np.array_equal(sheet[::4, ::4], sheet[3::4, 3::4])


def test_the_arrays_survive_the_file() -> None:
    codes = np.random.default_rng(0).standard_normal((3, 12)).astype(np.float32)
    drawn = generation.Drawn(np.stack([stroke(3, 9)] * 3), np.array([1, 2, 3]), codes, None)
    with np.load(io.BytesIO(drawn.npz())) as file:
        assert sorted(file) == ["codes", "images", "labels"]
        assert np.array_equal(file["images"], drawn.images)
        assert np.array_equal(file["labels"], drawn.labels)
        assert np.array_equal(file["codes"], codes)


def able() -> str:
    """A shipped model that is conditioned on the digit."""
    return next(n for n in service.names() if "conditions" in service.info(n).abilities)


def run(lines: str) -> np.ndarray:
    """What the three lines of Python make."""
    assert lines.count("\n") == 2
    names: dict[str, np.ndarray] = {}
    exec(lines, names)
    return names["images"]


def test_the_lines_of_a_sheet_draw_it_again() -> None:
    model = service.load(able())
    expected = model.generate(generation.in_turn((8, 3), 12), seed=5, temperature=0.65)
    again = run(generation.by_seed(able(), (3, 8), 12, 5, 0.65))
    assert np.abs(again - expected).max() < 1e-5
    other = run(generation.by_seed(able(), (3, 8), 12, 6, 0.65))
    assert np.abs(other - expected).max() > 0.1


def test_the_lines_of_styles_draw_them_again() -> None:
    info, model = service.info(able()), service.load(able())
    drawn = np.random.default_rng(1).standard_normal((3, info.dims - 10)).astype(np.float32)
    styles = generation.rounded(drawn)
    expected = model.generate(np.tile([4, 2], 3), styles.repeat(2, axis=0))
    again = run(generation.by_styles(able(), [4, 2], styles))
    assert np.abs(again - expected).max() < 1e-6


def test_the_lines_of_samples_from_the_prior_draw_them_again() -> None:
    name = next(n for n in service.names() if "conditions" not in service.info(n).abilities)
    codes = latent.sample_prior(service.info(name).blocks, 6, 3, 0.5)
    drawn = service.load(name).decode(codes)
    assert np.array_equal(run(generation.by_prior(name, 6, 3, 0.5, "normal")), drawn)
    kept = generation.Drawn(drawn, np.empty(0, np.int64), codes, None)
    with np.load(io.BytesIO(kept.npz())) as file:
        assert sorted(file) == ["codes", "images"]


def test_the_lines_of_samples_from_a_mixture_draw_them_again() -> None:
    name = next(n for n in service.names() if service.info(n).has_mixture)
    model = service.load(name)
    drawn = model.decode(model.sample_prior(6, 3, 0.5, "mixture"))
    again = run(generation.by_prior(name, 6, 3, 0.5, "mixture"))
    assert np.array_equal(again, drawn)
    assert not np.array_equal(run(generation.by_prior(name, 6, 3, 0.5, "normal")), drawn)
