"""The HTML of generated digits agrees with their arrays."""

import re

import numpy as np

from explorer import generate_html
from vae.dataspec import MNIST, DataSpec

COLOURS = [f"#00000{digit}" for digit in range(10)]
PALETTE = generate_html.Palette(MNIST, COLOURS)
PICTURES = np.random.default_rng(0).random((20, 28, 28), np.float32)


def sure(*digits: int) -> np.ndarray:
    """An independent classifier that is certain of these digits."""
    return np.eye(10, dtype=np.float32)[list(digits)]


def test_each_digit_is_a_tile_and_the_columns_have_heads() -> None:
    html = generate_html.sheet(
        PICTURES[:6], np.array([3, 8] * 3), None, PALETTE, (2, 2), heads=True
    )
    assert html.count('<figure class="tile"') == html.count("<img") == 6
    assert re.findall(r"</i>(\d)</div>", html) == ["3", "8"]
    assert "--wide:2;--narrow:2" in html
    assert "reading" not in html, "without an independent classifier there are no bars"


def test_a_digit_that_is_classified_as_another_is_marked() -> None:
    html = generate_html.sheet(PICTURES[:3], np.array([1, 2, 3]), sure(1, 7, 3), PALETTE, (3, 3))
    assert html.count("wrong") == 1
    assert "asked for 2; classified as 7 (100\u2009%)" in html
    assert "<b>7</b>" in html


def test_a_bar_has_the_classifier_s_shares_in_the_digits_colours() -> None:
    read = np.zeros(10)
    read[[4, 9, 1]] = 0.7, 0.295, 0.005
    bar = generate_html.bar(read, COLOURS)
    assert re.findall(r"width:(\d+)%;background:(#\d+)", bar) == [
        ("70", "#000004"),
        ("30", "#000009"),
    ]
    assert generate_html.probability_text(read, MNIST) == "4 (70\u2009%), 9 (30\u2009%)"


def test_styles_are_rows_with_their_source_before_them() -> None:
    sources = [generate_html.Source(PICTURES[0], f"file <{n}>") for n in "ab"]
    html = generate_html.styles(PICTURES, range(10), None, PALETTE, sources)
    kinds = re.findall(r'<figure class="(tile(?: source)?)"', html)
    assert kinds == (["tile source"] + ["tile"] * 10) * 2
    assert "--wide:11" in html
    assert "file &lt;a&gt;" in html
    assert "<a>" not in html


def test_a_number_keeps_its_spaces() -> None:
    html = generate_html.number(list(PICTURES[:3, :, :9]), [1, 2, 3], [1, 1], None, PALETTE)
    parts = re.findall(r'class="(tile|space)"', html)
    assert parts == ["tile", "space", "space", "tile", "tile"]
    assert html.count("--w:9") == 3


def test_the_agreement_is_the_share_and_names_the_misclassified_digits() -> None:
    share, misread = generate_html.agreement(np.array([4, 4, 5, 6]), sure(9, 9, 5, 0), MNIST)
    assert share == "25\u2009%"
    assert misread == "Misclassified: 4 as 9 (2\u00d7), 6 as 0."
    assert generate_html.agreement(np.array([4]), sure(4), MNIST) == ("100\u2009%", "")


def test_one_error_in_many_is_not_rounded_to_100_percent() -> None:
    asked = np.zeros(400, int)
    share, _ = generate_html.agreement(asked, sure(1, *asked[1:]), MNIST)
    assert share == "99.7\u2009%"


CLASSES = DataSpec(
    "image", (3, 6, 5), "bernoulli", tuple(f"<{letter}>" for letter in "abcdefghijkl")
)


def test_names_of_classes_are_escaped_and_below_their_images_where_columns_are_few() -> None:
    colours = [f"#0000{label:02}" for label in range(12)]
    palette = generate_html.Palette(CLASSES, colours)
    pictures = np.zeros((24, 6, 5, 3), np.float32)
    requested = np.resize(np.arange(12), 24)
    html = generate_html.sheet(pictures, requested, None, palette, (10, 10), heads=True)
    assert html.count("<figcaption>&lt;a&gt;</figcaption>") == 2
    assert "head" not in html
    html = generate_html.sheet(pictures, requested, None, palette, (12, 12), heads=True)
    assert html.count('class="head"') == 12
    assert "figcaption" not in html
    assert "<a>" not in html
    assert 'width="5" height="6"' in html
