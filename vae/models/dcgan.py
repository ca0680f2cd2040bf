"""DCGAN (Radford et al. 2015, arXiv 1511.06434); the GAN of Goodfellow et al. 2014 by net="mlp"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vae import adversarial, dimension_labels, latent, nets
from vae.adversarial import AdversarialConfig, AdversarialStep
from vae.dataspec import Dataset, DataSpec
from vae.distributed import Noise
from vae.gan_nets import Discriminator, Generator
from vae.interface import Batch, LatentModel
from vae.latent import LatentBlock
from vae.optim import Scalars, TrainConfig
from vae.principal_directions import principal_directions


@dataclass(frozen=True)
class DCGANConfig(AdversarialConfig):
    latent: int = 100  # latent dimensions
    directions: int = 20  # of these, principal directions with a slider each; the others are noise
    conditional: bool = False  # whether generator and discriminator are given the class

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.directions <= self.latent:
            raise ValueError(f"directions are 1 to latent = {self.latent}, not {self.directions}")


class DCGAN(LatentModel):
    """A generator and a discriminator.

    The code is in coordinates of its own: a rotation of what the generator takes, which leaves the
    normal prior as it is. Once trained, its first axes are the principal directions.
    """

    implicit = True
    rotation: Tensor

    def __init__(self, config: DCGANConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c = self.config = config
        classes = nets.class_count(spec) if c.conditional else 0
        self.blocks = (LatentBlock("direction", c.directions, "normal"),)
        if c.latent > c.directions:
            rest = c.latent - c.directions
            self.blocks += (LatentBlock("noise", rest, "normal", role="noise"),)
        if classes:
            self.blocks += (LatentBlock("class", classes, "categorical", role="class"),)
        self.register_buffer("rotation", torch.eye(c.latent))
        self.needs_labels = c.conditional
        self.generator_inputs = c.latent + classes
        self.generator = Generator(c.net, spec, self.generator_inputs, c.width)
        self.discriminator = Discriminator(
            c.net, spec, c.critic, spectral=c.spectral, classes=classes
        )

    def inputs(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B Z"]:
        """What the generator takes: the rotated code, and the class."""
        rotated = z[..., : self.config.latent] @ self.rotation
        return torch.cat([rotated, z[..., self.config.latent :]], -1)

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of the likelihood, whose mean is the generated sample."""
        return self.generator(self.inputs(z))

    def generate(self, z: Float[Tensor, "B Z"]) -> Float[Tensor, "B *X"]:
        """The samples of the codes."""
        return self.likelihood.mean(self.decode(z).float())


class ConditionalDCGAN(DCGAN):
    """A DCGAN whose code has the class."""

    @property
    def class_dims(self) -> slice:
        """The dimensions of the class in the code."""
        return cast(slice, latent.class_slice(self.blocks))


def build(config: DCGANConfig, spec: DataSpec) -> DCGAN:
    """A DCGAN, conditional where the config says so."""
    return (ConditionalDCGAN if config.conditional else DCGAN)(config, spec)


class Discriminate(nn.Module):
    """The discriminator's loss: real samples against drawn ones."""

    def __init__(self, model: DCGAN) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        z: Float[Tensor, "B Z"],
        one_hot: Float[Tensor, "B C"],
        progress: Tensor,
    ) -> Scalars:
        m, c = self.model, self.model.config
        with torch.no_grad():
            samples = m.generate(z)
        # drawn samples have the classes of the real ones
        real, drawn = m.discriminator(
            torch.cat([batch.x, samples]), torch.cat([one_hot, one_hot])
        ).chunk(2)
        loss = adversarial.LOSSES[c.loss](real, drawn).mean()
        if c.r1:  # of a quarter of the batch, for time
            part = slice(0, None, 4)
            penalty = adversarial.r1_penalty(
                lambda x: m.discriminator(x, one_hot[part]), batch.x[part]
            )
            loss = loss + c.r1 * penalty.mean()
        return {"loss": loss} | adversarial.beliefs(real, drawn)


class Generate(nn.Module):
    """The generator's loss: drawn samples that the discriminator recognises."""

    def __init__(self, model: DCGAN) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        z: Float[Tensor, "B Z"],
        one_hot: Float[Tensor, "B C"],
        progress: Tensor,
    ) -> Scalars:
        drawn = self.model.discriminator(self.model.generate(z), one_hot)
        return {"loss": adversarial.generator_loss(drawn, self.model.config.loss).mean()}


def make_step(model: DCGAN, config: TrainConfig, noise: Noise) -> AdversarialStep:
    """The training step of a DCGAN."""
    c, classes = model.config, model.config.conditional * len(model.spec.classes)

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        one_hot = F.one_hot(batch.y.clamp(min=0), max(1, len(model.spec.classes))).float()
        one_hot = one_hot[:, :classes]
        return torch.cat([noise.normal(len(batch.x), c.latent), one_hot], 1), one_hot

    return AdversarialStep(
        Generate(model), Discriminate(model), draw, config, noise, c.discriminator_rate
    )


def finish(model: DCGAN, data: Dataset) -> None:
    """Rotate the code's axes to the principal directions of the generator's features; name them by
    what they change, and turn them so that larger coordinates make it larger."""
    model.rotation.copy_(principal_directions(model))
    signs = torch.from_numpy(dimension_labels.name_block(model, 0, data))
    model.rotation[: len(signs)] *= signs.to(model.rotation)[:, None]
