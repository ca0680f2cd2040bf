"""The conditional VAE (Sohn et al. 2015): the label joins encoder and decoder, so that the code has
only to say how the digit is written."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae import losses, nets
from vae.distributed import Noise
from vae.interface import Batch, LatentModel, Posterior
from vae.latent import DIGIT, LatentBlock
from vae.models.classifier_vae import disagreement
from vae.optim import GradientStep, Scalars, TrainConfig


@dataclass(frozen=True)
class ConditionalVAEConfig:
    latent: int = 20  # latent dimensions besides the digit
    net: str = "hybrid"  # mlp | dropout | residual | conv | hybrid | sigmoid
    hidden: int = 320  # units a layer
    depth: int = 2  # hidden layers (mlp) or residual blocks
    dropout: float = 0.05  # share of units silenced while training
    binarise: bool = True  # draw each pixel anew at every step; False: grey levels as targets
    samples: int = 1  # importance samples in the bound: 1 is the ELBO, more the IWAE bound
    warm_up: float = 0.0  # share of training over which the KL's weight rises from 0 to 1
    weight: float = 1.0  # weight of the classifier's cross-entropy; no other part depends on it
    agreement: float = 0.0  # weight of recognising in drawn digits those that were asked for

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1 or not 0 <= self.warm_up <= 1 or self.samples < 1:
            raise ValueError(f"out of range: {self}")
        if min(self.weight, self.agreement) < 0:
            raise ValueError(f"a weight is below 0: {self}")


class ConditionalVAE(LatentModel):
    """q(z given x, y) and p(x given z, y); q(y given x) besides, for images without a label."""

    needs_labels = True

    def __init__(self, config: ConditionalVAEConfig) -> None:
        super().__init__()
        c = self.config = config
        self.blocks = (LatentBlock("z", c.latent, "normal"), LatentBlock(DIGIT, 10, "categorical"))
        self.digit = slice(c.latent, c.latent + 10)
        # the digit as a picture that is laid over the image: whatever net reads it, it reads both
        self.label = nn.Sequential(nn.Linear(10, nets.PIXELS, bias=False), nets.ToImage())
        self.encoder, _ = nets.build(c.net, 1, 2 * c.latent, c.hidden, c.depth, c.dropout)
        _, self.decoder = nets.build(c.net, c.latent + 10, 1, c.hidden, c.depth, c.dropout)
        self.classifier = nets.classifier("conv", min(c.hidden, 128), c.dropout)

    def classify(self, x: Float[Tensor, "B 28 28"]) -> Float[Tensor, "B 10"]:
        """log q(y given x)."""
        return self.classifier(x).float().log_softmax(-1)

    def encode(self, x: Float[Tensor, "B 28 28"]) -> Posterior:
        """q(z given x, y) with the classifier's probabilities for y."""
        return self.encode_given(x, self.classify(x).exp())

    def encode_given(self, x: Float[Tensor, "B 28 28"], digit: Float[Tensor, "B 10"]) -> Posterior:
        """q(z given x, y), and the digit as it is given."""
        mean, logvar = self.encoder(x + self.label(digit)).float().chunk(2, dim=-1)  # [B, Z] each
        return Posterior(mean, logvar.clamp(-14, 6)).joined(digit)

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]:
        """Logits of p(x given z and the digit within it)."""
        return nets.images(self.decoder, z)


class Objective(nn.Module):
    """The negative bound on log p(x given y), and the classifier's cross-entropy."""

    def __init__(self, model: ConditionalVAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B 28 28"],
        noise: Float[Tensor, "B K Z"],
        asked: Float[Tensor, "S Z"],
        progress: Tensor,
    ) -> Scalars:
        c = self.model.config
        digit = nn.functional.one_hot(batch.y, 10).to(x.dtype)
        mean, logvar = (part[:, : c.latent] for part in self.model.encode_given(x, digit))
        z = mean[:, None] + (0.5 * logvar[:, None]).exp() * noise  # [B, K, Z]
        label = digit[:, None].expand(-1, c.samples, -1)
        logits = self.model.decode(torch.cat([z, label], -1))
        cross_entropy = losses.bernoulli_cross_entropy(logits, x[:, None])  # [B, K]
        kl = losses.gaussian_kl(mean, logvar).sum(-1)  # [B]
        if c.samples == 1:
            # what the pixels cost given code and digit, and what the code costs given the prior
            bound = cross_entropy[:, 0] + losses.kl_weight(progress, c.warm_up) * kl
        else:
            log_weights = losses.importance_log_weights(
                z, mean[:, None], logvar[:, None], cross_entropy
            )  # [B, K]
            bound = -losses.importance_weighted_bound(log_weights.T)  # [B]
        named = self.model.classify(batch.x)
        classification = losses.digit_cross_entropy(named, batch.y)
        parts = {"cross_entropy": cross_entropy.mean(1), "kl": kl, "classification": classification}
        loss = bound.mean() + c.weight * classification.mean()
        means = {name: value.mean() for name, value in parts.items()}
        if c.agreement:
            means["disagreement"] = disagreement(self.model, self.model.classifier, asked)
            loss = loss + c.agreement * means["disagreement"]
        return {"loss": loss, **means, "error": losses.digit_error(named, batch.y)}


def make_step(model: ConditionalVAE, config: TrainConfig, noise: Noise) -> GradientStep:
    """How a conditional VAE is trained. Every image needs its digit."""
    c = model.config

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        x = noise.bernoulli(batch.x) if c.binarise else batch.x
        asked = noise.normal(max(10, len(x) // 4), c.latent)  # fewer, for each costs a decode
        return x, noise.normal(len(x), c.samples, c.latent), asked

    return GradientStep(Objective(model), draw, config, noise)
