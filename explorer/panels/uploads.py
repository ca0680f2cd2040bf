"""The visitor's own files: kept for the session, and turned into samples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer import text
from explorer.renderers import Entered, renderer
from vae import image_file
from vae.dataspec import DataSpec

UPLOAD_MB = 20  # of one file
MAX_FILES, MAX_MB = 16, 60  # kept for one uploader
MAX_PREPARED = 64  # cached prepared images of all visitors, at most 1 MB each
LIMITS = f"PNG or JPEG, below {UPLOAD_MB} MB and {image_file.MAX_PIXELS // 1_000_000} megapixels"


@dataclass(frozen=True)
class Upload:
    """An uploaded file."""

    name: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """The sha256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


def uploads(label: str, key: str, *, several: bool = False) -> list[Upload]:
    """Draw an uploader of images and return the images of this session.

    Streamlit drops the files when their uploader leaves the page, so they are kept in the session's
    state, at most MAX_FILES and MAX_MB. The uploader lists the files that were uploaded since it
    was drawn, each with a cross; older ones are listed below it.
    """
    state, listed_key = st.session_state, f"{key}:listed"
    kept: dict[str, Upload] = state.setdefault(f"{key}:kept", {})

    def remove(file_ids: list[str]) -> None:
        for file_id in file_ids:
            kept.pop(file_id, None)
        _keep(kept, _files(key))

    def change() -> None:
        replaced = bool(_files(key)) and not several
        remove(list(kept) if replaced else state[listed_key])

    st.file_uploader(
        label,
        ["png", "jpg", "jpeg"],
        key=key,
        accept_multiple_files=several,
        max_upload_size=UPLOAD_MB,
        on_change=change,
    )
    state[listed_key] = [file.file_id for file in _files(key)]
    left_out = sum(file_id not in kept for file_id in state[listed_key])
    if left_out:
        st.error(
            f"{left_out} of the images were left out: at most {MAX_FILES} images and {MAX_MB} MB "
            "are kept. Remove some first."
        )
    for file_id in [one for one in kept if one not in state[listed_key]]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(text.inert(kept[file_id].name), width="content")
            st.button("Remove", on_click=remove, args=([file_id],), type="tertiary", key=file_id)
    return list(kept.values())


def _files(key: str) -> list[UploadedFile]:
    """The files that the uploader holds now."""
    found = st.session_state.get(key) or []
    return found if isinstance(found, list) else [found]


def _keep(kept: dict[str, Upload], files: list[UploadedFile]) -> None:
    """Add those of the files to `kept` that fit into its limits."""
    size = sum(len(upload.content) for upload in kept.values())
    for file in files:
        fits = len(kept) < MAX_FILES and size + file.size <= MAX_MB << 20
        if file.file_id not in kept and fits:
            kept[file.file_id] = Upload(file.name, file.getvalue())
            size += file.size


def entered(
    file: Upload, spec: DataSpec, invert: str | bool = "auto", advice: str = ""
) -> Entered | None:
    """The file as a sample; where it cannot be used, None, and the reason is shown.

    `advice` is appended to the message for an image without ink.
    """
    found = _prepared(file.digest, spec, invert, file.content)
    if isinstance(found, Entered):
        return found
    contrast = f" Choose {text.with_article(spec.noun)} that contrasts with its background{advice}."
    st.error(
        f"{text.quoted(file.name)} cannot be used: {found.reason}.{contrast if found.read else ''}"
    )
    return None


@dataclass(frozen=True)
class _Fault:
    """Why an image cannot be used, and whether its file could be read."""

    reason: str
    read: bool


@st.cache_resource(show_spinner=False, max_entries=MAX_PREPARED)
def _prepared(digest: str, spec: DataSpec, invert: str | bool, _content: bytes) -> Entered | _Fault:
    """The sample of a file. The cache's key has the digest; Streamlit leaves out `_content`."""
    del digest
    pixels = None
    try:
        pixels = renderer(spec).read(_content)
        return renderer(spec).prepare(pixels, spec, invert)
    except ValueError as error:
        return _Fault(str(error), read=pixels is not None)
