"""The posterior's chart shows the given numbers, in their order, on any theme."""

from typing import Any

import numpy as np
import pytest

from explorer import plots

MEAN = np.array([1.5, -4.0, 0.0], np.float32)
DEVIATION = np.array([0.1, 0.5, 1.0], np.float32)
NAMES = ["z2", "z1", "z3"]


def chart(mean: np.ndarray = MEAN, deviation: np.ndarray = DEVIATION) -> Any:
    names = NAMES if len(mean) == len(NAMES) else [f"z{d + 1}" for d in range(len(mean))]
    return plots.posterior(mean, deviation, names)


def test_mean_and_deviation_are_those_given() -> None:
    (trace,) = chart().data
    assert np.array_equal(trace.x, MEAN)
    assert np.array_equal(trace.error_x.array, DEVIATION)
    assert list(trace.y) == NAMES


def test_the_first_dimension_is_on_top() -> None:
    bottom, top = chart().layout.yaxis.range
    assert bottom > len(NAMES) - 1
    assert top < 0


def test_the_axis_reaches_beyond_every_bar() -> None:
    low, high = chart().layout.xaxis.range
    assert low < (MEAN - DEVIATION).min()
    assert high > (MEAN + DEVIATION).max()
    assert low == -high, "0 is in the middle, so that charts compare"


def test_the_background_is_transparent() -> None:
    layout = chart().layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_a_point_has_no_bars_and_no_prior() -> None:
    figure = chart(deviation=np.zeros(3, np.float32))
    assert figure.data[0].error_x.array is None
    assert not figure.layout.shapes
    assert chart().layout.shapes, "with deviations, the prior's band is there"


@pytest.mark.parametrize("dims", [1, 2, 10, 20, 64])
def test_rows_are_never_too_low_to_read(dims: int) -> None:
    assert chart(np.zeros(dims), np.ones(dims)).layout.height >= 12 * dims


def test_twenty_dimensions_fit_on_the_first_screen() -> None:
    assert chart(np.zeros(20), np.ones(20)).layout.height <= 330


@pytest.mark.parametrize(
    ("mean", "deviation", "expected"),
    [
        (MEAN[:2], DEVIATION, "one length"),
        (MEAN[None], DEVIATION[None], "one length"),
        (MEAN, -DEVIATION, "below 0"),
        (MEAN * np.nan, DEVIATION, "finite"),
        (MEAN, DEVIATION * np.nan, "below 0"),
    ],
)
def test_an_invalid_posterior_is_refused(
    mean: np.ndarray, deviation: np.ndarray, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        plots.posterior(mean, deviation, NAMES)
