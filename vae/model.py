"""A loaded model: NumPy in, NumPy out."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from vae import latent
from vae.cache import CacheStats, PictureCache
from vae.catalog import encodings, info
from vae.checkpoint import Encodings

if TYPE_CHECKING:
    import torch

# Shared by all models, so that memory is bounded whatever their number. Single codes have a cache
# of their own: a drag decodes many of them and seldom the same one again.
_sheets, _singles = PictureCache(48 << 20), PictureCache(4 << 20)
_tags = itertools.count()


class Engine(NamedTuple):
    """How a model's codes are decoded, and how fast."""

    device: str
    half: bool  # bfloat16
    decode_ms: float | None  # per code, running mean of small batches; None before the first
    cache: CacheStats  # of the pictures of all models


class Reconstruction(NamedTuple):
    """Posteriors of N images, and the two terms of the negative ELBO of each, nats."""

    mean: Float[np.ndarray, "N Z"]
    logvar: Float[np.ndarray, "N Z"]  # -inf where the code has no uncertainty
    cross_entropy: Float[np.ndarray, " N"]  # a mean over codes drawn from the posterior
    kl: Float[np.ndarray, " N"]  # 0 for a deterministic encoder


class Model:
    """A loaded model. Safe to call from several threads at once."""

    def __init__(self, name: str, module: Any, device: torch.device) -> None:
        from vae.decoding import Decoder

        self.info = info(name)
        self.device = str(device)
        self._module = module  # `_needs` checks its abilities
        self._device = device
        self._packed: Any = None  # a copy for many images, made by the first such call
        self._tag = f"{name} {next(_tags)}"  # key in the cache, new each time the model is loaded
        self._decode_ms: float | None = None
        if "decodes" in self.info.abilities:
            trial = latent.sample_prior(self.info.blocks, 256, seed=0)
            self._decoder = Decoder(module.decode, device, trial)

    @property
    def size(self) -> int:
        """Bytes of the weights, twice where a packed copy may be made for many images."""
        tensors = [*self._module.parameters(), *self._module.buffers()]
        return 2 * sum(tensor.nbytes for tensor in tensors)

    def encode(
        self, images: Float[np.ndarray, "N 28 28"]
    ) -> tuple[Float[np.ndarray, "N Z"], Float[np.ndarray, "N Z"]]:
        """Posterior (mean, logvar) of images in [0, 1]; logvar is -inf where the encoder is
        deterministic.

        A memory-mapped array is read chunk by chunk. Raises ValueError for another shape, NaN, or
        values outside [0, 1], and where the model does not encode.
        """
        self._needs("encodes")
        mean = np.empty((len(images), self.info.dims), np.float32)
        logvar = np.empty_like(mean)
        module = self._module_for(len(images))
        for rows, part in self._stream(images):
            posterior = module.encode(part)
            mean[rows] = posterior.mean.cpu().numpy()
            logvar[rows] = posterior.logvar.cpu().numpy()
        return mean, logvar

    def reconstruct(self, images: Float[np.ndarray, "N 28 28"], seed: int = 0) -> Reconstruction:
        """Encode images in [0, 1] and compute the terms of their ELBO by `metrics.elbo`.

        Raises as `encode` and `decode`.
        """
        from vae import metrics

        self._needs("encodes")
        self._needs("decodes")
        mean, logvar = self.encode(images)
        cross_entropy, kl = np.empty((2, len(images)), np.float32)
        for rows, part in self._stream(images):
            terms = metrics.elbo(self._module, part, seed=seed + rows.start)
            cross_entropy[rows] = terms.cross_entropy.cpu().numpy()
            kl[rows] = terms.kl.sum(1).cpu().numpy()
        return Reconstruction(mean, logvar, cross_entropy, kl)

    def classify(self, images: Float[np.ndarray, "N 28 28"]) -> Float[np.ndarray, "N 10"]:
        """Probabilities of the ten classes for images in [0, 1]. Raises as `encode`."""
        self._needs("classifies")
        probabilities = np.empty((len(images), 10), np.float32)
        module = self._module_for(len(images))
        for rows, part in self._stream(images):
            probabilities[rows] = module.classify(part).exp().cpu().numpy()
        return probabilities

    def _module_for(self, count: int) -> Any:
        """The module that encodes `count` images fastest: the model, or a copy packed for many."""
        from vae import encoding
        from vae.decoding import FEW

        if count <= FEW or not encoding.packs(self._device):
            return self._module
        if self._packed is None:  # two threads may both pack, and either copy is right
            self._packed = encoding.packed(self._module)
        return self._packed

    def _stream(self, images: np.ndarray) -> Iterator[tuple[slice, torch.Tensor]]:
        """Checked images on the device, chunk by chunk."""
        import torch

        from vae import encoding
        from vae.decoding import CHUNK, threads_for

        size = min(CHUNK, encoding.CHUNK) if self._device.type == "cpu" else CHUNK
        images = np.asanyarray(images)
        if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype.kind != "f":
            raise ValueError(
                f"images are floats of shape [N, 28, 28], not {images.dtype} {list(images.shape)}"
            )
        with threads_for(len(images)), torch.inference_mode():
            for start in range(0, len(images), size):
                part = np.array(images[start : start + size], np.float32)
                if not (part.min() >= 0 and part.max() <= 1):  # a NaN fails every comparison
                    raise ValueError(
                        f"images must lie in [0, 1]; these reach from {part.min()} to {part.max()}"
                    )
                yield slice(start, start + len(part)), torch.from_numpy(part).to(self._device)

    def generate(
        self,
        labels: Int[np.ndarray, " N"],
        z: Float[np.ndarray, "N S"] | None = None,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> Float[np.ndarray, "N 28 28"]:
        """Images in [0, 1] of the classes `labels`.

        z is the code without its class block; by default it is drawn from the prior with `seed`,
        its standard deviation scaled by `temperature`. Raises ValueError for labels outside 0..9,
        for z of another shape, and where the model is not conditional.
        """
        return self.decode(self.codes(labels, z, seed, temperature))

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
        self, z: Float[np.ndarray, "N Z"], out: Float[np.ndarray, "N 28 28"] | None = None
    ) -> Float[np.ndarray, "N 28 28"]:
        """Images in [0, 1] of codes, written to `out` where it is given, for example a
        memory-mapped array.

        Raises ValueError for another shape, NaN or infinity, and where the model does not decode.
        """
        import torch

        from vae.decoding import CHUNK, threads_for

        z = self._checked(z)
        images = np.empty((len(z), 28, 28), np.float32) if out is None else out
        if images.shape != (len(z), 28, 28):
            raise ValueError(f"{len(z)} images do not fit `out` of shape {list(images.shape)}")
        with threads_for(len(z)), torch.inference_mode():
            for start in range(0, len(z), CHUNK):
                part = _finite(z[start : start + CHUNK])
                logits = self._module.decode(torch.from_numpy(part).to(self._device))
                images[start : start + CHUNK] = logits.sigmoid_().cpu().numpy()
        return images

    def pictures(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N 28 28"]:
        """Decoded grey levels 0 to 255, read-only, from a bounded cache. Raises as `decode`.

        On CUDA they may differ from `decode` by one level (half precision).
        """
        codes = _finite(self._checked(z))
        cache = _singles if len(codes) == 1 else _sheets
        return cache.get(self._tag, codes, partial(self._draw, codes))

    def pictures_by_code(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N 28 28"]:
        """As `pictures`, for unrelated codes: each is a cache entry of its own, and those that are
        not cached are decoded in one batch."""
        return _singles.get_each(self._tag, _finite(self._checked(z)), self._draw)

    def _draw(self, codes: np.ndarray) -> np.ndarray:
        from vae.decoding import FEW

        start = time.perf_counter()
        drawn = self._decoder(codes)
        if 0 < len(codes) <= FEW:
            took = (time.perf_counter() - start) * 1e3 / len(codes)
            before = took if self._decode_ms is None else self._decode_ms
            self._decode_ms = 0.9 * before + 0.1 * took
        return drawn

    def engine(self) -> Engine:
        """The device and precision of decoding, its speed and the use of the caches."""
        stats = _sheets.stats() + _singles.stats()
        return Engine(self.device, self._decoder.half, self._decode_ms, stats)

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
        """The codes of the test digits, as `service.encodings`."""
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
