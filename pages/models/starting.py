"""Starting a job on the models page."""

from collections.abc import Callable

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from tianji_core import jobs
from tianji_core.i18n import _


def start(action: Callable[[], jobs.Job]) -> None:
    """Starts a job and draws the page again; an error is shown as one line."""
    with report_errors():
        job = action()
        remember_notice(_("已开始：{title}", title=job.title))
        st.rerun()
