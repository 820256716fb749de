"""The actions on a generation run: stop, resume, retry, skip, change its limits, and download its answers."""

from collections.abc import Callable

import streamlit as st

from pages.generate.run_crew import stop_crew_button
from pages.generate.run_options import cheap_hours_told, limits_popover
from pages.shared.frame import remember_notice, report_errors, report_figure
from pages.shared.job_progress import stop_button
from pages.shared.text import plain
from tianji_core import generation
from tianji_core.errors import StudioError
from tianji_core.generation import (
    RunOptions,
    RunState,
    options_of,
    raw_path,
    start_generation,
    teachers_of,
)
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.workspace import Workspace


def run_actions(workspace: Workspace, state: RunState, job: Job | None, crew: bool = False) -> None:
    """Draws the buttons that make sense in the state of the run; ``job`` is its newest job, ``crew`` whether
    processes outside of it work on the run."""
    run_id, counts = state.run.id, state.counts
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        if job is not None and job.active:
            stop_button(workspace, job, key=f"stop_run_{run_id}")
        else:
            if crew:
                stop_crew_button(workspace, run_id)
            if counts.pending and st.button(
                _("继续") if job is not None else _("开始"), key=f"resume_{run_id}", icon="▶️", type="primary"
            ):
                _start(lambda: start_generation(workspace, run_id))
            if counts.failed and st.button(
                _("重试失败的 {n} 条", n=counts.failed), key=f"retry_{run_id}", icon="🔁"
            ):
                _start(lambda: generation.retry_failed(workspace, run_id))
            if counts.skipped and st.button(
                _("写跳过的 {n} 条", n=counts.skipped), key=f"take_up_{run_id}", icon="↩️"
            ):
                _start(lambda: generation.take_up(workspace, run_id))
            if counts.pending or counts.failed:
                _limits(workspace, state)
        if counts.pending and st.button(
            _("放弃剩下的"),
            key=f"cancel_{run_id}",
            icon="⏭️",
            help=_("没发出去的任务记为跳过，以后可以再写。"),
        ):
            with report_errors():
                skipped = generation.cancel(workspace, run_id)
                remember_notice(_("跳过了 {n} 条", n=skipped))
                st.rerun()
        if job is None or not job.active:
            path = raw_path(workspace, run_id)
            if path.exists():
                st.download_button(
                    _("下载原始文件 raw.json"),
                    data=path.read_bytes,
                    file_name=f"run-{run_id}-raw.json",
                    mime="application/json",
                    key=f"raw_{run_id}",
                    on_click="ignore",
                    icon="⬇️",
                )
        if counts.done:
            st.page_link(
                "pages/review/page.py",
                label=_("去清洗和审核这一批"),
                icon="🔎",
                query_params={"run": str(run_id)},
            )


def _limits(workspace: Workspace, state: RunState) -> None:
    """Draws budget, deadline and concurrency for the next start."""
    run = state.run

    def save(options: RunOptions, concurrency: int) -> None:
        generation.change_options(workspace, run.id, options, concurrency)

    options = options_of(run)
    cheap = "" if options.cheap_hours else None
    if not options.batch:
        with report_figure():
            cheap = cheap_hours_told(workspace, teachers_of(run)) or cheap
    limits_popover(options, run.concurrency, f"_{run.id}", save, cheap)


def _start(start: Callable[[], Job]) -> None:
    """Starts a job and says so, or says why it cannot start."""
    try:
        job = start()
    except StudioError as error:
        st.error(plain(str(error)), icon="⚠️")
        return
    remember_notice(_("已开始：{title}", title=job.title))
    st.rerun()
