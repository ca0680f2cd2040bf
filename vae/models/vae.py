"""Auto-Encoding Variational Bayes (Kingma & Welling 2013, arXiv 1312.6114); beta-VAE (Higgins et
al. 2017) by one weight."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vae import losses, nets
from vae.distributed import Noise
from vae.interface import Batch, LatentModel, Posterior
from vae.latent import LatentBlock
from vae.optim import GradientStep, Scalars, TrainConfig


@dataclass(frozen=True)
class VAEConfig:
    latent: int = 2  # latent dimensions
    net: str = "residual"  # a name in nets.NETS
    hidden: int = 512  # units a layer
    depth: int = 3  # hidden layers (mlp) or residual blocks
    dropout: float = 0.1  # dropout probability
    beta: float = 1.0  # weight of the KL; above 1 favours independent dimensions
    binarise: bool = True  # sample binary pixels anew at every step; False: grey levels as targets
    samples: int = 1  # importance samples in the bound: 1 is the ELBO, more the IWAE bound
    warm_up: float = 0.0  # share of training over which the KL's weight rises from 0 to beta
    frequency: float = 0.0  # deviation of the decoder's Fourier frequencies; 0: no Fourier features
    scale: str = "logvar"  # what the encoder's second half is: logvar, or a softplus deviation

    def __post_init__(self) -> None:
        if (
            self.beta < 0
            or not 0 <= self.dropout < 1
            or not 0 <= self.warm_up <= 1
            or self.samples < 1
            or self.frequency < 0
        ):
            raise ValueError(f"out of range: {self}")
        if self.scale not in ("logvar", "softplus"):
            raise ValueError(f"scale is 'logvar' or 'softplus', not {self.scale!r}")
        if self.samples > 1 and self.beta != 1:
            raise ValueError(
                f"the importance-weighted bound has no beta; take samples=1 or beta=1, not {self}"
            )


class VAE(LatentModel):
    """An encoder to a diagonal Gaussian, a decoder to the logits of Bernoulli pixels."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        c = self.config = config
        self.blocks = (LatentBlock("z", c.latent, "normal"),)
        inputs = c.hidden if c.frequency else c.latent
        self.encoder, decoder = nets.build(
            c.net, inputs, 2 * c.latent, c.hidden, c.depth, c.dropout
        )
        if c.frequency:
            decoder = nn.Sequential(nets.FourierFeatures(c.latent, c.hidden, c.frequency), decoder)
        self.decoder = decoder

    def encode(self, x: Float[Tensor, "B 28 28"]) -> Posterior:
        """q(z | x)."""
        mean, raw = self.encoder(x).float().chunk(2, dim=-1)  # [B, Z] each
        if self.config.scale == "softplus":
            return Posterior(mean, 2 * (F.softplus(raw) + 1e-6).log())
        return Posterior(mean, raw.clamp(*nets.LOGVAR))

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]:
        """Logits of p(x | z)."""
        return nets.images(self.decoder, z)


class Objective(nn.Module):
    """The negative bound on log p(x), and its parts."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B 28 28"],
        noise: Float[Tensor, "B K Z"],
        progress: Tensor,
    ) -> Scalars:
        c = self.model.config
        mean, logvar = self.model.encode(x)
        # reparameterisation: z = mean + deviation * noise, so that gradients reach the encoder
        z = mean[:, None] + (0.5 * logvar[:, None]).exp() * noise  # [B, K, Z]
        # -log p(x | z), the first term of the bound
        cross_entropy = losses.bernoulli_cross_entropy(self.model.decode(z), x[:, None])  # [B, K]
        # KL(q(z | x) || p(z)), the second term
        kl = losses.gaussian_kl(mean, logvar).sum(-1)  # [B]
        weight = c.beta * losses.kl_weight(progress, c.warm_up)
        loss = losses.negative_bound(z, mean, logvar, cross_entropy, weight)  # [B]
        parts = {"loss": loss, "cross_entropy": cross_entropy.mean(1), "kl": kl}
        return {name: value.mean() for name, value in parts.items()}


def make_step(model: VAE, config: TrainConfig, noise: Noise) -> GradientStep:
    """The training step of a VAE."""

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        x = noise.bernoulli(batch.x) if model.config.binarise else batch.x
        return x, noise.normal(len(x), model.config.samples, model.config.latent)

    return GradientStep(Objective(model), draw, config, noise)
