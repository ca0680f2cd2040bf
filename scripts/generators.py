"""Draw the README's picture of generators: samples of each, and the same test digits reconstructed:
python scripts/generators.py.

The originals are not drawn, as MNIST's images are not committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from vae import data, latent, service  # noqa: E402

MODELS = {"vae-20d": "VAE, 20-d", "vae-gan": "VAE-GAN, 20-d", "dcgan": "DCGAN"}
PICTURE = ROOT / "assets" / "screenshots" / "generators.png"
ACROSS, SCALE = 10, 2  # digits in a row; px per pixel of a digit
TILE, CAPTION, MARGIN, TEXT = 28 * SCALE + 4, 150, 10, 15  # px
PAPER, INK, MUTED = "white", "#31333f", "#6b6d78"


def samples(name: str) -> Float[np.ndarray, "N H W"]:
    """One sample of each class, or as many of the prior."""
    model = service.load(name)
    if model.info.class_dims is not None:
        return model.generate(np.arange(ACROSS), seed=0)
    return model.decode(latent.sample_prior(model.info.blocks, ACROSS, seed=0))


def reconstructions(
    name: str, digits: Float[np.ndarray, "N H W"]
) -> tuple[Float[np.ndarray, "N H W"], str]:
    """The digits encoded and decoded, or found by inversion, and which of both."""
    model = service.load(name)
    if model.info.encodes:
        return model.decode(model.encode(digits)[0]), "by its encoder"
    return model.decode(model.invert(digits).codes[:, 0]), "by inversion"


def picture() -> Image.Image:
    """The rows of all models: first their samples, then their reconstructions."""
    test = data.load("mnist", "test")
    first = [int(np.flatnonzero(test.labels == y)[0]) for y in range(ACROSS)]
    digits = test.samples[first] / np.float32(255)
    rows = [(title, "samples", samples(name)) for name, title in MODELS.items()]
    for name, title in MODELS.items():
        copies, how = reconstructions(name, digits)
        rows.append((title, how, copies))
    gap = MARGIN * 2  # between samples and reconstructions
    size = (CAPTION + ACROSS * TILE + MARGIN, len(rows) * TILE + gap + 2 * MARGIN)
    sheet, side = Image.new("RGB", size, PAPER), 28 * SCALE
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
    small = ImageFont.load_default(TEXT - 3)
    for index, (title, note, images) in enumerate(rows):
        top = MARGIN + index * TILE + gap * (index >= len(MODELS))
        draw.text((MARGIN, top + 10), title, fill=INK, font=font)
        draw.text((MARGIN, top + 30), note, fill=MUTED, font=small)
        for place, image in enumerate(np.rint(255 * images).astype(np.uint8)):
            tile = Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(tile, (CAPTION + place * TILE, top))
    return sheet


if __name__ == "__main__":
    picture().save(PICTURE, "PNG", optimize=True)
    print(PICTURE.relative_to(ROOT))
