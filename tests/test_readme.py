"""The README agrees with the repository."""

import re
from pathlib import Path

from scripts import figures
from vae.presets import PRESETS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_table_is_made_from_the_checkpoints_figures() -> None:
    assert figures.renewed(README) == README, "run: python scripts/figures.py"


def test_its_pictures_and_files_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 3
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_its_presets_exist() -> None:
    named = re.findall(r"python -m vae train\s+([a-z0-9-]+)", README)
    assert named
    assert set(named) <= set(PRESETS)
