"""A classifier of images (LeCun et al. 1998), used to evaluate the samples of other models."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from vae import augment, losses, nets
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.interface import Batch, LatentModel
from vae.optim import GradientStep, Scalars, TrainConfig


@dataclass(frozen=True)
class ClassifierConfig:
    net: str = "conv"  # a name in classifier_nets.CLASSIFIERS
    width: int = 24  # channels of the first layers; later ones have two or four times as many
    hidden: int = 128  # units of the dense layer
    dropout: float = 0.3  # dropout probability before both dense layers
    distort: float = 1.0  # strength of the random rotation, shear, scale and shift of the images

    def __post_init__(self) -> None:
        if self.width < 1 or self.hidden < 1 or not 0 <= self.dropout < 1 or self.distort < 0:
            raise ValueError(f"out of range: {self}")


class Classifier(LatentModel):
    """Images to probabilities of the classes. It has no latent space."""

    def __init__(self, config: ClassifierConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c = self.config = config
        self.blocks = ()
        self.net = nets.classifier(c.net, spec, c.hidden, c.dropout, c.width)

    def features(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B F"]:
        """The last hidden layer: what the logits are linear in."""
        return self.net[:-1](x).float()

    def classify(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B C"]:
        """log p(y | x)."""
        return self.net(x).float().log_softmax(-1)


class Objective(nn.Module):
    """The cross-entropy of the class; of distorted images while training."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, x: Float[Tensor, "B *X"], progress: Tensor) -> Scalars:
        log_probabilities = self.model.classify(x if self.training else batch.x)
        return {
            "loss": losses.class_cross_entropy(log_probabilities, batch.y).mean(),
            "error": losses.class_error(log_probabilities, batch.y),
        }


def make_step(model: Classifier, config: TrainConfig, noise: Noise) -> GradientStep:
    """The training step of a classifier."""

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        return (augment.distort(batch.x, noise.uniform(len(batch.x), 6), model.config.distort),)

    return GradientStep(Objective(model), draw, config, noise)
