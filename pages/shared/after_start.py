"""What is to follow a job, chosen beside the button that starts it."""

import streamlit as st

from tianji_core import notices
from tianji_core.errors import NoticeError
from tianji_core.i18n import _
from tianji_core.notices import Afterwards
from tianji_core.workspace import Workspace


def can_switch_off() -> tuple[bool, str]:
    """Returns whether this machine can be switched off, and the text that explains the choice."""
    try:
        known = bool(notices.switch_off_command())
    except NoticeError as error:  # the person's own command; nothing else depends on it
        return False, str(error)
    if not known:
        return False, _("在这台机器上不知道怎么关机")
    return True, _("别的任务也都结束后，倒数两分钟再关这台机器；倒数时每一页都能取消")


def after_start(form: str) -> Afterwards:
    """Draws a menu with both choices for the job that ``form`` starts, and returns what is chosen. A choice
    is for one job: after a start both are unset."""
    if st.session_state.pop(_begun(form), False):
        for field in ("notify", "switch_off"):
            st.session_state[f"{form}_{field}"] = False
    possible, explained = can_switch_off()
    with st.popover(_("做完以后"), icon="🔔", key=f"after_{form}"):
        tell = st.checkbox(
            _("做完通知我"),
            key=f"{form}_notify",
            help=_("不管做了多久都通知；用设置页里填好的方式，和这个浏览器的桌面通知"),
        )
        off = st.checkbox(_("都做完就关机"), key=f"{form}_switch_off", disabled=not possible, help=explained)
    return Afterwards(notify=tell or None, switch_off=off and possible)


def keep_after_start(workspace: Workspace, form: str, job_id: int | None, wanted: Afterwards) -> None:
    """Stores what was chosen for the job that ``form`` has just started; the next one begins without."""
    st.session_state[_begun(form)] = True
    if job_id is not None and wanted != Afterwards():
        notices.save_afterwards(workspace, job_id, wanted)


def _begun(form: str) -> str:
    return f"{form}_begun"
