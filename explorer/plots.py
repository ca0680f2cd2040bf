"""Plotly figures from arrays, with a transparent background. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

ACCENT = "#4a8cf0"  # between the accents of the light and the dark theme; legible on both
QUIET = "rgba(128, 140, 155, 0.18)"
MUTED = "#8a95a3"  # beside the accent, on both themes


def posterior(mean: np.ndarray, deviation: np.ndarray, names: Sequence[str]) -> go.Figure:
    """A posterior's mean and standard deviation, a row for each dimension, the first on top.

    The grey band is the prior's deviation, -1 to 1: a dimension whose bar fills it carries no
    information on the image. Rows without deviation show the mean only. Raises ValueError where
    mean [Z], deviation [Z] and names differ in length, a mean is not finite, or a deviation is
    negative or NaN.
    """
    if mean.ndim != 1 or mean.shape != deviation.shape or len(names) != len(mean):
        raise ValueError(
            f"mean {list(mean.shape)}, deviation {list(deviation.shape)} and {len(names)} names "
            "must have one length"
        )
    if not np.isfinite(mean).all() or not (deviation >= 0).all():
        raise ValueError(
            f"mean {mean} must be finite and deviation {deviation} must not be below 0"
        )
    row_height = min(34, max(13, 240 // len(mean)))  # pixels
    reach = max(3.2, float((np.abs(mean) + deviation).max()) * 1.08)
    scatter = go.Scatter(
        x=mean.astype(np.float32),
        y=list(names),
        mode="markers",
        marker={"color": ACCENT, "size": min(9, row_height // 2)},
        error_x={
            "array": deviation.astype(np.float32),
            "color": ACCENT,
            "thickness": 2,
            "width": min(4, row_height // 4),
        },
        customdata=deviation.astype(np.float32),
        hovertemplate="%{y}: %{x:.2f} \u00b1 %{customdata:.2f}<extra></extra>",
    )
    if not deviation.any():
        scatter.update(error_x=None, hovertemplate="%{y}: %{x:.2f}<extra></extra>")
    figure = go.Figure(scatter)
    if deviation.any():
        figure.add_vrect(x0=-1, x1=1, fillcolor=QUIET, line_width=0, layer="below")
    figure.update_layout(
        height=row_height * len(mean) + 40,
        margin={"l": 32, "r": 8, "t": 4, "b": 30},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(range=[-reach, reach], zeroline=True, fixedrange=True, dtick=1)
    figure.update_yaxes(
        range=[len(mean) - 0.5, -0.5], showgrid=False, zeroline=False, fixedrange=True, dtick=1
    )
    return figure


class Panel(NamedTuple):
    """A loss over the epochs."""

    title: str
    training: np.ndarray  # [E]
    validation: np.ndarray | None  # [E]


def losses(panels: Sequence[Panel], epoch: int) -> go.Figure:
    """Loss curves one below the other, with a line at `epoch` (from 1).

    Raises ValueError for an epoch beyond the curves.
    """
    figure = make_subplots(
        rows=max(1, len(panels)), cols=1, shared_xaxes=True, vertical_spacing=0.12
    )
    for row, panel in enumerate(panels, 1):
        count = len(panel.training)
        if not 1 <= epoch <= count:
            raise ValueError(f"epoch {epoch} is not one of the {count} of {panel.title}")
        epochs = np.arange(1, count + 1)
        for name, values, colour in (
            ("training", panel.training, MUTED),
            ("validation", panel.validation, ACCENT),
        ):
            if values is None:
                continue
            sizes = np.where(epochs == epoch, 9, 0)
            line = go.Scatter(
                x=epochs,
                y=values.astype(np.float32),
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={"size": sizes, "color": colour, "opacity": 1, "line": {"width": 0}},
                legendgroup=name,
                showlegend=row == 1,
                hovertemplate="%{y:.4g}<extra>" + name + "</extra>",
            )
            figure.add_trace(line, row=row, col=1)
        figure.update_yaxes(title_text=panel.title, row=row, col=1)
    figure.add_vline(x=epoch, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.update_layout(
        height=230 * max(1, len(panels)),
        margin={"l": 8, "r": 8, "t": 4, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.01, "yanchor": "bottom"},
        hovermode="x unified",
        dragmode=False,
    )
    last = max((len(panel.training) for panel in panels), default=1)
    figure.update_xaxes(range=[0.5, last + 0.5], fixedrange=True, showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="epoch", row=max(1, len(panels)), col=1)
    figure.update_yaxes(type="log", fixedrange=True, zeroline=False, exponentformat="power")
    return figure
