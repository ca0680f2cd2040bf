"""Image files: every format gives the same digit, and no file takes much memory."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from tests.vae.drawings import distance, drawing, image_bytes
from vae.image_file import read_image
from vae.prepare import prepare

UNREADABLE = r"^the image cannot be read; choose a PNG or JPEG$"
KINDS = [("PNG", m) for m in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16")]
KINDS += [("JPEG", m) for m in ("L", "RGB", "CMYK", "YCbCr")]
KINDS += [("TIFF", m) for m in ("1", "L", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F")]
KINDS += [("BMP", "RGB"), ("GIF", "P"), ("WEBP", "RGB"), ("PPM", "L")]


@pytest.mark.parametrize(("kind", "mode"), KINDS)
def test_files_of_every_kind_give_the_same_digit(kind: str, mode: str) -> None:
    image = Image.fromarray(drawing())
    if mode in ("I", "I;16"):
        values = drawing().astype(np.uint16) * 257
        image = Image.fromarray(values if mode == "I;16" else values.astype(np.int32))
    else:
        image = image.convert("RGB").convert(mode) if mode in ("P", "CMYK") else image.convert(mode)
    array = read_image(image_bytes(image, kind))
    assert array.dtype == np.uint8
    assert array.shape[:2] == (280, 280)
    assert array.ndim == 2 or array.shape[2] in (3, 4)
    assert distance(prepare(array).final, prepare(drawing()).final) < 3


@pytest.mark.parametrize("white", [255, 1023, 4095, 16_383, 65_535])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_deep_grey_may_hold_fewer_bits(white: int, dtype: type) -> None:
    """Cameras and microscopes write 10, 12 or 14 bits, and some programs 8, into 16."""
    values = np.rint(drawing() * (white / 255)).astype(dtype)
    kind = "PNG" if dtype is np.uint16 else "TIFF"
    array = read_image(image_bytes(Image.fromarray(values), kind))
    assert distance(array, drawing()) < 1
    assert distance(prepare(array).final, prepare(drawing()).final) < 1.5


def test_nan_and_infinity_in_float_images_are_read() -> None:
    values = drawing().astype(np.float32) / 255
    values[0, :3] = np.nan, np.inf, -np.inf
    array = read_image(image_bytes(Image.fromarray(values), "TIFF"))
    assert distance(array[1:], drawing()[1:]) < 1


def test_a_palette_with_transparency_is_read() -> None:
    image = Image.fromarray((drawing() < 128).astype(np.uint8), "L").convert("P")
    image.putpalette([255, 255, 255, 255, 255, 255])  # white ink; its paper is transparent
    array = read_image(image_bytes(image, "PNG", transparency=0))
    assert distance(prepare(array).final, prepare(drawing()).final) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_the_image_is_turned_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    lying = Image.fromarray(drawing()).transpose(Image.Transpose.ROTATE_90)
    options = {"quality": 95} if kind == "JPEG" else {}
    array = read_image(image_bytes(lying, kind, exif=exif, **options))
    assert distance(prepare(array).final, prepare(drawing()).final) < 1.5


@pytest.mark.parametrize("side", [1024, 1025, 4000])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "16 bits"])
def test_a_large_image_is_reduced(kind: str, side: int) -> None:
    pixels = drawing(side)
    if kind == "16 bits":
        data = image_bytes(Image.fromarray(pixels.astype(np.uint16) * 257), compress_level=1)
    else:
        data = image_bytes(Image.fromarray(pixels), kind)
    array = read_image(data)
    assert 512 <= max(array.shape) <= 1024
    assert distance(prepare(array).final, prepare(drawing(500)).final) < 3


def test_blocks_are_averaged_and_strips_fit_together() -> None:
    """1,100,000 pixels are more than one strip; a row of blocks is left over at the end."""
    pixels = np.random.default_rng(0).integers(0, 256, (1100, 1101), dtype=np.uint8)
    blocks = np.pad(pixels, ((0, 0), (0, 1)), "edge").reshape(550, 2, 551, 2).mean((1, 3))
    eight = read_image(image_bytes(Image.fromarray(pixels)))
    sixteen = read_image(image_bytes(Image.fromarray(pixels.astype(np.uint16) * 257)))
    for array in (eight, sixteen):
        assert array.shape == (550, 551)
        np.testing.assert_allclose(array[:, :550], blocks[:, :550], atol=1)


def chunk(name: bytes, body: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + crc


def png(width: int, height: int, colour: int = 0, bits: int = 8, *, text: bytes = b"") -> bytes:
    """A PNG of zeros: colour 0 is grey, 2 RGB, 4 grey and alpha, 6 RGBA; `text` are more chunks."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    row = bytes(1 + width * channels * bits // 8)
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + text + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def claim(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""
    small = bytearray(png(8, 8))
    small[16:24] = struct.pack(">II", width, height)
    small[29:33] = struct.pack(">I", zlib.crc32(small[12:29]))
    return bytes(small)


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pixel may be decoded."""

    def load(image: ImageFile.ImageFile) -> None:
        pytest.fail(f"{image} was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("side", [8_000, 10_000, 60_000])
def test_an_image_that_is_too_large_is_refused_before_it_is_decoded(side: int) -> None:
    message = r"^the image is too large( \([\d,]+ x [\d,]+ pixels\))?; reduce it to below 50 mega"
    with pytest.raises(ValueError, match=message):
        read_image(claim(side, side))


@pytest.mark.usefixtures("undecoded")
def test_a_line_of_pixels_is_refused_before_it_is_decoded() -> None:
    message = r"too long \(20,000,000 x 2 pixels\); crop it"
    with pytest.raises(ValueError, match=message):
        read_image(claim(20_000_000, 2))


def test_webp_has_a_lower_limit() -> None:
    """Its decoder keeps several copies of the image."""
    data = image_bytes(Image.new("L", (4000, 4000)), "WEBP", lossless=True, method=0)
    with pytest.raises(ValueError, match=r"4,000 x 4,000 pixels\); reduce it to below 12.5 mega"):
        read_image(data)


@pytest.mark.usefixtures("undecoded")
def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    """Each scan of a progressive JPEG goes over all its pixels, however few bytes it has."""
    whole = image_bytes(Image.new("L", (4000, 4000)), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    bomb = whole[:last] + whole[last:-2] * 100 + whole[-2:]
    with pytest.raises(ValueError, match=r"a JPEG of 10\d scans, too many for 4,000 x 4,000 pixe"):
        read_image(bomb)


def test_a_progressive_photograph_is_read() -> None:
    photograph = Image.fromarray(drawing(4000)).convert("RGB")
    array = read_image(image_bytes(photograph, "JPEG", progressive=True))
    assert distance(prepare(array).final, prepare(drawing(500)).final) < 3


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_of_many_frames_only_the_first_is_read(kind: str) -> None:
    first = Image.fromarray(drawing())
    others = [Image.new("L", (280, 280), shade % 255) for shade in range(400)]
    whole = image_bytes(first, kind, save_all=True, append_images=others)
    half = whole[: len(whole) // 2]
    for data in (whole, half):  # the second lacks 200 frames, and nothing misses them
        assert distance(prepare(read_image(data)).final, prepare(drawing()).final) < 1


def test_an_animated_webp_gives_its_first_frame() -> None:
    others = [Image.new("L", (280, 280), 5 * shade) for shade in range(50)]
    options = {"save_all": True, "append_images": others, "lossless": True, "method": 0}
    data = image_bytes(Image.fromarray(drawing()), "WEBP", **options)
    assert distance(prepare(read_image(data)).final, prepare(drawing()).final) < 1


def test_a_png_with_a_text_that_unpacks_to_gigabytes_is_refused() -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(10_000_000)))
    with pytest.raises(ValueError, match=UNREADABLE):
        read_image(png(8, 8, text=8 * text))


PEAK = """
import resource, sys
from pathlib import Path
from vae.image_file import read_image

def peak():  # bytes; not of the process that started this one, as getrusage counts on Linux
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

first, *others = map(Path, sys.argv[1:])
read_image(first.read_bytes())
before = peak()
for path in others:
    assert max(read_image(path.read_bytes()).shape) <= 1024
    print(path.name, peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is read as on POSIX")
def test_the_largest_images_take_little_memory(tmp_path: Path) -> None:
    """Decoded, 25 megapixels are 100 MB at four bytes each; in float64 they would be 200 MB."""
    side, files = 5_000, {}
    files["small.png"] = png(8, 8)
    files["16 bits.png"] = png(side, side, bits=16)
    files["rgba.png"] = png(side, side, colour=6)
    files["palette.gif"] = image_bytes(Image.new("P", (side, side)), "GIF", transparency=0)
    files["float.tif"] = image_bytes(
        Image.new("F", (side, side)), "TIFF", compression="tiff_deflate"
    )
    files["progressive.jpg"] = image_bytes(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    files["line.png"] = png(60_000, 400, bits=16)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in files]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True, cwd=root
    )
    *_, last = done.stdout.splitlines()
    assert int(last.split()[-1]) < 200e6, done.stdout


def test_files_that_are_not_images_are_refused() -> None:
    with pytest.raises(ValueError, match="the image file is empty"):
        read_image(b"")
    whole = image_bytes(Image.fromarray(drawing()))
    jpeg = image_bytes(Image.fromarray(drawing()), "JPEG")
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
    pieces = [b"garbage", b"\0" * 5000, whole[:40], whole[: len(whole) // 2], jpeg[:300], eps]
    for data in [*pieces, whole[:8] + bytes(200), b"<svg xmlns='http://www.w3.org/2000/svg'/>"]:
        # Pillow's own messages would name its objects
        with pytest.raises(ValueError, match=UNREADABLE):
            read_image(data)


def test_random_damage_never_raises_anything_else() -> None:
    rng = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"):
        whole = np.frombuffer(image_bytes(Image.fromarray(drawing(64)), kind), np.uint8)
        for _ in range(30):
            damaged = whole.copy()
            damaged[rng.integers(0, len(whole), 5)] = rng.integers(0, 256, 5)
            try:
                prepare(read_image(damaged.tobytes()))
            except ValueError:
                continue
