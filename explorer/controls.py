"""Widgets that several pages share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from explorer import originals, session, text
from vae import latent
from vae.dataspec import DataSpec
from vae.latent import LatentBlock

# Petroff's ten (arXiv 2107.02270), which can be told apart with every kind of colour vision
CLASS_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
GREYISH = ("#94a4a2", "#717581")
MOST_COLOURED = 26  # classes; beyond, each colour would belong to too many


def class_colours(count: int) -> list[str]:
    """The colours of `count` classes in their order.

    Beyond ten they repeat, and on the map those that share one have different glyphs; beyond
    MOST_COLOURED all are neutral.
    """
    if count > MOST_COLOURED:
        return [text.UNLABELLED_COLOUR] * count
    return [CLASS_COLOURS[label % len(CLASS_COLOURS)] for label in range(count)]


def map_colours(count: int) -> list[str]:
    """The colours of `count` classes on the map; beyond MOST_COLOURED those that a visitor gives to
    classes of choice, among grey ones."""
    if count <= MOST_COLOURED:
        return class_colours(count)
    return [colour for colour in CLASS_COLOURS if colour not in GREYISH]


def colour(label: int, count: int) -> str:
    """The colour of one of `count` classes; a neutral one for samples without a label."""
    return text.UNLABELLED_COLOUR if label == text.UNLABELLED else class_colours(count)[label]


def model(name: str, *, spinner: bool = True) -> session.Model:
    """The model, with a spinner while it is loaded.

    Where its checkpoint cannot be read, the reason is shown and the run ends. What is drawn already
    stays, including the choice of another model.
    """
    try:
        if session.is_ready(name) or not spinner:
            return session.model(name)
        with st.spinner(f"Loading {text.quoted(session.info(name).title)} ..."):
            return session.model(name)
    except ValueError as error:
        st.error(f"This model cannot be used: {text.quoted(str(error), text.SENTENCE)}")
        st.stop()


def dim_names(name: str) -> list[str]:
    """The names of the latent dimensions, on one line each."""
    return [text.inert(each) for each in latent.names(session.info(name).blocks)]


def choices(block: LatentBlock, spec: DataSpec) -> list[str]:
    """The names of the values of a categorical block: its labels, or the classes, or numbers from
    1."""
    numbers = [str(place + 1) for place in range(block.size)]
    if block.role == "class" and len(spec.classes) == block.size:
        return text.class_names(spec)
    labels = block.labels or numbers
    return [text.inert(label) or number for label, number in zip(labels, numbers, strict=True)]


def noise_help(count: int) -> str:
    """The help of the button New noise."""
    return (
        f"Draws the {count} dimensions of noise anew and keeps all others. Noise varies what the "
        "sliders do not; it has no sliders, because none of its dimensions means anything alone"
    )


def ranges(name: str, dims: Sequence[int]) -> list[tuple[float, float]]:
    """The lowest and the highest value of the sliders of these dimensions."""
    limits = latent.limits(session.info(name).blocks)
    return [(float(low), float(high)) for low, high in limits[list(dims)]]


def kl_notes(name: str, dims: Sequence[int]) -> dict[str, Any]:
    """The `notes` and `weights` of `latent_sliders` for these dimensions: the KL of each in nats,
    and its share of the largest. Empty for a model without a KL."""
    kl = session.info(name).kl
    if not any(kl):
        return {}
    return {
        "notes": [f"{kl[dim]:.1f} nats" for dim in dims],
        "weights": [kl[dim] / max(kl) for dim in dims],
    }


def keep_valid(key: str, options: Sequence[str]) -> str:
    """Forget the value of a widget that is none of its options now, as another model may offer
    others; returns the default.

    A valid value is not set here: it would replace the visitor's own when a browser reconnects to a
    restarted server.
    """
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
    return options[0]


def pager(start: int, step: int, count: int, move: Callable[[int], None], key: str) -> None:
    """Buttons that page through `count` items by `step`; `move` is called with the index of the
    first item of the new page."""
    last = start + step >= count
    back, forth = max(0, start - step), min(start + step, max(0, count - 1))
    st.button("Previous", on_click=move, args=(back,), disabled=start <= 0, key=f"{key}-previous")
    st.button("Next", on_click=move, args=(forth,), disabled=last, key=f"{key}-next")


@st.fragment(run_every=0.5)
def _loading_progress(name: str) -> None:
    current, visitor = originals.loading(name), originals.visitor(name)
    if not current.is_watched_by(visitor):
        st.rerun()
    info = session.info(name)
    sort = "MNIST" if info.data == "mnist" else text.inert(info.data)
    if not current.total:  # not a download
        st.caption(f"The test {info.spec.nouns} of {text.quoted(sort)} are being read ...")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(
            current.done / current.total,
            f"{sort}'s test {info.spec.nouns} are being downloaded: {current.done / 1e6:.1f} MB",
        )
        st.button("Stop", on_click=current.stop, args=(visitor,), key="stop-originals")


def originals_line(name: str, *, inverted: bool = False) -> None:
    """One line while the model's originals are read or unavailable; nothing once they are loaded.
    A model that cannot encode has originals where they are `inverted`."""
    if not (session.info(name).encodes or inverted):
        return
    if originals.reconstructed(name) is not None:
        return
    current, visitor = originals.loading(name), originals.visitor(name)
    if current.is_watched_by(visitor):
        _loading_progress(name)
    elif session.info(name).data == "mnist":
        if current.dataset is None:
            _mnist_line(name)
    else:
        _missing_line(name)
    if visitor.attempts and current.error and not visitor.stopped:
        # the number distinguishes a second failure from the first
        sort = "MNIST" if session.info(name).data == "mnist" else "The data"
        st.warning(f"{sort} could not be fetched (attempt {visitor.attempts}): {current.error}")


def _mnist_line(name: str) -> None:
    _offer_fetch(
        name,
        "MNIST's images are missing, so scikit-learn's digits are shown as originals; the map "
        "and every control work without them. To load MNIST, go online and click Fetch MNIST, "
        "or set `LATENT_DATA` to a folder that holds the four files.",
        "Fetch MNIST",
        help=text.quoted(originals.loading(name).error or originals.STOPPED, text.SENTENCE),
    )


def _missing_line(name: str) -> None:
    fault = text.quoted(originals.fault(name), text.SENTENCE)
    nouns = session.info(name).spec.nouns
    _offer_fetch(
        name, f"The original {nouns} of this model are not available: {fault}", "Try again"
    )


def _offer_fetch(name: str, sentence: str, button: str, help: str | None = None) -> None:
    """A sentence with a button that fetches a model's originals."""
    with st.container(horizontal=True, vertical_alignment="center", key="offline"):
        st.caption(sentence, help=help)
        st.button(
            button,
            on_click=originals.fetch,
            args=(name,),
            type="tertiary",
            key="fetch-originals",
        )
