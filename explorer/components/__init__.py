"""Browser components: a typed Python wrapper each, beside its script and style."""

from explorer.components.drawing import drawing, drawn
from explorer.components.latent_map import MapClick, latent_map, pending_click
from explorer.components.latent_sliders import latent_sliders, slider_values

__all__ = [
    "MapClick",
    "drawing",
    "drawn",
    "latent_map",
    "latent_sliders",
    "pending_click",
    "slider_values",
]
