"""Seconds to a good model, decode latency and encode rate: python benchmarks/gpu.py.

On the CPU, and on a CUDA device where there is one and LATENT_DEVICE is not cpu. The
seconds are those of training alone, to the end of the first epoch after which the negative
grey-scale ELBO of the 10,000 test images is no more than a published figure: 145.99 in two
dimensions (tayden's explorer), 105.56 in twenty (pytorch/examples, 10 epochs). On CUDA the first
step compiles the model; its seconds are included, and listed on their own too.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import plain
import torch

from vae import catalog, checkpoint, data, metrics, service
from vae.batches import Batches
from vae.dataspec import MNIST, Dataset
from vae.distributed import Noise
from vae.models.vae import VAE, VAEConfig, make_step
from vae.optim import TrainConfig
from vae.runtime.torch import TorchRuntime
from vae.training import fit

MODEL = "vae-2d"  # the app's default


class Goal(NamedTuple):
    """A test loss to reach, in nats, and the model and settings that are trained for it."""

    loss: float
    model: VAEConfig
    train: TrainConfig


TRAIN = TrainConfig(epochs=6, batch=128, rate=2e-3, weight_decay=0.0, average=0.99)
GREY: dict[str, Any] = {"net": "residual", "dropout": 0.0, "binarise": False}
GOALS = (
    Goal(145.99, VAEConfig(latent=2, depth=2, **GREY), TRAIN),
    Goal(105.56, VAEConfig(latent=20, depth=1, **GREY), replace(TRAIN, epochs=3)),
)


class Reached(Exception):
    """The test loss has reached the goal."""


class Clock:
    """Seconds spent on training, without those spent on testing."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.total, self.start = device, 0.0, time.perf_counter()

    def stop(self) -> float:
        """Stop the clock; the seconds so far."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.total += time.perf_counter() - self.start
        return self.total

    def resume(self) -> None:
        self.start = time.perf_counter()


def seek(
    goal: Goal, train: Dataset, test: Dataset, device: torch.device
) -> dict[str, float | None]:
    """Train until the goal is reached; seconds are None where it is not."""
    torch.manual_seed(0)
    model, evaluated = VAE(goal.model, MNIST).to(device), VAE(goal.model, MNIST).eval()
    noise, x = Noise(device), metrics.as_tensor(test)
    batches = Batches(train, goal.train.batch, device)
    step = make_step(model, goal.train, noise)
    clock = Clock(device)
    step(next(batches.epoch(noise)), 0.0)  # an additional step, in which CUDA compiles
    found: dict[str, float | None] = {"seconds": None, "first_step_seconds": clock.stop()}

    def on_epoch(epoch: int, means: dict[str, float]) -> None:
        took = clock.stop()
        evaluated.load_state_dict({k: v.cpu() for k, v in step.weights().items()})
        loss = float(metrics.elbo(evaluated, x, draws=2).total.mean())
        print(f"{device.type}: epoch {epoch}, {took:.1f} s, {loss:.2f} nats", file=sys.stderr)
        found.update(test_loss=loss, epochs=epoch)
        if loss <= goal.loss:
            found["seconds"] = took
            raise Reached
        clock.resume()

    clock.resume()
    with suppress(Reached):
        fit(step, batches, noise, goal.train.epochs, on_epoch=on_epoch)
    return {name: value and round(value, 2) for name, value in found.items()}


def decode_ms(model: service.Model, count: int = 500) -> float:
    """Median milliseconds from a code that is not cached to its picture."""
    codes = np.random.default_rng(0).standard_normal((count + 50, 1, model.info.dims))
    took = []
    for code in codes.astype(np.float32):
        start = time.perf_counter()
        model.pictures(code)
        took.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(took[50:]), 3)


def encode_rate(model: service.Model, images: np.ndarray) -> int:
    """Images per second, from bytes to codes."""
    seconds = plain.take_turns({"": lambda: model.encode(images.astype(np.float32) / 255)}, 5)
    return round(len(images) / seconds[""])


def on_device(device: torch.device, quick: bool) -> dict[str, Any]:
    """Every figure of one device."""
    train, test = (data.load("mnist", split) for split in ("train", "test"))
    found: dict[str, Any] = {}
    for goal in GOALS[1:] if quick else GOALS:
        run = seek(goal, train, test, device)
        where = f"{goal.loss}_{goal.model.latent}d"
        found |= {f"{name}_to_{where}": value for name, value in run.items()}
    module = checkpoint.read_model(catalog.folder_of(MODEL), str(device))
    model = service.Model(MODEL, TorchRuntime(module, device))
    found["decode_ms"] = decode_ms(model)
    found["encode_images_per_s"] = encode_rate(model, test.samples)
    return found


def measure(quick: bool = False) -> dict[str, dict[str, Any]]:
    """Seconds and rates of the CPU and the GPU, without ratios; "gpu" is its name, or None."""
    devices = [torch.device("cpu")]
    wanted = os.environ.get("LATENT_DEVICE", "cuda")
    figures: dict[str, Any] = {"gpu": None}
    if torch.cuda.is_available() and wanted.startswith("cuda"):
        devices.append(torch.device(wanted))
        figures["gpu"] = torch.cuda.get_device_name(wanted)
    else:
        why = "LATENT_DEVICE asks for another" if torch.cuda.is_available() else "there is none"
        print(f"no CUDA device is measured: {why}", file=sys.stderr)
    for device in devices:
        kind = "gpu" if device.type == "cuda" else "cpu"
        found = on_device(device, quick)
        figures |= {f"{kind}_{name}": value for name, value in found.items()}
    return {"ratios": {}, "figures": figures}


if __name__ == "__main__":
    print(json.dumps(measure()["figures"], indent=2))
