"""Runs a checkpoint by PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vae import inversion, latent, metrics
from vae.interface import Decodes, LatentModel
from vae.inversion import Candidates, Found
from vae.runtime import Inversion, OnStep, chunk_size, chunks, packing
from vae.runtime.decoding import FEW, Decoder, Network, threads_for
from vae.tensors import to_layout, to_tensor


class TorchRuntime:
    """A model of MODELS on a device: the `Runtime` of checkpoints with weights."""

    def __init__(self, model: LatentModel, device: torch.device) -> None:
        self._model: Any = model  # the caller checks its abilities
        self._device, self._spec = device, model.spec
        self._packed: Any = None  # a copy for many samples, made by the first such call
        self._candidates: tuple[int, Candidates] | None = None  # of the last seed
        self._decoder = None
        if isinstance(model, Decodes):
            trial = latent.sample_prior(model.blocks, 256, seed=0)
            self._network = _network(model)
            self._decoder = Decoder(self._network, device, trial)

    @property
    def device(self) -> str:
        """The device's name."""
        return str(self._device)

    @property
    def half(self) -> bool:
        """Whether it decodes in bfloat16."""
        return self._decoder is not None and self._decoder.half

    @property
    def size(self) -> int:
        """Bytes of the weights, twice where a packed copy may be made for many samples."""
        tensors = [*self._model.parameters(), *self._model.buffers()]
        return 2 * sum(tensor.nbytes for tensor in tensors)

    def encode(
        self, samples: Float[np.ndarray, "N *X"]
    ) -> tuple[Float[np.ndarray, "N Z"], Float[np.ndarray, "N Z"]]:
        """The code of each sample's posterior, and the log-variance around it."""
        code = np.empty((len(samples), latent.dims(self._model.blocks)), np.float32)
        logvar = np.empty_like(code)
        model = self._model_for(len(samples))
        for rows, part in self._parts(samples):
            q = model.encode(part)
            code[rows], logvar[rows] = q.code.cpu().numpy(), q.logvar.cpu().numpy()
        return code, logvar

    def draw(
        self, samples: Float[np.ndarray, "N *X"], count: int, seed: int
    ) -> Float[np.ndarray, "N K Z"]:
        """`count` codes from the posterior of each sample."""
        codes = np.empty((len(samples), count, latent.dims(self._model.blocks)), np.float32)
        generator = torch.Generator().manual_seed(seed)
        for rows, part in self._parts(samples):
            drawn = self._model.encode(part).draw(count, generator)  # [K, N, Z]
            codes[rows] = drawn.movedim(0, 1).cpu().numpy()
        return codes

    def elbo(
        self, samples: Float[np.ndarray, "N *X"], seed: int
    ) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """The two terms of the negative ELBO by `metrics.elbo`; of an implicit model the KL."""
        cross_entropy, kl = np.zeros((2, len(samples)), np.float32)
        for rows, part in self._parts(samples):
            if self._model.implicit:
                kl[rows] = self._model.encode(part).kl().cpu().numpy()
                continue
            terms = metrics.elbo(self._model, part, seed=seed + rows.start)
            cross_entropy[rows] = terms.cross_entropy.cpu().numpy()
            kl[rows] = terms.kl.cpu().numpy()
        return cross_entropy, kl

    def invert(
        self, samples: Float[np.ndarray, "N *X"], seed: int, on_step: OnStep | None
    ) -> Inversion:
        """Codes whose decoded samples come near to the given ones, by `inversion.invert`."""

        def report(done: int, total: int, found: Found) -> bool:
            return on_step is not None and on_step(done, total, _as_arrays(found))

        # no inference mode, whose tensors have no gradients
        _, part = next(chunks(samples, self._spec, len(samples)))
        with threads_for(1):  # it takes seconds, and must not slow down what others decode
            x = to_tensor(part, self._spec).to(self._device)
            candidates = self._candidates_for(seed)
            return _as_arrays(
                inversion.invert(self._model, x, candidates, inversion.SETTINGS, report)
            )

    def _candidates_for(self, seed: int) -> Candidates:
        """The candidates of a seed; two threads may both draw them, and either draw is right."""
        if self._candidates is None or self._candidates[0] != seed:
            drawn = inversion.draw_candidates(self._model, inversion.SETTINGS, seed)
            self._candidates = seed, drawn
        return self._candidates[1]

    def classify(self, samples: Float[np.ndarray, "N *X"]) -> Float[np.ndarray, "N C"]:
        """The probabilities of the classes."""
        probabilities = np.empty((len(samples), len(self._spec.classes)), np.float32)
        model = self._model_for(len(samples))
        for rows, part in self._parts(samples):
            probabilities[rows] = model.classify(part).exp().cpu().numpy()
        return probabilities

    def decode(self, z: Float[np.ndarray, "N Z"], out: Float[np.ndarray, "N *X"]) -> None:
        """Write the means of the decoded distributions to `out`."""
        size = chunk_size(self._spec)
        with threads_for(len(z)), torch.inference_mode():
            for start in range(0, len(z), size):
                codes = torch.from_numpy(z[start : start + size]).to(self._device)
                out[start : start + size] = self._network(codes).cpu().numpy()

    def levels(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N *X"]:
        """Decoded images in levels of 0 to 255."""
        assert self._decoder is not None
        return self._decoder(z, chunk_size(self._spec))

    def _model_for(self, count: int) -> Any:
        """The model that encodes `count` samples fastest: itself, or a copy packed for many."""
        if count <= FEW or not packing.packs(self._device):
            return self._model
        if self._packed is None:  # two threads may both pack, and either copy is right
            self._packed = packing.packed(self._model)
        return self._packed

    def _parts(self, samples: np.ndarray) -> Iterator[tuple[slice, Tensor]]:
        """Checked samples on the device, part by part."""
        size = chunk_size(self._spec)
        if self._device.type == "cpu":
            size = min(size, packing.CHUNK)
        with threads_for(len(samples)), torch.inference_mode():
            for rows, part in chunks(samples, self._spec, size):
                yield rows, to_tensor(part, self._spec).to(self._device)


def _as_arrays(found: Found) -> Inversion:
    return Inversion(found.codes.cpu().numpy(), found.squared_error.cpu().numpy())


def _network(model: Decodes) -> Network:
    """Codes to the means of the decoded distributions, in the layout of arrays."""
    return lambda z: to_layout(model.likelihood.mean(model.decode(z)), model.spec)
