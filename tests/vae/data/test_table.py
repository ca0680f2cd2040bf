"""Tables: pixels with a label in .csv, names of files, encoded images in .parquet."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae import data
from vae.download import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 9, 9), dtype=np.uint8)
IMAGES[:, 0, 0] = 0
IMAGES[:, -1, -1] = 0
NAMES = [("a", "b", "c")[i % 3] for i in range(30)]
PIXELS = [f"pixel{i}" for i in range(81)]


def rows(*columns: object) -> list[str]:
    """Lines of a table from columns of 30 values, or of 30 rows of pixels."""
    lines = []
    for i in range(30):
        cells = []
        for column in columns:
            value = column[i]  # pyright: ignore[reportIndexIssue]
            cells += value.ravel().tolist() if isinstance(value, np.ndarray) else [value]
        lines.append(",".join(map(str, cells)))
    return lines


def names_of(dataset: data.Dataset) -> dict[bytes, str]:
    classes = dataset.spec.classes
    return {x.tobytes(): classes[y] for x, y in zip(dataset.samples, dataset.labels, strict=True)}


EXPECTED = {x.tobytes(): name for x, name in zip(IMAGES, NAMES, strict=True)}


@pytest.mark.parametrize(
    "lines",
    [
        [",".join(["label", *PIXELS]), *rows(NAMES, IMAGES)],
        [",".join([*PIXELS, "class"]), *rows(IMAGES, NAMES)],
        [",".join(["id", "label", *PIXELS]), *rows(range(30), NAMES, IMAGES)],
        [
            "emotion,pixels",
            *(f"{n},{' '.join(map(str, x.ravel()))}" for n, x in zip(NAMES, IMAGES, strict=True)),
        ],
    ],
    ids=["label first", "label last", "with an id", "pixels in one text"],
)
def test_pixels_with_a_label(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(lines))
    loaded = data.read(path)
    assert names_of(loaded.train) | names_of(loaded.test) == EXPECTED
    assert len(loaded.test) == 3


@pytest.mark.parametrize("last", [False, True])
def test_without_a_header_the_label_is_found(tmp_path: Path, last: bool) -> None:
    numbers = [NAMES.index(name) for name in NAMES]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows(IMAGES, numbers) if last else rows(numbers, IMAGES)))
    loaded = data.read(path)
    expected = {x.tobytes(): str(y) for x, y in zip(IMAGES, numbers, strict=True)}
    assert names_of(loaded.train) | names_of(loaded.test) == expected


def test_a_split_and_other_numbers_are_columns(tmp_path: Path) -> None:
    usage = ["Training" if i < 25 else "PublicTest" for i in range(30)]
    weight = [i / 10 for i in range(30)]
    head = ",".join(["label", "usage", "weight", *PIXELS])
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([head, *rows(NAMES, usage, weight, IMAGES)]))
    loaded = data.read(path)
    np.testing.assert_array_equal(loaded.test.samples, IMAGES[25:])
    np.testing.assert_allclose(loaded.test.attributes["weight"], weight[25:], rtol=1e-6)


def test_names_of_files(tmp_path: Path) -> None:
    for i, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").unlink()
    lines = ["file,label", *(f"{i}.png,{name}" for i, name in enumerate(NAMES))]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(lines))
    loaded = data.read(path)
    found = names_of(loaded.train) | names_of(loaded.test)
    assert found == {x: n for x, n in EXPECTED.items() if x != IMAGES[3].tobytes()}
    assert loaded.skipped == ("3.png: it cannot be opened (No such file or directory)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as .csv"),
        ("label,weight\n1,2\n3,4\n", "it needs one of pixels for each value, or `file`"),
        ("label," + ",".join(PIXELS) + "\n1" + ",x" * 81, "not all pixels are numbers"),
        ("1,2,3,4,5,6\n" * 3, "values are no square image"),
    ],
)
def test_tables_without_images_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises((ValueError, DataError), match=message) as caught:
        data.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def encoded(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("struct", [False, True])
def test_parquet_with_encoded_images(tmp_path: Path, struct: bool) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    cells = [encoded(image) for image in IMAGES]
    column = [{"bytes": c, "path": f"{i}.png"} for i, c in enumerate(cells)] if struct else cells
    labels = [("c", "a", "b").index(name) for name in NAMES]
    described = {"info": {"features": {"label": {"names": ["c", "a", "b"]}}}}
    table = pa.table({"image": column, "label": labels})
    table = table.replace_schema_metadata({"huggingface": json.dumps(described)})
    parquet.write_table(table, tmp_path / "mine.parquet")
    loaded = data.read(tmp_path / "mine.parquet")
    assert names_of(loaded.train) | names_of(loaded.test) == EXPECTED
    assert loaded.train.spec.classes == ("c", "a", "b")
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"cannot be read as \.parquet"):
        data.read(tmp_path / "mine.parquet")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "mine.csv"
    lines = [",".join([*PIXELS, "class"]), *rows(IMAGES, NAMES)]
    path.write_text("\n".join(lines).replace(",", separator))
    loaded = data.read(path)
    assert names_of(loaded.train) | names_of(loaded.test) == EXPECTED


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("header", [[], [*map(str, range(82))]], ids=["no header", "numbers"])
def test_a_label_without_a_name_beside_corners_that_vary(
    tmp_path: Path, header: list[str], first: bool
) -> None:
    images = np.random.default_rng(5).integers(0, 256, (30, 9, 9), dtype=np.uint8)
    numbers = [i % 3 + 4 for i in range(30)]
    path = tmp_path / "mine.csv"
    lines = rows(numbers, images) if first else rows(images, numbers)
    path.write_text("\n".join([",".join(header), *lines] if header else lines))
    loaded = data.read(path)
    expected = {x.tobytes(): str(y) for x, y in zip(images, numbers, strict=True)}
    assert names_of(loaded.train) | names_of(loaded.test) == expected


def test_text_labels_in_the_last_column_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows(IMAGES, NAMES)))
    loaded = data.read(path)
    assert names_of(loaded.train) | names_of(loaded.test) == EXPECTED


def test_row_numbers_of_pandas_are_no_attribute(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([",".join(["", "label", *PIXELS]), *rows(range(30), NAMES, IMAGES)]))
    assert data.read(path).train.attributes == {}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"label,file\nd\xf6g,a.png\n", "UTF-8"),
        (b"label,p0,p1,p2,p3\n", "no images"),
        (b"", "save it as UTF-8"),
    ],
)
def test_unreadable_tables_are_refused_with_a_remedy(
    tmp_path: Path, content: bytes, match: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises((DataError, ValueError), match=rf"mine\.csv.*{match}"):
        data.read(path)
