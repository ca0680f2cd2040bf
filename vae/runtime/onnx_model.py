"""An imported model as `metrics` takes models: tensors in, posteriors and parameters out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from vae import latent
from vae.checkpoint import CheckpointError
from vae.interface import LatentModel
from vae.latent import LatentBlock
from vae.posteriors import Categorical, DiagonalGaussian, Distribution, Point, Posterior
from vae.tensors import to_array, to_tensor

if TYPE_CHECKING:
    from vae.runtime.onnx import OnnxRuntime


class ImportedModel(LatentModel):
    """An encoder and a decoder without a class."""

    def __init__(self, runtime: OnnxRuntime) -> None:
        super().__init__(runtime.spec)
        self.blocks, self._runtime = runtime.blocks, runtime

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior:
        """q(z | x)."""
        mean, logvar = map(torch.from_numpy, self._runtime.encode(to_array(x, self.spec)))
        parts = zip(self.blocks, latent.slices(self.blocks), strict=True)
        return Posterior(tuple(_distribution(b, mean[:, d], logvar[:, d]) for b, d in parts))

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of the likelihood: those that the decoder gives, else the logits of its
        images. Raises CheckpointError where those of the decoder have another shape."""
        decoder, codes = self._runtime.decoder, z.reshape(-1, z.shape[-1]).numpy()
        if decoder.has_parameters:
            parameters = torch.from_numpy(decoder.parameters(codes))
            if tuple(parameters.shape[1:]) != self.likelihood.parameters:
                raise CheckpointError(
                    f"{decoder.session.path} gives parameters of shape "
                    f"{list(parameters.shape[1:])} for each code, not "
                    f"{list(self.likelihood.parameters)}, those of the likelihood "
                    f"{self.spec.likelihood}; export it without them"
                )
        else:
            parameters = to_tensor(decoder.logits(codes), self.spec)
        return parameters.reshape(*z.shape[:-1], *self.likelihood.parameters)


class ImportedConditionalModel(ImportedModel):
    """The encoder gives the probabilities of the classes as coordinates of the code."""

    def __init__(self, runtime: OnnxRuntime) -> None:
        super().__init__(runtime)
        where = latent.class_slice(runtime.blocks)
        assert where is not None
        self.class_dims = where

    def classify(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B C"]:
        """log q(y | x)."""
        return torch.from_numpy(self._runtime.classify(to_array(x, self.spec))).log()

    def encode_given(self, x: Float[Tensor, "B *X"], one_hot: Float[Tensor, "B C"]) -> Posterior:
        """q(z | x), with the class that is given; the encoder is not told it."""
        blocks = zip(self.blocks, self.encode(x).blocks, strict=True)
        return Posterior(tuple(Point(one_hot) if b.role == "class" else q for b, q in blocks))


def as_model(runtime: OnnxRuntime) -> ImportedModel:
    """The model that a runtime runs; without an encoder, `encode` raises ValueError."""
    conditional = "conditions" in runtime.abilities
    return ImportedConditionalModel(runtime) if conditional else ImportedModel(runtime)


def _distribution(
    block: LatentBlock, mean: Float[Tensor, "B Z"], logvar: Float[Tensor, "B Z"]
) -> Distribution:
    """The posterior of a block. One that is neither normal nor a class counts as a point, without a
    KL."""
    if block.role == "class":
        return Categorical(mean.log())
    if block.prior != "normal" or torch.isneginf(logvar).all():
        return Point(mean)
    return DiagonalGaussian(mean, logvar)
