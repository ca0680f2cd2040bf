"""InfoGAN (Chen et al. 2016, arXiv 1606.03657): codes that Q can infer from the drawn samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vae import adversarial, augment, code_matching, dimension_labels, latent, losses
from vae.adversarial import AdversarialConfig, AdversarialStep
from vae.dataspec import Dataset, DataSpec
from vae.distributed import Noise
from vae.gan_nets import Generator, Inferred, InferringDiscriminator
from vae.interface import Batch, LatentModel
from vae.latent import LatentBlock
from vae.optim import Scalars, TrainConfig
from vae.posteriors import Categorical, Posterior, TruncatedGaussian, Uniform


@dataclass(frozen=True)
class InfoGANConfig(AdversarialConfig):
    code: int = 0  # values of the categorical code; 0: as many as the data have classes, else 10
    style: int = 2  # continuous codes, uniform on [-1, 1]
    noise: int = 62  # incompressible noise, uniform on [-1, 1]
    hidden: int = 128  # units of Q's own layer
    information: float = 1.0  # weight of the mutual information of code and drawn sample
    style_information: float = 0.1  # the same of the styles
    invariance: float = 1.0  # weight of the mutual information of real images and distorted copies
    distort: float = 1.0  # strength of these distortions

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.style, self.noise, self.hidden) < 1 or self.code < 0 or self.code == 1:
            raise ValueError(f"sizes are 1 or more, and that of the code 2 or 0: {self}")
        if min(self.information, self.style_information, self.invariance, self.distort) < 0:
            raise ValueError(f"a weight is below 0: {self}")


class InfoGAN(LatentModel):
    """A generator of code, style and noise, and a discriminator that also infers code and style."""

    implicit = True
    typical_noise: Tensor

    def __init__(self, config: InfoGANConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c = self.config = config
        self.blocks = (
            LatentBlock("code", c.code or len(spec.classes) or 10, "categorical"),
            LatentBlock("style", c.style, "uniform"),
            LatentBlock("noise", c.noise, "uniform", role="noise"),
        )
        self.code_dims, self.style_dims, _ = latent.slices(self.blocks)
        draw = latent.sample_prior(self.blocks[2:], 1, seed=0)
        self.register_buffer("typical_noise", torch.from_numpy(draw), persistent=False)
        self.generator = Generator(c.net, spec, latent.dims(self.blocks), c.width)
        sizes = {"code": self.blocks[0].size, "style": c.style, "hidden": c.hidden}
        self.discriminator = InferringDiscriminator(
            c.net, spec, c.critic, spectral=c.spectral, **sizes
        )

    def decode(self, z: Float[Tensor, "*B Z"]) -> Float[Tensor, "..."]:
        """The parameters of the likelihood, whose mean is the generated sample."""
        return self.generator(z)

    def generate(self, z: Float[Tensor, "B Z"]) -> Float[Tensor, "B *X"]:
        """The samples of the codes."""
        return self.likelihood.mean(self.decode(z).float())

    def infer(self, x: Float[Tensor, "B *X"]) -> Inferred:
        """Q(code, style | x)."""
        return self.discriminator.infer(self.discriminator.features(x))

    def encode(self, x: Float[Tensor, "B *X"]) -> Posterior:
        """Q(code | x), Q(style | x) within the limits of the styles, and the prior of the noise,
        of which nothing is inferred."""
        q = self.infer(x)
        mean = q.mean.clamp(-1, 1)
        style = TruncatedGaussian(mean, q.logvar.expand_as(mean))
        noise = Uniform(self.typical_noise.expand(len(x), -1))
        return Posterior((Categorical(q.log_probabilities), style, noise))


class MatchedInfoGAN(InfoGAN):
    """An InfoGAN with as many codes as the data have classes: once matched, code k is class k."""

    def classify(self, x: Float[Tensor, "B *X"]) -> Float[Tensor, "B K"]:
        """log Q(code | x)."""
        return self.infer(x).log_probabilities


def build(config: InfoGANConfig, spec: DataSpec) -> InfoGAN:
    """An InfoGAN; it classifies where there are as many codes as classes."""
    matched = config.code in (0, len(spec.classes)) and spec.classes
    return (MatchedInfoGAN if matched else InfoGAN)(config, spec)


def information(model: InfoGAN, q: Inferred, z: Float[Tensor, "B Z"]) -> tuple[Tensor, Tensor]:
    """-log Q of the codes and of the styles that samples were drawn from, means over the batch:
    upper bounds of the conditional entropies in the mutual information (equation 5)."""
    code = -(q.log_probabilities * z[:, model.code_dims]).sum(1)
    style = -losses.gaussian_log_density(z[:, model.style_dims], q.mean, q.logvar)
    return code.mean(), style.mean()


class Discriminate(nn.Module):
    """The loss of the discriminator and of Q."""

    def __init__(self, model: InfoGAN) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        z: Float[Tensor, "B Z"],
        distorted: Float[Tensor, "B *X"],
        progress: Tensor,
    ) -> Scalars:
        m, c, d = self.model, self.model.config, self.model.discriminator
        with torch.no_grad():
            samples = m.generate(z)
        features = d.features(torch.cat([batch.x, samples, distorted])).chunk(3)
        real, drawn = d.judge(features[0]), d.judge(features[1])
        loss = adversarial.LOSSES[c.loss](real, drawn).mean()
        if c.r1:  # of a quarter of the batch, for time
            loss = loss + c.r1 * adversarial.r1_penalty(d, batch.x[::4]).mean()
        code, style = information(m, d.infer(features[1]), z)
        loss = loss + c.information * code + c.style_information * style
        log_p, log_q = (d.infer(features[i]).log_probabilities for i in (0, 2))
        on_real, parts = self.on_real(batch, log_p, log_q)
        parts |= adversarial.beliefs(real, drawn) | {"code": code, "style": style}
        return {"loss": loss + on_real} | parts

    def on_real(self, batch: Batch, log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Scalars]:
        """The loss of Q's codes of real samples and of distorted copies, which are to be the same,
        and its parts."""
        shared = losses.shared_information(log_p.exp(), log_q.exp())
        return -self.model.config.invariance * shared, {"shared": shared}


class Generate(nn.Module):
    """The generator's loss: drawn samples that pass for real and that Q infers the codes of."""

    def __init__(self, model: InfoGAN) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        z: Float[Tensor, "B Z"],
        distorted: Float[Tensor, "B *X"],
        progress: Tensor,
    ) -> Scalars:
        m, c = self.model, self.model.config
        features = m.discriminator.features(m.generate(z))
        code, style = information(m, m.discriminator.infer(features), z)
        adversary = adversarial.generator_loss(m.discriminator.judge(features), c.loss).mean()
        return {"loss": adversary + c.information * code + c.style_information * style}


def make_step(
    model: InfoGAN,
    config: TrainConfig,
    noise: Noise,
    discriminate: type[Discriminate] = Discriminate,
) -> AdversarialStep:
    """The training step of an InfoGAN."""
    c, codes = model.config, model.blocks[0].size

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        count = len(batch.x)
        code = F.one_hot((noise.uniform(count) * codes).long(), codes).float()
        free = 2 * noise.uniform(count, c.style + c.noise) - 1
        distorted = augment.distort(batch.x, noise.uniform(count, 6), c.distort)
        return torch.cat([code, free], 1), distorted

    return AdversarialStep(
        Generate(model), discriminate(model), draw, config, noise, c.discriminator_rate
    )


@torch.no_grad()
def finish(model: InfoGAN, data: Dataset) -> None:
    """Permute the codes so that code k is class k, where there are as many and some are known; name
    the styles by what they change, and turn them so that larger ones make it larger."""
    d, into = model.discriminator, cast(nn.Linear, model.generator.first[0]).weight
    code, *rest = model.blocks
    if isinstance(model, MatchedInfoGAN) and code.role == "code" and (data.labels >= 0).any():
        order = code_matching.code_of_each_class(
            lambda x: model.classify(x.to(into.device)).cpu(), data
        )
        into[:, model.code_dims] = into[:, model.code_dims][:, order]
        d.code.weight.copy_(d.code.weight[order])
        d.code.bias.copy_(d.code.bias[order])
        model.blocks = (replace(code, labels=data.spec.classes), *rest)
    signs = torch.from_numpy(dimension_labels.name_block(model, 1, data)).to(into)
    into[:, model.style_dims] *= signs
    d.style.weight.mul_(signs[:, None])
    d.style.bias.mul_(signs)
