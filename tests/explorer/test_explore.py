"""The Explore page without a browser: its texts, and models smaller than any that is shipped."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer import session
from explorer.pages.explore import random_help
from tests.explorer.small_checkpoints import forget, write
from vae import catalog


def test_the_help_of_random_names_the_distribution_and_no_prior() -> None:
    assert random_help(session.info("ae-2d").blocks) == "A code drawn at random: z from N(0, 1)"
    shown = random_help(session.info("cvae").blocks)
    assert shown == "A code drawn at random: z from N(0, 1), digit any of 10"


def page() -> None:
    from explorer.pages import explore

    explore.render("small")


def small(folder: Path, monkeypatch: pytest.MonkeyPatch, latent: int, spread: float) -> AppTest:
    """The page of a model of one's own, which may be smaller than any that is shipped."""
    write(folder / "small", latent, spread=spread)
    monkeypatch.setattr(catalog, "CHECKPOINTS", folder)
    forget()
    app = AppTest.from_function(page, default_timeout=60).run()
    forget()
    assert not app.exception
    return app


def test_a_model_of_one_dimension_has_no_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = small(tmp_path, monkeypatch, latent=1, spread=1)
    assert "one latent dimension, and a map takes two" in app.info[0].value


def test_a_model_without_a_dimension_in_use_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = small(tmp_path, monkeypatch, latent=3, spread=1e-3)
    assert "No dimension of this model is in use." in [each.value for each in app.caption]
