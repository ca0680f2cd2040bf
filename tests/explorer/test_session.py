"""The visit, the projections and the link, over small checkpoints made here."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer import decoded_code, link, projections, session
from explorer.visit import Place, Visit
from tests.explorer.small_checkpoints import COUNT, forget, truncate, write
from vae import catalog, checkpoint, service
from vae.latent import FARTHEST


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of two checkpoints, vae-2d and vae-5d, and empty caches."""
    forget()
    write(tmp_path / "vae-2d", 2)
    write(tmp_path / "vae-5d", 5, tsne=True)
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    yield
    forget()


def test_undo_returns_to_the_place_before_each_step() -> None:
    visit = Visit("any", Place((0.0, 0.0), None))
    visit.move((1.0, 0.0), 7)
    visit.slide([1.5, 0.0])
    visit.slide([2.0, 0.0])  # a drag before its release
    visit.release()
    visit.move((3.0, 0.0))
    visit.undo()
    assert visit.place == Place((2.0, 0.0), None)
    visit.undo()
    assert visit.place == Place((1.0, 0.0), 7)
    visit.undo()
    assert visit.place == Place((0.0, 0.0), None)
    before = visit.revision
    visit.undo()
    assert visit.revision == before


def test_sliders_without_a_change_keep_the_test_digit() -> None:
    visit = Visit("any", Place((0.25, -1.0), 7))
    visit.slide([0.25, -1.0])
    assert visit.place.sample == 7
    visit.slide([0.25, -1.01])
    assert visit.place.sample is None


def test_only_python_raises_the_revision() -> None:
    visit = Visit("any", Place((0.0,), None))
    visit.slide([1.0])
    visit.release()
    assert visit.revision == 0
    visit.move((2.0,))
    assert visit.revision == 1


def test_a_drag_on_the_map_is_one_step_to_undo() -> None:
    visit = Visit("any", Place((0.0, 0.0), 7))
    for step in range(1, 4):
        visit.drag((0.1 * step, 0.0))
        assert visit.place == Place((round(0.1 * step, 4), 0.0), None)
        assert visit.revision == step, "the sliders take Python's values"
    visit.move((0.3, 0.0))
    visit.undo()
    assert visit.place == Place((0.0, 0.0), 7)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(("kind", "dims"), [("Two dimensions", (3, 1)), ("PCA", (0, 1))])
def test_a_click_on_the_map_moves_the_code_within_the_plane_only(
    kind: str, dims: tuple[int, int]
) -> None:
    view = projections.Projection("vae-5d", kind, dims)
    z = np.array([0.3, -0.2, 1.0, 0.1, -1.5], np.float32)
    moved = view.place(z, (0.7, -0.4))
    there = np.array(moved.z, np.float32)
    assert view.cursor(there) == pytest.approx((0.7, -0.4), abs=1e-5)
    assert view.points.shape == (COUNT, 2)
    # the step has no part outside the plane
    shown = np.array(view.cursor(there)) - np.array(view.cursor(z))
    assert np.linalg.norm(there - z) == pytest.approx(np.linalg.norm(shown), abs=1e-5)


@pytest.mark.usefixtures("shipped")
def test_a_click_on_a_t_sne_projection_selects_the_nearest_digit() -> None:
    view = projections.Projection("vae-5d", "t-SNE", (0, 1))
    place = view.place(np.zeros(5, np.float32), tuple(view.points[11] + 1e-4))
    assert place.sample == 11
    assert view.cursor(np.array(place.z, np.float32)) == pytest.approx(tuple(view.points[11]))


@pytest.mark.usefixtures("shipped")
def test_a_click_far_out_is_clipped_to_the_largest_code() -> None:
    place = projections.Projection("vae-2d", "Two dimensions", (0, 1)).place(
        np.zeros(2, np.float32), (1e9, 1)
    )
    assert place.z == (FARTHEST, 1.0)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("count", [1, 25, 26, COUNT])
def test_shares_of_the_nearest_digits_are_of_all_where_there_are_few(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = session.encodings("vae-2d")
    few = whole._replace(mean=whole.mean[:count], labels=whole.labels[:count])
    monkeypatch.setattr(session, "encodings", lambda _: few)
    shares = decoded_code.decode("vae-2d", np.zeros(2, np.float32)).shares
    assert shares.sum() == pytest.approx(1)
    nearest = np.square(few.mean).sum(1).argsort()[: decoded_code.NEIGHBOURS]
    np.testing.assert_allclose(
        shares, np.bincount(few.labels[nearest], minlength=10) / len(nearest)
    )


@pytest.mark.usefixtures("shipped")
def test_a_digit_beyond_the_test_set_is_named() -> None:
    with pytest.raises(ValueError, match=r"test digit 60.*0 to 59"):
        session.sample_place("vae-2d", 60)


def page() -> None:
    """The first part of a run, as in main.py."""
    import streamlit as st

    from explorer import link, session

    link.read(session.names()[0])
    now = session.visit(st.session_state["model"])
    st.text(f"{now.model} {now.place.z} {now.place.sample}")
    link.write(now)


def run(**query: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.usefixtures("shipped")
def test_the_link_is_written_and_read_back() -> None:
    app = run(model="vae-5d", z="1,-0.5,0,0.25,2")
    assert app.text[0].value == "vae-5d (1.0, -0.5, 0.0, 0.25, 2.0) None"
    assert app.query_params["z"] in ("1,-0.5,0,0.25,2", ["1,-0.5,0,0.25,2"])
    app = run(model="vae-2d", digit="3")
    assert app.text[0].value.endswith(" 3")


@pytest.mark.usefixtures("shipped")
def test_a_link_is_replaced_before_the_browser_has_shown_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run has the address of the time of its request, without the link that the previous run
    wrote."""
    written: list[dict[str, str]] = []
    now = session.Visit("vae-2d", session.Place((0.0, 0.0), None))
    home = {"model": "vae-2d", "z": "0,0"}
    address = SimpleNamespace(to_dict=lambda: home, from_dict=written.append)
    monkeypatch.setattr(link.st, "query_params", address)
    now.link = home
    now.move((1.5, -1.0))
    link.write(now)
    now.move((0.0, 0.0))
    link.write(now)
    link.write(now)
    assert written == [{"model": "vae-2d", "z": "1.5,-1"}, home]


@pytest.mark.usefixtures("shipped")
def test_a_new_address_in_the_same_visit_is_followed() -> None:
    app = run(model="vae-2d", z="1,2")
    app.query_params["z"] = "-1,0.5"
    app.run()
    assert app.text[0].value == "vae-2d (-1.0, 0.5) None"


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"model": "gan"}, "`gan`"),
        ({"model": "a`[b](c)"}, "`a'[b](c)`"),
        ({"model": "a\n\n[b](http://a.b/)"}, "model `a [b](http://a.b/)`, which does not exist"),
        ({"model": "vae-2d", "z": "0\n\n[b](c),1"}, "`z=0 [b](c),1` is not 2 finite numbers"),
        ({"model": "vae-2d", "digit": "1\n# x"}, "`digit=1 # x` is not the index of a test digit"),
        ({"model": "b" * 999}, f"`{'b' * 60}...`"),
        ({"model": "vae-2d", "z": "1"}, "2 finite numbers"),
        ({"model": "vae-2d", "z": "nan,1"}, "finite"),
        ({"model": "vae-2d", "z": "1e30,0"}, "`z=1e30,0` is not 2 finite numbers"),
        ({"model": "vae-2d", "z": "one,two"}, "`z=one,two` is not 2 finite numbers"),
        ({"model": "vae-2d", "z": ""}, "`z=` is not 2 finite numbers"),
        ({"model": "vae-2d", "digit": "-1"}, "`digit=-1` is not the index of a test digit"),
        ({"model": "vae-2d", "digit": "abc"}, "`digit=abc` is not the index of a test digit"),
    ],
)
def test_a_wrong_part_of_a_link_is_named_and_left_out(query: dict[str, str], expected: str) -> None:
    app = run(**query)
    assert expected in app.warning[0].value
    assert app.text[0].value == "vae-2d (0.0, 0.0) None"


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("query", [{"z": "1,2"}, {"digit": "3"}, {"z": "1"}, {}])
def test_a_visit_begins_without_steps_to_undo(query: dict[str, str]) -> None:
    app = run(model="vae-2d", **query)
    assert app.session_state["visit"].past == []
    app.query_params.pop("digit", None)
    app.query_params.pop("sample", None)
    app.query_params["z"] = "-1,0.5"  # another link, in the same visit
    assert len(app.run().session_state["visit"].past) == 1


@pytest.mark.usefixtures("shipped")
def test_an_old_link_to_a_digit_stays_as_it_is_until_the_code_changes() -> None:
    """Another address would be one more step of the browser's Back button, leading here again."""
    app = run(model="vae-2d", digit="3")
    assert app.session_state["visit"].place.sample == 3
    assert dict(app.query_params) == {"model": "vae-2d", "digit": "3"}


@pytest.mark.usefixtures("shipped")
def test_a_change_of_model_keeps_the_digit_and_clears_the_history() -> None:
    app = run(model="vae-2d", digit="9")
    app.session_state["model"] = "vae-5d"
    app.run()
    assert app.text[0].value.startswith("vae-5d")
    assert app.text[0].value.endswith(" 9")
    assert app.session_state["visit"].past == []


@pytest.mark.usefixtures("shipped")
def test_a_chosen_model_overrides_an_older_address() -> None:
    app = run(model="vae-2d", z="1,2")
    app.session_state["visit"].move((0.5, 0.5))
    app.session_state["visit"].link = {"model": "vae-2d", "z": "0.5,0.5"}  # not yet in the address
    app.session_state["model"], app.session_state["chosen"] = "vae-5d", True
    app.run()
    assert app.text[0].value == "vae-5d (0.0, 0.0, 0.0, 0.0, 0.0) None"
    assert "chosen" not in app.session_state


@pytest.mark.usefixtures("shipped")
def test_a_model_with_fewer_test_digits_begins_at_the_origin() -> None:
    app = run(model="vae-2d", digit="9")
    few = session.encodings("vae-5d")
    checkpoint.write_encodings(
        catalog.CHECKPOINTS / "vae-5d",
        few._replace(
            **{
                name: getattr(few, name)[:5]
                for name in ("mean", "logvar", "labels", "cross_entropy", "kl")
            },
            tsne=None,
            attributes={},
        ),
    )
    forget()
    app.session_state["model"] = "vae-5d"
    app.run()
    assert not app.exception
    assert app.text[0].value == "vae-5d (0.0, 0.0, 0.0, 0.0, 0.0) None"


@pytest.mark.usefixtures("shipped")
def test_a_model_whose_files_are_removed_is_replaced_and_named() -> None:
    app = run(model="vae-5d", digit="9")
    shutil.rmtree(catalog.CHECKPOINTS / "vae-5d")
    forget()
    app.run()
    assert not app.exception
    assert "Model `vae-5d` can no longer be used; vae-2d is shown" in app.warning[0].value
    assert app.text[0].value.startswith("vae-2d")


@pytest.mark.usefixtures("shipped")
def test_a_damaged_classifier_counts_as_none_and_is_named() -> None:
    folder = catalog.CHECKPOINTS / service.CLASSIFIER
    write(folder, 0, model="classifier")
    assert session.has_classifier("vae-2d")
    assert session.classifier_fault() == ""
    truncate(folder / checkpoint.WEIGHTS)
    forget()
    assert not session.has_classifier("vae-2d")
    assert session.classifier("vae-2d") is None
    assert str(folder / checkpoint.WEIGHTS) in session.classifier_fault()


@pytest.mark.usefixtures("shipped")
def test_a_damaged_checkpoint_is_left_out_and_named() -> None:
    (catalog.CHECKPOINTS / "vae-5d" / checkpoint.ENCODINGS).unlink()
    usable, faults = session.names()
    assert usable == ["vae-2d"]
    assert len(faults) == 1
    assert "vae-5d" in faults[0]
    assert "python -m vae encode" in faults[0]
