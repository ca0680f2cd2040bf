"""Names of digits, and quotes that Markdown and HTML render as plain text."""

import pytest

from explorer import text
from vae.dataspec import MNIST, DataSpec

EMOJI = DataSpec("image", (3, 8, 8), "bernoulli", ("Smileys", "Food & Drink"), noun="emoji")
LINK = "](http://127.0.0.1:9/) **bold** :red[x] $x$ <b>y</b>"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((str(digit), f"a {digit}") for digit in (0, 1, 2, 3, 4, 5, 6, 7, 9)),
        *((name, f"an {name}") for name in ("8", "11", "18", "80", "apple")),
        *(("shirt", "a shirt"), ("", "")),
    ],
)
def test_the_article_is_the_one_that_is_spoken(name: str, expected: str) -> None:
    assert text.with_article(name) == expected


def test_an_image_is_named_by_its_number_and_its_class_if_known() -> None:
    assert text.numbered("test digit", 1234, 8, MNIST) == "test digit 1,234, an 8"
    assert text.numbered("test digit", 1234, -1, MNIST) == "test digit 1,234"
    assert text.class_name(-1, MNIST) == "unlabelled"


def test_other_data_have_the_names_of_their_own_classes() -> None:
    assert text.numbered("test emoji", 7, 1, EMOJI) == "test emoji 7, Food & Drink"
    assert text.numbered("test emoji", 7, 1, EMOJI, "red apple") == (
        "test emoji 7, red apple (Food & Drink)"
    )
    assert text.numbered("test emoji", 7, -1, EMOJI, "red apple") == "test emoji 7, red apple"
    assert text.described(1, EMOJI)["title"] == "Food & Drink"
    assert text.described(8, MNIST) == {
        "label": 8,
        "name": "8",
        "title": "digit 8",
        "phrase": "an 8",
    }
    assert text.class_noun(EMOJI) == "class"
    assert text.class_noun(MNIST) == "digit"


@pytest.mark.parametrize(
    "given",
    [
        "a\n\n[link](http://127.0.0.1:9/)",
        "a\r[link]: http://127.0.0.1:9/",
        "a`[link](http://127.0.0.1:9/)",
        "a\u2028b\u2029c\x85d\x00e\x1b[31m",
        "\u202egnp.exe",  # right-to-left override
        "\ud800",
        "a" * 10_000,
        " \n ",
        "",
    ],
)
def test_a_quote_is_one_short_code_span(given: str) -> None:
    shown = text.quoted(given)
    inside = shown[1:-1]
    assert shown[0] == shown[-1] == "`"
    assert inside.strip()
    assert "`" not in inside
    assert inside.isprintable()
    assert len(inside) <= text.MAX_QUOTE + len("...")


def test_a_quote_keeps_what_is_harmless() -> None:
    assert text.quoted("zahl 7 (é).png") == "`zahl 7 (é).png`"


def test_a_label_of_a_widget_is_no_markdown() -> None:
    shown = text.widget_label(LINK)
    assert "\\]\\(" in shown
    assert "\\*\\*" in shown
    assert "\\:red\\[" in shown
    assert "\\$x\\$" in shown
    assert text.widget_label("VAE 2") == "VAE 2"


def test_html_is_escaped_in_content_and_in_attributes() -> None:
    shown = text.html('"><img src=x onerror=alert(1)>\n')
    assert "<" not in shown
    assert '"' not in shown
