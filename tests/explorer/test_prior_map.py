"""A model that cannot encode has a map of samples of its prior."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer import decoded_code, session
from tests.explorer import small_checkpoints
from vae import catalog, checkpoint, service


@pytest.fixture
def decoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two models without an encoder: one of three dimensions, a conditional one, with two."""
    for name, model, size in (("plain", "vae", 3), ("by-class", "conditional_vae", 2)):
        small_checkpoints.write(tmp_path / name, size, model=model, encodes=False)
    small_checkpoints.forget()
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    yield
    small_checkpoints.forget()


def page() -> None:
    import streamlit as st

    from explorer.pages import explore

    explore.render(st.session_state["name"])


@pytest.mark.usefixtures("decoders")
def test_the_points_are_samples_of_the_prior_and_always_the_same() -> None:
    codes = session.encodings("plain")
    assert codes.mean.shape == (catalog.PRIOR_SAMPLES, 3)
    np.testing.assert_allclose(codes.mean.mean(0), 0, atol=0.1)
    np.testing.assert_allclose(codes.mean.std(0), 1, atol=0.1)
    assert set(codes.labels) == {-1}
    service.encodings.cache_clear()
    np.testing.assert_array_equal(session.encodings("plain").mean, codes.mean)


@pytest.mark.usefixtures("decoders")
def test_the_class_of_a_sample_is_the_one_in_its_code() -> None:
    codes, where = session.encodings("by-class"), session.info("by-class").class_dims
    assert where is not None
    np.testing.assert_array_equal(codes.mean[:, where], np.eye(10)[codes.labels])
    assert set(codes.labels) == set(range(10))
    assert decoded_code.caption("by-class", 4) == f"prior sample 4, {_phrase(codes.labels[4])}"


def _phrase(label: int) -> str:
    return f"an {label}" if label == 8 else f"a {label}"


@pytest.mark.usefixtures("decoders")
@pytest.mark.parametrize(("name", "dims"), [("plain", 3), ("by-class", 12)])
def test_explore_shows_its_map_and_each_point_has_a_code(
    name: str, dims: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.panels import maps

    given: dict[str, Any] = {}
    real = maps.latent_map.mount
    monkeypatch.setattr(
        maps.latent_map,
        "mount",
        lambda *args, **rest: (given.update(rest, points=args[0]), real(*args, **rest))[1],
    )
    test = AppTest.from_function(page, default_timeout=60)
    test.session_state["name"] = name
    test.run()
    assert not test.exception, test.exception
    assert given["points"].shape == (catalog.PRIOR_SAMPLES, 2)
    assert given["axes"] == ("z1", "z2"), "not the components of a Gaussian, which are arbitrary"
    assert given["noun"] == "prior sample"
    assert given["columns"] == {}, "nothing was measured"
    assert not any("no map" in info.value for info in test.info)
    place = session.sample_place(name, 5)
    assert (place.sample, len(place.z)) == (5, dims)
    spot = maps.chosen(name).cursor(np.array(place.z, np.float32))
    np.testing.assert_allclose(given["points"][5], spot, atol=1e-4)


@pytest.mark.usefixtures("decoders")
def test_a_classifier_has_no_codes(tmp_path: Path) -> None:
    small_checkpoints.write(tmp_path / "classes", 0, model="classifier")
    with pytest.raises(checkpoint.CheckpointError, match=r"has no encodings\.npz"):
        service.encodings("classes")


@pytest.mark.usefixtures("decoders")
def test_a_sample_of_a_prior_is_not_kept_for_another_model(tmp_path: Path) -> None:
    config = json.loads((tmp_path / "plain" / checkpoint.CONFIG).read_text())
    assert config["abilities"] == ["decodes"]
    assert not session._have_same_data("plain", "by-class")
