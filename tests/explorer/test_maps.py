"""The map's panel over the shipped checkpoints: backdrop, posterior, fade and selection."""

import io
import re
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer import projections, session
from explorer.components import latent_map
from explorer.panels import maps, selection
from vae import service
from vae.dataspec import MNIST, DataSpec

Z10 = np.linspace(-1, 1, 10).astype(np.float32)


def page() -> None:
    import streamlit as st

    from explorer.panels import maps

    maps.panel(st.session_state["name"])


def mounted(monkeypatch: pytest.MonkeyPatch, name: str, **state: Any) -> dict[str, Any]:
    """What the map of a model is mounted with, in a run with this session state."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(maps.latent_map, "mount", lambda *_, **rest: given.update(rest))
    test = AppTest.from_function(page, default_timeout=60)
    test.session_state["name"] = name
    for key, value in state.items():
        test.session_state[key] = value
    test.run()
    assert not test.exception, test.exception
    return given | {"captions": [caption.value for caption in test.caption]}


def seen(axes: tuple[str, str], *ends: float, width: float = 700) -> dict[str, Any]:
    """The state of a map with this visible range and the backdrop switched on."""
    return {"view": {"range": list(ends), "width": width, "axes": list(axes), "backdrop_on": True}}


def tiles(png: bytes) -> np.ndarray:
    """A backdrop's digits, uint8 [rows, columns, 28, 28], the top row first."""
    sheet = np.asarray(Image.open(io.BytesIO(png)))
    rows, columns = sheet.shape[0] // 28, sheet.shape[1] // 28
    return sheet.reshape(rows, 28, columns, 28).swapaxes(1, 2)


@pytest.mark.parametrize(
    ("name", "axes"), [("vae-2d", ("z1", "z2")), ("vae-10d", ("PC 1", "PC 2"))]
)
def test_each_tile_of_the_backdrop_is_decoded_from_its_middle(
    monkeypatch: pytest.MonkeyPatch, name: str, axes: tuple[str, str]
) -> None:
    z = Z10[: service.info(name).dims]
    visit = session.Visit(name, session.Place(tuple(z.tolist()), None))
    state = {f"map-{name}": seen(axes, -3.0, 3.0, -2.0, 2.0), "visit": visit}
    png, (left, right, bottom, top) = mounted(monkeypatch, name, **state)["backdrop"]
    found = tiles(png)
    rows, columns = found.shape[:2]
    assert left <= -3 < 3 <= right
    assert bottom <= -2 < 2 <= top
    assert 20 <= columns <= 30
    assert (right - left) / columns == pytest.approx((top - bottom) / rows), "square"
    for row, column in ((0, 0), (3, 17), (rows - 1, columns - 1)):
        x = left + (column + 0.5) * (right - left) / columns
        y = top - (row + 0.5) * (top - bottom) / rows
        code = np.array(maps.chosen(name).place(z, (x, y)).z, np.float32)
        decoded = 255 * service.load(name).decode(code[None])[0]
        assert np.abs(decoded - found[row, column]).max() < 2


def test_the_digits_of_a_backdrop_keep_their_positions_when_the_map_is_panned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def backdrop(shift: float, width: float = 700) -> tuple[np.ndarray, list[float]]:
        state = {"map-vae-2d": seen(("z1", "z2"), shift - 3, shift + 3, -2, 2, width=width)}
        png, ends = mounted(monkeypatch, "vae-2d", **state)["backdrop"]
        return tiles(png), list(ends)

    here, (left, right, *_) = backdrop(0)
    moved, (shifted, _, *_) = backdrop(0.61)
    steps = (shifted - left) * here.shape[1] / (right - left)
    assert steps == pytest.approx(round(steps))
    assert 0 < steps < 6
    kept = here.shape[1] - round(steps)
    np.testing.assert_array_equal(here[:, round(steps) :], moved[:, :kept])
    assert backdrop(0, width=320)[0].shape[1] < 0.6 * here.shape[1], "fewer on a phone"


SHAPES = [(1, 28, 28), (3, 8, 8), (3, 128, 128), (3, 12, 9), (1, 20, 100)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ends", [(-3.0, 3.0, -2.0, 2.0), (0.4, 0.41, -7.0, -6.995)])
def test_the_cells_of_a_backdrop_have_the_proportions_of_a_sample_and_cover_the_map(
    shape: tuple[int, int, int], ends: tuple[float, float, float, float]
) -> None:
    spec = DataSpec("image", shape, "bernoulli")
    cells = maps._cells(latent_map.MapView(ends, 700.0, True), spec)
    assert cells is not None
    assert cells.width / cells.height == pytest.approx(shape[2] / shape[1])
    left, right, bottom, top = cells.extent
    assert left <= ends[0] <= left + cells.width
    assert right - cells.width <= ends[1] <= right
    assert bottom <= ends[2] <= bottom + cells.height
    assert top - cells.height <= ends[3] <= top
    middles = cells.middles
    assert len(middles) * np.prod(shape) <= maps.MAX_VALUES
    assert tuple(middles[0]) == pytest.approx((left + cells.width / 2, top - cells.height / 2))
    assert tuple(middles[-1]) == pytest.approx((right - cells.width / 2, bottom + cells.height / 2))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thumbnail_has_the_proportions_of_a_sample_and_is_no_larger_than_it_needs(
    shape: tuple[int, int, int],
) -> None:
    width, height = maps._thumbnail_tile(DataSpec("image", shape, "bernoulli"))
    assert width / height == pytest.approx(shape[2] / shape[1], rel=0.05)
    assert 40 <= max(width, height) <= 84


def test_a_map_is_coloured_by_attributes_and_by_the_terms_that_differ() -> None:
    found = maps.columns("vae-2d")
    codes = service.encodings("vae-2d")
    assert list(found)[-2:] == ["KL", "Reconstruction error"]
    assert found["Slant"].unit == "rad"
    np.testing.assert_array_equal(found["Thickness"].values, codes.attributes["thickness"])
    assert "KL" not in maps.columns("ae-2d"), "it has none"


def test_no_backdrop_without_a_plane_or_where_it_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    off = seen(("z1", "z2"), -3, 3, -2, 2)
    off["view"]["backdrop_on"] = False
    assert mounted(monkeypatch, "vae-2d", **{"map-vae-2d": off})["backdrop"] is None
    for height in (1e6, 1e30):  # the second has more rows than a range can count
        far = seen(("z1", "z2"), -1, 1, -height, height)
        assert mounted(monkeypatch, "vae-2d", **{"map-vae-2d": far})["backdrop"] is None
    flat = seen(("t-SNE 1", "t-SNE 2"), -3, 3, -2, 2)
    given = mounted(monkeypatch, "vae-10d", **{"map-vae-10d": flat, "view-vae-10d": "t-SNE"})
    assert (given["backdrop"], given["backdrop_label"], given["weights"]) == (None, None, None)
    assert "t-SNE keeps neighbours" in given["captions"][0]


def test_the_caption_names_the_plane_and_its_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mounted(monkeypatch, "vae-2d")["captions"] == [], "two dimensions are all there is"
    (caption,) = mounted(monkeypatch, "vae-10d")["captions"]
    mean = service.encodings("vae-10d").mean
    values = np.linalg.svd(mean - mean.mean(axis=0), compute_uv=False) ** 2
    share = 100 * values[:2].sum() / values.sum()
    assert "PC 1 and PC 2 through the current code" in caption
    assert f"{share:.0f}\u00a0% of the variance" in caption


def test_a_posterior_is_drawn_where_there_is_one() -> None:
    codes = service.encodings("vae-2d")
    x, y, *radii, angle = (
        projections.Projection("vae-2d", "Two dimensions", (0, 1)).ellipse(7) or (0.0,) * 5
    )
    assert (x, y) == pytest.approx(tuple(codes.mean[7]))
    deviation = np.exp(codes.logvar[7] / 2)
    assert sorted(radii) == pytest.approx(sorted(deviation), rel=1e-4)
    first = int(deviation.argmax())
    assert abs((np.cos(angle), np.sin(angle))[first]) == pytest.approx(1)
    assert projections.Projection("ae-2d", "Two dimensions", (0, 1)).ellipse(7) is None, "a point"
    assert projections.Projection("vae-10d", "t-SNE", (0, 1)).ellipse(7) is None, "no plane"


def test_the_fade_is_of_the_plane_through_the_code() -> None:
    view = projections.Projection("vae-10d", "PCA", (0, 1))
    away = view.distances(Z10)
    moved = np.array(view.place(Z10, (2.0, -1.0)).z, np.float32)
    again = view.distances(moved)
    assert away is not None
    assert again is not None
    np.testing.assert_allclose(again, away, atol=1e-3)  # within the plane nothing changes
    digit = service.encodings("vae-10d").mean[7]
    through = view.distances(digit)
    assert through is not None
    assert through[7] == pytest.approx(0, abs=1e-2)
    weights, near, far = projections.fade(away)
    assert np.all(np.diff(weights[np.argsort(away)]) <= 0), "the farther, the fainter"
    assert (weights.max(), weights.min()) == pytest.approx((1, projections.FAINT))
    assert away.min() <= near < far <= away.max()
    assert projections.Projection("vae-2d", "Two dimensions", (0, 1)).distances(Z10[:2]) is None


@pytest.fixture
def originals(monkeypatch: pytest.MonkeyPatch) -> None:
    """No originals available, and a session state of the test's own."""
    monkeypatch.setattr(selection.originals, "originals", lambda _: None)
    monkeypatch.setattr(st, "session_state", {})


@pytest.mark.usefixtures("originals")
def test_a_selection_sheet_keeps_class_shares_and_shows_reconstructions_without_originals() -> None:
    labels = service.encodings("vae-2d").labels
    digits = np.flatnonzero(np.isin(labels, (1, 7)))
    selection.pick("vae-2d", digits)
    found = st.session_state["selection-vae-2d"]
    pictures, kind = selection.pictures("vae-2d", found.shown)
    assert kind == "reconstructions"
    assert pictures.shape == (selection.MAX_TILES, 28, 28)
    counts = np.bincount(labels[digits], minlength=10)
    shown = re.findall(
        r"<strong>(\d)</strong><b>([\d,]+)</b>", selection.tally(labels[digits], MNIST)
    )
    assert shown == [(str(digit), f"{counts[digit]:,}") for digit in (1, 7)]
    shares = np.bincount(labels[found.shown], minlength=10) / len(found.shown)
    np.testing.assert_allclose(shares, counts / len(digits), atol=0.01)
    assert np.all(np.diff(labels[found.shown]) >= 0)
    assert len(set(found.shown)) == len(found.shown)
    one = session.model("vae-2d").decode(service.encodings("vae-2d").mean[found.shown[:1]])[0]
    assert np.abs(255 * one - pictures[0]).max() < 2
    selection.pick("vae-2d", digits[:0])
    empty = selection.picked("vae-2d")
    assert empty is not None
    assert not len(empty)


def test_selected_digits_are_painted_stronger(monkeypatch: pytest.MonkeyPatch) -> None:
    picked = np.arange(0, 10_000, 7)
    for name in ("vae-2d", "vae-10d"):
        chosen = selection.Selection(picked, picked[:1])
        weights = mounted(monkeypatch, name, **{f"selection-{name}": chosen})["weights"]
        rest = np.setdiff1d(np.arange(10_000), picked)
        assert weights[picked].min() > 2 * weights[rest].max()
