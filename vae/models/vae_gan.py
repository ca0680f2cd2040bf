"""VAE-GAN (Larsen et al. 2015, arXiv 1512.09300): a VAE whose reconstruction error is measured on a
hidden layer of a discriminator, and whose decoder is the generator of a GAN."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae import adversarial, losses, nets
from vae.adversarial import AdversarialConfig, AdversarialStep
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.gan_nets import Discriminator, Encoder, Generator
from vae.interface import Batch, LatentModel
from vae.latent import LatentBlock
from vae.optim import Scalars, TrainConfig
from vae.posteriors import DiagonalGaussian, Posterior


@dataclass(frozen=True)
class VAEGANConfig(AdversarialConfig):
    latent: int = 20  # latent dimensions
    layer: int = 2  # hidden layer of the discriminator that is reconstructed, or its last one
    deviation: float = 0.5  # of these features, given the code: the smaller, the larger the KL
    gamma: float = 0.003  # weight of the reconstruction error beside the adversarial loss (decoder)
    pixels: float = 0.0  # weight of the squared error of the values, added to that of the features

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.gamma, self.deviation) <= 0 or self.pixels < 0 or self.layer < 1:
            raise ValueError(f"out of range: {self}")


class VAEGAN(LatentModel):
    """An encoder to a Gaussian, a generator that decodes, and a discriminator."""

    implicit = True  # p(x | z) is one of the discriminator's features, which are no samples

    def __init__(self, config: VAEGANConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c = self.config = config
        self.blocks = (LatentBlock("z", c.latent, "normal"),)
        self.encoder = Encoder(c.net, spec, c.critic, 2 * c.latent)
        self.decoder = Generator(c.net, spec, c.latent, c.width)
        self.discriminator = Discriminator(c.net, spec, c.critic, spectral=c.spectral)

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior:
        """q(z | x)."""
        mean, logvar = self.encoder(x).float().chunk(2, -1)  # [B, Z] each
        return Posterior((DiagonalGaussian(mean, logvar.clamp(*nets.LOGVAR)),))

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of the likelihood, whose mean is the decoded sample."""
        return self.decoder(z)

    def generate(self, z: Float[Tensor, "B Z"]) -> Float[Tensor, "B *X"]:
        """The samples of the codes."""
        return self.likelihood.mean(self.decode(z).float())


def half_each(z: Float[Tensor, "B Z"], prior: Float[Tensor, "B Z"]) -> Float[Tensor, "B Z"]:
    """The codes of samples that are not real, half of them reconstructions, for time."""
    half = len(z) // 2
    return torch.cat([z[:half], prior[half:]])


class Discriminate(nn.Module):
    """The discriminator's loss: real samples against reconstructed and drawn ones."""

    def __init__(self, model: VAEGAN) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        noise: Float[Tensor, "B Z"],
        prior: Float[Tensor, "B Z"],
        progress: Tensor,
    ) -> Scalars:
        m, c = self.model, self.model.config
        with torch.no_grad():
            samples = m.generate(half_each(m.encode(batch.x).sample(noise), prior))
        real, drawn = m.discriminator(torch.cat([batch.x, samples])).chunk(2)
        loss = adversarial.LOSSES[c.loss](real, drawn).mean()
        if c.r1:  # of a quarter of the batch, for time
            loss = loss + c.r1 * adversarial.r1_penalty(m.discriminator, batch.x[::4]).mean()
        return {"loss": loss} | adversarial.beliefs(real, drawn)


class Autoencode(nn.Module):
    """The loss of the encoder and of the decoder.

    Larsen et al. minimise KL + reconstruction over the encoder and gamma x reconstruction +
    adversarial over the decoder. One sum does both, as Adam ignores a factor on all gradients of a
    parameter: in KL + reconstruction + adversarial / gamma the decoder has 1 / gamma of its
    published gradient, and the encoder has none of the adversarial term, whose codes are detached.
    """

    def __init__(self, model: VAEGAN) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        noise: Float[Tensor, "B Z"],
        prior: Float[Tensor, "B Z"],
        progress: Tensor,
    ) -> Scalars:
        m, c = self.model, self.model.config
        q = m.encode(batch.x)
        z = q.sample(noise)
        # in two batches: batch norm in a common one would let the adversarial term reach z
        copies, samples = m.generate(z), m.generate(half_each(z.detach(), prior))
        # -log N(features of x | features of the copy, deviation^2), without its constant
        with torch.no_grad():
            features = m.discriminator.hidden_layer(batch.x, c.layer).float()
        error = losses.half_squared_error(
            m.discriminator.hidden_layer(copies, c.layer).float(), features
        )
        if c.pixels:
            error = error + c.pixels * losses.half_squared_error(copies, batch.x)
        error = error / c.deviation**2
        drawn = m.discriminator(samples)
        fooling = adversarial.generator_loss(drawn, c.loss)
        kl = q.kl()
        loss = kl.mean() + error.mean() + fooling.mean() / c.gamma
        parts = {"kl": kl, "reconstruction": error, "adversarial": fooling}
        return {"loss": loss} | {name: value.mean() for name, value in parts.items()}


def make_step(model: VAEGAN, config: TrainConfig, noise: Noise) -> AdversarialStep:
    """The training step of a VAE-GAN."""
    c = model.config

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        return noise.normal(len(batch.x), 2, c.latent).unbind(1)

    return AdversarialStep(
        Autoencode(model), Discriminate(model), draw, config, noise, c.discriminator_rate
    )
