"""The conditional VAE (Sohn et al. 2015): encoder and decoder are given the class, so that the code
carries the style alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae import losses, nets
from vae.distributed import Noise
from vae.interface import Batch, LatentModel, Posterior
from vae.latent import LatentBlock
from vae.models.classifier_vae import disagreement
from vae.optim import GradientStep, Scalars, TrainConfig


@dataclass(frozen=True)
class ConditionalVAEConfig:
    latent: int = 20  # latent dimensions besides the class
    net: str = "hybrid"  # a name in nets.NETS
    hidden: int = 320  # units a layer
    depth: int = 2  # hidden layers (mlp) or residual blocks
    dropout: float = 0.05  # dropout probability
    binarise: bool = True  # sample binary pixels anew at every step; False: grey levels as targets
    samples: int = 1  # importance samples in the bound: 1 is the ELBO, more the IWAE bound
    warm_up: float = 0.0  # share of training over which the KL's weight rises from 0 to 1
    weight: float = 1.0  # weight of the classifier's cross-entropy; no other part depends on it
    agreement: float = 0.0  # weight of the classifier's cross-entropy on generated images

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1 or not 0 <= self.warm_up <= 1 or self.samples < 1:
            raise ValueError(f"out of range: {self}")
        if min(self.weight, self.agreement) < 0:
            raise ValueError(f"a weight is below 0: {self}")


class ConditionalVAE(LatentModel):
    """q(z | x, y) and p(x | z, y), and q(y | x) for images without a label."""

    needs_labels = True

    def __init__(self, config: ConditionalVAEConfig) -> None:
        super().__init__()
        c = self.config = config
        self.blocks = (
            LatentBlock("z", c.latent, "normal"),
            LatentBlock("class", 10, "categorical", role="class"),
        )
        self.class_dims = slice(c.latent, c.latent + 10)
        # maps the class to an image that is added to x, so that any net can be the encoder
        self.label = nn.Sequential(nn.Linear(10, nets.PIXELS, bias=False), nets.ToImage())
        self.encoder, _ = nets.build(c.net, 1, 2 * c.latent, c.hidden, c.depth, c.dropout)
        _, self.decoder = nets.build(c.net, c.latent + 10, 1, c.hidden, c.depth, c.dropout)
        self.classifier = nets.classifier("conv", min(c.hidden, 128), c.dropout)

    def classify(self, x: Float[Tensor, "B 28 28"]) -> Float[Tensor, "B 10"]:
        """log q(y | x)."""
        return self.classifier(x).float().log_softmax(-1)

    def encode(self, x: Float[Tensor, "B 28 28"]) -> Posterior:
        """q(z | x, y) with the class probabilities q(y | x) for y."""
        return self.encode_given(x, self.classify(x).exp())

    def encode_given(
        self, x: Float[Tensor, "B 28 28"], one_hot: Float[Tensor, "B 10"]
    ) -> Posterior:
        """q(z | x, y), followed by y."""
        mean, logvar = self.encoder(x + self.label(one_hot)).float().chunk(2, dim=-1)  # [B, Z] each
        return Posterior(mean, logvar.clamp(*nets.LOGVAR)).with_class(one_hot)

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]:
        """Logits of p(x | z, y); y is the last block of the code."""
        return nets.images(self.decoder, z)


class Objective(nn.Module):
    """The negative bound on log p(x | y), and the classifier's cross-entropy."""

    def __init__(self, model: ConditionalVAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B 28 28"],
        noise: Float[Tensor, "B K Z"],
        prior: Float[Tensor, "S Z"],
        progress: Tensor,
    ) -> Scalars:
        c = self.model.config
        one_hot = nn.functional.one_hot(batch.y, 10).to(x.dtype)
        mean, logvar = (part[:, : c.latent] for part in self.model.encode_given(x, one_hot))
        z = mean[:, None] + (0.5 * logvar[:, None]).exp() * noise  # [B, K, Z]
        codes = torch.cat([z, one_hot[:, None].expand(-1, c.samples, -1)], -1)  # [B, K, Z + 10]
        # -log p(x | z, y)
        cross_entropy = losses.bernoulli_cross_entropy(self.model.decode(codes), x[:, None])
        # KL(q(z | x, y) || p(z))
        kl = losses.gaussian_kl(mean, logvar).sum(-1)  # [B]
        weight = losses.kl_weight(progress, c.warm_up)
        bound = losses.negative_bound(z, mean, logvar, cross_entropy, weight)  # [B]
        # -log q(y | x)
        log_probabilities = self.model.classify(batch.x)
        classification = losses.class_cross_entropy(log_probabilities, batch.y)
        parts = {"cross_entropy": cross_entropy.mean(1), "kl": kl, "classification": classification}
        loss = bound.mean() + c.weight * classification.mean()
        means = {name: value.mean() for name, value in parts.items()}
        if c.agreement:
            means["disagreement"] = disagreement(self.model, self.model.classifier, prior)
            loss = loss + c.agreement * means["disagreement"]
        return {"loss": loss, **means, "error": losses.class_error(log_probabilities, batch.y)}


def make_step(model: ConditionalVAE, config: TrainConfig, noise: Noise) -> GradientStep:
    """The training step of a conditional VAE. Every image needs its class."""
    c = model.config

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        x = noise.bernoulli(batch.x) if c.binarise else batch.x
        prior = noise.normal(max(10, len(x) // 4), c.latent)  # fewer than x: each is decoded too
        return x, noise.normal(len(x), c.samples, c.latent), prior

    return GradientStep(Objective(model), draw, config, noise)
