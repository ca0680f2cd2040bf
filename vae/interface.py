"""Types shared by models, training and the service: batches, training steps, and the abilities that
a model may have."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor, nn

from vae.dataspec import DataSpec
from vae.latent import LatentBlock
from vae.likelihoods import Likelihood, likelihood_of
from vae.posteriors import Posterior


class Batch(NamedTuple):
    """Samples with their classes; images lie in [0, 1]."""

    x: Float[Tensor, "B *X"]
    y: Int[Tensor, " B"]  # -1 where unknown


class LatentModel(nn.Module):
    """Base class of the models: a config, the data's spec, the blocks of the latent space, and
    abilities."""

    config: Any  # its frozen dataclass
    blocks: tuple[LatentBlock, ...]
    needs_labels: bool = False  # whether every training sample must have a label
    implicit: bool = False  # whether samples have no likelihood given their code, as those of a GAN

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec, self.likelihood = spec, likelihood_of(spec)


@runtime_checkable
class Encodes(Protocol):
    """Maps samples to posteriors over codes."""

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior: ...


@runtime_checkable
class Decodes(Protocol):
    """Maps codes to the parameters of the likelihood."""

    spec: DataSpec
    likelihood: Likelihood

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]: ...


@runtime_checkable
class Autoencodes(Encodes, Decodes, Protocol):
    """Encodes and decodes, so that a likelihood can be estimated."""


@runtime_checkable
class Conditions(Protocol):
    """Decodes given a class, which is a block of the code."""

    class_dims: slice  # the dimensions of the one-hot class in the code


@runtime_checkable
class ConditionsEncoding(Encodes, Decodes, Conditions, Protocol):
    """Also encodes a sample given its class, so that log p(x | y) can be measured."""

    def encode_given(
        self, x: Float[Tensor, "B *X"], one_hot: Float[Tensor, "B C"]
    ) -> Posterior: ...


@runtime_checkable
class Classifies(Protocol):
    """Maps samples to log-probabilities of the classes."""

    spec: DataSpec

    def classify(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B C"]: ...


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
        """The same scalars on unseen samples, with the weights of `weights()` and no update."""
        ...


ABILITIES: dict[str, type] = {
    "encodes": Encodes,
    "decodes": Decodes,
    "conditions": Conditions,
    "classifies": Classifies,
}


INVERTS = "inverts"  # finds codes by gradients; see `abilities`


def abilities(model: object) -> frozenset[str]:
    """Names of the abilities that a model has: those of ABILITIES, and "inverts" of a model that
    decodes and cannot encode, whose codes of given samples are found by `inversion.invert`."""
    found = {name for name, protocol in ABILITIES.items() if isinstance(model, protocol)}
    if isinstance(model, LatentModel) and {"encodes", "decodes"} & found == {"decodes"}:
        found.add(INVERTS)
    return frozenset(found)
