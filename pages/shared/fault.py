"""What a person sees where the studio itself is at fault."""

import contextlib

import streamlit as st

from pages.shared.frame import current_workspace
from tianji_core.i18n import _
from tianji_core.problems import record_fault


def show_fault(error: Exception) -> bool:
    """Shows one sentence and a way home in place of Streamlit's error; the trace is in
    the server's log and in the workspace's. Returns True, which tells Streamlit that the error is shown."""
    with contextlib.suppress(Exception):  # the workspace itself may be the fault
        record_fault(current_workspace(), error)
    box = st.container(key="fault")
    box.error(
        _(
            "工坊自己出错了（{kind}）。做过的都还在；设置页的“报告问题”能把经过打包，连同刚才的操作一起发给帮忙的人。",
            kind=type(error).__name__,
        ),
        icon="🛠️",
    )
    # The navigation is not there where a callback failed, so this is no link between pages.
    box.html(f'<a href="." target="_self">🏮 {_("回到总览")}</a>')
    return True
