"""Registers a browser component from the ES module and style beside its Python wrapper.

Where the server serves published files, the browser loads the modules by URL from one folder, whose
name is a digest of all their texts. The component's inline script only imports them, because
Streamlit sends it again with every change of the data. Elsewhere the inline script is a bundle of
the modules.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from explorer import assets
from explorer.components import bundle

# The script is a blob, which can import by an absolute URL only. Streamlit's own script is at the
# app's root, whatever the path prefix. The links load all modules at once, not import by import.
_LOADER = """
const main = document.querySelector('script[src*="/static/js/"]').src;
const url = main.slice(0, main.lastIndexOf("/static/js/") + 1) + ENTRY;
for (const file of IMPORTS) {
  const link = Object.assign(document.createElement("link"), { rel: "modulepreload" });
  link.href = new URL(file, url);
  document.head.append(link);
}
export default async (component) => (await import(url)).default(component);
"""


@cache
def _modules() -> tuple[str, dict[str, bytes]]:
    """The folder that the modules are published in, and their contents by file name."""
    contents = {file: text.encode() for file, text in bundle.sources().items()}
    digest = hashlib.sha256()
    for file, content in contents.items():
        digest.update(f"{file} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:20], contents


def _publish() -> str:
    """Publish all modules and return the URL of their folder, relative to the app's root."""
    folder, contents = _modules()
    for file, content in contents.items():
        assets.publish_later(f"{folder}/{file}", lambda content=content: content)
    return f"{assets.PREFIX}/{folder}"


def script(name: str) -> str:
    """The script of component `name`: a loader where modules are served, else the bundle."""
    entry = f"{name}.js"
    if not assets.is_served():
        return bundle.bundle(entry)
    imports = [file for file in bundle.modules(entry) if file != entry]
    url = f"{_publish()}/{entry}"
    return _LOADER.replace("ENTRY", json.dumps(url)).replace("IMPORTS", json.dumps(imports))


def register(name: str, *, isolate_styles: bool = True) -> Callable[..., None]:
    """The mounting command of component `name`; call it once, at module level.

    The browser finds the data as `data[0]`: Streamlit looks for a data frame in each value of a
    dict, which takes longer than everything else and imports pandas on the first page.
    """
    mount = component(f"latent_explorer_{name}", js=script(name), isolate_styles=isolate_styles)

    def mount_with(data: dict[str, Any], **rest: Any) -> None:
        mount(data=[data], **rest)

    return mount_with


def last_message(key: str, state: str) -> dict[str, Any]:
    """The last message that the component `key` sent as `state`; {} where there is none.

    It can be read before the component is mounted in a run, so that a page can first compute the
    data to mount it with.
    """
    states = st.session_state.get(key)
    found = states.get(state) if isinstance(states, dict) else None
    return dict(found) if isinstance(found, dict) else {}


def new_message(key: str, state: str) -> dict[str, Any]:
    """As `last_message`, but each message is returned once, however often the script runs; {} where
    there is no new one. Messages are identified by their `serial`."""
    message, seen = last_message(key, state), f"{key}:{state}:seen"
    serial = message.get("serial")
    if serial is None or st.session_state.get(seen) == serial:
        return {}
    st.session_state[seen] = serial
    return message


def ignore() -> None:
    """A callback that does nothing: a component has a state only where it has a callback for it."""
