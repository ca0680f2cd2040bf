"""The visitor's own images: kept for the session, and made into digits."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer import text
from vae import prepare

UPLOAD_MB = 20
LIMITS = f"PNG or JPEG, below {UPLOAD_MB} MB and {prepare.MAX_PIXELS // 1_000_000} megapixels"


class Upload(NamedTuple):
    """An uploaded file."""

    name: str
    content: bytes


def uploads(label: str, key: str, *, several: bool = False) -> list[Upload]:
    """An uploader of images, and what was uploaded in this session.

    Streamlit forgets the files once their uploader is off the page, so they are kept here. It lists
    those that came since it is on the page, each with a cross; those from before stand below it.
    """
    state, listed_key = st.session_state, f"{key}:listed"
    kept: dict[str, Upload] = state.setdefault(f"{key}:kept", {})

    def remove(file_ids: list[str]) -> None:
        for file_id in file_ids:
            kept.pop(file_id, None)

    def keep() -> None:
        files = _files(key)
        replaced = bool(files) and not several
        remove(list(kept) if replaced else state[listed_key])
        kept.update((file.file_id, Upload(file.name, file.getvalue())) for file in files)

    st.file_uploader(
        label,
        ["png", "jpg", "jpeg"],
        key=key,
        accept_multiple_files=several,
        max_upload_size=UPLOAD_MB,
        on_change=keep,
    )
    state[listed_key] = [file.file_id for file in _files(key)]
    for file_id in [one for one in kept if one not in state[listed_key]]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(text.inert(kept[file_id].name), width="content")
            st.button("Remove", on_click=remove, args=([file_id],), type="tertiary", key=file_id)
    return list(kept.values())


def _files(key: str) -> list[UploadedFile]:
    """What the uploader holds at the moment."""
    found = st.session_state.get(key) or []
    return found if isinstance(found, list) else [found]


def digit(file: Upload, invert: str | bool = "auto", advice: str = "") -> prepare.Prepared | None:
    """An image made into a digit; where it cannot be, a sentence says why and what to do, `advice`
    being for one without ink."""
    way_out = ""
    try:
        pixels = prepare.read_image(file.content)
        way_out = f" Choose a digit that stands out from its ground{advice}."
        return prepare.prepare(pixels, invert)
    except ValueError as error:
        st.error(f"{text.quoted(file.name)} cannot be used: {error}.{way_out}")
        return None
