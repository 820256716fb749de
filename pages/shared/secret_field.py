"""Fields for secrets: what was typed does not stay in the page once it has served its purpose."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_USED = "_used_"


def secret_field(place: DeltaGenerator, label: str, key: str, **options: Any) -> str:
    """Draws a password field in ``place`` and returns what is typed; after :func:`forget_secret` it is
    empty. ``options`` are those of ``st.text_input``."""
    if st.session_state.pop(_USED + key, False):
        st.session_state[key] = ""  # Streamlit empties the field in the browser only where it is told a value
    return place.text_input(label, type="password", key=key, **options)


def forget_secret(key: str) -> None:
    """Empties the field ``key`` when the page is drawn next."""
    st.session_state[_USED + key] = True
