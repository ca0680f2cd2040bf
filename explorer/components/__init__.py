"""Browser components: a typed Python wrapper each, beside its script and style."""

from explorer.components.digit_sheet import digit_sheet, pending_press
from explorer.components.drawing import drawing, drawn
from explorer.components.latent_map import (
    MapClick,
    MapShape,
    MapView,
    drag_serial,
    latent_map,
    map_view,
    pending_click,
    pending_drag,
    pending_shape,
)
from explorer.components.latent_sliders import latent_sliders, slider_values
from explorer.components.stage import EngineLine, stage, stage_frame
from explorer.components.traversals import TilePress, pending_tile, traversals

__all__ = [
    "EngineLine",
    "MapClick",
    "MapShape",
    "MapView",
    "TilePress",
    "digit_sheet",
    "drag_serial",
    "drawing",
    "drawn",
    "latent_map",
    "latent_sliders",
    "map_view",
    "pending_click",
    "pending_drag",
    "pending_press",
    "pending_shape",
    "pending_tile",
    "slider_values",
    "stage",
    "stage_frame",
    "traversals",
]
