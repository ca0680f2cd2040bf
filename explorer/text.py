"""Names of digits in the pages' texts, and quotes of untrusted text: file names, addresses,
titles."""

from __future__ import annotations

import re
import unicodedata
from html import escape

from vae.dataspec import MNIST, DataSpec

MAX_QUOTE = 60  # characters of a quoted text
SENTENCE = 400  # characters of a quoted sentence
UNLABELLED = -1  # the label of an image of unknown class
UNLABELLED_COLOUR = "#7d8590"  # neutral, legible on the light and the dark theme
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")  # every punctuation mark that Markdown may read


def class_name(label: int) -> str:
    """The name of a class; "unlabelled" for UNLABELLED."""
    return "unlabelled" if label == UNLABELLED else str(label)


def with_article(name: str) -> str:
    """ "a 7", "an 8", "an apple"; nothing for ""."""
    spoken_with_vowel = name in {"11", "18"} or name[:1].lower() in {*"aeiou8"}
    return f"{'an' if spoken_with_vowel else 'a'} {name}" if name else ""


def described(label: int, spec: DataSpec = MNIST) -> dict[str, int | str]:
    """A class for the browser: its label, its name, its title in a legend, and the phrase after an
    image's number ("an 8", "" for UNLABELLED)."""
    name = "unlabelled" if label == UNLABELLED else inert(spec.classes[label])
    known = label != UNLABELLED
    is_digit = spec.noun == "digit" and spec.classes == MNIST.classes
    title = f"digit {name}" if known and is_digit else name
    phrase = (with_article(name) if is_digit else name) if known else ""
    return {"label": int(label), "name": name, "title": title, "phrase": phrase}


def numbered(noun: str, index: int, label: int) -> str:
    """An image by number and class: "test digit 1,234, an 8"; unlabelled: by its number alone."""
    phrase = described(label)["phrase"]
    return f"{noun} {index:,}, {phrase}" if phrase else f"{noun} {index:,}"


def inert(text: str, most: int = MAX_QUOTE) -> str:
    """`text` on one line of at most `most` characters, without control characters and backticks."""
    # categories C: control and format characters, right-to-left overrides among them; Z: separators
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 4 * most])
    line = " ".join(kept.replace("`", "'").split())
    return line if len(line) <= most else f"{line[:most]}..."


def quoted(text: str, most: int = MAX_QUOTE) -> str:
    """`text` as a Markdown code span, so that links, images and directives in it have no effect."""
    return f"`{inert(text, most) or '(empty)'}`"


def widget_label(text: str, most: int = MAX_QUOTE) -> str:
    """`text` for the label of a widget, which Streamlit reads as Markdown without links."""
    return _MARKDOWN.sub(r"\\\1", inert(text, most))


def html(text: str, most: int = SENTENCE) -> str:
    """`text` as the content or a quoted attribute of an HTML element."""
    return escape(inert(text, most))
