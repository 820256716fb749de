"""Jobs on a page: their progress, stopping them, their log."""

from collections.abc import Mapping

import streamlit as st

from pages.shared.desktop_notices import desktop_notices
from pages.shared.frame import current_workspace, remember_notice, report_errors
from pages.shared.switch_off_line import switch_off_line
from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core import jobs, models
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted
from tianji_core.serving.launch import ServerSubject
from tianji_core.workspace import Workspace


@st.fragment(run_every=2.0)
@report_errors()
def job_strip() -> None:
    """Draws the running jobs in one line at the head of every page, the newest first; a link opens them."""
    workspace = current_workspace()
    switch_off_line(workspace)
    running = jobs.listed(workspace, active=True, limit=4)
    desktop_notices(workspace, running)
    if not running:
        return
    serves = any(jobs.subject_of(job, ServerSubject) for job in running[:3])
    known = models.titles(workspace) if serves else {}  # a reading of every model's manifest
    with st.container(key="strip", horizontal=True, vertical_alignment="center", wrap=False):
        for job in running[:3]:
            with st.container(key=f"strip_{job.id}"):
                job_bar(workspace, job, called(job, known))
        if role() is Role.OWNER:
            more = _("还有更多") if len(running) > 3 else _("看任务")
            st.page_link("pages/jobs/page.py", label=more, icon="⏱️")


def called(job: jobs.Job, known: Mapping[str, str]) -> str:
    """Returns the title of a job as people say it: a server's models by their ``known`` titles."""
    subject = jobs.subject_of(job, ServerSubject)
    if subject is None:
        return job.title
    names = [known.get(name, name) for name in (*subject.models, *subject.adapters)]
    return _("模型服务：{names}", names=_("、").join(names))


def job_bar(workspace: Workspace, job: jobs.Job, title: str = "") -> None:
    """Draws title, share and remaining time of a running job in one line; ``title`` replaces its own."""
    title = plain(title or job.title)
    progress = jobs.read_progress(workspace, job.id)
    share = progress.share if progress is not None else None
    if job.stop_requested:
        st.progress(share or 0.0, text=_("{title} · 正在停止", title=title))
    elif progress is not None and progress.paused:
        st.progress(share or 0.0, text=f"{title} · {plain(progress.paused)}")
    elif share is not None and progress is not None:
        told = (title, f"{int(share * 100)}%", jobs.left_text(progress))
        st.progress(share, text=" · ".join(filter(None, told)))
    elif progress is not None and progress.message:
        st.caption(f"{title} · {plain(progress.message)}")
    else:
        elapsed = jobs.duration_text(job.seconds)
        st.caption(_("{title} · 已运行 {elapsed}", title=title, elapsed=elapsed))


def stop_button(workspace: Workspace, job: jobs.Job, key: str, least: Role = Role.OWNER) -> None:
    """Draws a button that stops a running job, for who has at least the role that may start it."""
    if role() >= least and st.button(_("停止"), key=key, icon="⏹️", disabled=job.stop_requested):
        with report_errors(), permitted(least):
            jobs.stop(workspace, job.id)
            remember_notice(_("已请求停止：{title}", title=job.title))
            st.rerun()


@st.fragment(run_every=1.0)
@report_errors()
def follow_job(workspace: Workspace, job_id: int, stop_key: str, least: Role = Role.OWNER) -> None:
    """Draws a running job with its stop button, and the whole page again when the job ends."""
    job = jobs.get(workspace, job_id)
    if not job.active:
        st.rerun()
    row = st.columns([5, 1], vertical_alignment="center")
    with row[0]:
        job_bar(workspace, job)
    with row[1]:
        stop_button(workspace, job, stop_key, least)


def log_view(workspace: Workspace, job: jobs.Job, lines: int = 12) -> None:
    """Draws the last lines of a job's log."""
    text = jobs.log_tail(workspace, job.id)
    st.code("\n".join(text.splitlines()[-lines:]) or _("（还没有输出）"), language=None, wrap_lines=True)
