"""Uploaded images: kept within bounds, prepared once."""

from collections.abc import Iterator

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.panels import uploads
from tests.vae.drawings import drawing, image_bytes
from vae import image_file

DIGIT = image_bytes(Image.fromarray(drawing()))


@pytest.fixture(autouse=True)
def _nothing_prepared() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def script() -> None:
    import streamlit as st

    from explorer.panels import uploads
    from vae.dataspec import MNIST

    shown = st.toggle("Uploader", True)
    files = uploads.uploads("Images", "files", several=True) if shown else []
    st.text(" ".join(file.name for file in files))
    st.text(len([1 for file in files if uploads.entered(file, MNIST)]))


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(script, default_timeout=30).run()


def upload(app: AppTest, **files: bytes) -> AppTest:
    for name, content in files.items():
        app.file_uploader(key="files").upload(f"{name}.png", content, "image/png")
    return app.run()


def shown(app: AppTest) -> list[str]:
    """The names of the images that are kept."""
    assert not app.exception
    return app.text[-2].value.replace(".png", "").split()


def test_the_number_of_kept_images_is_bounded(app: AppTest) -> None:
    names = [f"image{i}" for i in range(uploads.MAX_FILES + 2)]
    upload(app, **dict.fromkeys(names, DIGIT))
    assert shown(app) == names[: uploads.MAX_FILES]
    (error,) = app.error
    assert error.value.startswith("2 of the images were left out: at most 16 images and 60 MB")


def test_the_size_of_kept_images_is_bounded(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_MB", 1)
    large = DIGIT + bytes(600_000)
    upload(app, a=large, b=large, c=DIGIT)
    assert shown(app) == ["a", "c"]
    (error,) = app.error
    assert error.value.startswith("1 of the images were left out: at most 16 images and 1 MB")


def test_removing_an_image_allows_another(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    upload(app, a=DIGIT, b=DIGIT)
    app.toggle[0].set_value(False).run()  # Streamlit drops the files with their uploader
    app.toggle[0].set_value(True).run()
    assert shown(upload(app, c=DIGIT)) == ["a", "b"]
    assert "1 of the images were left out" in app.error[0].value
    app.button[0].click().run()
    assert shown(app) == ["b", "c"]
    assert not app.error


def test_an_image_is_read_once(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the script runs, under whatever name, and also one that cannot be used."""
    read: list[bytes] = []

    def read_image(data: bytes) -> np.ndarray:
        read.append(data)
        return actual(data)

    actual = image_file.read_image
    monkeypatch.setattr(image_file, "read_image", read_image)
    blank = image_bytes(Image.new("L", (30, 30)))
    upload(app, a=DIGIT, b=DIGIT, c=blank, d=b"no image")
    for _ in range(3):
        app.run()
        assert [error.value.partition(" cannot")[0] for error in app.error] == [
            "`c.png`",
            "`d.png`",
        ]
        assert app.text[-1].value == "2"
    assert sorted(read) == sorted([DIGIT, blank, b"no image"])
