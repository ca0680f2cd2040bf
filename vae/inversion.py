"""Inversion: the codes whose decoded samples come nearest to given ones, found by gradient steps,
for models that decode and cannot encode (Creswell & Bharath 2016, arXiv 1611.05644)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vae import latent
from vae.interface import LatentModel
from vae.latent import LatentBlock
from vae.likelihoods import Likelihood

CANDIDATE_VALUES = 4 << 20  # of the decoded candidates: 16 MB
STEP_VALUES = 64 * 28 * 28  # of the samples decoded in one gradient step


@dataclass(frozen=True)
class Settings:
    """How codes are searched for: what was best on training digits, by a DCGAN.

    As a loss, the cross-entropy reaches about half the squared error that is reached by the
    squared error itself in as many steps. The memory of Adam's second moment, short because the
    steps are few, saves another third. Starts that are near in pixels help at first, and little in
    the end, so a few candidates will do; more steps help more than more starts.
    """

    candidates: int = 500  # draws of the prior, of which the nearest are the starts
    starts: int = 4  # of each sample
    steps: int = 100  # of Adam
    rate: float = 0.3  # of the first step; it falls to 0 by a cosine
    memory: float = 0.9  # beta2 of Adam
    pull: float = 0.1  # weight of the prior, -log p(z) in nats

    def __post_init__(self) -> None:
        for name in ("candidates", "starts", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} are 1 or more, not {getattr(self, name)}")
        if self.starts > self.candidates:
            raise ValueError(
                f"{self.starts} starts cannot be chosen from {self.candidates} candidates"
            )


SETTINGS = Settings()


class Found(NamedTuple):
    """The best codes of N samples so far, the nearest first."""

    codes: Float[Tensor, "N S Z"]
    squared_error: Float[Tensor, "N S"]  # mean over the values of a sample


class Candidates(NamedTuple):
    """Draws of the prior, decoded."""

    codes: Float[Tensor, "C Z"]
    samples: Float[Tensor, "C V"]  # flat


# called with the units of work that are done, their number, and what was found; True stops
OnStep = Callable[[int, int, Found], bool]


def draw_candidates(model: LatentModel, settings: Settings, seed: int) -> Candidates:
    """Draw candidates from the prior; fewer where samples are large."""
    values = math.prod(model.likelihood.shape)
    count = max(settings.starts, min(settings.candidates, CANDIDATE_VALUES // values))
    device = next(model.parameters()).device
    codes = torch.from_numpy(latent.sample_prior(model.blocks, count, seed)).to(device)
    size = max(1, STEP_VALUES // values)
    with torch.no_grad():
        parts = [_decode(model, part)[0].flatten(1) for part in codes.split(size)]
    return Candidates(codes, torch.cat(parts))


def invert(
    model: LatentModel,
    x: Float[Tensor, "N *X"],
    candidates: Candidates,
    settings: Settings,
    on_step: OnStep | None = None,
) -> Found:
    """Codes of the samples x: Adam from the nearest candidates on.

    The continuous coordinates move, those of the noise among them, uniform ones within their
    range; a class stays that of its start. Each code is the one of least squared error among all
    that a start has passed, so more steps make none worse. `on_step` is called after each step,
    and what was found until then is returned when it returns True.
    """
    found = _sorted(_nearest(x, candidates, settings.starts))
    size = max(1, STEP_VALUES // (math.prod(model.likelihood.shape) * settings.starts))
    parts = [slice(start, start + size) for start in range(0, len(x), size)]
    done, total = 0, len(parts) * settings.steps
    for part in parts:
        for better in _descend(model, x[part], found.codes[part], settings):
            codes, errors = found.codes.clone(), found.squared_error.clone()
            codes[part], errors[part] = better
            found, done = Found(codes, errors), done + 1
            if on_step is not None and on_step(done, total, found):
                return found
    return found


def _nearest(x: Float[Tensor, "N *X"], candidates: Candidates, count: int) -> Found:
    flat, (codes, samples) = x.flatten(1), candidates
    distances = samples.square().sum(1) - 2 * flat @ samples.T  # less |x|^2, the same for all
    nearest = distances.topk(count, largest=False).indices
    errors = (samples[nearest] - flat[:, None]).square().mean(2)
    return Found(codes[nearest], errors)


def _sorted(found: Found) -> Found:
    order = found.squared_error.argsort(dim=1, stable=True)
    codes = found.codes.gather(1, order[..., None].expand_as(found.codes))
    return Found(codes, found.squared_error.gather(1, order))


def _descend(
    model: LatentModel, x: Float[Tensor, "N *X"], start: Float[Tensor, "N S Z"], settings: Settings
) -> Iterator[Found]:
    """The best codes after each step of Adam. All rows are independent of one another."""
    count = start.shape[1]
    targets = x.repeat_interleave(count, 0)
    free, low, high = _free(model.blocks, start.device)
    z = start.flatten(0, 1).clone().requires_grad_()
    best, error = start.flatten(0, 1), torch.full((len(targets),), torch.inf, device=z.device)
    adam = torch.optim.Adam([z], betas=(0.9, settings.memory))
    for step in range(settings.steps + 1):
        with torch.enable_grad():
            samples, parameters = _decode(model, z)
            loss = _cross_entropy(model.likelihood, parameters, samples, targets)
            loss = loss + settings.pull * 0.5 * (z * free).square().sum(1)
        errors = (samples.detach() - targets).square().flatten(1).mean(1)
        best = torch.where((errors < error)[:, None], z.detach(), best)
        error = errors.minimum(error)
        if step:
            yield _sorted(Found(best.view_as(start), error.view(-1, count)))
        if step == settings.steps:
            return
        (gradient,) = torch.autograd.grad(loss.sum(), z)
        z.grad = gradient * free
        cosine = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
        adam.param_groups[0]["lr"] = settings.rate * cosine
        adam.step()
        with torch.no_grad():
            z.clamp_(low, high)


def _free(
    blocks: Sequence[LatentBlock], device: torch.device
) -> tuple[Float[Tensor, " Z"], Float[Tensor, " Z"], Float[Tensor, " Z"]]:
    """1 for each coordinate that moves, else 0; the lowest and the highest value of each."""
    rows = [
        (float(b.is_continuous), *(b.limits if b.prior == "uniform" else (-math.inf, math.inf)))
        for b in blocks
        for _ in range(b.dims)
    ]
    free, low, high = torch.tensor(rows, device=device).T
    return free, low, high


def _decode(model: LatentModel, z: Float[Tensor, "B Z"]) -> tuple[Tensor, Tensor]:
    """The samples of codes, and the parameters of their likelihood."""
    parameters = model.decode(z).float()  # type: ignore[operator]
    return model.likelihood.mean(parameters), parameters


def _cross_entropy(
    likelihood: Likelihood,
    parameters: Float[Tensor, "..."],
    samples: Float[Tensor, "B *X"],
    x: Float[Tensor, "B *X"],
) -> Float[Tensor, " B"]:
    """Cross-entropy of values in [0, 1], nats. Its gradient does not vanish where a logit is large,
    as that of the squared error does."""
    if likelihood.binary:
        return -likelihood.log_prob(parameters, x)
    return F.binary_cross_entropy(samples, x, reduction="none").flatten(1).sum(1)
