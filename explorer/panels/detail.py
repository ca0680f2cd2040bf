"""One sample in detail: its reconstruction, metrics, posterior and samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer import controls, plots, reconstruct_html, reconstruction_metrics, session, text
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
    decoded = controls.model(name).decode(figures.mean)[0]
    kl = None if figures.deterministic else float(figures.kl[0])
    numbers = reconstruct_html.figure_rows(float(figures.cross_entropy[0]), kl)
    pictures = renderer(info.spec).comparison(subject.sample, decoded, subject.title)
    posterior = (
        "<h3>Code</h3><p>This encoder is deterministic: its code is a point, without KL, ELBO or "
        "samples.</p>"
        if figures.deterministic
        else "<h3>Posterior</h3><p>Mean and standard deviation of each latent dimension; the grey "
        "band is the prior's.</p>"
    )
    with st.container(key="detail"):
        title = f"<h3>{text.html(subject.title[0].upper() + subject.title[1:])}</h3>"
        st.html(title + reconstruct_html.large(pictures))
        with st.container(horizontal=True, vertical_alignment="bottom", key="figures"):
            st.html(reconstruct_html.figure_list(numbers))
            clicked = st.button(
                "Explore this code",
                help="Open Explore with this code on its sliders",
                key="explore-code",
                width="content",
            )
        st.html(posterior)
        dims = list(info.order)
        deviation = np.exp(0.5 * figures.logvar[0])
        names = [controls.dim_names(name)[d] for d in dims]
        plot = plots.posterior(figures.mean[0, dims], deviation[dims], names)
        st.plotly_chart(plot, config={"displayModeBar": False}, key="posterior")
    return clicked


def explore(name: str, subject: Subject) -> None:
    """Open Explore with the subject's code on the sliders. Does not return."""
    session.visit(name).move(subject.figures.mean[0], subject.row)
    # Streamlit identifies a page by its path, so another page object of the same path is enough
    st.switch_page(st.Page(lambda: None, title="Explore", url_path="explore"))


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
