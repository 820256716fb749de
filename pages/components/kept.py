"""Widgets that keep what a person set: it is there again after a refresh, and on the way back from another page."""

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

from pages.components.frame import current_workspace, report_errors
from tianji_core.drafts import FormDraft, load_draft, save_draft

Usable = Callable[[Any], Any]
"""From a kept value to the one the widget can hold now, or None."""


def kept(form: str, key: str, usable: Usable) -> dict[str, Any]:
    """The ``key`` and callback of a widget of ``form``. Where this tab holds no value yet, the kept one is put there."""
    if key not in st.session_state:
        value = load_draft(current_workspace(), form, FormDraft).values.get(key)
        if value is not None and (now := usable(value)) is not None:
            st.session_state[key] = now
    return {"key": key, "on_change": note, "args": (form, key)}


def note(form: str, key: str) -> None:
    """Keep what the widget ``key`` holds; called where a person set it, or followed a link that did."""
    value = st.session_state[key]
    with report_errors():
        draft = load_draft(current_workspace(), form, FormDraft)
        draft.values[key] = list(value) if isinstance(value, tuple) else value
        if value is None:
            del draft.values[key]
        save_draft(current_workspace(), form, draft)


def within(least: float, most: float = float("inf")) -> Usable:
    """A number between two bounds, of the kind of the lower one."""

    def usable(value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return type(least)(value) if number and least <= value <= most else None

    return usable


def between(least: float, most: float) -> Usable:
    """A number, or the two ends of a range, between two bounds."""

    def usable(value: Any) -> Any:
        if not isinstance(value, list):
            return within(least, most)(value)
        ends = [within(least, most)(end) for end in value]
        return tuple(ends) if len(ends) == 2 and None not in ends and ends[0] <= ends[1] else None

    return usable


def among(options: Collection[Any]) -> Usable:
    """One of the options."""
    return lambda value: value if value in options else None


def some_of(options: Collection[Any]) -> Usable:
    """Those that are still among the options; None where something was chosen and none of it is left."""

    def usable(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        left = [each for each in value if each in options]
        return left if left or not value else None

    return usable


def any_text(value: Any) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def switch(value: Any) -> bool | None:
    """On or off."""
    return value if isinstance(value, bool) else None
