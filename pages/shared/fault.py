"""What a person sees where the studio itself is at fault."""

import streamlit as st

from tianji_core.i18n import _


def show_fault(error: Exception) -> bool:
    """Shows one sentence and a way home in place of Streamlit's error; the trace is in the server's log.
    Returns True, which tells Streamlit that the error is shown."""
    box = st.container(key="fault")
    box.error(
        _(
            "工坊自己出错了（{kind}）。做过的都还在；完整的错误写在启动工坊的那个终端里，可以连同刚才的操作一起报告。",
            kind=type(error).__name__,
        ),
        icon="🛠️",
    )
    # The navigation is not there where a callback failed, so this is no link between pages.
    box.html(f'<a href="." target="_self">🏮 {_("回到总览")}</a>')
    return True
