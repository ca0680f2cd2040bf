"""The README agrees with the repository."""

import json
import re
from pathlib import Path

import pytest

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


def test_its_table_of_generators_takes_any_model_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that only decodes, which has no row among the likelihoods."""
    monkeypatch.setattr(figures, "CHECKPOINTS", tmp_path)
    of_samples = {"frechet": 3.21, "frechet_classifier-b": 2.0, "frechet_classifier-a": 1.0}
    floor = {"frechet": 0.5, "frechet_classifier-a": 0.25, "frechet_classifier-b": 0.4}
    for name, abilities, measured in (
        ("gan", ["decodes"], of_samples | {"sure": 0.987, "floor": floor}),
        ("vae-unmeasured", ["encodes", "decodes"], {"grey_cross_entropy": 70.0}),
        ("classifier", ["classifies"], {"accuracy": 0.99}),
    ):
        (tmp_path / name).mkdir()
        config = {"abilities": abilities, "data": "mnist"}
        (tmp_path / name / "config.json").write_text(json.dumps(config))
        (tmp_path / name / "metrics.json").write_text(json.dumps(measured))
    gan, training_images = figures.generators()
    assert (gan["model"], gan["FD"], gan["sure"]) == ("`gan`", "3.21 / 1 / 2", "98.70 %")
    assert gan["1-NN error"] == ""
    assert training_images["FD"] == "0.5 / 0.25 / 0.4"
