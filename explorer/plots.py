"""Plotly figures from arrays, with a transparent background. No Streamlit."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

ACCENT = "#4a8cf0"  # between the accents of the light and the dark theme; legible on both
QUIET = "rgba(128, 140, 155, 0.18)"
MUTED = "#8a95a3"  # beside the accent, on both themes
FEW = 10  # epochs that each have a tick
SECOND = "#e08a2e"  # beside both, on both themes


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
        y=[html.escape(name) for name in names],  # Plotly reads HTML
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
    figure.update_yaxes(automargin=True)  # for names with labels
    figure.update_yaxes(
        range=[len(mean) - 0.5, -0.5], showgrid=False, zeroline=False, fixedrange=True, dtick=1
    )
    return figure


class Line(NamedTuple):
    """A quantity over the epochs."""

    name: str  # in the legend
    values: np.ndarray  # [E]
    colour: str
    is_dotted: bool = False  # and left out of the legend


class Panel(NamedTuple):
    """Quantities over the epochs in one chart."""

    title: str
    lines: Sequence[Line]
    is_log: bool = True  # whether the axis is logarithmic, where all values are positive
    range: tuple[float, float] | None = None  # of the axis; None: as it fits
    level: tuple[float, str] | None = None  # a value that is marked, and its name


def losses(panels: Sequence[Panel], epoch: int) -> go.Figure:
    """Charts one below the other, each with its legend, and with a line at `epoch` (from 1).

    Raises ValueError for an epoch beyond the curves.
    """
    rows = max(1, len(panels))
    gap = 0.16 / rows**0.5
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=gap)
    for row, panel in enumerate(panels, 1):
        where: dict[str, Any] = {"row": row, "col": 1}
        for line in panel.lines:
            count = len(line.values)
            if not 1 <= epoch <= count:
                raise ValueError(f"epoch {epoch} is not one of the {count} of {panel.title}")
            figure.add_trace(_trace(line, epoch, _legend(row)), **where)
        # NaN, where a stage of the training recorded nothing, is not plotted
        positive = not any((line.values <= 0).any() for line in panel.lines)
        kind = "log" if panel.is_log and positive else "linear"
        figure.update_yaxes(title_text=panel.title, type=kind, range=panel.range, **where)
        if panel.level:
            figure.add_hline(
                y=panel.level[0],
                line={"color": MUTED, "width": 1, "dash": "dash"},
                annotation={"text": panel.level[1], "font": {"color": MUTED, "size": 11}},
                annotation_position="top right",
                **where,
            )
        top = 1 - (row - 1) * (1 + gap) / rows
        place = {"x": 1, "xanchor": "right", "y": top + 0.01, "yanchor": "bottom"}
        font = {"color": MUTED}
        figure.update_layout({_legend(row): {"orientation": "h", "font": font, **place}})
    figure.add_vline(x=epoch, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.update_layout(
        height=230 * rows,
        margin={"l": 8, "r": 8, "t": 4, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        dragmode=False,
    )
    last = max((len(line.values) for panel in panels for line in panel.lines), default=1)
    figure.update_xaxes(range=[0.5, last + 0.5], fixedrange=True, showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="epoch", row=rows, col=1)
    if last <= FEW:
        figure.update_xaxes(dtick=1)
    figure.update_yaxes(fixedrange=True, zeroline=False, exponentformat="power")
    return figure


def _legend(row: int) -> str:
    """The name of a row's legend in the layout."""
    return "legend" if row == 1 else f"legend{row}"


def _trace(line: Line, epoch: int, legend: str) -> go.Scatter:
    epochs = np.arange(1, len(line.values) + 1)
    return go.Scatter(
        x=epochs,
        y=line.values.astype(np.float32),
        name=line.name,
        mode="lines+markers",
        line={"color": line.colour, "width": 2, "dash": "dot" if line.is_dotted else "solid"},
        marker={
            "size": np.where(epochs == epoch, 9, 0),
            "color": line.colour,
            "opacity": 1,
            "line": {"width": 0},
        },
        legend=legend,
        showlegend=not line.is_dotted,
        hovertemplate="%{y:.4g}<extra>" + line.name + "</extra>",
    )
