"""The saved conversations of the chat page."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import forget_typed, kept_text
from tianji_core.i18n import _
from tianji_core.serving.transcript import (
    Transcript,
    changing,
    names_aside,
    put_aside,
    take_out,
    throw_away,
)
from tianji_core.workspace import Workspace


def shelf(workspace: Workspace, transcript: Transcript) -> None:
    """Draws the fields that save the conversation under a name, download it, and open or delete a saved
    one."""
    name = st.text_input(
        _("给这段对话起个名字"), placeholder=_("例如：第 2 轮训练后"), **kept_text("talk_name")
    )
    line = st.container(horizontal=True)
    if line.button(
        _("存起来"),
        key="talk_save",
        icon="🗂️",
        disabled=not (transcript.turns and name.strip()),
    ):
        with report_errors():
            saved_as = put_aside(workspace, transcript, name)
            forget_typed("talk_name")
            remember_notice(_("已存为“{name}”", name=saved_as))
            st.rerun()
    line.download_button(
        _("下载"),
        transcript.markdown() if transcript.turns else "",
        "chat.md",
        "text/markdown",
        key="talk_download",
        icon="⬇️",
        on_click="ignore",
        disabled=not transcript.turns,
    )
    known = names_aside(workspace)
    if not known:
        return
    chosen = st.selectbox(_("存着的对话"), known, key="talk_chosen")
    line = st.container(horizontal=True)
    if line.button(_("打开"), key="talk_open", icon="📂"):
        with report_errors():
            opened = take_out(workspace, str(chosen))
            with changing(workspace) as stored:
                stored.turns = opened.turns
            st.rerun()
    if line.button(_("删除"), key="talk_delete", icon="🗑️"):
        throw_away(workspace, str(chosen))
        st.rerun()
