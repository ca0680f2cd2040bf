"""A VAE with a digit classifier (Zeldes 2018, anotherdatum.com/vae2): an encoder, a decoder, and a
classifier whose ten probabilities join the code on the way to the decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from vae import augment, losses, nets
from vae.distributed import Noise
from vae.interface import Batch, LatentModel, Posterior
from vae.latent import DIGIT, LatentBlock
from vae.optim import GradientStep, Scalars, TrainConfig


@dataclass(frozen=True)
class ClassifierVAEConfig:
    latent: int = 10  # latent dimensions besides the digit
    net: str = "hybrid"  # mlp | dropout | residual | conv | hybrid | sigmoid
    classifier: str = "conv"  # conv | sigmoid
    hidden: int = 256  # units a layer
    depth: int = 2  # hidden layers (mlp) or residual blocks
    dropout: float = 0.05  # share of units silenced while training
    classifier_dropout: float = 0.05  # the same in the classifier
    binarise: bool = True  # draw each pixel anew at every step; False: grey levels as targets
    warm_up: float = 0.0  # share of training over which the KL's weight rises from 0 to 1
    weight: float = 10.0  # weight of the classifier's cross-entropy
    known: bool = False  # in training the known digit joins the code, not its probabilities
    agreement: float = 0.0  # weight of recognising in drawn digits those that were asked for
    consistency: float = 0.0  # weight of naming a distorted image as the image itself

    def __post_init__(self) -> None:
        if (
            not 0 <= self.dropout < 1
            or not 0 <= self.classifier_dropout < 1
            or not 0 <= self.warm_up <= 1
        ):
            raise ValueError(f"out of range: {self}")
        if min(self.weight, self.agreement, self.consistency) < 0:
            raise ValueError(f"a weight is below 0: {self}")


class ClassifierVAE(LatentModel):
    """Encoder and classifier read the image, the decoder draws from what both say."""

    def __init__(self, config: ClassifierVAEConfig) -> None:
        super().__init__()
        c = self.config = config
        self.blocks = (LatentBlock("z", c.latent, "normal"), LatentBlock(DIGIT, 10, "categorical"))
        self.digit = slice(c.latent, c.latent + 10)
        self.encoder, _ = nets.build(c.net, 1, 2 * c.latent, c.hidden, c.depth, c.dropout)
        _, self.decoder = nets.build(c.net, c.latent + 10, 1, c.hidden, c.depth, c.dropout)
        self.classifier = nets.classifier(c.classifier, min(c.hidden, 128), c.classifier_dropout)

    def classify(self, x: Float[Tensor, "B 28 28"]) -> Float[Tensor, "B 10"]:
        """log q(y given x)."""
        return self.classifier(x).float().log_softmax(-1)

    def encode(self, x: Float[Tensor, "B 28 28"]) -> Posterior:
        """q(z given x), and the classifier's probabilities in the place of the digit."""
        return self.encode_given(x, self.classify(x).exp())

    def encode_given(self, x: Float[Tensor, "B 28 28"], digit: Float[Tensor, "B 10"]) -> Posterior:
        """q(z given x), and the digit as it is given."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=-1)  # [B, Z] each
        return Posterior(mean, logvar.clamp(-14, 6)).joined(digit)

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]:
        """Logits of p(x given z and the digit within it)."""
        return nets.images(self.decoder, z)


class Objective(nn.Module):
    """The negative ELBO, the classifier's cross-entropy, and what makes few labels go further."""

    def __init__(self, model: ClassifierVAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B 28 28"],
        noise: Float[Tensor, "B Z"],
        asked: Float[Tensor, "S Z"],
        distorted: Float[Tensor, "B 28 28"],
        progress: Tensor,
    ) -> Scalars:
        c = self.model.config
        named = self.model.classify(batch.x)
        digit = named.exp()
        if c.known:
            # where it is unknown, the classifier's word, and no gradient through it: it would come
            # to mean what serves the decoder best, which is a style as soon as a digit
            sure = nn.functional.one_hot(batch.y.clamp(min=0), 10).to(digit.dtype)
            digit = torch.where(batch.y[:, None] < 0, digit.detach(), sure)
        mean, logvar = (part[:, : c.latent] for part in self.model.encode_given(x, digit))
        z = mean + (0.5 * logvar).exp() * noise  # [B, Z]
        logits = self.model.decode(torch.cat([z, digit], -1))
        # what the pixels cost given code and digit, and what the code costs given the prior
        cross_entropy = losses.bernoulli_cross_entropy(logits, x).mean()
        kl = losses.gaussian_kl(mean, logvar).sum(-1).mean()
        # the auxiliary task: the mean over the images whose digit is known
        known = (batch.y >= 0).sum().clamp(min=1)
        classification = losses.digit_cross_entropy(named, batch.y).sum() / known
        loss = (
            cross_entropy + losses.kl_weight(progress, c.warm_up) * kl + c.weight * classification
        )
        parts = {"cross_entropy": cross_entropy, "kl": kl, "classification": classification}
        if c.agreement:
            parts["disagreement"] = disagreement(self.model, self.model.classifier, asked)
            loss = loss + c.agreement * parts["disagreement"]
        if c.consistency:
            # a distorted image bears the name of the image, where that one is known or certain
            # (FixMatch, Sohn et al. 2020)
            certainty, name = named.detach().exp().max(1)
            name = torch.where(batch.y < 0, name, batch.y)
            again = losses.digit_cross_entropy(self.model.classify(distorted), name)
            taken = (batch.y >= 0) | (certainty > 0.95)
            loss = loss + c.consistency * (again * taken).mean()
        return {"loss": loss, **parts, "error": losses.digit_error(named, batch.y)}


def disagreement(
    model: LatentModel, classifier: nn.Module, z: Float[Tensor, "S Z"]
) -> Float[Tensor, ""]:
    """How badly the classifier recognises what the prior's codes and the digits 0 to 9 decode to.

    Only the decoder learns from it: the classifier is not to meet it half way.
    """
    y = torch.arange(len(z), device=z.device) % 10
    digit = nn.functional.one_hot(y, 10).to(z.dtype)
    drawn = model.decode(torch.cat([z, digit], -1)).sigmoid()  # pyright: ignore[reportCallIssue]
    still = {name: value.detach() for name, value in classifier.named_parameters()}
    still |= {name: value.clone() for name, value in classifier.named_buffers()}
    named = functional_call(classifier, still, drawn).float().log_softmax(-1)
    return losses.digit_cross_entropy(named, y).mean()


def make_step(model: ClassifierVAE, config: TrainConfig, noise: Noise) -> GradientStep:
    """How a VAE with a classifier is trained; images whose digit is unknown have y = -1."""
    c = model.config

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        x = noise.bernoulli(batch.x) if c.binarise else batch.x
        asked = noise.normal(max(10, len(x) // 4), c.latent)  # fewer, for each costs a decode
        distorted = batch.x
        if c.consistency:
            distorted = augment.distort(batch.x, noise.uniform(len(x), 6))
        return x, noise.normal(len(x), c.latent), asked, distorted

    return GradientStep(Objective(model), draw, config, noise)
