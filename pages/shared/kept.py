"""Widgets whose value is kept in the workspace as soon as a person sets it.

The value is there again after a refresh, on the way back from another page and in another tab. Each change
writes one value into the newest draft of its form (:mod:`tianji_core.drafts`), so two tabs lose nothing of
each other. Tables have :mod:`pages.shared.kept_table`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.shared.frame import current_workspace, report_errors
from pages.shared.usable import Usable, any_text, within
from tianji_core.drafts import Typed, changing_draft, load_draft
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted

_DEFAULT = "_default_of_"
TYPED = "typed"
"""The name of the draft for what is typed outside the forms that have one of their own."""


def kept(
    form: str, key: str, usable: Usable, saved: Any = None, name: str = "", *, group: str = ""
) -> dict[str, Any]:
    """The ``key`` and callback of a widget of ``form`` whose own value, ``saved``, is given to the widget.

    The draft is stored under ``name`` (the key where it is '') in the ``group``. Where this tab holds no
    value yet, the stored one is put there. A value that the person sets back to ``saved`` is not stored.
    """
    if key not in st.session_state:
        stored = stored_value(form, name or key, group)
        if stored is not None and (value := usable(stored)) is not None:
            st.session_state[key] = value
    return {"key": key, "on_change": note, "args": (form, key, saved, name, group)}


def kept_at(
    form: str, key: str, usable: Usable, default: Typed, name: str = "", *, group: str = ""
) -> dict[str, Any]:
    """:func:`kept` for a widget without a value of its own, whose ``default`` may be another one at the
    next run.

    A widget that stands at its default follows it; a value that a person set stays.
    """
    before = st.session_state.get(_DEFAULT + key, default)
    arguments = kept(form, key, usable, default, name, group=group)
    if key not in st.session_state or (before != default and st.session_state[key] == before):
        st.session_state[key] = default
    st.session_state[_DEFAULT + key] = default
    return arguments


def kept_text(key: str, saved: str = "", name: str = "") -> dict[str, Any]:
    """:func:`kept` for a text whose own value is ``saved``, in the draft of everything that has no form of
    its own; ``name`` tells texts apart that share a widget, such as those of two samples."""
    return kept(TYPED, key, any_text, saved, name)


def kept_number(key: str, least: float, most: float, saved: float | None) -> dict[str, Any]:
    """As :func:`kept_text` for a number."""
    return kept(TYPED, key, within(least, most), saved)


def kept_limit(form: str, key: str, most: int, saved: int | None, name: str = "") -> dict[str, Any]:
    """:func:`kept` for a whole number from 1 that may be empty, which stands for no limit. Its own value goes
    through the session, because Streamlit puts a value that is given to a field back where a person empties
    it. That it was emptied is stored as 0."""
    if key not in st.session_state:
        typed = within(0, most)(stored_value(form, name or key))
        st.session_state[key] = saved if typed is None else typed or None
    return {"key": key, "on_change": _note_limit, "args": (form, key, saved, name or key)}


def _note_limit(form: str, key: str, saved: int | None, name: str) -> None:
    if held(key):
        typed = st.session_state[key]
        store_value(form, name, None if typed == saved else typed or 0)


def held(key: str) -> bool:
    """Whether the widget of a callback still has its value. The callback of a button may have forgotten it
    just before, and a switch of the recipe forgets all: Streamlit then calls back once more for each widget
    that the page no longer draws."""
    return key in st.session_state


def forget_typed(*keys: str) -> None:
    """Removes texts and numbers of :func:`kept_text` and :func:`kept_number` whose purpose is served."""
    forget(TYPED, {key: key for key in keys})


def put(key: str, value: Typed) -> None:
    """Gives a widget of :func:`kept_at` a value that the person did not type there, as if it were drawn
    first."""
    st.session_state[key] = value
    st.session_state.pop(_DEFAULT + key, None)


def stored_value(form: str, name: str, group: str = "") -> Typed | None:
    """The stored value of a widget, or None."""
    return load_draft(current_workspace(), form).part(group).get(name)


def store_value(form: str, name: str, value: Typed | None, group: str = "") -> None:
    """Stores the value of a widget; None removes it. A draft that cannot be written is shown as one
    sentence."""
    with report_errors(), permitted(Role.REVIEWER), changing_draft(current_workspace(), form) as draft:
        if value is None:
            draft.part(group).pop(name, None)
        else:
            draft.part(group)[name] = value


def note(form: str, key: str, saved: Any = None, name: str = "", group: str = "") -> None:
    """Stores what the widget ``key`` holds; called where a person set it, or followed a link that did."""
    if not held(key):
        return
    value = _plain(st.session_state[key])
    store_value(form, name or key, None if value == _plain(saved) else value, group)


def forget(form: str, keys: Mapping[str, str], group: str = "") -> None:
    """Removes what this tab typed, from its widgets too: the widget's key by the name it is stored under.

    A value that another tab has stored there meanwhile stays.
    """
    with report_errors(), changing_draft(current_workspace(), form) as draft:
        part = draft.part(group)
        for name, key in keys.items():
            held = _plain(st.session_state.get(key))
            emptied = held is None and part.get(name) == 0  # a limit of kept_limit
            if key not in st.session_state or part.get(name) == held or emptied:
                part.pop(name, None)
    for key in keys.values():
        st.session_state.pop(key, None)


def save_bar(
    key: str,
    name: str,
    unsaved: bool,
    discard: Callable[[], None],
    disabled: bool = False,
    told: str = "",
) -> bool:
    """Draws the button ``key`` that saves a form or table and returns whether it was pressed. While there are
    ``unsaved`` changes the bar says so, or what is ``told`` of them, offers the button that calls
    ``discard``, and stays in sight at the foot of the window."""
    with st.container(
        key=f"save_bar_{key}", horizontal=True, vertical_alignment="center", wrap=False, gap="small"
    ):
        pressed = st.button(_("保存"), key=key, type="primary", icon="💾", disabled=disabled)
        if unsaved:
            st.caption(f"✏️ {told}" if told else _("✏️ 有没保存的修改；离开这一页也会留着"), width="stretch")
            st.button(_("放弃修改"), key=f"forget_{name}", on_click=discard)
    return pressed


def show_unsaved(name: str, discard: Callable[[], None]) -> None:
    """The line under a form or table that has unsaved changes, with the button that calls ``discard``."""
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(_("✏️ 有没保存的修改；离开这一页也会留着"))
    right.button(_("放弃修改"), key=f"forget_{name}", on_click=discard, width="stretch")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
