"""Models of other libraries: a decoder and an encoder in ONNX, run by ONNX Runtime.

The contract, in short: a decoder maps codes [N, Z] to images, an encoder images to `mean` and
`logvar`, [N, Z] each. Images are [N, C, H, W], [N, H, W, C], [N, H, W] if grey, or flat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from vae import latent
from vae.checkpoint import CheckpointError
from vae.dataspec import DataSpec
from vae.latent import LatentBlock
from vae.runtime.image_layout import ORDERS, Layout, find_layout, layouts
from vae.runtime.onnx_session import Session, Shape

MODEL = "onnx"  # the model of a manifest that this runtime runs
DECODER, ENCODER = "decoder.onnx", "encoder.onnx"
VALUES = 1 << 20  # pixels of a batch, times channels: a convolution of 64 channels has 256 MB
LARGEST_BATCH = 1024
TRIALS = 16  # codes drawn from the prior that a decoder is tried with
TOLERANCE = 1 / 255  # between two images that should be the same
OVERSHOOT = 0.25  # share of the range by which a value may exceed it; it is clipped


@dataclass(frozen=True)
class Conversion:
    """How the values of a network are images in [0, 1].

    Raises ValueError for an empty range or an unknown order.
    """

    range: tuple[float, float] = (0.0, 1.0)  # the values of black and white
    logits: bool = False  # whether the decoder gives logits of values in [0, 1]
    order: str = "CHW"  # of the axes, where an image is flat

    def __post_init__(self) -> None:
        low, high = self.range
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"the range {low:g} {high:g} is empty; give two increasing numbers")
        if self.order not in ORDERS:
            raise ValueError(f"order {self.order!r} is not one of {', '.join(ORDERS)}")

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Conversion:
        """From the config of a manifest. Raises ValueError for unknown fields or wrong types."""
        try:
            low, high = map(float, fields.get("range", cls.range))
            return cls(**{**fields, "range": (low, high)})
        except TypeError as error:
            raise ValueError(f"the conversion {dict(fields)} is not valid ({error})") from error


class OnnxRuntime:
    """An imported model: NumPy in, NumPy out. Safe to call from several threads at once.

    Each is run once when it is loaded. Raises CheckpointError for a network that
    `onnx_session.Session` refuses, whose shapes do not match, or whose images are outside the
    range or change from call to call.
    """

    device, half = "cpu", False

    def __init__(
        self,
        decoder: Path,
        encoder: Path | None,
        spec: DataSpec,
        blocks: Sequence[LatentBlock],
        conversion: Conversion,
    ) -> None:
        self._dims = latent.dims(blocks)
        self._spec, self._conversion = spec, conversion
        self._decoder = _Decoder(Session(decoder), blocks, spec, conversion)
        self._encoder = (
            _Encoder(Session(encoder), self._dims, spec, conversion) if encoder else None
        )

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self._decoder.session.size + (self._encoder.session.size if self._encoder else 0)

    def decode(self, z: Float[np.ndarray, "N Z"]) -> Float[np.ndarray, "N ..."]:
        """Images in [0, 1] of codes, [N, *spec.array_shape]."""
        return self._decoder(z)

    def encode(
        self, images: Float[np.ndarray, "N ..."]
    ) -> tuple[Float[np.ndarray, "N Z"], Float[np.ndarray, "N Z"]]:
        """Posterior (mean, logvar) of images in [0, 1]; logvar is -inf without such an output.

        Raises ValueError where there is no encoder.
        """
        if self._encoder is None:
            raise ValueError("this model was imported without an encoder; import it with --encoder")
        return self._encoder(images)


def fixed_batch(session: Session, sample: np.ndarray) -> int | None:
    """The only number of samples that a network accepts, None where it accepts any.

    A graph may declare any number and still accept one alone, where its export has recorded it in
    a reshape. sample is one input. Raises CheckpointError where it fails for one sample, too.
    """
    if session.batch is not None:
        return session.batch
    try:
        outputs = session.run(np.stack([sample, sample])).values()
        if all(len(_by_sample(y, 2)) == 2 for y in outputs):
            return None
    except CheckpointError:
        pass  # the run below fails with the reason, unless one sample alone is accepted
    session.run(sample[None])
    return 1


def in_batches(
    session: Session, x: np.ndarray, batch: int | None, step: int
) -> dict[str, np.ndarray]:
    """The outputs of a network for any number of inputs, `step` at a time, or `batch` where it is
    fixed.

    Zeros fill an incomplete fixed batch, and no input at all, which gives outputs of length 0.
    Raises CheckpointError as `Session.run`, and where an output has another number of samples.
    """
    step = batch or step
    count = max(1, -(-len(x) // step)) * step if batch else max(1, len(x))
    padding = np.zeros((count - len(x), *x.shape[1:]), x.dtype)
    padded = np.concatenate([x, padding]) if len(padding) else x
    parts = []
    for start in range(0, count, step):
        part = padded[start : start + step]
        parts.append({k: _by_sample(y, len(part)) for k, y in session.run(part).items()})
        for name, y in parts[-1].items():
            if y.shape[:1] != part.shape[:1]:
                raise CheckpointError(
                    f"{session.path} gives {name} of shape {list(y.shape)} for {len(part)} inputs; "
                    "its first axis must be that of the batch"
                )
    return {
        name: np.concatenate([part[name] for part in parts])[: len(x)] for name in session.outputs
    }


def _by_sample(values: np.ndarray, count: int) -> np.ndarray:
    """Values with one row a sample: skl2onnx gives a column of all values, where a regressor has
    several targets."""
    if values.ndim == 2 and values.shape[1] == 1 and len(values) % count == 0:
        return values.reshape(count, -1)
    return values


class _Decoder:
    """Codes [N, Z] to images in [0, 1]."""

    def __init__(
        self,
        session: Session,
        blocks: Sequence[LatentBlock],
        spec: DataSpec,
        conversion: Conversion,
    ) -> None:
        self.session, self._spec, self._conversion = session, spec, conversion
        codes = latent.sample_prior(blocks, TRIALS, seed=0)
        _check_codes(session, codes.shape[1])
        self._output = _output(session, "images" if not conversion.logits else "logits")
        self._batch = fixed_batch(session, codes[0])
        values = self._run(codes)
        found = find_layout(values.shape[1:], spec, conversion.order)
        if found is None:
            raise CheckpointError(
                f"{session.path} gives {self._output} of shape {list(values.shape[1:])} for each "
                f"code, not an image of shape {_either(layouts(spec, conversion.order))}; "
                "name the images' shape by --shape"
            )
        self._layout = found
        self._check_range(values)
        self._check_repeats(codes, values)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        low, high = self._conversion.range
        values = self._layout.to_arrays(self._run(z), self._spec)
        if self._conversion.logits:
            return 1 / (1 + np.exp(-np.clip(values, -80, 80)))
        return np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)

    def _run(self, z: np.ndarray) -> np.ndarray:
        return in_batches(self.session, z, self._batch, _step(self._spec))[self._output]

    def _check_range(self, values: np.ndarray) -> None:
        """Raises CheckpointError for values that are clearly outside of the declared range."""
        if self._conversion.logits:
            return
        low, high = self._conversion.range
        least, most, slack = values.min(), values.max(), OVERSHOOT * (high - low)
        if least < low - slack or most > high + slack:
            raise CheckpointError(
                f"{self.session.path} gives values from {least:.3g} to {most:.3g}, outside of the "
                f"range {low:g} to {high:g}; declare theirs, such as --range -1 1, or --logits"
            )

    def _check_repeats(self, codes: np.ndarray, values: np.ndarray) -> None:
        """Raises CheckpointError where a code's image changes from call to call, or depends on the
        other codes of the batch, as with dropout or batch statistics."""
        again = self._run(codes[:1])[0]
        low, high = self._conversion.range
        if np.abs(again - values[0]).max() > TOLERANCE * (high - low):
            raise CheckpointError(
                f"{self.session.path} gives different images for the same code; export the model "
                "in evaluation mode (model.eval() in PyTorch), without random operators"
            )


class _Encoder:
    """Images in [0, 1] to the mean and the log-variance of their codes."""

    def __init__(self, session: Session, dims: int, spec: DataSpec, conversion: Conversion) -> None:
        self.session, self._dims, self._spec, self._conversion = session, dims, spec, conversion
        found = find_layout(session.input_shape[1:], spec, conversion.order)
        if found is None:
            raise CheckpointError(
                f"{session.path} takes inputs of shape {_text(session.input_shape[1:])}, not "
                f"images of shape {_either(layouts(spec, conversion.order))}; export it for those"
            )
        self._layout = found
        self._mean = _output(session, "mean")
        self._batch = fixed_batch(session, np.zeros(found.shape, np.float32))
        self(np.zeros((2, *spec.array_shape), np.float32))

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._conversion.range
        scaled = np.float32(low) + images * np.float32(high - low)
        x = self._layout.from_arrays(scaled, self._spec)
        outputs = in_batches(self.session, x, self._batch, _step(self._spec))
        mean = outputs[self._mean]
        logvar = outputs.get("logvar", np.full_like(mean, -np.inf))
        for name, values in {self._mean: mean, "logvar": logvar}.items():
            if values.shape != (len(images), self._dims):
                raise CheckpointError(
                    f"{self.session.path} gives {name} of shape {list(values.shape[1:])} for each "
                    f"image, not [{self._dims}]; the decoder takes codes of {self._dims} numbers"
                )
        if not np.isfinite(mean).all() or (logvar == np.inf).any():
            raise CheckpointError(f"{self.session.path} gives infinite codes; check its weights")
        return mean, logvar


def _step(spec: DataSpec) -> int:
    """Images of one batch."""
    return max(1, min(LARGEST_BATCH, VALUES // prod(spec.shape)))


def _check_codes(session: Session, dims: int) -> None:
    """Raises CheckpointError for a decoder whose declared input is not codes [N, dims]."""
    shape = session.input_shape
    if len(shape) != 2 or shape[1] not in (None, dims):
        size = f"--latent {shape[1]}" if len(shape) == 2 else "an input of shape [N, Z]"
        raise CheckpointError(
            f"{session.path} takes inputs of shape {_text(shape)}, not codes of shape [N, {dims}]; "
            f"import it with {size}"
        )


def _output(session: Session, name: str) -> str:
    """The output called `name`, or the only one. Raises CheckpointError where neither exists."""
    if name in session.outputs:
        return name
    if len(session.outputs) == 1:
        return session.outputs[0]
    raise CheckpointError(
        f"{session.path} has the outputs {', '.join(session.outputs)}, none of them called {name}; "
        "rename it in the export"
    )


def _either(several: Sequence[Layout]) -> str:
    return " or ".join(f"{list(layout.shape)}" for layout in several)


def _text(shape: Shape) -> str:
    return f"[{', '.join('N' if n is None else str(n) for n in shape)}]"
