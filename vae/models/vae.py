"""Auto-Encoding Variational Bayes (Kingma & Welling 2013, arXiv 1312.6114); beta-VAE (Higgins et
al. 2017) by one weight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vae import augment, losses, nets
from vae.batches import targets
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.flows import Flow
from vae.interface import Batch, LatentModel
from vae.latent import LatentBlock
from vae.layers import FourierFeatures
from vae.optim import GradientStep, Scalars, TrainConfig
from vae.posteriors import (
    DiagonalGaussian,
    Distribution,
    GaussianMixture,
    Posterior,
    Transformed,
)


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
    components: int = 1  # Gaussians in the posterior; more than 1 need importance samples
    warm_up: float = 0.0  # share of training over which the KL's weight rises from 0 to beta
    frequency: float = 0.0  # deviation of the decoder's Fourier frequencies; 0: no Fourier features
    couplings: int = 0  # layers of the flow from the prior to the encoder's code; 0: no flow
    scale: str = "logvar"  # what the encoder returns besides means: logvar, or a softplus deviation
    # augmentation of training images, each with its own probability
    flip: float = 0.0  # horizontal flip
    affine: float = 0.0  # rotation, shear, scale and shift
    hue: float = 0.0  # rotation of the hue by any angle, and a change of contrast

    def __post_init__(self) -> None:
        if (
            self.beta < 0
            or not 0 <= self.dropout < 1
            or not 0 <= self.warm_up <= 1
            or self.samples < 1
            or self.frequency < 0
            or not all(0 <= p <= 1 for p in (self.flip, self.affine, self.hue))
            or self.components < 1
            or self.couplings < 0
        ):
            raise ValueError(f"out of range: {self}")
        if self.scale not in ("logvar", "softplus"):
            raise ValueError(f"scale is 'logvar' or 'softplus', not {self.scale!r}")
        if self.samples > 1 and self.beta != 1:
            raise ValueError(
                f"the importance-weighted bound has no beta; take samples=1 or beta=1, not {self}"
            )
        if self.components > 1 and self.samples == 1:
            raise ValueError(
                f"a mixture of {self.components} components is trained by importance weights; take "
                "samples above 1"
            )


class VAE(LatentModel):
    """An encoder to a Gaussian or a mixture of them, a decoder to the parameters of the
    likelihood."""

    def __init__(self, config: VAEConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c = self.config = config
        self.blocks = (LatentBlock("z", c.latent, "normal"),)
        inputs = c.hidden if c.frequency else c.latent
        # means and scales, and the weights of a mixture
        outputs = c.components * 2 * c.latent + (c.components if c.components > 1 else 0)
        self.encoder, decoder = nets.build(
            c.net, spec, inputs, outputs, c.hidden, c.depth, c.dropout
        )
        if c.frequency:
            decoder = nn.Sequential(FourierFeatures(c.latent, c.hidden, c.frequency), decoder)
        self.decoder = decoder
        # the encoder's code is flow(z), so that its distribution need not be normal
        self.flow = Flow(c.latent, c.couplings) if c.couplings else None

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior:
        """q(z | x)."""
        c, h = self.config, self.encoder(x).float()
        if c.components == 1:
            mean, scale = h.chunk(2, dim=-1)  # [B, Z] each
            return self._of_code(DiagonalGaussian(mean, self._logvar(scale)))
        size = (c.components, c.latent)
        weight, mean, scale = h.split([c.components, math.prod(size), math.prod(size)], dim=-1)
        means, logvars = mean.unflatten(-1, size), self._logvar(scale).unflatten(-1, size)
        return self._of_code(GaussianMixture(weight.log_softmax(-1), means, logvars))

    def _of_code(self, q: Distribution) -> Posterior:
        return Posterior((Transformed(q, self.flow) if self.flow else q,))

    def _logvar(self, scale: Tensor) -> Tensor:
        if self.config.scale == "softplus":
            return 2 * (F.softplus(scale) + 1e-6).log()
        return scale.clamp(*nets.LOGVAR)

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of p(x | z)."""
        return nets.decode(self.decoder, self.flow(z) if self.flow else z)


class Objective(nn.Module):
    """The negative bound on log p(x), and its parts."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B *X"],
        noise: Float[Tensor, "B K Z"],
        progress: Tensor,
    ) -> Scalars:
        c = self.model.config
        q = self.model.encode(x)
        z = q.sample(noise.transpose(0, 1))  # [K, B, Z]
        # -log p(x | z), the first term of the bound
        cross_entropy = -self.model.likelihood.log_prob(self.model.decode(z), x)  # [K, B]
        # the second term is KL(q(z | x) || p(z))
        weight = c.beta * losses.kl_weight(progress, c.warm_up)
        loss = losses.negative_bound(q, z, cross_entropy, weight)  # [B]
        parts = {"loss": loss, "cross_entropy": cross_entropy.mean(0), "kl": q.kl()}
        return {name: value.mean() for name, value in parts.items()}


class WakeSleep(Objective):
    """Reweighted wake-sleep (Bornschein & Bengio 2015), for a posterior that is a mixture: the
    choice of a component has no gradient, so none is needed of the codes."""

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B *X"],
        noise: Float[Tensor, "B K N"],
        progress: Tensor,
    ) -> Scalars:
        q = self.model.encode(x)
        z = q.sample(noise.transpose(0, 1)).detach()  # [K, B, Z]
        # -log p(x | z)
        cross_entropy = -self.model.likelihood.log_prob(self.model.decode(z), x)  # [K, B]
        # -log p(x) + KL(p(z | x) || q(z | x))
        loss = losses.reweighted_wake_sleep(q, z, cross_entropy)  # [B]
        parts = {"loss": loss, "cross_entropy": cross_entropy.mean(0), "kl": q.kl()}
        return {name: value.mean() for name, value in parts.items()}


class PriorFit(Objective):
    """KL(q(z | x) || p(z)) alone, for a flow between the prior and the codes of a trained model."""

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B *X"],
        noise: Float[Tensor, "B K N"],
        progress: Tensor,
    ) -> Scalars:
        q = self.model.encode(x)
        z = q.sample(noise.transpose(0, 1))  # [K, B, Z]
        kl = (q.log_prob(z) - q.prior_log_prob(z)).mean()
        return {"loss": kl, "kl": kl.detach()}


def make_step(model: VAE, config: TrainConfig, noise: Noise) -> GradientStep:
    """The training step of a VAE. Where encoder and decoder are frozen, the flow is trained."""
    c = model.config
    objective: nn.Module = WakeSleep(model) if c.components > 1 else Objective(model)
    if c.couplings and {"encoder", "decoder"} <= set(config.freeze.split(",")):
        objective = PriorFit(model)
    size = c.latent + (c.components > 1)  # numbers that a code needs

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        x = targets(model, batch.x, noise)
        return x, noise.normal(len(x), c.samples, size)

    def augmented(batch: Batch, noise: Noise) -> Batch:
        x = augment.augment(batch.x, noise, flip=c.flip, affine=c.affine, hue=c.hue)
        return batch._replace(x=x)

    return GradientStep(objective, draw, config, noise, augmented)
