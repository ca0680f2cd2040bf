"""One optimiser step on one objective: schedule, weight averaging, mixed precision."""

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
    batch: int = 256  # images a step, over all processes together
    rate: float = 2e-3  # learning rate at its peak
    schedule: str = "cosine"  # cosine: warm up over 5 % of the steps, then fall to 0; constant
    weight_decay: float = 0.05
    average: float = 0.999  # decay of the running mean of the weights; 0 ships the last weights
    clip: float = 10.0  # largest norm of the gradient
    seed: int = 0
    validation: int = 0  # training images held out: choose by these, never by the test set
    labels: int = 0  # training images whose digit is told, as many of each; 0: all of them
    precision: str = "auto"  # auto: bfloat16 matrix products where the device has them; float32
    start: str = ""  # a run's folder whose weights to start from; empty: fresh weights
    freeze: str = ""  # a part of the model that keeps its weights, such as decoder
    compile: bool = False  # torch.compile; always on for CUDA

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not self.rate > 0:
            raise ValueError(
                f"epochs {self.epochs}, batch {self.batch} and rate {self.rate} must be positive"
            )
        if self.schedule not in ("cosine", "constant") or self.precision not in ("auto", "float32"):
            raise ValueError(f"no schedule {self.schedule!r} or no precision {self.precision!r}")
        if self.labels < 0 or self.labels % 10:
            raise ValueError(
                f"labels are as many of each digit: a multiple of 10, not {self.labels}"
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"a seed is a whole number from 0 to 2^32 - 1, not {self.seed}")


def learning_rate(config: TrainConfig, progress: float) -> float:
    """The rate at a share of training done, 0 to 1."""
    if config.schedule == "constant":
        return config.rate
    warm_up = 0.05
    if progress < warm_up:
        return config.rate * (progress / warm_up + 1e-3)
    return config.rate * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def autocast(device: torch.device, precision: str = "auto") -> torch.autocast:
    """bfloat16 matrix products where the device has them in hardware; the loss is taken in float32
    all the same."""
    fast = {
        "cuda": torch.cuda.is_bf16_supported,
        "cpu": lambda: torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported(),
    }
    enabled = precision == "auto" and device.type in fast and fast[device.type]()
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


class GradientStep:
    """The `Step` of a model with one objective.

    objective is a module that holds the model as `.model` and maps (batch, *draws, progress) to
    scalars, of which "loss" is minimised; draw makes an objective's random numbers from (batch,
    noise).
    """

    def __init__(
        self,
        objective: nn.Module,
        draw: Callable[[Batch, Noise], tuple[Tensor, ...]],
        config: TrainConfig,
        noise: Noise,
    ) -> None:
        self.config, self.noise, self.draw = config, noise, draw
        self.device = next(objective.parameters()).device
        self.model = objective.get_submodule("model")
        parts = dict(self.model.named_children())
        if config.freeze and config.freeze not in parts:
            raise ValueError(f"no part {config.freeze!r} to freeze; there is {', '.join(parts)}")
        self.frozen = [parts[config.freeze]] if config.freeze else []
        for part in self.frozen:
            part.requires_grad_(False)
        self.objective = objective
        forward: Callable[..., Scalars] = objective
        if noise.world > 1:
            forward = DistributedDataParallel(objective)
        if config.compile or self.device.type == "cuda":
            forward = torch.compile(forward)
        self.forward = forward
        # biases and norms are not decayed: shrinking them regularises nothing
        free = [p for p in self.model.parameters() if p.requires_grad]
        matrices, vectors = [p for p in free if p.ndim > 1], [p for p in free if p.ndim <= 1]
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
        self._learn()

    def _learn(self) -> None:
        """Switch dropout on, but not in what is frozen: that is to be as it will be in use."""
        self.objective.train()
        for part in self.frozen:
            part.eval()

    def __call__(self, batch: Batch, progress: float) -> Scalars:
        draws = self.draw(batch, self.noise)
        for group in self.optimiser.param_groups:
            group["lr"].fill_(learning_rate(self.config, progress))
        # filled in on the device: copied there, it would make the processor wait at every step
        share = torch.full((), progress, device=self.device)
        with autocast(self.device, self.config.precision):
            scalars = self.forward(batch, *draws, share)
        scalars["loss"].backward()
        if self.config.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._average()
        return {name: value.detach() for name, value in scalars.items()}

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged weights towards today's; early on the mean forgets faster, so it never
        lags from the start."""
        self.steps += 1
        if not self.mean:
            return
        decay = min(self.config.average, (1 + self.steps) / (10 + self.steps))
        current = self.model.state_dict()
        floats = [name for name, mean in self.mean.items() if mean.is_floating_point()]
        means, weights = ([of[name] for name in floats] for of in (self.mean, current))
        get_ema_multi_avg_fn(decay)(means, weights, None)  # on CUDA one kernel or few for them all
        for name in self.mean.keys() - set(floats):  # counts
            self.mean[name].copy_(current[name])

    def weights(self) -> Scalars:
        return self.mean or self.model.state_dict()

    @torch.no_grad()
    def validate(self, batch: Batch) -> Scalars:
        """The objective on unseen images, with the weights to ship, at full regularisation and
        without dropout."""
        kept = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.weights())
        self.objective.eval()
        done = torch.tensor(1.0, device=self.device)
        with autocast(self.device, self.config.precision):
            scalars = self.objective(batch, *self.draw(batch, self.noise), done)
        self._learn()
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

        self.model.load_state_dict(part("model."))
        begun = part("mean.")
        for name, mean in self.mean.items():
            mean.copy_(begun[name])
        self.steps = int(state["steps"])
        moments: dict[int, Scalars] = {}
        for name, value in part("optimiser.").items():
            index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = value
        whole = self.optimiser.state_dict() | {"state": moments}
        self.optimiser.load_state_dict(whole)
