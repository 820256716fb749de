"""The line on every page that says that the machine is about to be switched off, with the way to stop it."""

import time

import streamlit as st

from pages.shared.visitors import role
from tianji_core import jobs, notices
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.workspace import Workspace


def switch_off_line(workspace: Workspace) -> None:
    """Draws the countdown, for as long as one is under way."""
    state = notices.switching_off(workspace)
    if state is None:
        return
    with st.container(key="switch_off_line", horizontal=True, vertical_alignment="center"):
        if state.at is None:
            st.warning(_("还有 {n} 个任务，都做完就关掉这台机器", n=state.others), icon="🔌")
        else:
            left = jobs.duration_text(max(0.0, state.at - time.time()))
            st.warning(_("{left}后关掉这台机器", left=left), icon="🔌")
        if role() is Role.OWNER and st.button(_("别关机"), key="keep_on", type="primary"):
            notices.keep_on(workspace)
            st.rerun()
