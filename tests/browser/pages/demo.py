"""The components, one a page, with their state in Python beside them as JSON."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import streamlit as st
from PIL import Image

from explorer import controls
from vae.dataspec import DataSpec

PETROFF = "#3f90da #ffa90e #bd1f01 #94a4a2 #832db6 #a96b59 #e76300 #b9ac70 #717581 #92dadd"
COLOURS = PETROFF.split(" ")
GROUPS = (
    "Smileys & Emotion, People & Body, Animals & Nature, Food & Drink, Travel & Places, "
    "Activities, Objects, Symbols, Flags"
)


@st.cache_resource
def points(count: int = 10_000) -> tuple[np.ndarray, np.ndarray]:
    """That many points in ten clouds; point 0 lies alone at (2.5, 2.5)."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, count)
    angle = labels * 2 * np.pi / 10
    centres = 1.6 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = (centres + 0.3 * random.normal(size=(count, 2))).astype(np.float32)
    found[0] = 2.5, 2.5
    return found, labels


@st.cache_resource
def clouds(classes: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """That many points of that many classes in clouds on a grid; one in fifty has no label."""
    random = np.random.default_rng(1)
    labels = random.integers(0, max(classes, 1), count)
    columns = int(np.ceil(np.sqrt(max(classes, 1))))
    centres = np.stack([labels % columns, labels // columns], axis=1)
    found = (centres + 0.2 * random.normal(size=(count, 2))).astype(np.float32)
    return found, np.where(random.random(count) < (0.02 if classes else 1), -1, labels)


@st.cache_resource
def backdrop() -> bytes:
    """A grey gradient as PNG."""
    ramp = np.linspace(40, 120, 64, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.add.outer(ramp, ramp)).save(file, "PNG")
    return file.getvalue()


def demo_map() -> None:
    """The map: its cursor follows its clicks and the buttons."""
    from explorer.components import latent_map

    state = st.session_state
    state.setdefault("cursor", (0.0, 0.0))
    state.setdefault("clicks", [])
    click = latent_map.pending_click("map")
    if click:
        state.cursor = (click.x, click.y)
        state.clicks.append(asdict(click))
    found, labels = points()
    with st.container(horizontal=True):
        if st.button("cursor to (1, 0.5)"):
            state.cursor = (1.0, 0.5)
        st.button("only rerun")
        ellipse = st.checkbox("ellipse")
    latent_map.mount(
        found,
        labels,
        state.cursor,
        axes=("z1", "z2"),
        colours=COLOURS,
        key="map",
        height=520,
        selected=click.index if click else None,
        backdrop=(backdrop(), (-3.0, 3.0, -3.0, 3.0)),
        backdrop_label="backdrop",
        ellipse=(state.cursor[0], state.cursor[1], 0.3, 0.15, 0.0) if ellipse else None,
    )
    st.code(json.dumps({"cursor": state.cursor, "clicks": state.clicks}), language=None)


def living_map(count: int) -> None:
    """A map with all options: drags, selections, fading and a backdrop of the visible range."""
    from explorer.components import latent_map

    found, labels = points(count)
    key, axes = f"living-{count}", ("z1", "z2")
    state = st.session_state.setdefault(f"state-{count}", {"cursor": (0.0, 0.0), "drags": 0})

    def drag() -> None:
        state["drags"] += latent_map.pending_drag(key) is not None

    def select() -> None:
        shape = latent_map.pending_shape(key)
        state["selected"] = None if shape is None else shape.holds(found, labels)

    click = latent_map.pending_click(key)
    if click:
        state["cursor"], state["index"] = (click.x, click.y), click.index
        state["back"] = click.back
    with st.container(horizontal=True):
        st.button("only rerun")
        fades = st.checkbox("fade")
    seen = latent_map.map_view(key, axes)
    latent_map.mount(
        found,
        labels,
        state["cursor"],
        axes=axes,
        colours=COLOURS,
        key=key,
        height=520,
        weights=np.linspace(1, 0, count) if fades else None,
        backdrop=(backdrop(), seen.range) if seen and seen.backdrop_on else None,
        backdrop_label="backdrop",
        on_drag=drag,
        on_shape=select,
    )
    selected = state.get("selected")
    report = {
        "cursor": state["cursor"],
        "index": state.get("index"),
        "back": state.get("back"),
        "drags": state["drags"],
        "view": seen and asdict(seen),
        "selected": None if selected is None else len(selected),
        "labels": None if selected is None else np.unique(labels[selected]).tolist(),
    }
    st.code(json.dumps(report), language=None)


def demo_living() -> None:
    """10,000 points."""
    living_map(10_000)


def demo_crowd() -> None:
    """70,000 points."""
    living_map(70_000)


def coloured_map(names: Sequence[str], count: int = 10_000) -> None:
    """A map of classes of these names, with two columns of values and names of the points."""
    from explorer.components import latent_map

    found, labels = clouds(len(names), count)
    spec = DataSpec("image", (1, 28, 28), "bernoulli", tuple(names), noun="letter")
    slant = (0.4 * np.sin(found[:, 0]) + 0.1 * found[:, 1]).astype(np.float32)
    slant[::40] = np.nan
    error = np.random.default_rng(0).gamma(9, 12, count).astype(np.float32)
    latent_map.mount(
        found,
        labels,
        (0.0, 0.0),
        axes=("PC 1", "PC 2"),
        colours=controls.map_colours(len(names)),
        spec=spec,
        columns={
            "Slant": latent_map.Column(slant, "rad"),
            "Reconstruction error": latent_map.Column(error, "nats"),
        },
        names=[f"face {index:,}" for index in range(count)] if not names else (),
        noun="test letter",
        key=f"coloured-{len(names)}-{count}",
        on_drag=lambda: None,
        on_shape=lambda: None,
    )
    st.button("only rerun")


def demo_letters() -> None:
    """26 classes."""
    coloured_map(list("abcdefghijklmnopqrstuvwxyz"))


def demo_groups() -> None:
    """Nine classes of longer names."""
    coloured_map(GROUPS.split(", "))


def demo_species() -> None:
    """200 classes."""
    coloured_map([f"species {index}" for index in range(200)])


def demo_unlabelled() -> None:
    """No classes."""
    coloured_map([])


def demo_coloured_crowd() -> None:
    """70,000 points of ten classes."""
    coloured_map(list("0123456789"), 70_000)


def demo_sliders() -> None:
    """Sliders in a fragment that keeps each value it was run with."""
    from explorer.components import latent_sliders

    state = st.session_state
    state.setdefault("z", [0.0, 1.25, 4.2])
    state.setdefault("revision", 0)
    state.setdefault("seen", [])
    state.setdefault("releases", 0)

    def release() -> None:
        state.releases += 1

    @st.fragment
    def fragment() -> None:
        if st.button("set all to -1.5"):
            state.z, state.revision = [-1.5] * 3, state.revision + 1
        state.z = latent_sliders.mount(
            ["z1", "z2", "z3"],
            state.z,
            key="sliders",
            ranges=[(-3.0, 3.0)] * 3,
            revision=state.revision,
            notes=["3.9 nats", "2.8 nats", "0.1 nats"],
            weights=[1.0, 0.7, 0.03],
            on_release=release,
        )
        if not state.seen or state.seen[-1] != state.z:
            state.seen.append(list(state.z))
        st.code(
            json.dumps({"z": state.z, "seen": state.seen, "releases": state.releases}),
            language=None,
        )

    fragment()


def demo_drawing() -> None:
    """The canvas, and the share of its PNG that is white."""
    from explorer.components import drawing

    state = st.session_state
    state.setdefault("wiped", 0)
    if st.button("wipe from Python"):
        state.wiped += 1
    st.button("only rerun", key="again")
    png = drawing.mount(key="drawing", clear_revision=state.wiped)
    report = None
    if png:
        image = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
        report = {"shape": image.shape, "ink": round(float((image > 128).mean()), 4)}
    st.code(json.dumps(report), language=None)


def main() -> None:
    """One page for each, so that tests can go from one to the other."""
    st.set_page_config(layout="wide")
    pages = [
        st.Page(demo_map, title="Map", default=True),
        st.Page(demo_living, title="Living"),
        st.Page(demo_crowd, title="Crowd"),
        st.Page(demo_letters, title="Letters"),
        st.Page(demo_groups, title="Groups"),
        st.Page(demo_species, title="Species"),
        st.Page(demo_unlabelled, title="Unlabelled"),
        st.Page(demo_coloured_crowd, title="Coloured crowd"),
        st.Page(demo_sliders, title="Sliders"),
        st.Page(demo_drawing, title="Drawing"),
    ]
    st.navigation(pages, position="top").run()
