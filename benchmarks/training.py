"""Images trained on per second, compared with two common loops: python benchmarks/training.py.

Beside pytorch/examples' loop (784-400-20, a DataLoader with a PIL picture a sample) and beside
pythae's trainer (784-512-20), each with the same net, ReLU, batch of 128, Adam at 1e-3 and grey
levels as targets as ours has, all on the processor. Epochs
alternate in one run. After as many epochs one function measures all nets: the negative grey-scale
ELBO of the 10,000 test images, in nats.

pythae is for this benchmark alone and lives in .venv-pythae, which is made when it is not there:
pip fetches pythae itself without its dependencies, and of these only pydantic and
imageio; torch and the others are used from this environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import plain
import torch
from plain import BATCH, LATENT, RATE, ROOT, Pictures, PlainLoop
from torch import Tensor, nn

from vae import data, metrics
from vae.batches import Batches
from vae.dataspec import MNIST, Dataset
from vae.distributed import Noise
from vae.models.vae import VAE, VAEConfig, make_step
from vae.optim import TrainConfig
from vae.training import fit

CPU = torch.device("cpu")
EXAMPLES, PYTHAE = 400, 512  # hidden units
ENVIRONMENT = ROOT / ".venv-pythae"
PACKAGES = ("pythae==0.1.2", "pydantic>=2", "imageio")
LOOP = Path(__file__).with_name("pythae_loop.py")


def same_net(hidden: int) -> VAE:
    """Our VAE with the layers of the reference."""
    model = VAE(VAEConfig(latent=LATENT, hidden=hidden, net="mlp", depth=1, binarise=False), MNIST)
    model.encoder = nn.Sequential(
        nn.Flatten(-3), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 2 * LATENT)
    )
    model.decoder = nn.Sequential(
        nn.Linear(LATENT, hidden), nn.ReLU(), nn.Linear(hidden, 784), nn.Unflatten(-1, MNIST.shape)
    )
    return model


class OurLoop:
    """Trains that net by training.fit, as `python -m vae train` does, one epoch per call."""

    def __init__(self, digits: Dataset, hidden: int, precision: str = "auto") -> None:
        torch.manual_seed(0)
        self.model, self.noise, self.done = same_net(hidden), Noise(CPU), 0
        self.batches = Batches(digits, BATCH, CPU)
        config = TrainConfig(
            batch=BATCH,
            rate=RATE,
            schedule="constant",
            weight_decay=0.0,
            average=0.0,
            clip=0.0,
            precision=precision,
        )
        self.step = make_step(self.model, config, self.noise)

    def __call__(self) -> None:
        fit(self.step, self.batches, self.noise, self.done + 1, first=self.done)
        self.done += 1


def test_loss(weights: list[Tensor], digits: Dataset) -> float:
    """Nats an image, of a net given as its layers' weights and biases from image to image."""
    model = same_net(len(weights[1]))
    for parameter, value in zip(model.parameters(), weights, strict=True):
        parameter.data.copy_(value)
    terms = metrics.elbo(model.eval(), metrics.as_tensor(digits), draws=2)
    return round(float(terms.total.mean()), 2)


def in_one(read: list[Tensor], mean: list[Tensor], logvar: list[Tensor]) -> list[Tensor]:
    """An encoder's weights, its two heads joined to the one layer that our encoder has."""
    return [*read, *(torch.cat(pair) for pair in zip(mean, logvar, strict=True))]


def of_plain(net: plain.PlainVAE) -> list[Tensor]:
    read, mean, logvar, unfold, draw = (
        [layer.weight.detach(), layer.bias.detach()]
        for layer in (net.read, net.mean, net.logvar, net.unfold, net.draw)
    )
    return in_one(read, mean, logvar) + unfold + draw


def of_pythae(path: Path) -> list[Tensor]:
    with np.load(path) as file:
        read, mean, logvar, unfold, draw = (
            [torch.from_numpy(file[f"{name}.{kind}"]) for kind in ("weight", "bias")]
            for name in (
                *("encoder.layers.0.0", "encoder.embedding", "encoder.log_var"),
                *("decoder.layers.0.0", "decoder.layers.1.0"),
            )
        )
    return in_one(read, mean, logvar) + unfold + draw


def beside_examples(train: Dataset, test: Dataset, rounds: int) -> dict[str, float]:
    """Ours, ours without bfloat16, and the plain loop."""
    theirs = PlainLoop(Pictures(train.samples, train.labels), EXAMPLES)
    ours, exact = OurLoop(train, EXAMPLES), OurLoop(train, EXAMPLES, "float32")
    turns = {"ours_400": ours, "ours_400_float32": exact, "examples": theirs}
    seconds = plain.take_turns(turns, rounds)
    return rates(seconds, len(train.samples)) | {
        "train_examples_test_loss": test_loss(of_plain(theirs.net), test),
        "train_ours_400_test_loss": test_loss(list(ours.model.parameters()), test),
        "train_ours_400_float32_test_loss": test_loss(list(exact.model.parameters()), test),
    }


def beside_pythae(train: Dataset, test: Dataset, rounds: int) -> dict[str, float]:
    """Ours and pythae's trainer."""
    ours = OurLoop(train, PYTHAE)
    with tempfile.TemporaryDirectory() as folder:
        with pythae(train, Path(folder), rounds + 1) as epoch:
            seconds = plain.take_turns({"ours_512": ours, "pythae": epoch}, rounds)
        theirs = test_loss(of_pythae(Path(folder) / "weights.npz"), test)
    return rates(seconds, len(train.samples)) | {
        "train_pythae_test_loss": theirs,
        "train_ours_512_test_loss": test_loss(list(ours.model.parameters()), test),
    }


def rates(seconds: dict[str, float], images: int) -> dict[str, float]:
    return {f"train_{name}_images_per_s": round(images / took) for name, took in seconds.items()}


@contextmanager
def pythae(train: Dataset, folder: Path, epochs: int) -> Iterator[Callable[[], None]]:
    """A process that trains one epoch per call and saves its weights in `folder` at the end."""
    np.save(folder / "images.npy", train.samples)
    files = [str(folder / name) for name in ("images.npy", "weights.npz")]
    command = [str(environment()), str(LOOP), *files, str(epochs), str(BATCH), str(RATE)]
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True
        ) as process,
    ):

        def epoch() -> None:
            print(file=process.stdin, flush=True)
            if not process.stdout.readline():
                raise RuntimeError(f"pythae's loop ended early:\n{log.read_text()[-2000:]}")

        yield epoch
        process.stdin.close()
        if process.wait(60):
            raise RuntimeError(f"pythae's loop failed:\n{log.read_text()[-2000:]}")


def environment() -> Path:
    """The Python of pythae's environment, which is made if missing."""
    python = ENVIRONMENT / "bin" / "python"
    ready = ENVIRONMENT / "ready"
    if not ready.exists():
        print(f"making {ENVIRONMENT} with {', '.join(PACKAGES)}", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        # packages of this environment, above all torch, are used and not fetched again
        path_file = next(ENVIRONMENT.glob("lib/python*/site-packages")) / "shared.pth"
        path_file.write_text(f"{Path(torch.__file__).parent.parent}\n")
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *PACKAGES[1:]], check=True)
        subprocess.run([*pip, "--no-deps", PACKAGES[0]], check=True)
        ready.touch()
    return python


def measure(quick: bool = False) -> dict[str, dict[str, float]]:
    """Both comparisons; that with pythae is left out, with a message, where pip cannot fetch it."""
    train, test = (data.load("mnist", split) for split in ("train", "test"))
    rounds = 1 if quick else 5
    figures: dict[str, float] = {"train_epochs": rounds + 1}
    figures |= beside_examples(train, test, rounds)
    pairs = {"train_rate_examples": ("ours_400", "examples")}
    try:
        environment()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no comparison with pythae: it could not be installed ({error})", file=sys.stderr)
    else:
        figures |= beside_pythae(train, test, rounds)
        pairs["train_rate_pythae"] = ("ours_512", "pythae")
    rate = {name: figures[f"train_{name}_images_per_s"] for pair in pairs.values() for name in pair}
    ratios = {name: round(rate[ours] / rate[theirs], 2) for name, (ours, theirs) in pairs.items()}
    return {"ratios": ratios, "figures": figures}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
