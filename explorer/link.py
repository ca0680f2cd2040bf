"""The query of the page's address: it selects the model and the code, and is updated with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer import session, text
from explorer.visit import Place, Visit
from vae import latent
from vae.latent import FARTHEST, LatentBlock

PRIOR = "prior"  # query parameter, and key of the control: what samples are drawn from
LINKED = ("model", "z", "sample", "digit", PRIOR)  # query parameters; "digit" in old links
TOLERANCE = 0.01  # on the sum of rounded probabilities


def read(offered: list[str]) -> None:
    """Select the model and the code of the address, once for each address.

    Called before the model's select box is drawn. A query that differs from the last one written is
    a new link, or the browser's Back button. A part that is invalid is ignored, with a warning.
    """
    state = st.session_state
    query = {key: st.query_params[key] for key in LINKED if key in st.query_params}
    current = session.current_visit()
    chosen = state.pop("chosen", False)  # a choice in the select box is newer than the address
    if current and (chosen or not query or query == current.link):
        if state.get("model", current.model) not in offered:  # its files were removed meanwhile
            gone = text.quoted(state.get("model", current.model))
            st.warning(f"Model {gone} can no longer be used; {offered[0]} is shown instead.")
            state["model"] = offered[0]
        return
    name = query.get("model", offered[0])
    if name not in offered:
        st.warning(
            f"The link names model {text.quoted(name)}, which does not exist; the models are "
            f"{', '.join(map(text.quoted, offered))}."
        )
        name = offered[0]
    state["model"] = name
    arrived = current is None or current.model != name
    now = session.visit(name)
    now.link = query
    _read_prior(query, name)
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


def _read_prior(query: dict[str, str], name: str) -> None:
    """Choose the prior of an address, the model's own where it has none."""
    priors, state = session.info(name).priors, st.session_state
    if PRIOR in query and query[PRIOR] not in priors:
        st.warning(
            f"The link names the prior {text.quoted(query[PRIOR])}, which "
            f"{text.quoted(session.info(name).title)} does not have; it is left out."
        )
    elif PRIOR in query or PRIOR in state:
        state[PRIOR] = query.get(PRIOR, next(iter(priors), "normal"))


def _place(query: dict[str, str], name: str) -> Place | None:
    """The place of a link's code or test sample, None where it has neither."""
    for key in ("sample", "digit"):
        if key in query:
            spec, count = session.info(name).spec, len(session.encodings(name).labels)
            return session.sample_place(name, index(query[key], count, key, spec.noun))
    if "z" in query:
        return Place.at(code(query["z"], session.info(name).blocks))
    return None


def write(now: Visit) -> None:
    """Write the state to the address bar, where it differs.

    A run reads the address as it was when the run was requested, so it may lack the link that an
    earlier run wrote: `now.link` is compared too.
    """
    z = ",".join(f"{v:g}" for v in now.place.z)
    wanted = {"z": z} if now.place.sample is None else {"sample": str(now.place.sample)}
    before, written = now.link, {"model": now.model} | wanted
    priors = session.info(now.model).priors
    if (prior := st.session_state.get(PRIOR)) in priors[1:]:  # the first one is the default
        written[PRIOR] = str(prior)
    # an old link stays as it is: another address would be one more step of the Back button
    now.link = before if _renamed(before) == written else written
    # the second condition holds where a change of page has emptied the address
    if now.link != before or st.query_params.to_dict() != now.link:
        st.query_params.from_dict(now.link)


def _renamed(query: dict[str, str]) -> dict[str, str]:
    """A query with today's names of its parameters."""
    return {"sample" if key == "digit" else key: value for key, value in query.items()}


def index(given: str, count: int, key: str = "sample", noun: str = "sample") -> int:
    """The index of one of `count` test samples. Raises ValueError for anything else."""
    try:
        found = int(given)
    except ValueError:
        found = -1
    if not 0 <= found < count:
        raise ValueError(
            f"`{key}={text.inert(given)}` is not the index of a test {noun}, 0 to {count - 1:,}"
        )
    return found


def code(given: str, blocks: Sequence[LatentBlock]) -> np.ndarray:
    """The code [Z] of an address.

    Raises ValueError for another number of values, for values that are not finite or beyond
    FARTHEST, and where a categorical block is not a distribution.
    """
    dims = latent.dims(blocks)
    name = f"`z={text.inert(given)}`"
    try:
        values = np.array([float(part) for part in given.split(",")])
    except ValueError:
        values = np.empty(0)
    if len(values) != dims or not (abs(values) <= FARTHEST).all():  # False for NaN too
        raise ValueError(
            f"{name} is not {dims} finite numbers separated by commas, none beyond {FARTHEST:,.0f}"
        )
    for block, where in zip(blocks, latent.slices(blocks), strict=True):
        # the class of an encoded test sample may hold probabilities, not a one-hot vector
        shares = values[where].reshape(block.steps, block.size)
        if not block.is_continuous and (
            (shares < 0).any() or (abs(shares.sum(axis=1) - 1) > TOLERANCE).any()
        ):
            raise ValueError(
                f"{name} selects no {text.inert(block.name)}: of its numbers {where.start + 1} to "
                f"{where.stop} one has to be 1 and the others 0"
            )
    return values
