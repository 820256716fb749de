"""The widgets of the training form on top of the draft in the workspace: what they show first, and what of it is kept."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from tianji_core.drafts import Typed

LARGEST = 2**32 - 1
"""The largest number of any setting, a seed's; a widget may not hold every other."""
_DEFAULT, _SEEN = "_default_of_", "_seen_of_"


def place(key: str, default: Typed, kept: Typed | None, fits: Callable[[Any], bool] = bool) -> None:
    """Give the widget ``key`` its value before it is drawn: what this tab holds, else what was ``kept`` if it ``fits``,
    else the default. A widget that stood at its default follows it to another one."""
    before = st.session_state.get(_DEFAULT + key, default)
    if key not in st.session_state:
        st.session_state[key] = default if kept is None or not fits(kept) else kept
    elif before != default and st.session_state[key] == before:
        st.session_state[key] = default
    st.session_state[_DEFAULT + key] = default


def number(key: str, default: float, kept: Typed | None, least: float = 0, most: float = LARGEST) -> None:
    """:func:`place` for a number's widget: whole or not like its default."""
    kind = type(default)
    place(key, default, kept, lambda value: type(value) in (kind, int) and least <= value <= most)
    if type(st.session_state[key]) is not kind:  # only then: what is put in would replace what is being typed
        st.session_state[key] = kind(st.session_state[key])


def text(key: str, default: str, kept: Typed | None) -> None:
    """:func:`place` for a text's widget."""
    place(key, default, kept, lambda value: isinstance(value, str))


def put(key: str, value: Typed) -> None:
    """Give a widget a value that is not the person's, as if it had just been placed."""
    st.session_state[key] = value
    for kind in (_DEFAULT, _SEEN):
        st.session_state.pop(kind + key, None)


def moved(key: str, value: object) -> bool:
    """Whether a widget's value is another one than when this tab drew it last; a tab that only looks changes nothing."""
    before = st.session_state.get(_SEEN + key, value)
    st.session_state[_SEEN + key] = value
    return bool(before != value)


def keep(key: str, into: dict[str, Typed], name: str, value: Typed, default: Typed) -> None:
    """Note a widget's value in a draft where this tab changed it, unless it is its default."""
    if not moved(key, value):
        return
    if value == default:
        into.pop(name, None)
    else:
        into[name] = value
