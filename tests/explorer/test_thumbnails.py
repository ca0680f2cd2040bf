"""Sprite sheets: each image is at the position that the browser computes, for any number."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from explorer import assets, originals, session, thumbnails
from explorer.renderers import image
from vae.dataspec import MNIST, Dataset

NAME = "vae-2d"


@pytest.fixture(autouse=True)
def _served(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in which nothing is published yet."""
    monkeypatch.setattr(sys, assets.REGISTRY, assets.new_registry(), raising=False)
    assets.registry().served.set()
    thumbnails._version.clear()


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Originals of the model's codes: each image has a pattern of its own."""
    labels = session.encodings(NAME).labels
    numbers = np.arange(len(labels), dtype=np.uint16)
    bits = np.unpackbits(numbers.byteswap().view(np.uint8).reshape(-1, 2), axis=1)  # [N, 16]
    images = (255 * bits.reshape(-1, 4, 4)).repeat(7, axis=1).repeat(7, axis=2)
    found = Dataset(images, labels, MNIST)
    monkeypatch.setattr(originals, "originals", lambda _: found)
    return found


def sheet(url: str) -> np.ndarray:
    """The sheet at a URL, grey levels [H, W]."""
    make = assets.registry().makers.get(url.removeprefix(f"{assets.PREFIX}/"))
    assert make
    return np.asarray(Image.open(io.BytesIO(make())).convert("L"))


def tile(urls: list[str], index: int) -> np.ndarray:
    """The image of a point, as the browser finds it."""
    columns, tiles = thumbnails.sheet_size(NAME)
    number, place = divmod(index, tiles)
    row, column = divmod(place, columns)
    return sheet(urls[number])[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]


@pytest.mark.parametrize("index", [0, 783, 784, 5_123, 9_999])
def test_each_image_is_in_its_place_of_its_sheet(
    digits: Dataset, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "SHEET", 800 * 28 * 28)
    assert thumbnails.sheet_size(NAME) == (28, 784)
    urls = thumbnails.sheets(NAME)
    assert list(urls) == ["original", "reconstruction"]
    assert [len(of_kind) for of_kind in urls.values()] == [13, 13]
    assert len({url for of_kind in urls.values() for url in of_kind}) == 26
    pattern = digits.samples[index].astype(int)
    assert np.abs(tile(urls["original"], index) - pattern).mean() < 20  # of 255; WebP is lossy
    (decoded,) = session.model(NAME).decode(session.encodings(NAME).mean[index : index + 1])
    assert np.abs(tile(urls["reconstruction"], index) - 255 * decoded).mean() < 10


@pytest.mark.usefixtures("digits")
def test_ten_thousand_images_are_one_sheet() -> None:
    assert [len(of_kind) for of_kind in thumbnails.sheets(NAME).values()] == [1, 1]


def test_seventy_thousand_images_fit_into_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single sheet of 100 images a row would be higher than WebP allows beyond 58,500."""
    encodings = session.encodings(NAME)
    count = 70_001
    many = encodings._replace(
        mean=np.resize(encodings.mean, (count, 2)), labels=np.zeros(count, np.int64)
    )
    images = np.broadcast_to(np.uint8(7), (count, 28, 28))
    monkeypatch.setattr(session, "encodings", lambda _: many)
    monkeypatch.setattr(originals, "originals", lambda _: Dataset(images, many.labels, MNIST))
    urls = thumbnails.sheets(NAME)["original"]
    assert len(urls) == 8
    assert sheet(urls[6]).shape == (2800, 2800)
    assert sheet(urls[7]).shape == (28, 2800)


@pytest.mark.usefixtures("digits")
def test_other_codes_have_other_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser caches the content of a URL permanently."""
    before = thumbnails.sheets(NAME)
    encodings = session.encodings(NAME)
    monkeypatch.setattr(session, "encodings", lambda _: encodings._replace(mean=encodings.mean + 1))
    thumbnails._version.clear()
    after = thumbnails.sheets(NAME)
    assert not set(before["original"]) & set(after["original"])


@pytest.mark.usefixtures("digits")
def test_without_a_server_there_are_no_sheets() -> None:
    assets.registry().served.clear()
    assert thumbnails.sheets(NAME) == {}
