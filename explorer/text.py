"""Names of classes and samples in the pages' texts, and quotes of untrusted text: file names,
addresses, titles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import escape

from vae.dataspec import DataSpec

MAX_QUOTE = 60  # characters of a quoted text
SENTENCE = 400  # characters of a quoted sentence
SHORT = 3  # characters of a short name of a class
UNLABELLED = -1  # the label of an image of unknown class
UNLABELLED_COLOUR = "#7d8590"  # neutral, legible on the light and the dark theme
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")  # every punctuation mark that Markdown may read


def names_digits(spec: DataSpec) -> bool:
    """Whether a sample is a digit and the classes are the ten digits, so that the pages can write
    "a 7"."""
    return spec.noun == "digit" and spec.classes == tuple("0123456789")


def class_noun(spec: DataSpec) -> str:
    """What the pages call a class: "digit", or "class"."""
    return "digit" if names_digits(spec) else "class"


def class_name(label: int, spec: DataSpec) -> str:
    """The name of a class on one line; "unlabelled" for UNLABELLED and for labels of no class."""
    known = 0 <= label < len(spec.classes)
    return inert(spec.classes[label]) if known else "unlabelled"


def class_names(spec: DataSpec) -> list[str]:
    """The names of all classes in order."""
    return [class_name(label, spec) for label in range(len(spec.classes))]


def are_short(names: Sequence[str]) -> bool:
    """Whether names fit above a column or into a narrow button, as digits and letters do."""
    return all(len(name) <= SHORT for name in names)


def with_article(name: str) -> str:
    """ "a 7", "an 8", "an apple"; nothing for ""."""
    spoken_with_vowel = name in {"11", "18"} or name[:1].lower() in {*"aeiou8"}
    return f"{'an' if spoken_with_vowel else 'a'} {name}" if name else ""


def phrase(label: int, spec: DataSpec) -> str:
    """A class after the number of a sample: "an 8", "Animals & Nature"; "" for UNLABELLED."""
    if not 0 <= label < len(spec.classes):
        return ""
    name = class_name(label, spec)
    return with_article(name) if names_digits(spec) else name


def described(label: int, spec: DataSpec) -> dict[str, int | str]:
    """A class for the browser: its label, its name, its title in a legend, and its phrase."""
    name = class_name(label, spec)
    title = f"digit {name}" if label != UNLABELLED and names_digits(spec) else name
    return {"label": int(label), "name": name, "title": title, "phrase": phrase(label, spec)}


def numbered(noun: str, index: int, label: int, spec: DataSpec, name: str = "") -> str:
    """A sample by number, name and class: "test digit 1,234, an 8", "test emoji 7, red apple (Food
    & Drink)"; without a name and a class by its number alone."""
    sort, known = phrase(label, spec), inert(name)
    if known and sort:
        return f"{noun} {index:,}, {known} ({sort})"
    return ", ".join(part for part in (f"{noun} {index:,}", known or sort) if part)


def of_range(low: float, high: float) -> str:
    """A range as text: "-3 to 3"."""
    return f"{low:g} to {high:g}"


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
