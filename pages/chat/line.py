"""The line below the talk, in which a person asks in own words; the browser keeps it until it is sent."""

from pathlib import Path

import streamlit as st

from tianji_core.i18n import _

_SENT = "_chat_line_sent"


def own_line(who: str, disabled: bool, asked: str = "") -> str:
    """Draws the field; returns what has just been sent, '' for nothing. ``who`` types: people who share a
    browser do not see each other's line. ``asked`` is the last question of the talk, which is not put
    back."""
    typed = str(
        st.chat_input(_("自己写一句问它"), key="chat_free", submit_mode="stop", disabled=disabled) or ""
    )
    number, text = st.session_state.get(_SENT, (0, ""))
    if typed:
        number, text = st.session_state[_SENT] = (number + 1, typed)
    component = st.components.v2.component(
        "studio_chat_line",
        html="<i hidden></i>",
        js=Path(__file__).with_name("line.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )
    data = {"number": number, "text": text, "ready": not disabled, "who": who, "asked": asked}
    component(key="chat_line", data=data, height=0)
    return typed
