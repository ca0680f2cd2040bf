"""Optimiser steps on an objective: learning rate, weight averaging, mixed precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import get_ema_multi_avg_fn

from vae.distributed import Noise
from vae.interface import Batch

Scalars = dict[str, Tensor]


@dataclass(frozen=True)
class TrainConfig:
    epochs: int = 60
    batch: int = 256  # images per step, over all processes
    rate: float = 2e-3  # largest learning rate
    schedule: str = "cosine"  # cosine, after a warm-up over 5 % of the steps; constant
    weight_decay: float = 0.05
    average: float = 0.999  # decay of the weights' exponential moving average; 0: none
    clip: float = 10.0  # largest norm of the gradient
    momentum: float = 0.9  # decay of the mean of the gradients in Adam; GANs need less
    seed: int = 0
    validation: int = 0  # training images held out for the choice of settings
    balance: float = 1.0  # a class of n images is seen n^balance times; 0: all classes alike
    passes: int = 1  # times that an epoch goes over the images
    labels: int = 0  # training images whose label is used, as many of each class; 0: all
    precision: str = "auto"  # auto: bfloat16 where the device has it in hardware; float32
    start: str = ""  # a run's folder whose weights to start from; empty: random weights
    freeze: str = ""  # child modules, such as encoder,decoder, that keep the weights of `start`
    compile: bool = False  # torch.compile; always on for CUDA

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not self.rate > 0:
            raise ValueError(
                f"epochs {self.epochs}, batch {self.batch} and rate {self.rate} must be positive"
            )
        if self.schedule not in ("cosine", "constant") or self.precision not in ("auto", "float32"):
            raise ValueError(f"no schedule {self.schedule!r} or no precision {self.precision!r}")
        if self.labels < 0:
            raise ValueError(f"labels is a number of labelled samples or 0, not {self.labels}")
        if not 0 <= self.balance <= 1 or self.passes < 1:
            raise ValueError(
                f"balance is from 0 to 1 and passes 1 or more, not {self.balance} and {self.passes}"
            )
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum is 0 or more and below 1, not {self.momentum}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"a seed is a whole number from 0 to 2^32 - 1, not {self.seed}")


def learning_rate(config: TrainConfig, progress: float) -> float:
    """The learning rate at a share of training done, 0 to 1."""
    if config.schedule == "constant":
        return config.rate
    warm_up = 0.05
    if progress < warm_up:
        return config.rate * (progress / warm_up + 1e-3)
    return config.rate * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def autocast(device: torch.device, precision: str = "auto") -> torch.autocast:
    """Autocast to bfloat16 where the device supports it in hardware; losses stay in float32.

    ATEN_CPU_CAPABILITY=avx2 in the environment turns it off on a CPU.
    """
    supported = {"cuda": torch.cuda.is_bf16_supported, "cpu": _cpu_has_bfloat16}
    enabled = precision == "auto" and device.type in supported and supported[device.type]()
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _cpu_has_bfloat16() -> bool:
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


class Update:
    """Minimises one objective over some of a model's parameters.

    objective is a module that holds the model as `.model` and maps (batch, *draws, progress) to
    scalars, of which "loss" is minimised. `parameters` alone have gradients meanwhile. rate is a
    factor on the learning rate of the config.
    """

    def __init__(
        self,
        objective: nn.Module,
        parameters: list[nn.Parameter],
        config: TrainConfig,
        world: int = 1,
        rate: float = 1.0,
    ) -> None:
        self.objective, self.config, self.rate = objective, config, rate
        self.device = parameters[0].device
        # no weight decay on biases and norms, as is usual
        matrices, vectors = (
            [p for p in parameters if p.ndim > 1],
            [p for p in parameters if p.ndim <= 1],
        )
        self.parameters = [*matrices, *vectors]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=torch.tensor(config.rate, device=self.device),
            betas=(config.momentum, 0.999),
            fused=True,
        )
        forward: Callable[..., Scalars] = objective
        if world > 1:
            with self._alone():  # it synchronises the parameters that have gradients now
                forward = DistributedDataParallel(objective)
        if config.compile or self.device.type == "cuda":
            forward = torch.compile(forward)
        self.forward = forward

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Gradients of these parameters alone."""
        own = set(self.parameters)
        others = [p for p in self.objective.parameters() if p.requires_grad and p not in own]
        for parameter in others:
            parameter.requires_grad_(False)
        yield
        for parameter in others:
            parameter.requires_grad_(True)

    def __call__(self, batch: Batch, draws: tuple[Tensor, ...], progress: float) -> Scalars:
        """One step of the optimiser; returns the objective's scalars."""
        for group in self.optimiser.param_groups:
            group["lr"].fill_(self.rate * learning_rate(self.config, progress))
        # filled in on the device: a copy to it would synchronise at every step
        progress_tensor = torch.full((), progress, device=self.device)
        with self._alone():
            with autocast(self.device, self.config.precision):
                scalars = self.forward(batch, *draws, progress_tensor)
            scalars["loss"].backward()
        if self.config.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return {name: value.detach() for name, value in scalars.items()}

    def state(self) -> Scalars:
        """The optimiser's moments."""
        moments = self.optimiser.state_dict()["state"].items()
        return {f"{index}.{k}": v for index, values in moments for k, v in values.items()}

    def load_state(self, state: Scalars) -> None:
        """Continue from a `state()`. Raises ValueError for one of another number of parameters."""
        moments: dict[int, Scalars] = {}
        for name, value in state.items():
            index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = value
        if len(moments) != len(self.parameters):
            raise ValueError(
                f"the state has moments of {len(moments)} parameters, and this model has "
                f"{len(self.parameters)}: the run is of an earlier version; start it again"
            )
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})


class WeightAverage:
    """The exponential moving average of a model's weights; of decay 0, the weights themselves."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay, self.steps = model, decay, 0
        kept = model.state_dict().items() if decay else ()
        self.mean = {name: value.detach().clone() for name, value in kept}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step. The decay is smaller at first, so that the random
        initial weights are forgotten."""
        self.steps += 1
        if not self.mean:
            return
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        current = self.model.state_dict()
        floats = [name for name, mean in self.mean.items() if mean.is_floating_point()]
        means, weights = ([of[name] for name in floats] for of in (self.mean, current))
        get_ema_multi_avg_fn(decay)(means, weights, None)  # few kernels for all
        for name in self.mean.keys() - set(floats):  # such as num_batches_tracked
            self.mean[name].copy_(current[name])

    def weights(self) -> Scalars:
        """The averaged weights."""
        return self.mean or self.model.state_dict()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model with the averaged weights."""
        kept = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.weights())
        yield
        self.model.load_state_dict(kept)

    def state(self) -> Scalars:
        """The weights, their average and the number of steps."""
        state = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        state |= {f"mean.{k}": v for k, v in self.mean.items()}
        return state | {"steps": torch.tensor(self.steps)}

    def load_state(self, state: Scalars) -> None:
        """Continue from a `state()`."""
        self.model.load_state_dict(with_prefix(state, "model."))
        mean = with_prefix(state, "mean.")
        for name, value in self.mean.items():
            value.copy_(mean[name])
        self.steps = int(state["steps"])


def with_prefix(state: Scalars, prefix: str) -> Scalars:
    """The entries whose names start with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


class GradientStep:
    """The `Step` of a model with one objective, as `Update` describes it.

    draw(batch, noise) makes the objective's random numbers. augment changes the batches of
    training, not those of validation. Raises ValueError where config.freeze names no part of the
    model.
    """

    def __init__(
        self,
        objective: nn.Module,
        draw: Callable[[Batch, Noise], tuple[Tensor, ...]],
        config: TrainConfig,
        noise: Noise,
        augment: Callable[[Batch, Noise], Batch] = lambda batch, noise: batch,
    ) -> None:
        self.config, self.noise, self.draw, self.augment = config, noise, draw, augment
        model = objective.get_submodule("model")
        self.frozen = frozen_parts(model, config)
        self.objective = objective
        trained = [p for p in model.parameters() if p.requires_grad]
        self.update = Update(objective, trained, config, noise.world)
        self.average = WeightAverage(model, config.average)
        self._train_mode()

    def _train_mode(self) -> None:
        """Training mode, except for frozen parts: their dropout stays off."""
        self.objective.train()
        for part in self.frozen:
            part.eval()

    def __call__(self, batch: Batch, progress: float) -> Scalars:
        batch = self.augment(batch, self.noise)
        scalars = self.update(batch, self.draw(batch, self.noise), progress)
        self.average.update()
        return scalars

    def weights(self) -> Scalars:
        return self.average.weights()

    @torch.no_grad()
    def validate(self, batch: Batch) -> Scalars:
        """The objective on unseen images, with the weights of `weights()`, without dropout, and
        with the KL weight at the end of training."""
        device = self.update.device
        with self.average.applied():
            self.objective.eval()
            progress = torch.tensor(1.0, device=device)
            with autocast(device, self.config.precision):
                scalars = self.objective(batch, *self.draw(batch, self.noise), progress)
            self._train_mode()
        return scalars

    def state(self) -> Scalars:
        moments = {f"optimiser.{k}": v for k, v in self.update.state().items()}
        return self.average.state() | moments

    def load_state(self, state: Scalars) -> None:
        self.update.load_state(with_prefix(state, "optimiser."))
        self.average.load_state(state)


def frozen_parts(model: nn.Module, config: TrainConfig) -> list[nn.Module]:
    """The parts of a model that config.freeze names; they get no gradients from here on. Raises
    ValueError for an unknown one."""
    parts = dict(model.named_children())
    names = config.freeze.split(",") if config.freeze else []
    if unknown := [name for name in names if name not in parts]:
        raise ValueError(f"no part {unknown[0]!r} to freeze; there is {', '.join(parts)}")
    frozen = [parts[name] for name in names]
    for part in frozen:
        part.requires_grad_(False)
    return frozen
