"""The conditional VAE (Sohn et al. 2015): encoder and decoder are given the class, so that the code
carries the style alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from vae import losses, nets
from vae.batches import targets
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.interface import Batch, LatentModel
from vae.latent import LatentBlock
from vae.models.classifier_vae import disagreement
from vae.optim import GradientStep, Scalars, TrainConfig
from vae.posteriors import Categorical, DiagonalGaussian, Point, Posterior


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

    def __init__(self, config: ConditionalVAEConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c, classes = config, nets.class_count(spec)
        self.config = config
        self.blocks = (
            LatentBlock("z", c.latent, "normal"),
            LatentBlock("class", classes, "categorical", role="class"),
        )
        self.class_dims = slice(c.latent, c.latent + classes)
        # maps the class to a sample that is added to x, so that any net can be the encoder
        self.label = nn.Sequential(
            nn.Linear(classes, math.prod(spec.shape), bias=False), nn.Unflatten(-1, spec.shape)
        )
        shape = c.hidden, c.depth, c.dropout
        self.encoder, _ = nets.build(c.net, spec, 1, 2 * c.latent, *shape)
        _, self.decoder = nets.build(c.net, spec, c.latent + classes, 1, *shape)
        self.classifier = nets.classifier("conv", spec, min(c.hidden, 128), c.dropout)

    def classify(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B C"]:
        """log q(y | x)."""
        return self.classifier(x).float().log_softmax(-1)

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior:
        """q(z | x, y) with the class probabilities q(y | x) for y, followed by q(y | x)."""
        log_y = self.classify(x)
        return Posterior((self.encode_given(x, log_y.exp()).blocks[0], Categorical(log_y)))

    def encode_given(self, x: Float[Tensor, "B *X"], one_hot: Float[Tensor, "B C"]) -> Posterior:
        """q(z | x, y), followed by y."""
        mean, logvar = self.encoder(x + self.label(one_hot)).float().chunk(2, dim=-1)  # [B, Z] each
        return Posterior((DiagonalGaussian(mean, logvar.clamp(*nets.LOGVAR)), Point(one_hot)))

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of p(x | z, y); y is the last block of the code."""
        return nets.decode(self.decoder, z)


class Objective(nn.Module):
    """The negative bound on log p(x | y), and the classifier's cross-entropy."""

    def __init__(self, model: ConditionalVAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B *X"],
        noise: Float[Tensor, "B K Z"],
        prior: Float[Tensor, "S Z"],
        progress: Tensor,
    ) -> Scalars:
        c, classes = self.model.config, len(self.model.spec.classes)
        one_hot = nn.functional.one_hot(batch.y, classes).to(x.dtype)
        q = self.model.encode_given(x, one_hot)
        codes = q.sample(noise.transpose(0, 1))  # [K, B, Z + C]
        # -log p(x | z, y)
        cross_entropy = -self.model.likelihood.log_prob(self.model.decode(codes), x)  # [K, B]
        # with KL(q(z | x, y) || p(z))
        weight = losses.kl_weight(progress, c.warm_up)
        bound = losses.negative_bound(q, codes, cross_entropy, weight)  # [B]
        # -log q(y | x)
        log_probabilities = self.model.classify(batch.x)
        classification = losses.class_cross_entropy(log_probabilities, batch.y)
        parts = {"cross_entropy": cross_entropy.mean(0), "kl": q.kl()}
        parts["classification"] = classification
        loss = bound.mean() + c.weight * classification.mean()
        means = {name: value.mean() for name, value in parts.items()}
        if c.agreement:
            means["disagreement"] = disagreement(self.model, self.model.classifier, prior)
            loss = loss + c.agreement * means["disagreement"]
        return {"loss": loss, **means, "error": losses.class_error(log_probabilities, batch.y)}


def make_step(model: ConditionalVAE, config: TrainConfig, noise: Noise) -> GradientStep:
    """The training step of a conditional VAE. Every sample needs its class."""
    c = model.config

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        x = targets(model, batch.x, noise)
        few = max(len(model.spec.classes), len(x) // 4)  # fewer than x: each is decoded too
        prior = noise.normal(few, c.latent)
        return x, noise.normal(len(x), c.samples, c.latent), prior

    return GradientStep(Objective(model), draw, config, noise)
