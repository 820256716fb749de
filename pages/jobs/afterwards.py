"""What is to follow a running job: a notice, and the switching off of the machine."""

import streamlit as st

from pages.shared.frame import report_errors
from tianji_core import jobs, notices
from tianji_core.i18n import _
from tianji_core.notices import Afterwards
from tianji_core.workspace import Workspace


def afterwards_part(workspace: Workspace, job: jobs.Job) -> None:
    """Draws both choices for a running job; what a person sets is stored at once."""
    wanted = notices.load_afterwards(workspace, job.id)
    can_tell = bool(notices.channels_in_use(workspace))
    can_switch_off = bool(notices.switch_off_command())
    with st.container(horizontal=True, vertical_alignment="center"):
        notify = st.checkbox(
            _("做完通知我"),
            bool(wanted.notify),
            key=f"notify_{job.id}",
            disabled=not can_tell,
            help=None if can_tell else _("先在设置页填一个通知的地方"),
        )
        switch_off = st.checkbox(
            _("都做完就关机"),
            wanted.switch_off,
            key=f"switch_off_{job.id}",
            disabled=not can_switch_off,
            help=_("别的任务也都结束后，倒数两分钟再关这台机器；倒数时每一页都能取消")
            if can_switch_off
            else _("在这台机器上不知道怎么关机"),
        )
    chosen = Afterwards(notify=True if notify else None, switch_off=switch_off)
    if chosen != wanted.model_copy(update={"notify": wanted.notify or None}):
        with report_errors():
            notices.save_afterwards(workspace, job.id, chosen)
