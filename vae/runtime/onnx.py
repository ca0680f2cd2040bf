"""Runs an imported checkpoint, which has ONNX files in place of weights, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from vae import latent
from vae.checkpoint import CONFIG, CheckpointError, read_manifest
from vae.dataspec import DataSpec
from vae.latent import LatentBlock
from vae.runtime import Inversion, OnStep, chunk_size, chunks
from vae.runtime.onnx_networks import VALUES, Conversion, DecoderNetwork, EncoderNetwork
from vae.runtime.onnx_session import Session

MODEL = "onnx"  # the model of a manifest that this runtime runs
DECODER, ENCODER = "decoder.onnx", "encoder.onnx"
SUM_TOLERANCE = 1e-2  # of the probabilities of the classes, which may be computed in float16


class OnnxRuntime:
    """A decoder, with an encoder or without: the `Runtime` of imported checkpoints.

    Raises CheckpointError for files that break the contract.
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
        check_supported(spec, blocks)
        self.spec, self.blocks = spec, tuple(blocks)
        self.decoder = DecoderNetwork(Session(decoder), blocks, spec, conversion)
        self._encoder = None
        if encoder is not None:
            dims = latent.dims(blocks)
            self._encoder = EncoderNetwork(Session(encoder), dims, spec, conversion)

    @classmethod
    def read(cls, folder: Path) -> OnnxRuntime:
        """The networks of a checkpoint's folder."""
        manifest = read_manifest(folder)
        try:
            conversion = Conversion.from_json(manifest.config)
        except ValueError as error:
            raise CheckpointError(
                f"{folder / CONFIG} is not valid: {error}; import the model again"
            ) from error
        encoder = folder / ENCODER if "encodes" in manifest.abilities else None
        return cls(folder / DECODER, encoder, manifest.spec, manifest.blocks, conversion)

    @property
    def abilities(self) -> frozenset[str]:
        """What the model can do; one with an encoder tells the class that it is conditional on."""
        conditional = latent.class_slice(self.blocks) is not None
        able = {
            "decodes": True,
            "encodes": self._encoder is not None,
            "conditions": conditional,
            "classifies": conditional and self._encoder is not None,
        }
        return frozenset(name for name, can in able.items() if can)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.decoder.session.size + (self._encoder.session.size if self._encoder else 0)

    def encode(
        self, samples: Float[np.ndarray, "N *X"]
    ) -> tuple[Float[np.ndarray, "N Z"], Float[np.ndarray, "N Z"]]:
        """The code of each sample's posterior, and the log-variance around it, -inf where the
        encoder gives none. Raises ValueError without an encoder, CheckpointError where a class is
        not given by probabilities."""
        if self._encoder is None:
            raise ValueError("this model was imported without an encoder; import it with --encoder")
        code = np.empty((len(samples), latent.dims(self.blocks)), np.float32)
        logvar = np.empty_like(code)
        for rows, part in chunks(samples, self.spec, chunk_size(self.spec, VALUES)):
            code[rows], logvar[rows] = self._encoder(part)
        if (where := latent.class_slice(self.blocks)) is not None:
            _check_probabilities(code[:, where], self._encoder.session.path)
        return code, logvar

    def draw(
        self, samples: Float[np.ndarray, "N *X"], count: int, seed: int
    ) -> Float[np.ndarray, "N K Z"]:
        """`count` codes from the posterior of each sample."""
        import torch

        from vae.runtime.onnx_model import as_model
        from vae.tensors import to_tensor

        codes = np.empty((len(samples), count, latent.dims(self.blocks)), np.float32)
        generator, model = torch.Generator().manual_seed(seed), as_model(self)
        for rows, part in chunks(samples, self.spec, chunk_size(self.spec, VALUES)):
            drawn = model.encode(to_tensor(part, self.spec)).draw(count, generator)  # [K, N, Z]
            codes[rows] = drawn.movedim(0, 1).numpy()
        return codes

    def elbo(
        self, samples: Float[np.ndarray, "N *X"], seed: int
    ) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """The two terms of the negative ELBO by `metrics.elbo`."""
        from vae import metrics
        from vae.runtime.onnx_model import as_model
        from vae.tensors import to_tensor

        cross_entropy, kl = np.empty((2, len(samples)), np.float32)
        for rows, part in chunks(samples, self.spec, chunk_size(self.spec, VALUES)):
            x = to_tensor(part, self.spec)
            terms = metrics.elbo(as_model(self), x, seed=seed + rows.start)
            cross_entropy[rows], kl[rows] = terms.cross_entropy.numpy(), terms.kl.numpy()
        return cross_entropy, kl

    def invert(
        self, samples: Float[np.ndarray, "N *X"], seed: int, on_step: OnStep | None
    ) -> Inversion:
        """Raises ValueError, as ONNX Runtime computes no gradients."""
        raise ValueError(
            "an imported model has no gradients, so no code can be found by inversion; import it "
            "with --encoder"
        )

    def classify(self, samples: Float[np.ndarray, "N *X"]) -> Float[np.ndarray, "N C"]:
        """The probabilities of the classes, which are part of the code."""
        return self.encode(samples)[0][:, latent.class_slice(self.blocks)]

    def decode(self, z: Float[np.ndarray, "N Z"], out: Float[np.ndarray, "N *X"]) -> None:
        """Write the decoded images to `out`."""
        size = chunk_size(self.spec, VALUES)
        for start in range(0, len(z), size):
            out[start : start + size] = self.decoder(z[start : start + size])

    def levels(self, z: Float[np.ndarray, "N Z"]) -> UInt8[np.ndarray, "N *X"]:
        """Decoded images in levels of 0 to 255."""
        images = np.empty((len(z), *self.spec.array_shape), np.float32)
        self.decode(z, images)
        return np.rint(images * np.float32(255)).astype(np.uint8)


def check_supported(spec: DataSpec, blocks: Sequence[LatentBlock]) -> None:
    """Raises ValueError for samples that are no images, and for a class that the data lack."""
    if spec.kind != "image":
        raise ValueError(f"an ONNX model decodes images, not samples of kind {spec.kind}")
    sizes = {block.size for block in blocks if block.role == "class"}
    if sizes - {len(spec.classes)}:
        raise ValueError(
            f"the code has {max(sizes)} coordinates for the class, and the data "
            f"{len(spec.classes)} classes; name data with as many classes by --data"
        )


def _check_probabilities(classes: Float[np.ndarray, "N C"], path: Path) -> None:
    """Raises CheckpointError for classes that are not given by their probabilities."""
    if (classes < 0).any() or (np.abs(classes.sum(1) - 1) > SUM_TOLERANCE).any():
        raise CheckpointError(
            f"{path} gives a class by numbers that are no probabilities; end it with a softmax "
            "over the coordinates of the class"
        )
