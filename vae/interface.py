"""Types shared by models, training and the service: batches, posteriors, training steps, and the
abilities that a model may have."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae.latent import LatentBlock


class Batch(NamedTuple):
    """Images in [0, 1] with their classes."""

    x: Float[Tensor, "B 28 28"]
    y: Int[Tensor, " B"]  # -1 where unknown


class Posterior(NamedTuple):
    """q(z | x), a diagonal Gaussian.

    A dimension without uncertainty (the code of a deterministic encoder, a given class) has
    logvar = -inf, so its standard deviation is 0.
    """

    mean: Float[Tensor, "B Z"]
    logvar: Float[Tensor, "B Z"]

    def with_class(self, probabilities: Float[Tensor, "B 10"]) -> Posterior:
        """The same code followed by the class, one-hot or as probabilities, without uncertainty."""
        point = torch.full_like(probabilities, -torch.inf)
        return Posterior(
            torch.cat([self.mean, probabilities], -1), torch.cat([self.logvar, point], -1)
        )


class LatentModel(nn.Module):
    """Base class of the models: a config, the blocks of the latent space, and abilities."""

    config: Any  # its frozen dataclass
    blocks: tuple[LatentBlock, ...]
    needs_labels: bool = False  # whether every training image must have a label


@runtime_checkable
class Encodes(Protocol):
    """Maps images to posteriors over codes."""

    def encode(self, x: Float[Tensor, "B 28 28"]) -> Posterior: ...


@runtime_checkable
class Decodes(Protocol):
    """Maps codes to images, as the logits of Bernoulli pixels."""

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B 28 28"]: ...


@runtime_checkable
class Autoencodes(Encodes, Decodes, Protocol):
    """Encodes and decodes, so that a likelihood can be estimated."""


@runtime_checkable
class Conditions(Protocol):
    """Decodes given a class, which is a block of the code."""

    class_dims: slice  # the dimensions of the one-hot class in the code


@runtime_checkable
class ConditionsEncoding(Encodes, Decodes, Conditions, Protocol):
    """Also encodes an image given its class, so that log p(x | y) can be measured."""

    def encode_given(
        self, x: Float[Tensor, "B 28 28"], one_hot: Float[Tensor, "B 10"]
    ) -> Posterior: ...


@runtime_checkable
class Classifies(Protocol):
    """Maps images to log-probabilities of the classes."""

    def classify(self, x: Float[Tensor, "B 28 28"]) -> Float[Tensor, "B 10"]: ...


@runtime_checkable
class InfersClass(ConditionsEncoding, Classifies, Protocol):
    """Infers the class that it conditions on: q(y, z | x) = q(y | x) q(z | x, y)."""


@runtime_checkable
class Step(Protocol):
    """One training step, for one objective or several: the interface that `training.fit` calls."""

    def __call__(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Update the model on one batch; progress is the share of training done, 0 to 1.

        Returns scalars to be averaged over the epoch, still on the device.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on: weights, optimiser, averages."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue from a `state()`."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """The weights to save with the model: averaged, where the step averages."""
        ...

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        """The same scalars on unseen images, with the weights of `weights()` and no update."""
        ...


ABILITIES: dict[str, type] = {
    "encodes": Encodes,
    "decodes": Decodes,
    "conditions": Conditions,
    "classifies": Classifies,
}


def abilities(model: object) -> frozenset[str]:
    """Names of the abilities that a model has."""
    return frozenset(name for name, protocol in ABILITIES.items() if isinstance(model, protocol))
