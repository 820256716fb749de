"""任务: the background jobs of the studio, with their logs."""

import streamlit as st

from pages.jobs.afterwards import afterwards_part
from pages.shared.clock import SECOND, local_time
from pages.shared.frame import report_errors
from pages.shared.header import page_header
from pages.shared.job_progress import job_bar, log_view, stop_button
from pages.shared.text import plain
from tianji_core import jobs
from tianji_core.i18n import _

ICONS = {"starting": "🟡", "running": "🟢", "succeeded": "✅", "failed": "❌", "stopped": "⏹️", "lost": "👻"}
KINDS = {
    "generate": _("造数"),
    "rate": _("打分"),
    "suggest": _("提建议"),
    "judge": _("评审"),
    "import": _("导入"),
    "rewrite": _("改写"),
    "trial": _("试跑基座"),
    "train": _("训练"),
    "convert": _("转换"),
    "merge": _("合并"),
    "download": _("下载"),
    "sweep": _("扫描检查点"),
    "vote": _("投票"),
    "serve": _("模型服务"),
    "demo": _("走一遍"),
    "push": _("推送"),
}

workspace = page_header(
    "jobs", _("任务"), _("造数、训练、合并、下载和模型服务都在后台运行；关掉网页或重启工坊，它们也不会停。")
)
kind = st.pills(_("种类"), list(KINDS), format_func=lambda k: KINDS[k], key="kind", bind="query-params")


@st.fragment(run_every=2.0)
@report_errors()
def job_list(kind: str | None) -> None:
    """Draws the jobs of a kind, or all of them, newest first."""
    listed = jobs.listed(workspace, kind=kind)
    if not listed:
        st.info(_("还没有任务。从总览页“走一遍”，或去造数页开始。"))
        st.page_link("pages/home/page.py", label=_("回到总览"), icon="🏮")
    for job in listed:
        title = f"{ICONS.get(job.state, '')} {job.id} · {KINDS.get(job.kind, job.kind)} · {plain(job.title)}"
        with (
            st.expander(
                f"{title} — {jobs.shown_state(workspace, job)}", expanded=job.active, key=f"job_{job.id}"
            ),
            report_errors(),
        ):
            job_details(job)


def job_details(job: jobs.Job) -> None:
    """Draws progress, times, exit code and log of one job."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    with left:
        if job.active:
            job_bar(workspace, job)
        began = local_time(job.started_at or job.created_at, SECOND)
        st.caption(
            _(
                "开始于 {began} · 用时 {seconds} · 退出码 {code}",
                began=began,
                seconds=jobs.duration_text(job.seconds),
                code="—" if job.exit_code is None else job.exit_code,
            )
        )
        if job.note:
            st.warning(plain(job.note), icon="⚠️")
        if job.active:
            afterwards_part(workspace, job)
    with right:
        if job.active or job.state == "lost":
            stop_button(workspace, job, key=f"stop_{job.id}")
    log_view(workspace, job)
    path = jobs.log_path(workspace, job.id)
    if path.exists():
        st.download_button(
            _("下载完整日志"),
            data=lambda: path.read_bytes(),
            file_name=path.name,
            key=f"log_{job.id}",
            on_click="ignore",
        )


job_list(kind)
