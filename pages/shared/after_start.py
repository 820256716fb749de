"""What is to follow a job, chosen beside the button that starts it."""

import streamlit as st

from tianji_core import notices
from tianji_core.i18n import _
from tianji_core.notices import Afterwards
from tianji_core.workspace import Workspace


def after_start(form: str) -> Afterwards:
    """Draws a menu with both choices for the job that ``form`` starts, and returns what is chosen."""
    can_switch_off = bool(notices.switch_off_command())
    with st.popover(_("做完以后"), icon="🔔", key=f"after_{form}"):
        tell = st.checkbox(
            _("做完通知我"),
            key=f"{form}_notify",
            help=_("不管做了多久都通知；用设置页里填好的方式，和这个浏览器的桌面通知"),
        )
        off = st.checkbox(
            _("都做完就关机"),
            key=f"{form}_switch_off",
            disabled=not can_switch_off,
            help=_("别的任务也都结束后，倒数两分钟再关这台机器；倒数时每一页都能取消")
            if can_switch_off
            else _("在这台机器上不知道怎么关机"),
        )
    return Afterwards(notify=tell or None, switch_off=off and can_switch_off)


def keep_after_start(workspace: Workspace, job_id: int | None, wanted: Afterwards) -> None:
    """Stores what was chosen for the job that has just been started."""
    if job_id is not None and wanted != Afterwards():
        notices.save_afterwards(workspace, job_id, wanted)
