"""The choices of the chat on a narrow screen: one line that says what is chosen and opens them. The style
sheet shows the line there only, and hides the choices there only while they are folded."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.text import plain
from tianji_core.i18n import _

_OPEN = "_chat_choices_open"


def choices_box() -> DeltaGenerator:
    """Returns the container of the choices."""
    return st.container(key="chat_choices" if st.session_state.get(_OPEN) else "chat_choices_folded")


def fold_button(chosen: str) -> None:
    """Draws the line that says what is ``chosen``, and opens or folds the choices."""
    opened = bool(st.session_state.get(_OPEN))
    st.button(
        plain(chosen) or _("选写给谁、写什么"),
        key="chat_fold",
        icon=":material/expand_less:" if opened else ":material/expand_more:",
        on_click=_fold,
        width="stretch",
    )


def _fold() -> None:
    st.session_state[_OPEN] = not st.session_state.get(_OPEN)
