"""The components' Python side under AppTest: state is injected where a browser would send it."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.components import drawing, latent_map, latent_sliders, sample_sheet
from explorer.components.drawing import PNG_SIGNATURE

POINTS = np.zeros((3, 2), np.float32)
LABELS = np.array([0, 1, 2])


def with_sliders() -> None:
    import streamlit as st

    from explorer.components import latent_sliders

    revision = st.session_state.get("revision", 0)
    st.json(
        latent_sliders.mount(
            ["z1", "z2"], [0.5, -0.5], ranges=[(-3, 3)] * 2, key="sliders", revision=revision
        )
    )


def with_map() -> None:
    from dataclasses import astuple

    import numpy as np
    import streamlit as st

    from explorer.components import latent_map

    points = np.zeros((3, 2), np.float32)
    click = latent_map.mount(
        points, np.arange(3), (0, 0), axes=("z1", "z2"), colours=["#000"] * 10, key="map"
    )
    st.json([astuple(click) if click else None])


def with_shapes() -> None:
    from dataclasses import asdict

    import numpy as np
    import streamlit as st

    from explorer.components import latent_map

    shape, view = latent_map.pending_shape("map"), latent_map.map_view("map", ("z1", "z2"))
    points = np.array([[0, 0], [2, 0], [0.5, 0.5]], np.float32)
    held = None if shape is None else shape.holds(points, np.arange(3)).tolist()
    st.json([held, view and asdict(view)])


def with_drawing() -> None:
    import streamlit as st

    from explorer.components import drawing

    png = drawing.mount(key="drawing", clear_revision=st.session_state.get("wiped", 0))
    st.json([len(png) if png else None])


def run(page: Callable[[], None], **state: Any) -> AppTest:
    """The page after a run with this session state."""
    test = AppTest.from_function(page, default_timeout=60)
    for key, value in state.items():
        test.session_state[key] = value
    return test.run()


def shown(test: AppTest) -> Any:
    """What the page shows as JSON."""
    import json

    assert not test.exception, test.exception
    return json.loads(test.json[0].value)


def test_sliders_start_with_pythons_values() -> None:
    assert shown(run(with_sliders)) == [0.5, -0.5]


def test_the_visitor_s_values_replace_python_s_and_integers_become_floats() -> None:
    assert shown(run(with_sliders, sliders={"input": {"values": [1, 2.5]}})) == [1.0, 2.5]


def test_values_of_an_older_revision_are_dropped() -> None:
    message = {"values": [1, 2], "revision": 3, "serial": 9}
    assert shown(run(with_sliders, sliders={"input": message}, revision=3)) == [1, 2]
    assert shown(run(with_sliders, sliders={"input": message}, revision=4)) == [0.5, -0.5]


@pytest.mark.parametrize("values", [[1], ["1", 2], [None, 2], [float("nan"), 2], "12", None])
def test_invalid_codes_are_dropped(values: Any) -> None:
    assert shown(run(with_sliders, sliders={"input": {"values": values}})) == [0.5, -0.5]


def test_a_click_is_returned_once() -> None:
    click = {"x": 1, "y": -2.5, "index": 2, "serial": 7}
    test = run(with_map, map={"click": click})
    assert shown(test) == [[1.0, -2.5, 2, None, False]]
    assert shown(test.run()) == [None]
    taken = {**click, "index": None, "serial": 8, "press": 1_700_000_000_000, "back": True}
    test.session_state["map"] = {"click": taken}
    assert shown(test.run()) == [[1.0, -2.5, None, 1_700_000_000_000, True]]


SQUARE = [[-1, -1], [1, -1], [1, 1], [-1, 1]]


def test_a_shape_is_returned_once_and_contains_visible_points() -> None:
    test = run(with_shapes, map={"shape": {"polygon": SQUARE, "hidden": [2], "serial": 7}})
    assert shown(test) == [[0], None]
    assert shown(test.run()) == [None, None]
    test.session_state["map"] = {"shape": {"polygon": SQUARE, "serial": 8}}
    assert shown(test.run()) == [[0, 2], None]


@pytest.mark.parametrize(
    "polygon",
    [None, "wide", SQUARE[:2], [[0, 0], [1], [1, 1]], [[0, 0], ["1", 0], [1, 1]], SQUARE * 200],
)
def test_invalid_shapes_are_dropped(polygon: Any) -> None:
    test = run(with_shapes, map={"shape": {"polygon": polygon, "hidden": [], "serial": 7}})
    assert shown(test) == [None, None]


@pytest.mark.parametrize("corners", [3, 4, 9])
def test_a_shape_contains_the_points_to_the_left_of_all_its_edges(corners: int) -> None:
    angles = 0.3 + 2 * np.pi * np.arange(corners) / corners
    polygon = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (2_000, 2)).astype(np.float32)
    labels = np.arange(2_000) % 10
    edges, (x, y) = np.roll(polygon, -1, axis=0) - polygon, points.T
    left = np.all(
        [dx * (y - b) > dy * (x - a) for (dx, dy), (a, b) in zip(edges, polygon, strict=True)],
        axis=0,
    )
    for turned in (polygon, polygon[::-1]):
        assert set(latent_map.MapShape(turned, ()).holds(points, labels)) == set(
            np.flatnonzero(left)
        )
    held = latent_map.MapShape(polygon, (3, 4)).holds(points, labels)
    assert set(held) == set(np.flatnonzero(left & ~np.isin(labels, (3, 4))))


def test_the_visible_range_is_read_for_the_axes_of_the_map() -> None:
    seen = {"range": [-1, 1, -2, 2.5], "width": 700, "axes": ["z1", "z2"], "backdrop_on": True}
    view = {"range": [-1.0, 1.0, -2.0, 2.5], "width": 700.0, "backdrop_on": True}
    assert shown(run(with_shapes, map={"view": seen})) == [None, view]
    for wrong in (
        {"axes": ["PC 1", "PC 2"]},
        {"range": [1, -1, 0, 1]},
        {"range": [0, float("nan"), 0, 1]},
        {"width": 0},
        {"width": None},
    ):
        assert shown(run(with_shapes, map={"view": seen | wrong})) == [None, None]


@pytest.mark.parametrize(
    ("size", "shown"),
    [((28, 28), (28, 28)), ((8, 8), (32, 32)), ((6, 5), (25, 30)), ((128, 64), (32, 64))],
)
def test_a_tile_of_a_sheet_is_neither_tiny_nor_large_and_keeps_its_aspect(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert sample_sheet.tile_size(*size) == shown


@pytest.mark.parametrize(("pictures", "names"), [(0, 0), (2, 1)])
def test_a_sheet_with_other_numbers_of_pictures_and_names_is_refused(
    pictures: int, names: int
) -> None:
    with pytest.raises(ValueError, match=f"{pictures} pictures but {names} names"):
        sample_sheet.mount(np.zeros((pictures, 28, 28), np.uint8), ["a"] * names, key="sheet")


def test_a_drawing_is_returned_until_it_is_cleared() -> None:
    png = base64.b64encode(PNG_SIGNATURE + b"rest").decode()
    test = run(with_drawing, drawing={"ink": {"png": png, "serial": 1, "revision": 0}})
    assert shown(test) == [len(PNG_SIGNATURE) + 4]
    test.session_state["wiped"] = 1
    assert shown(test.run()) == [None]


@pytest.mark.parametrize("png", ["not base64!", base64.b64encode(b"GIF89a").decode(), 5, None])
def test_data_that_is_not_a_png_is_dropped(png: Any) -> None:
    assert shown(run(with_drawing, drawing={"ink": {"png": png}})) == [None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.zeros((3, 3), np.float32)}, r"\(3, 3\)"),
        ({"labels": LABELS[:2]}, r"3 points but labels of the shape \(2,\)"),
        ({"labels": LABELS + 9}, "labels 9 to 11 for 10 classes"),
        ({"labels": LABELS - 2}, "labels -2 to 0 for 10 classes"),
        ({"selected": 3}, "selected = 3"),
        ({"weights": np.ones(2)}, r"3 points but weights of the shape \(2,\)"),
        ({"columns": {"KL": latent_map.Column(np.ones(2, np.float32))}}, "3 points but KL of the"),
        ({"names": ["apple"]}, "3 points but 1 names"),
    ],
)
def test_a_map_of_arrays_that_do_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"points": POINTS, "labels": LABELS, "cursor": (0, 0), **change}
    with pytest.raises(ValueError, match=message):
        latent_map.mount(**given, axes=("z1", "z2"), colours=["#000"] * 10, key="map")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [1.0]}, "2 names but 1 values"),
        ({"values": [1.0, float("inf")]}, "z2 = inf"),
        ({"notes": ["a"]}, "1 notes"),
        ({"ranges": [(-3, 3), (3, 3)]}, "the range of z2 is empty"),
        ({"ranges": [(-3, 3)]}, "2 names but 1 ranges"),
    ],
)
def test_sliders_of_arguments_that_do_not_fit_are_refused(
    change: dict[str, Any], message: str
) -> None:
    fits = {"names": ["z1", "z2"], "values": [0.0, 0.0], "ranges": [(-3, 3)] * 2}
    given: dict[str, Any] = {**fits, **change}
    with pytest.raises(ValueError, match=message):
        latent_sliders.mount(**given, key="sliders")


def test_a_canvas_without_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size = 0"):
        drawing.mount(key="drawing", size=0)
