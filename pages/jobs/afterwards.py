"""What is to follow a running job: a notice, and the switching off of the machine."""

import streamlit as st

from pages.shared.after_start import can_switch_off
from pages.shared.frame import report_errors
from pages.shared.kept import held
from tianji_core import jobs, notices
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


def afterwards_part(workspace: Workspace, job: jobs.Job, can_tell: bool) -> None:
    """Draws both choices for a running job; what a person sets is stored at once, and what was set in
    another tab or by the command line is shown. ``can_tell`` says that there is a way to be told."""
    wanted = notices.load_afterwards(workspace, job.id)
    possible, explained = can_switch_off()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.session_state[f"notify_{job.id}"] = bool(wanted.notify)
        st.checkbox(
            _("做完通知我"),
            key=f"notify_{job.id}",
            on_change=_set,
            args=(workspace, job.id, "notify"),
            disabled=not can_tell,
            help=None if can_tell else _("先在设置页填一个通知的地方"),
        )
        st.session_state[f"switch_off_{job.id}"] = wanted.switch_off
        st.checkbox(
            _("都做完就关机"),
            key=f"switch_off_{job.id}",
            on_change=_set,
            args=(workspace, job.id, "switch_off"),
            disabled=not possible,
            help=explained,
        )


def _set(workspace: Workspace, job_id: int, field: str) -> None:
    """Stores one choice; without a wish to be told the job is told of where it took long."""
    if not held(f"{field}_{job_id}"):
        return
    chosen = bool(st.session_state[f"{field}_{job_id}"])
    value = chosen or None if field == "notify" else chosen
    with report_errors():
        wanted = notices.load_afterwards(workspace, job_id)
        notices.save_afterwards(workspace, job_id, wanted.model_copy(update={field: value}))
