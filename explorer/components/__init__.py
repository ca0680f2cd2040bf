"""Browser components: a typed Python wrapper each, beside its script and style."""

from explorer.components.drawing import drawing, drawn
from explorer.components.latent_map import (
    MapClick,
    drag_serial,
    latent_map,
    pending_click,
    pending_drag,
)
from explorer.components.latent_sliders import latent_sliders, slider_values
from explorer.components.stage import EngineLine, stage
from explorer.components.traversals import TilePress, pending_tile, traversals

__all__ = [
    "EngineLine",
    "MapClick",
    "TilePress",
    "drag_serial",
    "drawing",
    "drawn",
    "latent_map",
    "latent_sliders",
    "pending_click",
    "pending_drag",
    "pending_tile",
    "slider_values",
    "stage",
    "traversals",
]
