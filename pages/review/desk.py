"""What a person has in front of them while reviewing: which samples, in which order, as whom, with which keys; and moving
from one sample to another. The address holds all of it."""

import hashlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from pages.shared.frame import asked_number
from tianji_core.cleaning import Context
from tianji_core.recipe import Recipe
from tianji_core.store import leases, samples
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.workspace import Workspace

STAYS = ("help", "keys")
"""Panels that stay open from sample to sample; the others are about one of them."""
PANEL = "do"
"""The query parameter that says which panel is open."""


@dataclass(frozen=True)
class Desk:
    """One person's view of the review. ``keys`` maps actions to keys."""

    workspace: Workspace
    recipe: Recipe
    context: Context
    wanted: SampleFilter
    order: str
    who: str
    keys: Mapping[str, str]

    @property
    def place(self) -> str:
        """Who looks at a sample, for the leases: the reviewer at this studio. Not the tab: after a refresh the same
        sample is to be there."""
        mark = f"{self.who}|{socket.gethostname()}|{self.workspace.home}"
        return hashlib.sha256(mark.encode()).hexdigest()[:32]


def go_to(sample_id: int | None) -> None:
    """Callback: show this sample, or the first one after its place; None: the first one of all."""
    if open_panel() not in STAYS:
        show_panel("")
    put_in_address("id", str(sample_id) if sample_id is not None else "")


def put_in_address(name: str, value: str) -> None:
    """Callback: set a query parameter; '' takes it away."""
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def open_panel() -> str:
    """The panel that is open below the buttons, or ''."""
    return st.query_params.get(PANEL, "")


def show_panel(name: str) -> None:
    """Callback: open a panel; '' closes the one that is open."""
    put_in_address(PANEL, name)


def toggle_panel(name: str) -> None:
    """Callback: open a panel, or close it where it is open."""
    show_panel("" if open_panel() == name else name)


Find = Callable[[int, int], list[Sample]]
"""(number to begin with or 0, how many at most) → samples in the order they are to be seen."""


def current_sample(desk: Desk, find: Find | None = None) -> Sample | None:
    """The sample in the address, or the first one after its place, or the first one of all. Those that other people are
    looking at come only when there is nothing else."""
    engine = desk.workspace.engine
    find = find or (
        lambda start, limit: samples.page(
            engine, desk.wanted, from_id=start or None, limit=limit, order=desk.order
        )
    )
    start = asked_number("id") or 0
    held = leases.others(engine, desk.place)
    limit = 2 * len(held) + 3  # some more, for those that are taken this very moment
    found = find(start, limit) if start else []
    if not any(sample.id not in held for sample in found):
        found += find(0, limit)
    for sample in found:
        if sample.id not in held and leases.take(engine, sample.id, desk.place):
            return sample
    return found[0] if found else None
