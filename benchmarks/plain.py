"""The reference for training and encoding: a VAE with one hidden layer and a DataLoader that
converts one image at a time, written from the description of pytorch/examples' VAE. Also a timer
that alternates between functions.

Importing this module puts the repository's root on the path, so it is imported before `vae`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

LATENT, BATCH, RATE = 20, 128, 1e-3


class Pictures(Dataset[tuple[Tensor, int]]):
    """Each sample is converted to a PIL image and then to a tensor [1, 28, 28] in [0, 1]."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index])
        pixels = torch.from_numpy(np.array(picture, np.uint8))
        return pixels[None].float().div(255), int(self.labels[index])


class Reconstruction(NamedTuple):
    x: Tensor  # [B, 784], probabilities
    mean: Tensor  # [B, Z]
    logvar: Tensor  # [B, Z]


class PlainVAE(nn.Module):
    """784 - hidden - latent - hidden - 784 with ReLU."""

    def __init__(self, hidden: int, latent: int = LATENT) -> None:
        super().__init__()
        self.read = nn.Linear(784, hidden)
        self.mean, self.logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.unfold, self.draw = nn.Linear(latent, hidden), nn.Linear(hidden, 784)

    def forward(self, x: Tensor) -> Reconstruction:
        h = F.relu(self.read(x.flatten(1)))
        mean, logvar = self.mean(h), self.logvar(h)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        return Reconstruction(self.draw(F.relu(self.unfold(z))).sigmoid(), mean, logvar)


class PlainLoop:
    """Trains a PlainVAE, one epoch per call."""

    def __init__(self, pictures: Pictures, hidden: int) -> None:
        torch.manual_seed(0)
        self.net = PlainVAE(hidden)
        self.loader = DataLoader(pictures, batch_size=BATCH, shuffle=True)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=RATE)

    def __call__(self) -> float:
        """Train one epoch; returns its mean loss in nats per image."""
        self.net.train()
        total = 0.0
        for x, _ in self.loader:
            self.optimiser.zero_grad()
            out = self.net(x)
            missed = F.binary_cross_entropy(out.x, x.flatten(1), reduction="sum")
            kl = -0.5 * torch.sum(1 + out.logvar - out.mean.square() - out.logvar.exp())
            loss = missed + kl
            loss.backward()
            total += loss.item()
            self.optimiser.step()
        return total / len(self.loader.dataset)


def take_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each function over rounds that call each once; the first is a warm-up.

    Alternating exposes all functions to the same load of the machine.
    """
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for lap in range(rounds + 1):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            if lap:
                took[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in took.items()}
