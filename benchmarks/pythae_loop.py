"""pythae's VAE trained by pythae's trainer, one epoch per request.

training.py starts it in an environment that has pythae and not this repository. Arguments: images
(.npy, uint8 [N, 28, 28]), output file of the weights (.npz), epochs, batch, rate. It trains an
epoch for each line on its standard input, and prints a line after each epoch.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback

LATENT = 20


class Turns(TrainingCallback):
    """Reads a line of input before each epoch and prints one after it."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers

    def on_epoch_begin(self, *args: Any, **kwargs: Any) -> None:
        if not sys.stdin.readline():
            sys.exit("the benchmark has ended")

    def on_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        print("done", file=self.answers, flush=True)


def main(images: str, weights: str, epochs: str, batch: str, rate: str) -> None:
    """Train as in pythae's documentation, and save the weights."""
    answers, sys.stdout = sys.stdout, sys.stderr  # pythae prints to it
    pixels = torch.from_numpy(np.load(images)).float()[:, None] / 255
    net = VAE(
        VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENT, reconstruction_loss="bce")
    )  # 784-512-20-512-784, ReLU: its defaults
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=int(batch),
            num_epochs=int(epochs),
            learning_rate=float(rate),
            no_cuda=True,
        )
        dataset = BaseDataset(pixels, torch.zeros(len(pixels)))
        BaseTrainer(net, dataset, training_config=config, callbacks=[Turns(answers)]).train()
    np.savez(weights, **{name: value.numpy() for name, value in net.state_dict().items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
