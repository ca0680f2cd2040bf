"""A loaded model: checks what it is given, asks its runtime, keeps decoded pictures."""

from __future__ import annotations

import itertools
import time
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from vae import latent, mixture_prior
from vae.cache import CacheStats, PictureCache
from vae.catalog import encodings, info
from vae.catalog import mixture_prior as mixture_of
from vae.checkpoint import Encodings
from vae.mixture_prior import MixturePrior
from vae.runtime import Inversion, OnStep, Runtime

# Shared by all models, so that memory is bounded whatever their number. Single codes have a cache
# of their own: a drag decodes many of them and seldom the same one again.
_sheets, _singles = PictureCache(48 << 20), PictureCache(4 << 20)
_tags = itertools.count()
MOST_INVERTED = 256  # samples in a call of `invert`
FEW = 16  # codes in a call whose time is that of a drag


class Engine(NamedTuple):
    """How a model's codes are decoded, and how fast."""

    device: str
    half: bool  # bfloat16
    decode_ms: float | None  # per code, running mean of small batches; None before the first
    cache: CacheStats  # of the pictures of all models


class Reconstruction(NamedTuple):
    """Posteriors of N samples, and the two terms of the negative ELBO of each, nats."""

    mean: Float[np.ndarray, "N Z"]
    logvar: Float[np.ndarray, "N Z"]  # -inf where the code has no uncertainty
    cross_entropy: Float[np.ndarray, " N"]  # a mean over codes drawn from the posterior
    kl: Float[np.ndarray, " N"]  # 0 for a deterministic encoder
    # mean over the values of a sample, for an implicit model; its cross-entropy is 0
    squared_error: Float[np.ndarray, " N"] | None = None


class Model:
    """A loaded model. Safe to call from several threads at once."""

    def __init__(self, name: str, runtime: Runtime) -> None:
        self.info = info(name)
        self.device = runtime.device
        self._runtime = runtime  # `_needs` checks what it can do
        self.tag = f"{name} {next(_tags)}"  # key in caches, new each time the model is loaded
        self._decode_ms: float | None = None

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self._runtime.size

    def encode(
        self, samples: Float[np.ndarray, "N *X"]
    ) -> tuple[Float[np.ndarray, "N Z"], Float[np.ndarray, "N Z"]]:
        """The code of each sample's posterior and the log-variance around it, -inf where the
        encoder is deterministic.

        Images lie in [0, 1]. A memory-mapped array is read part by part. Raises ValueError for
        another shape, NaN, or values outside [0, 1], and where the model does not encode.
        """
        self._needs("encodes")
        return self._runtime.encode(samples)

    def draw(
        self, samples: Float[np.ndarray, "N *X"], count: int, seed: int = 0
    ) -> Float[np.ndarray, "N K Z"]:
        """`count` codes from the posterior of each sample; copies of its code where the encoder is
        deterministic. Raises as `encode`."""
        self._needs("encodes")
        return self._runtime.draw(samples, count, seed)

    def reconstruct(self, samples: Float[np.ndarray, "N *X"], seed: int = 0) -> Reconstruction:
        """Encode samples and compute the terms of their ELBO; the squared error of an implicit
        model, whose samples have no likelihood. Raises as `encode` and `decode`."""
        self._needs("encodes")
        self._needs("decodes")
        found = Reconstruction(*self._runtime.encode(samples), *self._runtime.elbo(samples, seed))
        if not self.info.implicit:
            return found
        errors = np.square(self.decode(found.mean) - samples)
        return found._replace(squared_error=errors.reshape(len(errors), -1).mean(1))

    def invert(
        self, samples: Float[np.ndarray, "N *X"], seed: int = 0, on_step: OnStep | None = None
    ) -> Inversion:
        """Codes whose decoded samples come near to the given ones, by gradient steps from several
        starts, for a model that decodes and cannot encode.

        `on_step` is called after each step with the number of steps done, of all steps, and what
        was found; where it returns True, that is returned. Deterministic by the seed. Raises
        ValueError for no sample, more than MOST_INVERTED, where the model does not invert (an
        imported one has no gradients), and as `encode`.
        """
        self._needs("inverts")
        if not 1 <= len(samples) <= MOST_INVERTED:
            raise ValueError(
                f"{len(samples)} samples cannot be inverted at once; give 1 to {MOST_INVERTED}"
            )
        return self._runtime.invert(samples, seed, on_step)

    def classify(self, samples: Float[np.ndarray, "N *X"]) -> Float[np.ndarray, "N C"]:
        """Probabilities of the classes. Raises as `encode`."""
        self._needs("classifies")
        return self._runtime.classify(samples)

    def generate(
        self,
        labels: Int[np.ndarray, " N"],
        z: Float[np.ndarray, "N S"] | None = None,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> Float[np.ndarray, "N *X"]:
        """Samples of the classes `labels`, images in [0, 1].

        z is the code without its class block; by default it is drawn from the prior with `seed`,
        its standard deviation scaled by `temperature`. Raises ValueError for labels that are no
        class, for z of another shape, and where the model is not conditional.
        """
        return self.decode(self.codes(labels, z, seed, temperature))

    def sample_prior(
        self, count: int, seed: int = 0, temperature: float = 1.0, prior: str = "normal"
    ) -> Float[np.ndarray, "N Z"]:
        """Codes [count, Z] drawn from the prior of the blocks, or with prior="mixture" from the
        Gaussian mixture that was fitted to the codes of training samples.

        temperature scales the deviations. Raises ValueError for another prior and as
        `latent.sample_prior`, CheckpointError where the mixture's file is missing or damaged.
        """
        blocks = self.info.blocks
        if prior not in mixture_prior.PRIORS:
            raise ValueError(
                f"there is no prior {prior!r}; choose one of {', '.join(mixture_prior.PRIORS)}"
            )
        if prior == "normal":
            return latent.sample_prior(blocks, count, seed, temperature)
        return mixture_prior.sample(blocks, self._mixture, count, seed, temperature)

    @cached_property
    def _mixture(self) -> MixturePrior:
        return mixture_of(self.info.name)

    def codes(
        self,
        labels: Int[np.ndarray, " N"],
        z: Float[np.ndarray, "N S"] | None = None,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> Float[np.ndarray, "N Z"]:
        """The whole codes [N, Z] that `generate` decodes. Raises as `generate`."""
        self._needs("conditions")
        return latent.conditional_codes(
            self.info.blocks, labels, z, seed=seed, temperature=temperature
        )

    def decode(
        self, z: Float[np.ndarray, "N Z"], out: Float[np.ndarray, "N *X"] | None = None
    ) -> Float[np.ndarray, "N *X"]:
        """The means of the decoded samples, images in [0, 1], written to `out` where it is given,
        for example a memory-mapped array.

        Raises ValueError for another shape, NaN or infinity, and where the model does not decode.
        """
        codes = _finite(self._checked(z))
        shape = (len(codes), *self.info.spec.array_shape)
        samples = np.empty(shape, np.float32) if out is None else out
        if samples.shape != shape:
            nouns = self.info.spec.nouns
            raise ValueError(f"{len(z)} {nouns} do not fit `out` of shape {list(samples.shape)}")
        self._runtime.decode(codes, samples)
        return samples

    def pictures(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N *X"]:
        """Decoded images in levels of 0 to 255, read-only, from a bounded cache. Raises as
        `decode`.

        On CUDA they may differ from `decode` by one level (half precision).
        """
        codes = _finite(self._checked(z))
        cache = _singles if len(codes) == 1 else _sheets
        return cache.get(self.tag, codes, partial(self._draw, codes))

    def pictures_by_code(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N *X"]:
        """As `pictures`, for unrelated codes: each is a cache entry of its own, and those that are
        not cached are decoded in one batch."""
        codes = _finite(self._checked(z))
        return _singles.get_each(self.tag, codes, self._draw) if len(codes) else self._draw(codes)

    def _draw(self, codes: np.ndarray) -> np.ndarray:
        if not len(codes):
            return np.empty((0, *self.info.spec.array_shape), np.uint8)
        start = time.perf_counter()
        drawn = self._runtime.levels(codes)
        if len(codes) <= FEW:
            took = (time.perf_counter() - start) * 1e3 / len(codes)
            before = took if self._decode_ms is None else self._decode_ms
            self._decode_ms = 0.9 * before + 0.1 * took
        return drawn

    def engine(self) -> Engine:
        """The device and precision of decoding, its speed and the use of the caches."""
        stats = _sheets.stats() + _singles.stats()
        return Engine(self.device, self._runtime.half, self._decode_ms, stats)

    def _checked(self, z: np.ndarray) -> np.ndarray:
        self._needs("decodes")
        z = np.asanyarray(z)
        if z.ndim != 2 or z.shape[1] != self.info.dims or z.dtype.kind not in "fiu":
            raise ValueError(
                f"{self.info.name} decodes codes of shape [N, {self.info.dims}], "
                f"not {z.dtype} {list(z.shape)}"
            )
        return z

    def encodings(self) -> Encodings:
        """The codes of the test samples, as `service.encodings`."""
        return encodings(self.info.name)

    def _needs(self, ability: str) -> None:
        if ability not in self.info.abilities:
            has = ", ".join(sorted(self.info.abilities))
            raise ValueError(f"{self.info.name} is not a model that {ability}; it only {has}")


def _finite(z: np.ndarray) -> np.ndarray:
    """Codes copied to float32. Raises ValueError for NaN and infinity."""
    codes = np.array(z, np.float32)
    if not np.isfinite(codes).all():
        bad = codes[~np.isfinite(codes)][0]
        raise ValueError(f"a code must consist of finite numbers; this one has {bad}")
    return codes
