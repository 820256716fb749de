"""Widgets that keep what a person set: it is there again after a refresh, and on the way back from another page."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import streamlit as st

from pages.shared.frame import current_workspace, report_errors
from tianji_core.drafts import FormDraft, load_draft, save_draft
from tianji_core.i18n import _

Usable = Callable[[Any], Any]
"""From a kept value to the one the widget can hold now, or None."""


def kept(form: str, key: str, usable: Usable, saved: Any = None, name: str = "") -> dict[str, Any]:
    """The ``key`` and callback of a widget of ``form``. Where this tab holds no value yet, the one kept under ``name`` (the
    key, where it is '') is put there. What a person sets back to ``saved``, the value it has of itself, is not kept."""
    if key not in st.session_state:
        value = load_draft(current_workspace(), form, FormDraft).values.get(name or key)
        if value is not None and (now := usable(value)) is not None:
            st.session_state[key] = now
    return {"key": key, "on_change": note, "args": (form, key, saved, name)}


def note(form: str, key: str, saved: Any = None, name: str = "") -> None:
    """Keep what the widget ``key`` holds; called where a person set it, or followed a link that did."""
    value = st.session_state[key]
    plain = list(value) if isinstance(value, tuple) else value
    with report_errors():
        draft = load_draft(current_workspace(), form, FormDraft)
        if value is None or value == saved:
            draft.values.pop(name or key, None)
        else:
            draft.values[name or key] = plain
        save_draft(current_workspace(), form, draft)


def forget(form: str, keys: Mapping[str, str]) -> None:
    """Let go of what was typed, in this tab too: the widget's key by the name it is kept under."""
    with report_errors():
        draft = load_draft(current_workspace(), form, FormDraft)
        left = {name: value for name, value in draft.values.items() if name not in keys}
        if left != draft.values:
            save_draft(current_workspace(), form, FormDraft(values=left))
    for key in keys.values():
        st.session_state.pop(key, None)


def show_unsaved(form: str, keys: Mapping[str, str]) -> None:
    """The line under a form that says so, with the way back to what is saved."""
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(_("✏️ 有没保存的修改；离开这一页也会留着"))
    right.button(
        _("放弃修改"), key=f"forget_{form}", on_click=forget, args=(form, dict(keys)), width="stretch"
    )


def within(least: float, most: float = float("inf")) -> Usable:
    """A number between two bounds, of the kind of the lower one."""

    def usable(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            return None
        try:
            return type(least)(value)
        except OverflowError:  # endless, or too long for a float
            return None

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
