"""The processes that work on a run together, on PostgreSQL."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from tianji_core import generation
from tianji_core.i18n import _
from tianji_core.store.run_workers import RunWorker
from tianji_core.workspace import Workspace


def show_crew(workers: list[RunWorker]) -> None:
    """Draws how many processes work on a run and how fast each is; nothing where there is none."""
    if workers:
        st.caption(f"👥 {generation.workers_text(workers)}")


def stop_crew_button(workspace: Workspace, run_id: int) -> None:
    """Draws a button that stops the run in every process that works on it."""
    if st.button(_("停下所有 worker"), key=f"stop_crew_{run_id}", icon="⏹️"):
        with report_errors():
            generation.pause_run(workspace, run_id)
            remember_notice(_("批次 {id} 停下了", id=run_id))
            st.rerun()
