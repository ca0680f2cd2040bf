"""A VAE with a classifier (Zeldes 2018, anotherdatum.com/vae2): the decoder is given the code and
the classifier's probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from vae import augment, losses, nets
from vae.batches import targets
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.interface import Batch, Decodes, LatentModel
from vae.latent import LatentBlock
from vae.optim import GradientStep, Scalars, TrainConfig
from vae.posteriors import Categorical, DiagonalGaussian, Point, Posterior


@dataclass(frozen=True)
class ClassifierVAEConfig:
    latent: int = 10  # latent dimensions besides the class
    net: str = "hybrid"  # a name in nets.NETS
    classifier: str = "conv"  # a name in classifier_nets.CLASSIFIERS
    hidden: int = 256  # units a layer
    depth: int = 2  # hidden layers (mlp) or residual blocks
    dropout: float = 0.05  # dropout probability
    classifier_dropout: float = 0.05  # the same in the classifier
    binarise: bool = True  # sample binary pixels anew at every step; False: grey levels as targets
    warm_up: float = 0.0  # share of training over which the KL's weight rises from 0 to 1
    weight: float = 10.0  # weight of the classifier's cross-entropy
    known: bool = False  # decode from the label in training, where there is one
    agreement: float = 0.0  # weight of the classifier's cross-entropy on generated images
    consistency: float = 0.0  # weight of the cross-entropy of distorted images to their class

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
    """q(z | x), q(y | x) and p(x | z, y)."""

    def __init__(self, config: ClassifierVAEConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c, classes = config, nets.class_count(spec)
        self.config = config
        self.blocks = (
            LatentBlock("z", c.latent, "normal"),
            LatentBlock("class", classes, "categorical", role="class"),
        )
        self.class_dims = slice(c.latent, c.latent + classes)
        shape = c.hidden, c.depth, c.dropout
        self.encoder, _ = nets.build(c.net, spec, 1, 2 * c.latent, *shape)
        _, self.decoder = nets.build(c.net, spec, c.latent + classes, 1, *shape)
        self.classifier = nets.classifier(
            c.classifier, spec, min(c.hidden, 128), c.classifier_dropout
        )

    def classify(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B C"]:
        """log q(y | x)."""
        return self.classifier(x).float().log_softmax(-1)

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior:
        """q(z | x), followed by q(y | x)."""
        log_y = self.classify(x)
        return Posterior((self.encode_given(x, log_y.exp()).blocks[0], Categorical(log_y)))

    def encode_given(self, x: Float[Tensor, "B *X"], one_hot: Float[Tensor, "B C"]) -> Posterior:
        """q(z | x), followed by the class; the encoder does not depend on it."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=-1)  # [B, Z] each
        return Posterior((DiagonalGaussian(mean, logvar.clamp(*nets.LOGVAR)), Point(one_hot)))

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of p(x | z, y); y is the last block of the code."""
        return nets.decode(self.decoder, z)


class Objective(nn.Module):
    """The negative ELBO, the classifier's cross-entropy, and two terms for few labels."""

    def __init__(self, model: ClassifierVAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        x: Float[Tensor, "B *X"],
        noise: Float[Tensor, "B Z"],
        prior: Float[Tensor, "S Z"],
        distorted: Float[Tensor, "B *X"],
        progress: Tensor,
    ) -> Scalars:
        c = self.model.config
        log_probabilities = self.model.classify(batch.x)
        probabilities = log_probabilities.exp()
        if c.known:
            # Unlabelled samples use the probabilities, without a gradient: trained through the
            # decoder, the class would encode style.
            one_hot = nn.functional.one_hot(batch.y.clamp(min=0), probabilities.shape[1])
            one_hot = one_hot.to(probabilities.dtype)
            probabilities = torch.where(batch.y[:, None] < 0, probabilities.detach(), one_hot)
        q = self.model.encode_given(x, probabilities)
        parameters = self.model.decode(q.sample(noise))
        # -log p(x | z, y)
        cross_entropy = -self.model.likelihood.log_prob(parameters, x).mean()
        # KL(q(z | x) || p(z))
        kl = q.kl().mean()
        # -log q(y | x), mean over the labelled samples
        labelled = (batch.y >= 0).sum().clamp(min=1)
        classification = losses.class_cross_entropy(log_probabilities, batch.y).sum() / labelled
        loss = (
            cross_entropy + losses.kl_weight(progress, c.warm_up) * kl + c.weight * classification
        )
        parts = {"cross_entropy": cross_entropy, "kl": kl, "classification": classification}
        if c.agreement:
            parts["disagreement"] = disagreement(self.model, self.model.classifier, prior)
            loss = loss + c.agreement * parts["disagreement"]
        if c.consistency:
            # FixMatch (Sohn et al. 2020): the target of a distorted image is its label, or the most
            # probable class of the original where its probability is high
            certainty, pseudo_label = log_probabilities.detach().exp().max(1)
            target = torch.where(batch.y < 0, pseudo_label, batch.y)
            costs = losses.class_cross_entropy(self.model.classify(distorted), target)
            counts = (batch.y >= 0) | (certainty > 0.95)
            loss = loss + c.consistency * (costs * counts).mean()
        return {"loss": loss, **parts, "error": losses.class_error(log_probabilities, batch.y)}


def disagreement(
    model: LatentModel, classifier: nn.Module, z: Float[Tensor, "S Z"]
) -> Float[Tensor, ""]:
    """The classifier's cross-entropy on samples generated from z, with each class in turn.

    Its gradient reaches the decoder alone: the classifier's weights are held constant.
    """
    classes = len(model.spec.classes)
    y = torch.arange(len(z), device=z.device) % classes
    one_hot = nn.functional.one_hot(y, classes).to(z.dtype)
    generated = model.likelihood.mean(cast(Decodes, model).decode(torch.cat([z, one_hot], -1)))
    constant = {name: value.detach() for name, value in classifier.named_parameters()}
    constant |= {name: value.clone() for name, value in classifier.named_buffers()}
    log_probabilities = functional_call(classifier, constant, generated).float().log_softmax(-1)
    return losses.class_cross_entropy(log_probabilities, y).mean()


def make_step(model: ClassifierVAE, config: TrainConfig, noise: Noise) -> GradientStep:
    """The training step of a VAE with a classifier; unlabelled samples have y = -1."""
    c = model.config

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        x = targets(model, batch.x, noise)
        few = max(len(model.spec.classes), len(x) // 4)  # fewer than x: each is decoded too
        prior = noise.normal(few, c.latent)
        distorted = batch.x
        if c.consistency:
            distorted = augment.distort(batch.x, noise.uniform(len(x), 6))
        return x, noise.normal(len(x), c.latent), prior, distorted

    return GradientStep(Objective(model), draw, config, noise)
