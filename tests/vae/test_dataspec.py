"""What a data set's samples are, and what a set must keep to."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from vae.dataspec import MNIST, Dataset, DataSpec
from vae.tensors import to_array, to_tensor

GREY = DataSpec("image", (1, 8, 9), "bernoulli", ("a", "b"))
COLOUR = replace(GREY, shape=(3, 8, 9))
SEQUENCE = DataSpec("sequence", (12, 2), "bernoulli")
TEXT = DataSpec("text", (7,), "categorical", prepare="tokens", vocabulary=("the", "cat"))
SPECS = (MNIST, GREY, COLOUR, SEQUENCE, TEXT)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_it_is_json(spec: DataSpec) -> None:
    assert DataSpec.from_json(json.loads(json.dumps(spec.as_json()))) == spec


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "film"}, "kind 'film' is not one of image, sequence, text"),
        ({"shape": (8, 9)}, "shape .8, 9. is not that of a sample of kind image"),
        ({"shape": (1, 0, 9)}, "3 positive numbers"),
        ({"shape": (2, 8, 9)}, "1 channel .grey. or 3 .colour., not 2"),
        ({"shape": (1, 8, 129)}, "128 pixels at the most, not 8x129; resize it with --size"),
        ({"prepare": "crop"}, "prepare 'crop'"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_spec_that_makes_no_sense_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GREY, **changed)


@pytest.mark.parametrize("fields", [{"kind": "image"}, GREY.as_json() | {"size": 8}])
def test_other_fields_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"incomplete|no field size"):
        DataSpec.from_json(fields)


@pytest.mark.parametrize("spec", [GREY, COLOUR], ids=["grey", "colour"])
def test_images_become_tensors_and_arrays_again(spec: DataSpec) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (5, *spec.array_shape), np.uint8)
    x = to_tensor(levels, spec)
    assert x.shape == (5, *spec.shape)
    assert x.dtype == torch.float32
    np.testing.assert_array_equal(np.rint(255 * to_array(x, spec)), levels)
    # channel, row and column stay what they are
    row, column, channel = 3, 7, spec.shape[0] - 1
    value = levels[2, row, column] if spec is GREY else levels[2, row, column, channel]
    assert float(x[2, channel, row, column]) == pytest.approx(value / 255)


def test_a_selection_keeps_what_belongs_together() -> None:
    count = np.arange(6)
    samples = np.zeros((6, 8, 9), np.uint8) + count[:, None, None].astype(np.uint8)
    data = Dataset(samples, count % 2, GREY, {"slant": count.astype(np.float32)}, tuple("uvwxyz"))
    for rows in (np.array([4, 1]), count > 3, slice(2, 5)):
        part = data.select(rows)
        numbers = part.samples[:, 0, 0].astype(int)
        assert part.labels.tolist() == (numbers % 2).tolist()
        assert part.attributes["slant"].tolist() == numbers.tolist()
        assert part.names == tuple("uvwxyz"[n] for n in numbers)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"samples": np.zeros((3, 9, 8), np.uint8)}, "samples have shape .9, 8., and the spec"),
        ({"labels": np.zeros(2, int)}, "labels has shape .2,. for 3 samples"),
        ({"labels": np.array([0, 2, 1])}, "label 2 is neither a class .0 to 1. nor -1"),
        ({"labels": np.array([0, -2, 1])}, "label -2"),
        ({"attributes": {"slant": np.zeros(4, np.float32)}}, "slant has shape"),
        ({"names": ("one",)}, "1 names for 3 samples"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changed: dict[str, Any], message: str) -> None:
    data = Dataset(np.zeros((3, 8, 9), np.uint8), np.zeros(3, int), GREY)
    with pytest.raises(ValueError, match=message):
        replace(data, **changed)
