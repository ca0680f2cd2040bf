"""The references of the benchmarks have the stated layers, and our nets the same; no times."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae import data
from vae.dataspec import MNIST, Dataset
from vae.tensors import to_tensor

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def few() -> Dataset:
    digits = data.load("digits", "train")
    return Dataset(digits.samples[:300], digits.labels[:300], MNIST)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def shapes(net: torch.nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in net.parameters()]


@pytest.mark.parametrize("hidden", [400, 512])
def test_the_nets_have_the_stated_layers(module: Any, hidden: int) -> None:
    head = [(20, hidden), (20,)]
    rest = [(hidden, 20), (hidden,), (784, hidden), (784,)]
    first = [(hidden, 784), (hidden,)]
    assert shapes(module("plain").PlainVAE(hidden)) == first + head + head + rest
    assert shapes(module("training").same_net(hidden)) == [*first, (40, hidden), (40,), *rest]


def test_weights_carried_over_give_the_same_pictures(module: Any, few: Dataset) -> None:
    training = module("training")
    theirs, ours = module("plain").PlainVAE(16), training.same_net(16).eval()
    for parameter, value in zip(ours.parameters(), training.of_plain(theirs), strict=True):
        parameter.data.copy_(value)
    x = to_tensor(few.samples[:10], few.spec)
    with torch.no_grad():
        torch.manual_seed(0)
        one, other = theirs(x[:, 0]), ours.encode(x)
        torch.manual_seed(0)
        z = other.sample(torch.randn_like(other.code))
        drawn = ours.decode(z).sigmoid().flatten(1)
    torch.testing.assert_close(one.mean, other.code)
    torch.testing.assert_close(one.logvar, other.logvar)
    torch.testing.assert_close(one.x, drawn)


def test_a_sample_is_its_image(module: Any, few: Dataset) -> None:
    pictures = module("plain").Pictures(few.samples, few.labels)
    x, label = pictures[7]
    assert (len(pictures), x.dtype, tuple(x.shape)) == (300, torch.float32, (1, 28, 28))
    np.testing.assert_array_equal(x[0].numpy(), few.samples[7].astype(np.float32) / 255)
    assert label == few.labels[7]


def test_both_loops_learn(module: Any, few: Dataset) -> None:
    plain, training = module("plain"), module("training")
    theirs, ours = (
        plain.PlainLoop(plain.Pictures(few.samples, few.labels), 16),
        training.OurLoop(few, 16),
    )
    before = training.test_loss(training.of_plain(theirs.net), few)
    losses = [theirs() for _ in range(6)]
    assert losses[-1] < losses[0]
    for _ in range(6):
        ours()
    after = training.test_loss(list(ours.model.parameters()), few)
    assert after < before
    assert training.test_loss(training.of_plain(theirs.net), few) < before


def test_single_epochs_equal_a_run_of_several(module: Any, few: Dataset) -> None:
    training = module("training")
    one, other = (training.OurLoop(few, 16, "float32") for _ in range(2))
    one()
    one()
    training.fit(other.step, other.batches, other.noise, 2)
    for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_turns_alternate_and_the_first_is_not_timed(module: Any) -> None:
    turns: list[str] = []
    contenders = {name: lambda name=name: turns.append(name) for name in "ab"}
    assert set(module("plain").take_turns(contenders, 2)) == {"a", "b"}
    assert turns == list("ab" * 3)


@pytest.mark.parametrize(("loss", "epochs"), [(1e4, 1), (0.0, 2)])
def test_training_ends_at_the_goal_or_with_none(
    module: Any, few: Dataset, loss: float, epochs: int
) -> None:
    gpu = module("gpu")
    model = gpu.VAEConfig(latent=2, hidden=16, depth=1, **gpu.GREY)
    goal = gpu.Goal(loss, model, gpu.TrainConfig(epochs=2, batch=100))
    found = gpu.seek(goal, few, few, CPU)
    assert found["epochs"] == epochs
    assert (found["seconds"] is not None) == (loss > 0)


def test_an_echo_s_reply_has_the_fields_and_the_size_of_a_decoded_one() -> None:
    script = """
import asyncio, json
import echo_live
from explorer import live, live_requests

async def main():
    replies = live.LatestReply()
    for change in ({}, {"xy": [1, 2]}):
        request = {"serial": 1, "model": "vae-2d", "z": [0.5, 1], "view": ["PCA", 0, 1]} | change
        decoded = live_requests.answer([live_requests.parse(request)])[0]
        echo_live.Echo()._submit(json.dumps(request), replies)
        echo = await replies.get()
        assert json.loads(echo).keys() == json.loads(decoded).keys()
        assert json.loads(echo)["z"] == change.get("xy", [0.5, 1])
        assert abs(len(echo) - len(decoded)) < 0.1 * len(decoded)

asyncio.run(main())
"""
    environment = os.environ | {"PYTHONPATH": f"{BENCHMARKS}{os.pathsep}{BENCHMARKS.parent}"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


def test_the_load_s_scenarios_have_names_of_their_own(module: Any) -> None:
    scenarios = module("load").SCENARIOS
    assert len({scenario.name for scenario in scenarios}) == len(scenarios)
    assert {scenario.model for scenario in scenarios} >= {"vae-2d", "vae-20d", "cvae"}
