"""One person's review: filter, order, reviewer and keys, and moving between samples.

The address holds the position, so that a refresh shows the same sample.
"""

import hashlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from pages.shared.frame import asked_number
from pages.shared.visitors import role
from tianji_core.cleaning import Context
from tianji_core.recipe import Recipe
from tianji_core.roles import Role, permitted
from tianji_core.store import leases, samples
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.workspace import Workspace

LASTING_PANELS = ("help", "keys")
"""Panels that stay open when another sample is shown; the other panels are about one sample."""
UNSAVED = "review"
"""The draft that holds what was typed about samples and is not saved yet, by the number of the sample."""
PANEL = "do"
"""The query parameter that names the open panel."""


@dataclass(frozen=True)
class ReviewSession:
    """One person's review: filter, order, reviewer and keys. ``keys`` maps actions to keys."""

    workspace: Workspace
    recipe: Recipe
    context: Context
    filter: SampleFilter
    order: str
    who: str
    keys: Mapping[str, str]

    @property
    def lease_holder(self) -> str:
        """Returns the identity under which samples are leased: this reviewer at this studio.

        The tab is not part of it, so that a refresh shows the same sample.
        """
        identity = f"{self.who}|{socket.gethostname()}|{self.workspace.home}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]


def go_to(sample_id: int | None) -> None:
    """Callback: shows this sample, or the next one if it no longer matches; None shows the first match."""
    if open_panel() not in LASTING_PANELS:
        show_panel("")
    put_in_address("id", str(sample_id) if sample_id is not None else "")


def put_in_address(name: str, value: str) -> None:
    """Callback: sets a query parameter; '' removes it."""
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def open_panel() -> str:
    """Returns the name of the open panel, or ''."""
    return st.query_params.get(PANEL, "")


def show_panel(name: str) -> None:
    """Callback: opens a panel; '' closes the open one."""
    put_in_address(PANEL, name)


def toggle_panel(name: str) -> None:
    """Callback: opens a panel, or closes it if it is open."""
    show_panel("" if open_panel() == name else name)


FindSamples = Callable[[int, int, str], list[Sample]]
"""(first sample id or 0, limit, reader) → matching samples in review order, without those that others than
the reader have on screen; '' for all."""
_FEW = 3
"""Samples that are found at once: others may take one at this moment."""


def current_sample(session: ReviewSession, find: FindSamples | None = None) -> Sample | None:
    """Returns the sample in the address, else the next match after it, else the first match.

    Samples that other reviewers are looking at are returned only if no other sample matches. The sample is
    leased to this reviewer.
    """
    engine, holder = session.workspace.engine, session.lease_holder
    find = find or (
        lambda start, limit, reader: samples.page(
            engine,
            replace(session.filter, free_for=reader),
            from_id=start or None,
            limit=limit,
            order=session.order,
        )
    )
    start = asked_number("id") or 0

    def found(limit: int, reader: str) -> list[Sample]:
        return (find(start, limit, reader) if start else []) or find(0, limit, reader)

    while free := found(_FEW, holder):
        if role() < Role.REVIEWER:  # who only looks takes no sample away from a reviewer
            return free[0]
        with permitted(Role.REVIEWER):
            for sample in free:
                if leases.take(engine, sample.id, holder, version=sample.version):
                    return sample
    return next(iter(found(1, "")), None)
