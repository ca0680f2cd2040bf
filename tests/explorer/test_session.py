"""A visitor's state, the map's views and the link, over a small checkpoint made here."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer import decoded_code, projections, session
from explorer.session import Place, Visit
from vae import catalog, checkpoint, models, service
from vae.checkpoint import Encodings, Manifest
from vae.interface import abilities
from vae.latent import FARTHEST

COUNT = 60


def write(folder: Path, latent: int, *, tsne: bool = False, spread: float = 1) -> None:
    """An untrained VAE with random codes for its test digits."""
    model = models.build("vae", {"latent": latent, "hidden": 16, "depth": 1})
    manifest = Manifest(
        model="vae",
        config={"latent": latent, "hidden": 16, "depth": 1},
        train={},
        title=f"Small, {latent}-d",
        description="For the tests.",
        blocks=model.blocks,
        abilities=tuple(sorted(abilities(model))),
    )
    checkpoint.write_model(folder, manifest, model.state_dict())
    rng = np.random.default_rng(latent)
    mean = spread * rng.standard_normal((COUNT, latent)).astype(np.float32)
    flat = rng.standard_normal((COUNT, 2)).astype(np.float32) if tsne else None
    ones = np.ones(COUNT, np.float32)
    codes = Encodings(mean, mean * 0 - 2, np.arange(COUNT) % 10, ones, ones, flat)
    checkpoint.write_encodings(folder, codes)


def forget() -> None:
    """Empty what the process keeps of checkpoints."""
    service.info.cache_clear()
    service.encodings.cache_clear()
    service.unload_all()
    projections._projection.cache_clear()
    session._squares.cache_clear()


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two checkpoints on offer, vae-2d and vae-5d, and no memory of others."""
    forget()
    write(tmp_path / "vae-2d", 2)
    write(tmp_path / "vae-5d", 5, tsne=True)
    monkeypatch.setattr(catalog, "CHECKPOINTS", tmp_path)
    yield
    forget()


def test_undo_leads_back_through_the_places_where_the_code_rested() -> None:
    visit = Visit("any", Place((0.0, 0.0), None))
    visit.go((1.0, 0.0), 7)
    visit.follow([1.5, 0.0])
    visit.follow([2.0, 0.0])  # a drag, not yet let go
    visit.rest()
    visit.go((3.0, 0.0))
    visit.undo()
    assert visit.place == Place((2.0, 0.0), None)
    visit.undo()
    assert visit.place == Place((1.0, 0.0), 7)
    visit.undo()
    assert visit.place == Place((0.0, 0.0), None)
    before = visit.revision
    visit.undo()
    assert visit.revision == before


def test_sliders_that_say_the_same_leave_the_digit_its_name() -> None:
    visit = Visit("any", Place((0.25, -1.0), 7))
    visit.follow([0.25, -1.0])
    assert visit.place.digit == 7
    visit.follow([0.25, -1.01])
    assert visit.place.digit is None


def test_only_python_s_own_moves_raise_the_revision() -> None:
    visit = Visit("any", Place((0.0,), None))
    visit.follow([1.0])
    visit.rest()
    assert visit.revision == 0
    visit.go((2.0,))
    assert visit.revision == 1


def test_a_drag_on_the_map_is_one_step_back() -> None:
    visit = Visit("any", Place((0.0, 0.0), 7))
    for step in range(1, 4):
        visit.move((0.1 * step, 0.0))
        assert visit.place == Place((round(0.1 * step, 4), 0.0), None)
        assert visit.revision == step, "the sliders take Python's values"
    visit.go((0.3, 0.0))
    visit.undo()
    assert visit.place == Place((0.0, 0.0), 7)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(("kind", "dims"), [("Two dimensions", (3, 1)), ("PCA", (0, 1))])
def test_a_press_on_the_map_moves_the_cursor_there_and_keeps_what_the_map_hides(
    kind: str, dims: tuple[int, int]
) -> None:
    view = projections.Projection("vae-5d", kind, dims)
    z = np.array([0.3, -0.2, 1.0, 0.1, -1.5], np.float32)
    moved = view.place(z, (0.7, -0.4))
    there = np.array(moved.z, np.float32)
    assert view.cursor(there) == pytest.approx((0.7, -0.4), abs=1e-5)
    assert view.points.shape == (COUNT, 2)
    # the way there has no part that the map does not show: nothing shorter would do
    shown = np.array(view.cursor(there)) - np.array(view.cursor(z))
    assert np.linalg.norm(there - z) == pytest.approx(np.linalg.norm(shown), abs=1e-5)


@pytest.mark.usefixtures("shipped")
def test_a_press_on_a_t_sne_picture_takes_the_nearest_digit() -> None:
    view = projections.Projection("vae-5d", "t-SNE", (0, 1))
    place = view.place(np.zeros(5, np.float32), tuple(view.points[11] + 1e-4))
    assert place.digit == 11
    assert view.cursor(np.array(place.z, np.float32)) == pytest.approx(tuple(view.points[11]))


@pytest.mark.usefixtures("shipped")
def test_a_press_far_out_stays_where_codes_are_read() -> None:
    place = projections.Projection("vae-2d", "Two dimensions", (0, 1)).place(
        np.zeros(2, np.float32), (1e9, 1)
    )
    assert place.z == (FARTHEST, 1.0)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("count", [1, 25, 26, COUNT])
def test_what_lies_near_makes_do_with_few_digits(
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
        session.digit_place("vae-2d", 60)


def page() -> None:
    """The head of a run, as main.py has it."""
    import streamlit as st

    from explorer import session

    session.read_link(session.names()[0])
    now = session.visit(st.session_state["model"])
    st.text(f"{now.model} {now.place.z} {now.place.digit}")
    session.write_link(now)


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
def test_a_link_on_its_way_does_not_stay_when_its_code_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address of a run is what it was at the press: the link that the run before wrote has not
    reached the browser yet."""
    written: list[dict[str, str]] = []
    now = session.Visit("vae-2d", session.Place((0.0, 0.0), None))
    home = {"model": "vae-2d", "z": "0,0"}
    address = SimpleNamespace(to_dict=lambda: home, from_dict=written.append)
    monkeypatch.setattr(session.st, "query_params", address)
    now.link = home
    now.go((1.5, -1.0))
    session.write_link(now)
    now.go((0.0, 0.0))
    session.write_link(now)
    session.write_link(now)
    assert written == [{"model": "vae-2d", "z": "1.5,-1"}, home]


@pytest.mark.usefixtures("shipped")
def test_a_new_address_in_the_same_visit_is_followed() -> None:
    app = run(model="vae-2d", z="1,2")
    app.query_params["z"] = "-1,0.5"
    app.run()
    assert app.text[0].value == "vae-2d (-1.0, 0.5) None"


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"model": "gan"}, "`gan`"),
        ({"model": "a`[b](c)"}, "`a'[b](c)`"),
        ({"model": "b" * 999}, f"`{'b' * 60}...`"),
        ({"model": "vae-2d", "z": "1"}, "2 finite numbers"),
        ({"model": "vae-2d", "z": "nan,1"}, "finite"),
        ({"model": "vae-2d", "z": "1e30,0"}, "`z=1e30,0` is not 2 finite numbers"),
        ({"model": "vae-2d", "z": "one,two"}, "`z=one,two` is not 2 finite numbers"),
        ({"model": "vae-2d", "z": ""}, "`z=` is not 2 finite numbers"),
        ({"model": "vae-2d", "digit": "-1"}, "`digit=-1` is no test digit"),
        ({"model": "vae-2d", "digit": "abc"}, "`digit=abc` is no test digit"),
    ],
)
def test_what_a_link_misstates_is_said_and_left_out(query: dict[str, str], words: str) -> None:
    app = run(**query)
    assert words in app.warning[0].value
    assert app.text[0].value == "vae-2d (0.0, 0.0) None"


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("query", [{"z": "1,2"}, {"digit": "3"}, {"z": "1"}, {}])
def test_nothing_leads_back_from_where_a_visit_begins(query: dict[str, str]) -> None:
    app = run(model="vae-2d", **query)
    assert app.session_state["visit"].past == []
    app.query_params.pop("digit", None)
    app.query_params["z"] = "-1,0.5"  # another link, in the same visit
    assert len(app.run().session_state["visit"].past) == 1


@pytest.mark.usefixtures("shipped")
def test_a_change_of_model_keeps_the_digit_and_forgets_the_steps() -> None:
    app = run(model="vae-2d", digit="9")
    app.session_state["model"] = "vae-5d"
    app.run()
    assert app.text[0].value.startswith("vae-5d")
    assert app.text[0].value.endswith(" 9")
    assert app.session_state["visit"].past == []


@pytest.mark.usefixtures("shipped")
def test_a_model_that_is_chosen_counts_more_than_a_link_on_its_way() -> None:
    app = run(model="vae-2d", z="1,2")
    app.session_state["visit"].go((0.5, 0.5))
    app.session_state["visit"].link = {"model": "vae-2d", "z": "0.5,0.5"}  # not yet in the address
    app.session_state["model"], app.session_state["chosen"] = "vae-5d", True
    app.run()
    assert app.text[0].value == "vae-5d (0.0, 0.0, 0.0, 0.0, 0.0) None"
    assert "chosen" not in app.session_state


@pytest.mark.usefixtures("shipped")
def test_a_damaged_checkpoint_is_left_out_and_named() -> None:
    (catalog.CHECKPOINTS / "vae-5d" / checkpoint.ENCODINGS).unlink()
    usable, faults = session.names()
    assert usable == ["vae-2d"]
    assert len(faults) == 1
    assert "vae-5d" in faults[0]
    assert "python -m vae encode" in faults[0]
