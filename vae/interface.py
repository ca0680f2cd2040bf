"""What a model is to the rest of the house: batches, outputs, and the abilities it may offer."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae.latent import LatentBlock


class Batch(NamedTuple):
    """Images in [0, 1] with their digits."""

    x: Float[Tensor, "B 28 28"]
    y: Int[Tensor, " B"]


class Posterior(NamedTuple):
    """q(z given x), a diagonal Gaussian. What is known without doubt (the code of a deterministic
    encoder, the digit of a conditional model) has logvar = -inf, hence deviation 0."""

    mean: Float[Tensor, "B Z"]
    logvar: Float[Tensor, "B Z"]

    def joined(self, digit: Float[Tensor, "B 10"]) -> Posterior:
        """The same code with a digit behind it that is known without doubt."""
        sure = torch.full_like(digit, -torch.inf)
        return Posterior(torch.cat([self.mean, digit], -1), torch.cat([self.logvar, sure], -1))


class LatentModel(nn.Module):
    """What every model has besides its abilities."""

    config: Any  # its frozen dataclass
    blocks: tuple[LatentBlock, ...]
    needs_labels: bool = False  # whether it can only learn from images whose digit is known


@runtime_checkable
class Encodes(Protocol):
    """Maps images to codes."""

    def encode(self, x: Float[Tensor, "B 28 28"]) -> Posterior: ...


@runtime_checkable
class Decodes(Protocol):
    """Maps codes to images, as the logits of the pixels' Bernoulli distributions."""

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]: ...


@runtime_checkable
class Autoencodes(Encodes, Decodes, Protocol):
    """Both: a likelihood can be measured."""


@runtime_checkable
class Conditions(Protocol):
    """Draws the digit that is asked for: a block of its code, "digit", is that digit."""

    digit: slice  # where in the code the ten numbers stand, of which one is 1 and the others 0


@runtime_checkable
class ConditionsEncoding(Encodes, Decodes, Conditions, Protocol):
    """Also encodes an image whose digit is known, so that log p(x given y) can be measured."""

    def encode_given(
        self, x: Float[Tensor, "B 28 28"], digit: Float[Tensor, "B 10"]
    ) -> Posterior: ...


@runtime_checkable
class Classifies(Protocol):
    """Names the digit of an image."""

    def classify(self, x: Float[Tensor, "B 28 28"]) -> Float[Tensor, "B 10"]: ...


@runtime_checkable
class Step(Protocol):
    """One training step of any kind (one objective or several): what `training.fit` needs of a
    model."""

    def __call__(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update the model on one batch; progress is the share of training done, 0 to 1.

        Returns scalars to be averaged over the epoch, still on the device.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on: weights, optimiser, averages."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state()`."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """The weights to ship: averaged, where the step averages."""
        ...

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        """The same scalars on unseen images, with the weights to ship and without an update."""
        ...


ABILITIES: dict[str, type] = {
    "encodes": Encodes,
    "decodes": Decodes,
    "conditions": Conditions,
    "classifies": Classifies,
}


def abilities(model: object) -> frozenset[str]:
    """Names of the abilities that a model offers; pages ask for these, never for a model's name."""
    return frozenset(name for name, protocol in ABILITIES.items() if isinstance(model, protocol))
