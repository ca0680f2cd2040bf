"""A code in an address."""

import numpy as np
import pytest

from explorer import link
from vae.latent import FARTHEST, LatentBlock

PLANE = [LatentBlock("z", 2, "normal")]
DIGIT = [LatentBlock("z", 1, "normal"), LatentBlock("digit", 10, "categorical", role="class")]


@pytest.mark.parametrize("text", ["1e7,0", "-1e30,0", "inf,0", "nan,0", "1", "1,2,3", "1,,2", ""])
def test_invalid_codes_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not 2 finite numbers") as raised:
        link.code(text, PLANE)
    assert f"`z={text}`" in str(raised.value)


def test_a_code_is_read() -> None:
    assert link.code(f"-0.25,{FARTHEST}", PLANE).tolist() == [-0.25, FARTHEST]


@pytest.mark.parametrize("digit", [np.zeros(10), np.full(10, 0.5), np.eye(10)[3] * 2 - 0.1])
def test_a_code_without_a_digit_is_refused_where_there_has_to_be_one(digit: np.ndarray) -> None:
    with pytest.raises(ValueError, match="selects no digit: of its numbers 2 to 11"):
        link.code(",".join(f"{v:g}" for v in [0.5, *digit]), DIGIT)


def test_a_digit_may_be_chosen_or_the_probabilities_of_a_classifier() -> None:
    unsure = np.array([0.61, 0.3896, *[0.0001] * 8])  # as rounded for the address
    for digit in (np.eye(10)[3], unsure):
        values = [0.5, *digit]
        assert link.code(",".join(f"{v:g}" for v in values), DIGIT).tolist() == values


@pytest.mark.parametrize("text", ["abc", "", "-1", "60", "1.5", "9" * 5000])
def test_invalid_indices_are_named_briefly(text: str) -> None:
    with pytest.raises(ValueError, match="is not the index of a test digit, 0 to 59") as raised:
        link.index(text, 60, "digit", "digit")
    assert f"`digit={text[:60]}" in str(raised.value)
    assert len(str(raised.value)) < 160


def test_an_index_is_read() -> None:
    assert link.index("59", 60) == 59
