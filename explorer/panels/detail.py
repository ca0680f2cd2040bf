"""One sample in detail: its reconstruction, metrics, posterior and samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer import controls, plots, reconstruct_html, reconstruction_metrics, session, text
from explorer.inversions import Codes, Inverting
from explorer.reconstruction_metrics import Figures
from explorer.renderers import renderer


class Subject(NamedTuple):
    """The sample that is shown in detail."""

    title: str  # "test digit 12, a 9"
    sample: np.ndarray  # float32 [*spec.array_shape]
    figures: Figures  # of this sample alone
    row: int | None = None  # its index among the test samples


def panel(name: str, subject: Subject) -> bool:
    """Original, reconstruction and difference, metrics and posterior.

    Returns whether "Explore this code" was clicked.
    """
    info, figures = session.info(name), subject.figures
    numbers = numbers_of(name, figures)
    with st.container(key="detail"):
        pictures(name, subject)
        with st.container(horizontal=True, vertical_alignment="bottom", key="figures"):
            st.html(reconstruct_html.figure_list(numbers))
            clicked = st.button(
                "Explore this code",
                help="Open Explore with this code on its sliders",
                key="explore-code",
                width="content",
            )
        st.html(_about_code(name, figures))
        dims = list(info.order)
        deviation = np.exp(0.5 * figures.logvar[0])
        names = [controls.dim_names(name)[d] for d in dims]
        plot = plots.posterior(figures.mean[0, dims], deviation[dims], names)
        st.plotly_chart(plot, config={"displayModeBar": False}, key="posterior")
    return clicked


def pictures(name: str, subject: Subject) -> None:
    """Original, reconstruction and difference, below the subject's title."""
    decoded = controls.model(name).decode(subject.figures.mean)[0]
    shown = renderer(session.info(name).spec)
    compared = shown.comparison(subject.sample, decoded, subject.title)
    title = f"<h3>{text.html(subject.title[0].upper() + subject.title[1:])}</h3>"
    st.html(title + reconstruct_html.large(compared))


def numbers_of(name: str, figures: Figures) -> list[tuple[str, str]]:
    """The figures of one sample by name: those that the model has."""
    # a posterior that leaves the noise out has no KL from the prior of the whole code
    has_kl = not figures.deterministic and not session.info(name).noise_dims
    error = figures.squared_error
    return reconstruct_html.figure_rows(
        float(figures.cross_entropy[0]),
        float(figures.kl[0]) if has_kl else None,
        None if error is None else float(error[0]),
    )


NO_LIKELIHOOD = (
    " Samples of a GAN have no likelihood, so the squared error takes the place of cross-entropy "
    "and ELBO."
)


def _about_code(name: str, figures: Figures) -> str:
    """Heading and text above the plot of the code: what the code is, and how it was found."""
    info = session.info(name)
    noise = f"{info.noise_dims} dimension{'s' * (info.noise_dims > 1)} of noise"
    if info.inverts:
        also = f" Found as well, without sliders: {noise}." * bool(info.noise_dims)
        return f"<h3>Code</h3><p>Found by gradient steps, so it is a point.{also}</p>"
    without = NO_LIKELIHOOD if info.implicit else ""
    if figures.deterministic:
        return (
            "<h3>Code</h3><p>This encoder is deterministic: its code is a point, without KL, ELBO "
            f"or samples.{without}</p>"
        )
    if info.noise_dims:
        parts = [b.name for b in info.blocks if b.role != "noise"]
        inferred = text.html(" and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])))
        without += f" The encoder infers {inferred}, not the {noise}: a draw of the prior."
    return (
        "<h3>Posterior</h3><p>Mean and standard deviation of each latent dimension; the grey "
        f"band is the prior's.{without}</p>"
    )


def explore(name: str, subject: Subject) -> None:
    """Open Explore with the subject's code on the sliders. Does not return."""
    session.visit(name).move(subject.figures.mean[0], subject.row)
    # Streamlit identifies a page by its path, so another page object of the same path is enough
    st.switch_page(st.Page(lambda: None, title="Explore", url_path="explore"))


def inverted(codes: Codes) -> Figures:
    """The nearest of the codes that an inversion has found, as the figures of one sample."""
    point, zero = np.full((1, codes.codes.shape[1]), -np.inf, np.float32), np.zeros(1)
    return Figures(codes.codes[:1], point, zero, zero, codes.squared_error[:1])


def inversion(name: str, inverting: Inverting, draw: Callable[[], None]) -> bool:
    """How the codes were found, once the search has ended; returns whether it has. Until then its
    progress, Stop, and what was found so far, as `draw` shows it."""
    if inverting.under_way:
        _progress(inverting, draw)
        return False
    st.caption(NO_ENCODER)
    if inverting.error or inverting.stopped:
        with st.container(horizontal=True, vertical_alignment="center", key="inversion-ended"):
            steps = f"after {inverting.done} of {inverting.total} steps" * bool(inverting.total)
            why = text.quoted(inverting.error, text.SENTENCE) if inverting.error else ""
            st.caption(
                f"The search failed: {why}"
                if why
                else f"Stopped {steps or 'before the first step'}."
            )
            st.button(
                "Search again",
                on_click=lambda: inverting.start(session.model(name)),
                type="tertiary",
                key="invert-again",
            )
    return True


@st.fragment(run_every=0.3)
def _progress(inverting: Inverting, draw: Callable[[], None]) -> None:
    if not inverting.under_way:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="inverting"):
        share = inverting.done / inverting.total if inverting.total else 0.0
        what = "Searching for codes by gradient steps"
        st.progress(share, f"{what}: {inverting.done} of {inverting.total}" if share else what)
        st.button("Stop", on_click=inverting.stop, key="stop-inversion")
    draw()


NO_ENCODER = (
    "This model has no encoder: each code was found by gradient steps (inversion), and the squared "
    "error takes the place of cross-entropy, KL and ELBO."
)


def found_codes(name: str, title: str, found: Codes) -> None:
    """What all codes that an inversion has found decode to."""
    decoded = controls.model(name).decode(found.codes)
    shown, errors = renderer(session.info(name).spec), found.squared_error.tolist()
    captions = [reconstruct_html.squared(error) for error in errors]
    tiles = [shown.tile(one, f"code {n}") for n, one in enumerate(decoded, 1)]
    st.html(
        f"<h3>Codes found for {text.html(title)}</h3><p>Each from another start, the best first: "
        "several codes decode to nearly the same image. Below each is its squared error.</p>"
        + reconstruct_html.strip(tiles, captions)
    )


def samples(name: str, subject: Subject) -> None:
    """The decoded mean and decoded samples from the posterior; nothing where it is a point."""
    figures = subject.figures
    if figures.deterministic:
        return
    model = controls.model(name)
    codes = model.draw(subject.sample[None], reconstruction_metrics.DRAWS)[0]
    decoded = model.decode(np.concatenate([figures.mean, codes]))
    captions = ["mean", *[""] * reconstruction_metrics.DRAWS]
    shown = renderer(session.info(name).spec)
    tiles = [
        shown.tile(one, caption or "sample") for one, caption in zip(decoded, captions, strict=True)
    ]
    st.html(
        f"<h3>Samples from the posterior of {text.html(subject.title)}</h3>"
        + reconstruct_html.strip(tiles, captions)
    )
