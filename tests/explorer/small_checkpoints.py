"""Small untrained checkpoints, and a function that empties the caches of checkpoints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explorer import projections, session
from vae import checkpoint, models, service
from vae.checkpoint import Encodings, Manifest
from vae.dataspec import MNIST, DataSpec
from vae.interface import abilities
from vae.latent import LatentBlock, sample_prior, slices

COUNT = 60  # test samples
CONFIGS = {
    "vae": {"hidden": 16, "depth": 1},
    "conditional_vae": {"net": "mlp", "hidden": 16, "depth": 1},
    "classifier": {"width": 2, "hidden": 8},
    "vae_gan": {"net": "mlp", "width": 2, "critic": 2},
    "dcgan": {"net": "mlp", "width": 2, "critic": 2, "directions": 3},
    "infogan": {"net": "mlp", "width": 2, "critic": 2, "hidden": 4, "noise": 4},
}


def write(
    folder: Path,
    latent: int,
    *,
    model: str = "vae",
    labels: np.ndarray | None = None,
    spec: DataSpec = MNIST,
    data: str = "mnist",
    title: str = "",
    tsne: bool = False,
    spread: float = 1,
    encodes: bool = True,
    blocks: Sequence[LatentBlock] = (),
    **settings: Any,
) -> None:
    """An untrained model with random codes for its COUNT test samples; their `labels` are the
    classes in turn unless given. Without `encodes` it is a decoder alone. `blocks` replace the
    model's own; `settings` are further ones of its config."""
    config = CONFIGS[model] | ({"latent": latent} if latent else {}) | settings
    built = models.build(model, config, spec)
    manifest = Manifest(
        model=model,
        config=config,
        train={},
        title=title or f"Small, {latent}-d",
        description="For the tests.",
        blocks=tuple(blocks) or built.blocks,
        abilities=tuple(sorted(abilities(built) - ({"encodes"} if not encodes else set()))),
        data=data,
        spec=spec,
        implicit=built.implicit,
    )
    checkpoint.write_model(folder, manifest, built.state_dict())
    if "encodes" not in manifest.abilities:
        return
    rng = np.random.default_rng(latent)
    size = sum(block.size for block in built.blocks)
    mean = spread * rng.standard_normal((COUNT, size)).astype(np.float32)
    classes = len(spec.classes)
    in_turn = np.arange(COUNT) % classes if classes else np.full(COUNT, -1)
    for block, where in zip(built.blocks, slices(built.blocks), strict=True):
        if block.prior != "normal":
            mean[:, where] = sample_prior([block], COUNT, seed=0)
    if model == "conditional_vae":
        mean[:, latent:] = np.eye(classes)[in_turn]
    known = in_turn if labels is None else labels
    flat = rng.standard_normal((COUNT, 2)).astype(np.float32) if tsne else None
    ones = np.ones(COUNT, np.float32)
    checkpoint.write_encodings(folder, Encodings(mean, mean * 0 - 2, known, ones, ones, flat))


def truncate(path: Path) -> None:
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def forget() -> None:
    """Empty the process's caches of checkpoints."""
    service.info.cache_clear()
    service.encodings.cache_clear()
    service.unload_all()
    projections._projection.cache_clear()
    session._squares.cache_clear()
    session._classifier.clear()
