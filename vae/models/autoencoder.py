"""A deterministic autoencoder (Hinton & Salakhutdinov 2006): the VAE's code without its noise and
its prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae import losses, nets
from vae.distributed import Noise
from vae.interface import Batch, LatentModel, Posterior
from vae.latent import LatentBlock
from vae.optim import GradientStep, Scalars, TrainConfig


@dataclass(frozen=True)
class AutoencoderConfig:
    latent: int = 2  # latent dimensions
    net: str = "residual"  # mlp | dropout | residual | conv | hybrid
    hidden: int = 512  # units a layer
    depth: int = 3  # hidden layers (mlp) or residual blocks
    dropout: float = 0.1  # share of units silenced while training

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is a share below 1, not {self.dropout}")


class Autoencoder(LatentModel):
    """An encoder to a point, a decoder to the logits of Bernoulli pixels."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        c = self.config = config
        self.blocks = (LatentBlock("z", c.latent, "normal"),)
        self.encoder, self.decoder = nets.build(
            c.net, c.latent, c.latent, c.hidden, c.depth, c.dropout
        )
        # nothing in the loss fixes the scale of the code; this does: each dimension has mean 0 and
        # deviation 1 over the data, so that the same sliders serve and a normal prior is at least
        # the right size
        self.standardise = nn.BatchNorm1d(c.latent, affine=False)

    def encode(self, x: Float[Tensor, "B 28 28"]) -> Posterior:
        """The code of x, without spread."""
        mean = self.standardise(self.encoder(x).float())  # [B, Z]
        return Posterior(mean, torch.full_like(mean, -torch.inf))

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]:
        """Logits of the pixels."""
        return nets.images(self.decoder, z)


class Objective(nn.Module):
    """The pixels' cross-entropy, the only term there is."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, progress: Tensor) -> Scalars:
        logits = self.model.decode(self.model.encode(batch.x).mean)
        loss = losses.bernoulli_cross_entropy(logits, batch.x).mean()
        return {"loss": loss, "cross_entropy": loss.detach()}


def make_step(model: Autoencoder, config: TrainConfig, noise: Noise) -> GradientStep:
    """How an autoencoder is trained: it draws nothing."""
    return GradientStep(Objective(model), lambda batch, noise: (), config, noise)
