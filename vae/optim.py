"""One optimiser step on one objective: learning rate, weight averaging, mixed precision."""

from __future__ import annotations

import math
from collections.abc import Callable
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


class GradientStep:
    """The `Step` of a model with one objective.

    objective is a module that holds the model as `.model` and maps (batch, *draws, progress) to
    scalars, of which "loss" is minimised; draw(batch, noise) makes its random numbers. augment
    changes the batches of training, not those of validation. Raises ValueError where config.freeze
    names no part of the model.
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
        self.device = next(objective.parameters()).device
        self.model = objective.get_submodule("model")
        parts = dict(self.model.named_children())
        names = config.freeze.split(",") if config.freeze else []
        if unknown := [name for name in names if name not in parts]:
            raise ValueError(f"no part {unknown[0]!r} to freeze; there is {', '.join(parts)}")
        self.frozen = [parts[name] for name in names]
        for part in self.frozen:
            part.requires_grad_(False)
        self.objective = objective
        forward: Callable[..., Scalars] = objective
        if noise.world > 1:
            forward = DistributedDataParallel(objective)
        if config.compile or self.device.type == "cuda":
            forward = torch.compile(forward)
        self.forward = forward
        # no weight decay on biases and norms, as is usual
        trained = [p for p in self.model.parameters() if p.requires_grad]
        matrices, vectors = [p for p in trained if p.ndim > 1], [p for p in trained if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=torch.tensor(config.rate, device=self.device),
            fused=True,
        )
        self.parameters = [*matrices, *vectors]
        self.steps = 0
        kept = self.model.state_dict().items() if config.average else ()
        self.mean = {name: value.detach().clone() for name, value in kept}
        self._train_mode()

    def _train_mode(self) -> None:
        """Training mode, except for frozen parts: their dropout stays off."""
        self.objective.train()
        for part in self.frozen:
            part.eval()

    def __call__(self, batch: Batch, progress: float) -> Scalars:
        batch = self.augment(batch, self.noise)
        draws = self.draw(batch, self.noise)
        for group in self.optimiser.param_groups:
            group["lr"].fill_(learning_rate(self.config, progress))
        # filled in on the device: a copy to it would synchronise at every step
        progress_tensor = torch.full((), progress, device=self.device)
        with autocast(self.device, self.config.precision):
            scalars = self.forward(batch, *draws, progress_tensor)
        scalars["loss"].backward()
        if self.config.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._average()
        return {name: value.detach() for name, value in scalars.items()}

    @torch.no_grad()
    def _average(self) -> None:
        """Update the exponential moving average of the weights; its decay is smaller at first, so
        that the random initial weights are forgotten."""
        self.steps += 1
        if not self.mean:
            return
        decay = min(self.config.average, (1 + self.steps) / (10 + self.steps))
        current = self.model.state_dict()
        floats = [name for name, mean in self.mean.items() if mean.is_floating_point()]
        means, weights = ([of[name] for name in floats] for of in (self.mean, current))
        get_ema_multi_avg_fn(decay)(means, weights, None)  # few kernels for all
        for name in self.mean.keys() - set(floats):  # such as num_batches_tracked
            self.mean[name].copy_(current[name])

    def weights(self) -> Scalars:
        return self.mean or self.model.state_dict()

    @torch.no_grad()
    def validate(self, batch: Batch) -> Scalars:
        """The objective on unseen images, with the weights of `weights()`, without dropout, and
        with the KL weight at the end of training."""
        kept = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.weights())
        self.objective.eval()
        progress = torch.tensor(1.0, device=self.device)
        with autocast(self.device, self.config.precision):
            scalars = self.objective(batch, *self.draw(batch, self.noise), progress)
        self._train_mode()
        self.model.load_state_dict(kept)
        return scalars

    def state(self) -> Scalars:
        state = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        state |= {f"mean.{k}": v for k, v in self.mean.items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{index}.{k}": v for k, v in moments.items()}
        return state | {"steps": torch.tensor(self.steps)}

    def load_state(self, state: Scalars) -> None:
        def part(prefix: str) -> Scalars:
            return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}

        moments: dict[int, Scalars] = {}
        for name, value in part("optimiser.").items():
            index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = value
        if len(moments) != len(self.parameters):
            raise ValueError(
                f"the state has moments of {len(moments)} parameters, and this model has "
                f"{len(self.parameters)}: the run is of an earlier version; start it again"
            )
        self.model.load_state_dict(part("model."))
        mean = part("mean.")
        for name, value in self.mean.items():
            value.copy_(mean[name])
        self.steps = int(state["steps"])
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
