"""The widgets of the training form on top of the draft in the workspace: what they show first, and what of it is kept."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from tianji_core.drafts import Typed

LARGEST = 10_000_000
"""Numbers beyond it are no setting; a widget may not hold them."""
_DEFAULT = "_default_of_"


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


def keep(into: dict[str, Typed], name: str, value: Typed, default: Typed) -> None:
    """Note a widget's value in a draft where it is not its default."""
    if value == default:
        into.pop(name, None)
    else:
        into[name] = value
