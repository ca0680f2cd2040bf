"""InfoGAN (Chen et al. 2016, arXiv 1606.03657): codes that Q can infer from the drawn samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vae import adversarial, augment, code_matching, dimension_labels, latent, losses, strokes
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
    hidden: int = 128  # units of Q's own layers
    heads: int = 5  # candidates for Q's code, of which the best is taken
    warm_up: float = 0.15  # share of training before it is taken and the codes have a meaning
    information: float = 1.0  # weight of the mutual information of code and drawn sample
    style_information: float = 1.0  # the same of the styles
    invariance: float = 1.0  # weight of the mutual information of real samples and distorted copies
    equivariance: float = 0.0  # weight of the change of slant and thickness in the first two styles

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = self.style, self.noise, self.hidden, self.heads
        weights = self.information, self.style_information, self.invariance, self.equivariance
        if min(sizes) < 1 or min(*weights, self.code) < 0 or not 0 <= self.warm_up < 1:
            raise ValueError(f"out of range: {self}")

    def codes(self, spec: DataSpec) -> int:
        """The number of values of the code."""
        return self.code or (len(spec.classes) if len(spec.classes) > 1 else 10)


class InfoGAN(LatentModel):
    """A generator of code, style and noise, and a discriminator that also infers code and style."""

    implicit = True
    typical_noise: Tensor

    def __init__(self, config: InfoGANConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        c = self.config = config
        if spec.kind != "image" or (c.equivariance and spec.shape[0] > 1):
            raise ValueError(f"give images, grey or with equivariance=0.0, not {spec.shape}")
        self.blocks = (
            LatentBlock("code", c.codes(spec), "categorical"),
            LatentBlock("style", c.style, "uniform"),
            LatentBlock("noise", c.noise, "uniform", role="noise"),
        )
        self.code_dims, self.style_dims, _ = latent.slices(self.blocks)
        draw = latent.sample_prior(self.blocks[2:], 1, seed=0)
        self.register_buffer("typical_noise", torch.from_numpy(draw), persistent=False)
        self.generator = Generator(c.net, spec, latent.dims(self.blocks), c.width)
        sizes = {"style": c.style, "hidden": c.hidden, "heads": c.heads}
        self.discriminator = InferringDiscriminator(
            c.net, spec, c.critic, spectral=c.spectral, code=self.blocks[0].size, **sizes
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
    matched = config.codes(spec) == len(spec.classes)
    return (MatchedInfoGAN if matched else InfoGAN)(config, spec)


Terms = tuple[Tensor, Scalars]  # a loss and its parts


class Discriminate(nn.Module):
    """The loss of the discriminator and of Q."""

    def __init__(self, model: InfoGAN) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, z: Tensor, distorted: Tensor, progress: Tensor) -> Scalars:
        m, c, d = self.model, self.model.config, self.model.discriminator
        with torch.no_grad():
            samples = m.generate(z)
        h, h_drawn, h_copies = d.features(torch.cat([batch.x, samples, distorted])).chunk(3)
        real, drawn = d.judge(h), d.judge(h_drawn)
        loss = adversarial.LOSSES[c.loss](real, drawn).mean()
        if c.r1:  # of a quarter of the batch, for time
            loss = loss + c.r1 * adversarial.r1_penalty(d, batch.x[::4]).mean()
        code, style = d.infer(h_drawn).costs(z[:, m.code_dims], z[:, m.style_dims])
        known = (progress >= c.warm_up).float()
        loss = loss + known * (c.information * code + c.style_information * style)
        on_real, parts = self.on_real(batch, distorted, h, h_copies)
        if self.training:  # the running mean of the last hundred steps of the warm-up
            d.shared.lerp_(parts["shared"].detach(), 0.01 * (1 - known))
        parts |= adversarial.beliefs(real, drawn) | {"code": code, "style": style}
        parts["shared"] = parts["shared"].max()
        return {"loss": loss + on_real} | parts

    def on_real(self, batch: Batch, copies: Tensor, h: Tensor, h_copies: Tensor) -> Terms:
        """Q's loss on samples and their distorted copies, of features h, and its parts: the code is
        to be the same, the styles are to change as slant and thickness do."""
        c, d = self.model.config, self.model.discriminator
        p, q = (d.candidates(part).exp() for part in (h, h_copies))
        parts = {"shared": losses.shared_information(p, q)}
        loss = -c.invariance * parts["shared"].sum()
        if c.equivariance:
            moved = d.infer(h_copies).mean - d.infer(h).mean
            parts["moved"] = strokes.change_error(moved, batch.x, copies).mean()
            loss = loss + c.equivariance * parts["moved"]
        return loss, parts


class Generate(nn.Module):
    """The generator's loss: drawn samples that pass for real and that Q infers the codes of."""

    def __init__(self, model: InfoGAN) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, z: Tensor, distorted: Tensor, progress: Tensor) -> Scalars:
        m, c = self.model, self.model.config
        h = m.discriminator.features(m.generate(z))
        code, style = m.discriminator.infer(h).costs(z[:, m.code_dims], z[:, m.style_dims])
        adversary = adversarial.generator_loss(m.discriminator.judge(h), c.loss).mean()
        information = c.information * code + c.style_information * style
        return {"loss": adversary + (progress >= c.warm_up).float() * information}


def make_step(
    model: InfoGAN, config: TrainConfig, noise: Noise, discriminate: type = Discriminate
) -> AdversarialStep:
    """The training step of an InfoGAN."""
    c, codes = model.config, model.config.codes(model.spec)

    def draw(batch: Batch, noise: Noise) -> tuple[Tensor, ...]:
        count = len(batch.x)
        code = F.one_hot((noise.uniform(count) * codes).long(), codes).float()
        free = 2 * noise.uniform(count, c.style + c.noise) - 1
        distorted = augment.distort(batch.x, noise.uniform(count, 6))
        if c.equivariance:
            distorted = augment.thicken(distorted, noise.uniform(count))
        return torch.cat([code, free], 1), distorted

    return AdversarialStep(
        Generate(model), discriminate(model), draw, config, noise, c.discriminator_rate
    )


@torch.no_grad()
def finish(model: InfoGAN, data: Dataset) -> None:
    """Permute the codes so that code k is class k, where there are as many and some are known;
    name the styles by what they change, and turn them so that larger ones make it larger."""
    q, into, (code, *rest) = model.discriminator, model.generator.inputs, model.blocks
    if isinstance(model, MatchedInfoGAN) and code.role == "code" and (data.labels >= 0).any():
        order = code_matching.code_of_each_class(model, data)
        into[:, model.code_dims] = into[:, model.code_dims][:, order]
        q.reorder_codes(order)
        model.blocks = (replace(code, labels=data.spec.classes), *rest)
    signs = torch.from_numpy(dimension_labels.name_block(model, 1, data)).to(into)
    into[:, model.style_dims] *= signs
    q.scale_styles(signs)
