"""Registers a browser component from the script and style beside its Python wrapper.

The browser gets one module: the style as a constant, flow.js, component.js and the helpers that the
component names, then its own script. Where the server serves published files, the component's
inline script is three lines that import that module by URL; inline, the whole of it would travel
again with every change of the data.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from explorer import assets

FOLDER = Path(__file__).parent

# A blob module (what Streamlit makes of an inline script) can import by an absolute URL only.
# Streamlit's own script tag tells where the app's root is, whatever the path prefix.
_LOADER = """
const main = document.querySelector('script[src*="/static/js/"]').src;
const url = main.slice(0, main.lastIndexOf("/static/js/") + 1) + URL_OF_MODULE;
export default async (component) => (await import(url)).default(component);
"""


def module_text(name: str, *helpers: str) -> str:
    """The text of the browser module of component `name`, with helper scripts before its own."""
    style = (FOLDER / f"{name}.css").read_text(encoding="utf-8")
    files = ["flow.js", "component.js", *helpers, f"{name}.js"]
    parts = [f"const STYLE = {json.dumps(style)};"]
    parts += [(FOLDER / file).read_text(encoding="utf-8") for file in files]
    return "\n".join(parts)


def register(name: str, *helpers: str, isolate_styles: bool = True) -> Callable[..., None]:
    """The mounting command of component `name`; call it once, at module level.

    The browser finds the data as `data[0]`: Streamlit looks at each value of a dict for a data
    frame in it, which takes longer than all the rest and imports pandas on the first page.
    """
    script = module_text(name, *helpers)
    if assets.is_served():
        content = script.encode()
        version = hashlib.sha256(content).hexdigest()[:20]
        url = assets.publish_later(f"{version}/{name}.js", lambda: content)
        script = _LOADER.replace("URL_OF_MODULE", json.dumps(url))
    mount = component(f"latent_explorer_{name}", js=script, isolate_styles=isolate_styles)

    def mount_with(data: dict[str, Any], **rest: Any) -> None:
        mount(data=[data], **rest)

    return mount_with


def sent(key: str, name: str) -> dict[str, Any]:
    """What the component mounted under `key` last sent as `name`; {} when it has sent nothing.

    Readable before the component is mounted in a run, so a page can answer first and mount with
    the answer.
    """
    state = st.session_state.get(key)
    found = state.get(name) if isinstance(state, dict) else None
    return dict(found) if isinstance(found, dict) else {}


def news(key: str, name: str) -> dict[str, Any]:
    """As `sent`, but each sending once, however often the script runs for other reasons; {} when
    there is nothing new since it was last asked for. Each sending has a `serial` of its own."""
    raw, seen = sent(key, name), f"{key}:{name}:seen"
    serial = raw.get("serial")
    if serial is None or st.session_state.get(seen) == serial:
        return {}
    st.session_state[seen] = serial
    return raw


def nothing() -> None:
    """The callback that makes a name part of a component's state."""
