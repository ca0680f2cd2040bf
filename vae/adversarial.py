"""Alternating updates of a generator and a discriminator, and the losses that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vae.distributed import Noise
from vae.interface import Batch
from vae.optim import (
    Scalars,
    TrainConfig,
    Update,
    WeightAverage,
    autocast,
    frozen_parts,
    with_prefix,
)

Draw = Callable[[Batch, Noise], tuple[Tensor, ...]]


@dataclass(frozen=True)
class AdversarialConfig:
    """Settings that the adversarial models share."""

    net: str = "conv"  # conv: DCGAN; mlp: the plain GAN of Goodfellow et al. 2014
    width: int = 48  # channels of the generator's last hidden layer; units of an mlp, divided by 8
    critic: int = 32  # channels of the discriminator's first layer; units of an mlp, divided by 8
    loss: str = "logistic"  # logistic (non-saturating) or hinge
    r1: float = 1.0  # weight of the R1 penalty; 0: none
    spectral: bool = False  # spectral norm of the discriminator's layers
    discriminator_rate: float = 1.0  # factor on the discriminator's learning rate

    def __post_init__(self) -> None:
        if self.r1 < 0 or not self.discriminator_rate > 0:
            raise ValueError(f"out of range: {self}")
        if self.loss not in LOSSES:
            raise ValueError(f"there is no loss {self.loss!r}; choose one of {', '.join(LOSSES)}")


def logistic(real: Float[Tensor, " B"], drawn: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """Cross-entropy of real and drawn samples (Goodfellow et al. 2014)."""
    return F.softplus(-real) + F.softplus(drawn)


def hinge(real: Float[Tensor, " B"], drawn: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """Hinge loss (Lim & Ye 2017)."""
    return F.relu(1 - real) + F.relu(1 + drawn)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"logistic": logistic, "hinge": hinge}


def generator_loss(drawn: Float[Tensor, " B"], loss: str) -> Float[Tensor, " B"]:
    """The loss of a generator, from the discriminator's logits of drawn samples. The logistic one
    is the non-saturating form, whose gradient does not vanish where the discriminator is sure."""
    return F.softplus(-drawn) if loss == "logistic" else -drawn


def beliefs(real: Float[Tensor, " B"], drawn: Float[Tensor, " B"]) -> Scalars:
    """What the discriminator believes: the mean probability of being real that it gives to real and
    to drawn samples, and its accuracy."""
    right = torch.cat([real > 0, drawn < 0]).float()
    found = {"belief_real": real.sigmoid(), "belief_drawn": drawn.sigmoid(), "accuracy": right}
    return {name: value.detach().mean() for name, value in found.items()}


def r1_penalty(
    discriminator: Callable[[Tensor], Tensor], x: Float[Tensor, "B *X"]
) -> Float[Tensor, " B"]:
    """|gradient of the logit by x|^2 / 2 at real samples (Mescheder et al. 2018, arXiv 1801.04406).

    In single precision: its own gradient goes through the discriminator twice.
    """
    with torch.autocast(x.device.type, enabled=False):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1) / 2


class AdversarialStep:
    """The `Step` of an adversarial model: one update of its discriminator, then one of all other
    parts.

    `generator` and `discriminator` are the objectives of the two, as `Update` describes them; the
    model's child `discriminator` is what the second one trains. draw(batch, noise) makes the random
    numbers of either. The weights of all parts are averaged.

    In several processes each normalises its own part of a batch, so results depend on their number.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        draw: Draw,
        config: TrainConfig,
        noise: Noise,
        discriminator_rate: float = 1.0,
    ) -> None:
        model = generator.get_submodule("model")
        self.config, self.noise, self.draw, self.model = config, noise, draw, model
        self.frozen = frozen_parts(model, config)
        judging = set(model.get_submodule("discriminator").parameters())
        trained = [p for p in model.parameters() if p.requires_grad]
        own, others = ([p for p in trained if (p in judging) is part] for part in (True, False))
        self.objectives = {"discriminator": discriminator, "generator": generator}
        self.updates = {
            "discriminator": Update(discriminator, own, config, noise.world, discriminator_rate),
            "generator": Update(generator, others, config, noise.world),
        }
        self.average = WeightAverage(model, config.average)
        self._train_mode()

    def _train_mode(self) -> None:
        self.model.train()
        for part in self.frozen:
            part.eval()

    def __call__(self, batch: Batch, progress: float) -> Scalars:
        scalars: Scalars = {}
        for name, update in self.updates.items():
            found = update(batch, self.draw(batch, self.noise), progress)
            scalars |= {f"{name}_loss": found.pop("loss")} | found
        self.average.update()
        return scalars

    def weights(self) -> Scalars:
        return self.average.weights()

    def validate(self, batch: Batch) -> Scalars:
        """The scalars of both objectives on unseen samples, with the weights of `weights()`."""
        device, scalars = self.updates["generator"].device, {}
        progress = torch.tensor(1.0, device=device)
        with self.average.applied():
            self.model.eval()
            for name, objective in self.objectives.items():
                draws = self.draw(batch, self.noise)
                with autocast(device, self.config.precision):  # R1 is a gradient, so no no_grad
                    found = objective(batch, *draws, progress)
                scalars |= {f"{name}_loss": found.pop("loss")} | found
            self._train_mode()
        return {name: value.detach() for name, value in scalars.items()}

    def state(self) -> Scalars:
        moments = {
            f"{name}.{key}": value
            for name, update in self.updates.items()
            for key, value in update.state().items()
        }
        return self.average.state() | moments

    def load_state(self, state: Scalars) -> None:
        for name, update in self.updates.items():
            update.load_state(with_prefix(state, f"{name}."))
        self.average.load_state(state)
