"""Starting a job on the models page."""

from collections.abc import Callable

import streamlit as st

from pages.shared.after_start import keep_after_start
from pages.shared.frame import current_workspace, remember_notice, report_errors
from tianji_core import jobs
from tianji_core.i18n import _
from tianji_core.notices import Afterwards


def start(action: Callable[[], jobs.Job], form: str = "", follows: Afterwards | None = None) -> None:
    """Starts a job, stores what ``follows`` it as chosen in ``form`` and draws the page again; an error is
    shown as one line."""
    with report_errors():
        job = action()
        if follows is not None:
            keep_after_start(current_workspace(), form, job.id, follows)
        remember_notice(_("已开始：{title}", title=job.title))
        st.rerun()
