"""A deterministic autoencoder (Hinton & Salakhutdinov 2006): a VAE without noise and prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from vae import nets
from vae.dataspec import DataSpec
from vae.distributed import Noise
from vae.interface import Batch, LatentModel
from vae.latent import LatentBlock
from vae.layers import ResidualBlock
from vae.optim import GradientStep, Scalars, TrainConfig
from vae.posteriors import Point, Posterior


@dataclass(frozen=True)
class AutoencoderConfig:
    latent: int = 2  # latent dimensions
    net: str = "residual"  # a name in nets.NETS
    hidden: int = 512  # units a layer
    depth: int = 3  # hidden layers (mlp) or residual blocks
    dropout: float = 0.1  # dropout probability

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is a probability below 1, not {self.dropout}")


class Autoencoder(LatentModel):
    """An encoder to a point, a decoder to the parameters of the likelihood."""

    def __init__(self, config: AutoencoderConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c = self.config = config
        self.blocks = (LatentBlock("z", c.latent, "normal"),)
        self.encoder, self.decoder = nets.build(
            c.net, spec, c.latent, c.latent, c.hidden, c.depth, c.dropout
        )
        for layer in _shifts(self.encoder):  # they would have no effect: the next layer centres
            self.encoder.get_submodule(layer).register_parameter("bias", None)
        # The loss does not determine the scale of the code. Each dimension is standardised to mean
        # 0 and deviation 1 over the data, the scale of a standard normal prior.
        self.standardise = nn.BatchNorm1d(c.latent, affine=False)
        self.register_load_state_dict_pre_hook(_fold_biases)

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior:
        """The code of x, a point."""
        return Posterior((Point(self.standardise(self.encoder(x).float())),))

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of the likelihood."""
        return nets.decode(self.decoder, z)


def _shifts(encoder: nn.Sequential) -> list[str]:
    """Names of the layers whose bias would shift the codes of all images by the same amount: the
    last one, and the one before it where the output is linear in its bias."""
    last, before = len(encoder) - 1, encoder[-2]
    if isinstance(before, nn.LayerNorm):
        return [f"{last}", f"{last - 1}"]
    if isinstance(before, ResidualBlock):
        return [f"{last}", f"{last - 1}.body.{len(before.body) - 1}"]
    return [f"{last}"]


def _fold_biases(
    model: Autoencoder, state_dict: dict[str, Tensor], prefix: str, *others: Any
) -> None:
    """Convert weights of earlier versions, which had these biases. With the mean m of the
    standardisation, W (h + a) + b - m = W h - (m - W a - b)."""
    layers = [f"{prefix}encoder.{name}" for name in _shifts(model.encoder)]
    biases = {layer: state_dict.pop(f"{layer}.bias", None) for layer in layers}
    weight, mean = f"{layers[0]}.weight", f"{prefix}standardise.running_mean"
    for layer, bias in biases.items():
        if bias is not None:
            shift = bias if layer == layers[0] else state_dict[weight].double() @ bias.double()
            state_dict[mean] = state_dict[mean].double() - shift


class Objective(nn.Module):
    """The cross-entropy of the samples."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, progress: Tensor) -> Scalars:
        parameters = self.model.decode(self.model.encode(batch.x).code)
        loss = -self.model.likelihood.log_prob(parameters, batch.x).mean()
        return {"loss": loss, "cross_entropy": loss.detach()}


def make_step(model: Autoencoder, config: TrainConfig, noise: Noise) -> GradientStep:
    """The training step of an autoencoder, which needs no random numbers."""
    return GradientStep(Objective(model), lambda batch, noise: (), config, noise)
