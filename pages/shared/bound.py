"""Choices that the address holds, which a link opens in every language.

Streamlit writes the title of what is chosen into the address, in the language of the person who chose, and
reads titles of the present language alone. A link is made in one language and followed in another; one
that a person wrote by hand may name the option itself.
"""

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

from tianji_core.i18n import LANGUAGES, in_language


def bound(key: str, options: Collection[Any], title: Callable[[Any], str]) -> dict[str, Any]:
    """The ``key``, titles and binding of a widget whose ``options`` stand in the address by their titles.

    Where this tab holds no value yet, and the address has the key of an option or its title in another
    language, that option is put there. What the address holds beyond that is left to Streamlit.
    """
    asked = st.query_params.get_all(key)
    if key not in st.session_state and asked and not {title(option) for option in options}.issuperset(asked):
        named = {name: option for option in options for name in _names(option, title(option))}
        found = [named[name] for name in asked if name in named]
        if len(found) == 1:
            st.session_state[key] = found[0]
    return {"key": key, "bind": "query-params", "format_func": title}


def several(key: str, options: Collection[str], title: Callable[[str], str]) -> dict[str, Any]:
    """The ``key``, titles and callback of a choice of several ``options``, which stand in the address by
    themselves. Where this tab holds no value yet, those that the address names are put there; it may name
    them by their titles in any language, as older links do."""
    if key not in st.session_state:
        asked = set(st.query_params.get_all(key))
        st.session_state[key] = [o for o in options if asked & _names(o, title(o))]
    return {"key": key, "on_change": _write, "args": (key,), "format_func": title}


def _write(key: str) -> None:
    """Callback: writes what is chosen into the address."""
    if found := list(st.session_state.get(key) or ()):
        st.query_params[key] = found
    else:
        st.query_params.pop(key, None)


def chosen(key: str, options: Collection[Any], title: Callable[[Any], str]) -> Any:
    """What a widget of :func:`bound` that is drawn later on the page will hold; None for its default."""
    if key in st.session_state:
        return st.session_state[key]
    asked = st.query_params.get(key, "")
    return next((option for option in options if asked in _names(option, title(option))), None)


def _names(option: Any, title: str) -> set[str]:
    """The names by which an address may call an option."""
    return {str(option), title, *(in_language(title, code) for code in LANGUAGES)}
