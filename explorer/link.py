"""The address of the page: which model and code it asks for, and how it follows the visit."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import session, text
from explorer.visit import Place, Visit
from vae.latent import FARTHEST

LINKED = ("model", "z", "digit")  # what the address holds besides the page
DOUBT = 0.01  # by which ten rounded probabilities may miss 1


def read(offered: list[str]) -> None:
    """Choose the model and the code that the address asks for, once for each address.

    Called before the model's choice is drawn. A query that differs from the last one written is a
    new link, or the browser's Back button. A part that cannot be used is left out, with a warning.
    """
    state = st.session_state
    query = {key: st.query_params[key] for key in LINKED if key in st.query_params}
    current = session.current_visit()
    chosen = state.pop("chosen", False)  # the choice is newer than the address of this run
    if current and (chosen or not query or query == current.link):
        if state.get("model", current.model) not in offered:  # its files were removed meanwhile
            gone = text.quoted(state.get("model", current.model))
            st.warning(f"Model {gone} can no longer be used; {offered[0]} is shown instead.")
            state["model"] = offered[0]
        return
    name = query.get("model", offered[0])
    if name not in offered:
        st.warning(
            f"The link asks for model {text.quoted(name)}; on offer are "
            f"{', '.join(map(text.quoted, offered))}."
        )
        name = offered[0]
    state["model"] = name
    arrived = current is None or current.model != name
    now = session.visit(name)
    now.link = query
    try:
        place = _place(query, name)
    except ValueError as error:
        st.warning(f"The link's code was left out: {error}. Correct the address, or continue.")
        return
    if place is None:
        return
    if arrived:
        now.start(place)
    else:
        now.move(*place)


def _place(query: dict[str, str], name: str) -> Place | None:
    """The place that a link asks for, if it asks for one."""
    if "digit" in query:
        count = len(session.encodings(name).labels)
        return session.digit_place(name, index(query["digit"], count))
    if "z" in query:
        info = session.info(name)
        return Place.at(code(query["z"], info.dims, info.digit))
    return None


def write(now: Visit) -> None:
    """Put the state into the address bar, where it differs.

    A run reads the address as it was when the run was requested. So a link that an earlier run
    wrote may not be in it yet: `now.link` is compared too.
    """
    z = ",".join(f"{v:g}" for v in now.place.z)
    wanted = {"z": z} if now.place.digit is None else {"digit": str(now.place.digit)}
    before, now.link = now.link, {"model": now.model} | wanted
    # the second condition holds where a change of page has emptied the address
    if now.link != before or st.query_params.to_dict() != now.link:
        st.query_params.from_dict(now.link)


def index(given: str, count: int) -> int:
    """The index of one of `count` test digits. Raises ValueError where it is none."""
    try:
        found = int(given)
    except ValueError:
        found = -1
    if not 0 <= found < count:
        raise ValueError(
            f"`digit={text.inert(given)}` is no test digit, for those count from 0 to {count - 1:,}"
        )
    return found


def code(given: str, dims: int, digit: slice | None) -> np.ndarray:
    """The code [dims] of an address; `digit` is the block of its digit, if it has one.

    Raises ValueError for another number of values, for values that are not finite or beyond
    FARTHEST, and where the block chooses no digit.
    """
    name = f"`z={text.inert(given)}`"
    try:
        values = np.array([float(part) for part in given.split(",")])
    except ValueError:
        values = np.empty(0)
    if len(values) != dims or not (abs(values) <= FARTHEST).all():  # False for NaN too
        raise ValueError(
            f"{name} is not {dims} finite numbers separated by commas, none beyond {FARTHEST:,.0f}"
        )
    # the block of an encoded test digit may hold ten probabilities instead of a one-hot vector
    if digit and ((values[digit] < 0).any() or abs(values[digit].sum() - 1) > DOUBT):
        raise ValueError(
            f"{name} chooses no digit: of its numbers {digit.start + 1} to {digit.stop} one has "
            "to be 1 and the others 0"
        )
    return values
