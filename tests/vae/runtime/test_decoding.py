"""Decoding codes to pictures on a device."""

import numpy as np
import pytest
import torch

from vae.runtime import decoding
from vae.runtime.decoding import Decoder

CPU = torch.device("cpu")


def network(seed: int = 0, gain: float = 1.0) -> torch.nn.Module:
    torch.manual_seed(seed)
    linear = torch.nn.Linear(3, 784)
    with torch.no_grad():
        linear.weight.mul_(gain)
    return torch.nn.Sequential(linear, torch.nn.Unflatten(1, (28, 28)), torch.nn.Sigmoid()).eval()


def codes(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 3)).astype(np.float32)


@pytest.mark.parametrize("chunk", [1, 16, 100])
def test_levels_are_the_images_rounded(chunk: int) -> None:
    module, z = network(), codes(40)
    with torch.inference_mode():
        expected = np.rint(255 * module(torch.from_numpy(z)).numpy())
    np.testing.assert_array_equal(Decoder(module, CPU, z)(z, chunk), expected)


def test_half_precision_is_used_if_the_pictures_stay_the_same() -> None:
    z = torch.from_numpy(codes(64))
    with torch.inference_mode():
        faint, sharp = network(gain=0.02), network(gain=40)
        assert decoding.same_pictures(faint, decoding.in_half(faint, CPU), z)
        assert not decoding.same_pictures(sharp, decoding.in_half(sharp, CPU), z)


def test_the_callers_number_of_threads_is_restored() -> None:
    decoding._default_threads()  # read before the tests set another number
    torch.set_num_threads(3)  # not 1, the number in tests, so that a missing reset is detected
    with decoding.threads_for(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_replayed_graph_equals_the_network() -> None:
    device = torch.device("cuda")
    module, z = network().to(device), codes(20)
    decoder = Decoder(module, device, z)
    one_by_one = np.concatenate([decoder(code[None], 1) for code in z])
    assert np.abs(one_by_one.astype(int) - decoder(z, 9)).max() <= 1
    np.testing.assert_array_equal(decoder(z[:1], 1), one_by_one[:1])
