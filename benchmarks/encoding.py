"""Images encoded per second, compared with a plain DataLoader loop: python benchmarks/encoding.py.

Both start from the same bytes, return the same means in one NumPy array, and use the same model.
The ratio is that of the default model; the others are among the figures. In a model with a
convolutional encoder or classifier the convolutions, which both compute alike, take most of the
time.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import plain
import torch
from plain import Pictures
from torch.utils.data import DataLoader

from vae import data, service
from vae.dataspec import Dataset

MODELS = ("vae-2d", "vae-20d", "classifier-vae")


def by_loader(model: Any, digits: Dataset) -> np.ndarray:
    """The means [N, Z] by a plain loop."""
    net, means = model._runtime._model.eval(), []
    with torch.no_grad():
        for x, _ in DataLoader(Pictures(digits.samples, digits.labels), batch_size=plain.BATCH):
            means.append(net.encode(x.to(model.device)).code.cpu())
    return torch.cat(means).numpy()


def by_service(model: service.Model, digits: Dataset) -> np.ndarray:
    """The means [N, Z] by the service."""
    return model.encode(digits.samples.astype(np.float32) / 255)[0]


def compare(name: str, digits: Dataset, rounds: int) -> dict[str, float]:
    """Images per second of both, and the largest difference between their means."""
    model = service.load(name)
    apart = np.abs(by_loader(model, digits) - by_service(model, digits)).max()
    contenders = {
        "loader": lambda: by_loader(model, digits),
        "ours": lambda: by_service(model, digits),
    }
    seconds = plain.take_turns(contenders, rounds)
    rates = {key: round(len(digits.samples) / took) for key, took in seconds.items()}
    return rates | {"apart": float(f"{apart:.1e}")}


def measure(quick: bool = False) -> dict[str, dict[str, float]]:
    """The 10,000 test images by each model; the 60,000 training images by the first."""
    test, found = data.load("mnist", "test"), {}
    for name in MODELS:
        found[f"encode_{name}"] = compare(name, test, 2 if quick else 7)
    train = data.load("mnist", "train")
    found[f"encode_60000_{MODELS[0]}"] = compare(MODELS[0], train, 1 if quick else 3)
    figures: dict[str, float] = {}
    for name, rates in found.items():
        figures[f"{name}_ours_images_per_s"] = rates["ours"]
        figures[f"{name}_loader_images_per_s"] = rates["loader"]
        figures[f"{name}_ratio"] = round(rates["ours"] / rates["loader"], 2)
        figures[f"{name}_largest_difference"] = rates["apart"]
    return {"ratios": {"encode_rate": figures[f"encode_{MODELS[0]}_ratio"]}, "figures": figures}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
