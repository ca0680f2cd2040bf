"""Image files of the common formats, decoded in bounded memory and time."""

import contextlib
import io
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

MAX_PIXELS = 50_000_000  # of a file: what a phone makes; decoded it takes 200 MB at the most
# Pillow's WebP decoder keeps four copies of the image, the others one.
MAX_WEBP_PIXELS = MAX_PIXELS // 4
MAX_JPEG_WORK = 10 * MAX_PIXELS  # pixels times scans; a progressive JPEG usually has ten scans
MAX_LENGTH = 65_535  # pixels of the longer side of a file; blocks of longer ones would be huge
MAX_SIDE = 1024  # pixels of what is returned
STRIP_PIXELS = 1 << 20  # reduced at a time, so that no second image of full size is made
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # not EPS and such: they run code

UNREADABLE = "the image cannot be read; choose a PNG or JPEG"
_START_OF_SCAN = b"\xff\xda"  # marker in a JPEG; entropy-coded data never contain it
_ORIENTATION = 0x0112  # EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# One image is decoded at a time, so that many visitors need no more memory than one.
_decoding = Lock()


def read_image(data: bytes, white: float = 0.0) -> np.ndarray:
    """Decode the first frame or page of an image file and turn it upright.

    The size is checked in the header before any pixel is decoded. Larger images are averaged over
    blocks so that no side is longer than MAX_SIDE. `white` is the value that becomes 255 in an
    image of more than 8 bits; 0 takes it from the image, see `white_of`.

    Returns: uint8 [H, W], [H, W, 3] or [H, W, 4].

    Raises: ValueError when the file is empty, broken, of another format or too large.
    """
    if not data:
        raise ValueError("the image file is empty; choose a PNG or JPEG")
    with _decoding:
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ValueError(_too_large("", MAX_PIXELS)) from error
        except Exception as error:  # Pillow's decoders raise nearly anything on broken files
            raise ValueError(UNREADABLE) from error
        _check_size(image, data)
        try:
            image.draft(None, (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded at a fraction of its size
            image.load()
            return _turn(_shrink(image, white), image)
        except Exception as error:
            raise ValueError(UNREADABLE) from error


def image_size(file: Path | bytes) -> tuple[int, int]:
    """Height and width of an image once it is turned upright, from the header alone. Raises
    ValueError where it is no image of FORMATS."""
    try:
        with Image.open(
            io.BytesIO(file) if isinstance(file, bytes) else file, "r", FORMATS
        ) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION, 1) >= 5
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise ValueError(UNREADABLE) from error
    return (width, height) if turned else (height, width)


def _too_large(size: str, limit: int) -> str:
    return f"the image is too large{size}; reduce it to below {limit / 1e6:g} megapixels first"


def _check_size(image: Image.Image, data: bytes) -> None:
    """Raise ValueError for an image that would take too much memory or time to decode."""
    width, height = image.size
    limit = MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS
    if width * height > limit:
        raise ValueError(_too_large(f" ({width:,} x {height:,} pixels)", limit))
    if max(width, height) > MAX_LENGTH:
        raise ValueError(f"the image is too long ({width:,} x {height:,} pixels); crop it first")
    scans = data.count(_START_OF_SCAN) if image.format in ("JPEG", "MPO") else 1
    if scans * width * height > MAX_JPEG_WORK:
        raise ValueError(
            f"the image is a JPEG of {scans:,} scans, too many for {width:,} x {height:,} pixels; "
            "save it again as a plain JPEG or PNG"
        )


def white_of(file: Path | bytes) -> float:
    """The value of white in an image of more than 8 bits: the smallest usual range that holds all
    its values. 0 for an image of 8 bits, and for one that cannot be read or is too large."""
    try:
        source = io.BytesIO(file) if isinstance(file, bytes) else file
        with _decoding, Image.open(source, formats=FORMATS) as image:
            if not _is_deep(image) or image.width * image.height > MAX_PIXELS:
                return 0.0
            return _full_scale(float(np.asarray(image).max()), whole=image.mode.startswith("I"))
    except Exception:  # Pillow's decoders raise nearly anything; `read_image` gives the reason
        return 0.0


def _is_deep(image: Image.Image) -> bool:
    """Whether an image has 16 or 32 bits of grey."""
    return image.mode.startswith(("I", "F"))


def _shrink(image: Image.Image, white: float = 0.0) -> np.ndarray:
    """The pixels averaged over square blocks so that no side exceeds MAX_SIDE, uint8.

    Strips of whole blocks are converted and reduced one after the other.
    """
    width, height = image.size
    block = -(-max(width, height) // MAX_SIDE)
    rows = block * max(1, STRIP_PIXELS // (block * width))
    deep = _is_deep(image)
    strips, top = [], 0.0
    for start in range(0, height, rows):
        strip = image.crop((0, start, width, min(start + rows, height)))
        if deep:
            values = np.nan_to_num(np.asarray(strip, np.float32), posinf=0, neginf=0)
            top = max(top, float(values.max()))
            strip = Image.fromarray(values)
        else:
            strip = _plain_mode(strip)
        strips.append(np.asarray(strip.reduce(block) if block > 1 else strip))
    pixels = np.concatenate(strips)
    if not deep:
        return pixels
    full = white or _full_scale(top, whole=image.mode.startswith("I"))
    return np.rint(255 * np.clip(pixels / full, 0, 1)).astype(np.uint8)


def _full_scale(top: float, *, whole: bool) -> float:
    """The value of white in an image of deep grey whose largest value is `top`.

    Files of 16 bits often hold 8, 10, 12 or 14: the smallest range that holds all values is taken.
    """
    if not whole:
        return max(1.0, top)
    return float((1 << max(8, int(top).bit_length())) - 1)


def _plain_mode(image: Image.Image) -> Image.Image:
    """Bring palettes, alpha, CMYK and the like to L, RGB or RGBA."""
    if image.mode in ("LA", "PA", "La", "RGBa", "RGBA") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _turn(pixels: np.ndarray, image: Image.Image) -> np.ndarray:
    """Turn the pixels upright by the EXIF orientation of `image`."""
    orientation = None
    with contextlib.suppress(Exception):  # a broken EXIF block is no reason to refuse the image
        orientation = image.getexif().get(_ORIENTATION)
    if orientation not in _UPRIGHT:
        return pixels
    return np.asarray(Image.fromarray(pixels).transpose(_UPRIGHT[orientation]))
