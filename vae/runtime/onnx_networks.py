"""The two networks of an imported model: a decoder from codes to images, an encoder back.

Each is run once when it is loaded, to find the layout of its images and its batch, and to refuse
what the contract does not allow. The contract is in the README, "Your own model".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vae import latent
from vae.checkpoint import CheckpointError
from vae.dataspec import DataSpec
from vae.latent import LatentBlock
from vae.runtime import chunk_size
from vae.runtime.image_layout import ORDERS, Layout, find_layout, layouts
from vae.runtime.onnx_session import Session, Shape

IMAGES, LOGITS, PARAMETERS, MEAN, LOGVAR = "images", "logits", "parameters", "mean", "logvar"
VALUES = 1 << 20  # of the images in a batch: a convolution of 64 channels then has 256 MB
TRIALS = 16  # codes drawn from the prior that a decoder is tried with
TOLERANCE = 1 / 255  # between two images that should be the same
OVERSHOOT = 0.25  # share of the range by which a value may exceed it; it is clipped
LARGE = 16  # extent of a range that values of at most 1 do not fill, such as 0 to 255
LEAST = 1e-7  # of a probability whose logit is taken


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

    def as_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return asdict(self) | {"range": list(self.range)}


class DecoderNetwork:
    """Codes [N, Z] to images in [0, 1], [N, *spec.array_shape].

    Raises CheckpointError for shapes that do not match, and for images that are outside of the
    range or change from call to call.
    """

    def __init__(
        self,
        session: Session,
        blocks: Sequence[LatentBlock],
        spec: DataSpec,
        conversion: Conversion,
    ) -> None:
        self.session, self._spec, self._conversion = session, spec, conversion
        codes = latent.sample_prior(blocks, TRIALS, seed=0)
        check_codes(session, codes.shape[1])
        self._output = session.output(LOGITS if conversion.logits else IMAGES)
        self._batch = fixed_batch(session, codes[0])
        values = self._run(self._output, codes)
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
        values = self._layout.to_arrays(self._run(self._output, z), self._spec)
        if self._conversion.logits:
            return 1 / (1 + np.exp(-np.clip(values, -80, 80)))
        return np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)

    @property
    def has_parameters(self) -> bool:
        """Whether it also gives the parameters of the likelihood."""
        return PARAMETERS in self.session.outputs

    def parameters(self, z: np.ndarray) -> np.ndarray:
        """The parameters of the likelihood, as the decoder gives them."""
        return self._run(PARAMETERS, z)

    def logits(self, z: np.ndarray) -> np.ndarray:
        """The logits of the values of images, [N, *spec.array_shape]."""
        if self._conversion.logits:
            return self._layout.to_arrays(self._run(self._output, z), self._spec)
        means = np.clip(self(z), LEAST, 1 - LEAST)
        return np.log(means / (1 - means))

    def _run(self, output: str, z: np.ndarray) -> np.ndarray:
        step = chunk_size(self._spec, VALUES)
        return in_batches(self.session, z, self._batch, step, (output,))[output]

    def _check_range(self, values: np.ndarray) -> None:
        """Raises CheckpointError for values that are clearly outside of the declared range."""
        if self._conversion.logits:
            return
        low, high = self._conversion.range
        least, most, slack = values.min(), values.max(), OVERSHOOT * (high - low)
        if high - low > LARGE and max(-least, most) <= 1:
            raise CheckpointError(
                f"{self.session.path} gives values from {least:.3g} to {most:.3g}, a small part of "
                f"the range {low:g} to {high:g}; declare theirs, such as --range 0 1"
            )
        if least < low - slack or most > high + slack:
            raise CheckpointError(
                f"{self.session.path} gives values from {least:.3g} to {most:.3g}, outside of the "
                f"range {low:g} to {high:g}; declare theirs, such as --range -1 1, or --logits"
            )

    def _check_repeats(self, codes: np.ndarray, values: np.ndarray) -> None:
        """Raises CheckpointError where a code's image changes from call to call, or depends on the
        other codes of the batch, as with dropout or batch statistics."""
        again = self._run(self._output, codes[:1])[0]
        low, high = self._conversion.range
        if np.abs(again - values[0]).max() > TOLERANCE * (high - low):
            raise CheckpointError(
                f"{self.session.path} gives different images for the same code; export the model "
                "in evaluation mode (model.eval() in PyTorch), without random operators"
            )


class EncoderNetwork:
    """Images in [0, 1], [N, *spec.array_shape], to the mean and the log-variance of their codes.

    The log-variance is -inf without such an output. Raises CheckpointError for shapes that do not
    match and for infinite codes.
    """

    def __init__(self, session: Session, dims: int, spec: DataSpec, conversion: Conversion) -> None:
        self.session, self._dims, self._spec, self._conversion = session, dims, spec, conversion
        found = find_layout(session.input_shape[1:], spec, conversion.order)
        if found is None:
            raise CheckpointError(
                f"{session.path} takes inputs of shape {_text(session.input_shape[1:])}, not "
                f"images of shape {_either(layouts(spec, conversion.order))}; export it for those"
            )
        self._layout = found
        self._mean = session.output(MEAN)
        self._batch = fixed_batch(session, np.zeros(found.shape, np.float32))
        self(np.zeros((2, *spec.array_shape), np.float32))

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._conversion.range
        scaled = np.float32(low) + images * np.float32(high - low)
        x, step = self._layout.from_arrays(scaled, self._spec), chunk_size(self._spec, VALUES)
        names = [self._mean, *({LOGVAR} & set(self.session.outputs))]
        outputs = in_batches(self.session, x, self._batch, step, names)
        for name, values in outputs.items():
            if values.shape[1:] != (self._dims,):
                raise CheckpointError(
                    f"{self.session.path} gives {name} of shape {list(values.shape[1:])} for each "
                    f"image, not [{self._dims}]; the decoder takes codes of {self._dims} numbers"
                )
        mean = outputs[self._mean]
        logvar = outputs.get(LOGVAR, np.full_like(mean, -np.inf))
        if not np.isfinite(mean).all() or (logvar == np.inf).any():
            raise CheckpointError(f"{self.session.path} gives infinite codes; check its weights")
        return mean, logvar


def check_codes(session: Session, dims: int) -> None:
    """Raises CheckpointError for a decoder whose declared input is not codes [N, dims]."""
    shape = session.input_shape
    if len(shape) != 2 or shape[1] not in (None, dims):
        remedy = f"import it with --latent {shape[1]}" if len(shape) == 2 else "reshape them in it"
        raise CheckpointError(
            f"{session.path} takes inputs of shape {_text(shape)}, not codes of shape "
            f"[N, {dims}]; {remedy}"
        )


def decoded_shape(session: Session, dims: int) -> tuple[int, ...]:
    """The shape of what a decoder gives for one code, by running it."""
    codes, name = np.zeros((1, dims), np.float32), session.output(IMAGES)
    return in_batches(session, codes, session.batch, 1, (name,))[name].shape[1:]


def fixed_batch(session: Session, sample: np.ndarray) -> int | None:
    """The only number of samples that a network accepts, None where it accepts any.

    A graph may declare any number and still accept one alone, where its export has recorded it in
    a reshape. sample is one input. Raises CheckpointError where it fails for one sample, too.
    """
    if session.batch is not None:
        return session.batch
    try:
        outputs = session.run(np.stack([sample, sample]), session.outputs).values()
        if all(len(_by_sample(values, 2)) == 2 for values in outputs):
            return None
    except CheckpointError:
        pass  # the run below fails with the reason, unless one sample alone is accepted
    session.run(sample[None], session.outputs)
    return 1


def in_batches(
    session: Session, x: np.ndarray, batch: int | None, step: int, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Outputs of a network for any number of inputs, `step` at a time, or `batch` where it is
    fixed.

    Zeros fill an incomplete fixed batch, and no input at all, which gives outputs of length 0.
    Raises CheckpointError as `Session.run`, and where an output has another number of samples.
    """
    step = batch or step
    count = max(1, math.ceil(len(x) / step)) * step if batch else max(1, len(x))
    padding = np.zeros((count - len(x), *x.shape[1:]), x.dtype)
    padded = np.concatenate([x, padding]) if len(padding) else x
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for start in range(0, count, step):
        part = padded[start : start + step]
        for name, values in session.run(part, names).items():
            by_sample = _by_sample(values, len(part))
            if len(by_sample) != len(part):
                raise CheckpointError(
                    f"{session.path} gives {name} of shape {list(values.shape)} for {len(part)} "
                    "inputs; its first axis must be that of the batch"
                )
            parts[name].append(by_sample)
    return {name: np.concatenate(values)[: len(x)] for name, values in parts.items()}


def _by_sample(values: np.ndarray, count: int) -> np.ndarray:
    """Values with one row a sample: skl2onnx gives a column of all values, where a regressor has
    several targets."""
    if values.ndim == 2 and values.shape[1] == 1 and len(values) % count == 0:
        return values.reshape(count, -1)
    return np.atleast_1d(values)


def _either(several: Sequence[Layout]) -> str:
    return " or ".join(f"{list(layout.shape)}" for layout in several)


def _text(shape: Shape) -> str:
    return f"[{', '.join('N' if n is None else str(n) for n in shape)}]"
