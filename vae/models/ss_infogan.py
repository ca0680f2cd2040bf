"""ss-InfoGAN (Spurr et al. 2017, arXiv 1707.04487): an InfoGAN whose code is the class, known of a
few samples."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vae import losses, nets
from vae.adversarial import AdversarialStep
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.interface import Batch
from vae.latent import LatentBlock
from vae.models import infogan
from vae.models.infogan import Discriminate, InfoGANConfig, MatchedInfoGAN, Terms
from vae.optim import TrainConfig
from vae.posteriors import Point, Posterior

SURE = 0.95  # probability from which the class of an unlabelled sample counts as its label


@dataclass(frozen=True)
class SSInfoGANConfig(InfoGANConfig):
    heads: int = 1  # labels tell which clusters are meant
    label: float = 1.0  # weight of the cross-entropy of labelled samples
    consistency: float = 1.0  # weight of the cross-entropy of distorted samples to their class

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.label, self.consistency) < 0:
            raise ValueError(f"a weight is below 0: {self}")


class SSInfoGAN(MatchedInfoGAN):
    """An InfoGAN of which a class can be asked for."""

    config: SSInfoGANConfig

    def __init__(self, config: SSInfoGANConfig, spec: DataSpec) -> None:
        classes = nets.class_count(spec)
        if config.code not in (0, classes):
            raise ValueError(f"the data have {classes} classes: give code=0, not {config.code}")
        super().__init__(config, spec)
        code = LatentBlock("class", classes, "categorical", role="class")
        self.blocks = (code, *self.blocks[1:])

    @property
    def class_dims(self) -> slice:
        """The dimensions of the class in the code."""
        return self.code_dims

    def encode_given(self, x: Float[Tensor, "B *X"], one_hot: Float[Tensor, "B K"]) -> Posterior:
        """The class, Q(style | x) and the prior of the noise."""
        return Posterior((Point(one_hot), *self.encode(x).blocks[1:]))


class DiscriminateLabelled(Discriminate):
    """The loss of the discriminator and of Q, which learns from labels too."""

    model: SSInfoGAN

    def on_real(self, batch: Batch, copies: Tensor, h: Tensor, h_copies: Tensor) -> Terms:
        """Adds the cross-entropy of distorted samples to their label, and to the class inferred of
        the original where that is probable (FixMatch, Sohn et al. 2020, arXiv 2001.07685)."""
        c, d = self.model.config, self.model.discriminator
        loss, parts = super().on_real(batch, copies, h, h_copies)
        log_p, log_q = (d.infer(part).log_probabilities for part in (h, h_copies))
        labelled = batch.y >= 0
        certainty, inferred = log_p.detach().exp().max(1)
        costs = losses.class_cross_entropy(log_q, batch.y.where(labelled, inferred))
        known = (costs * labelled).sum() / labelled.sum().clamp(min=1)
        agreed = (costs * (~labelled & (certainty > SURE))).mean()
        parts |= {"label": known, "error": losses.class_error(log_p, batch.y)}
        return loss + c.label * known + c.consistency * agreed, parts


def make_step(model: SSInfoGAN, config: TrainConfig, noise: Noise) -> AdversarialStep:
    """The training step of an ss-InfoGAN; unlabelled samples have y = -1."""
    return infogan.make_step(model, config, noise, DiscriminateLabelled)
