"""任务: the background jobs of the studio, with their logs."""

import streamlit as st

from pages.jobs.afterwards import afterwards_part
from pages.shared.bound import bound, chosen
from pages.shared.clock import SECOND, local_time
from pages.shared.frame import report_errors
from pages.shared.header import page_header
from pages.shared.job_progress import called, job_bar, log_view, stop_button
from pages.shared.text import plain
from tianji_core import generation, jobs, models, notices
from tianji_core.i18n import _
from tianji_core.store.run_workers import RunWorker

ICONS = {"starting": "🟡", "running": "🟢", "succeeded": "✅", "failed": "❌", "stopped": "⏹️", "lost": "👻"}
LOOKED_AT = 200  # the newest jobs, whose kinds are offered
KINDS = {
    "generate": _("造数"),
    "rate": _("打分"),
    "suggest": _("提建议"),
    "judge": _("评审"),
    "follow": _("追问"),
    "import": _("导入"),
    "read": _("读资料"),
    "rewrite": _("改写"),
    "freeze": _("冻结"),
    "edit": _("批量改"),
    "trial": _("试跑基座"),
    "train": _("训练"),
    "elsewhere": _("在别处训练"),
    "convert": _("转换"),
    "merge": _("合并"),
    "download": _("下载"),
    "install": _("安装"),
    "sweep": _("扫描检查点"),
    "relearn": _("再练一次"),
    "experiment": _("实验"),
    "vote": _("投票"),
    "serve": _("模型服务"),
    "demo": _("走一遍"),
    "push": _("推送"),
}

workspace = page_header(
    "jobs", _("任务"), _("造数、训练、合并、下载和模型服务都在后台运行；关掉网页或重启工坊，它们也不会停。")
)


def pick_kind() -> str | None:
    """Draws the choice among the kinds of the jobs that there are; returns the kind, None for all."""
    asked = chosen("kind", KINDS, lambda k: KINDS[k])
    there = {job.kind for job in jobs.listed(workspace, limit=LOOKED_AT)} | {asked}
    kinds = [kind for kind in KINDS if kind in there]
    if len(kinds) < 2:
        return asked if asked in KINDS else None
    return st.pills(
        _("种类"),
        kinds,
        **bound("kind", kinds, lambda k: KINDS[k]),
        label_visibility="collapsed",
    )


@st.fragment(run_every=2.0)
@report_errors()
def job_list(kind: str | None) -> None:
    """Draws the jobs of a kind, or all of them, newest first."""
    listed = jobs.listed(workspace, kind=kind)
    if not listed:
        st.info(_("还没有任务。从总览页“走一遍”，或去造数页开始。"))
        st.page_link("pages/home/page.py", label=_("回到总览"), icon="🏮")
    can_tell = any(job.active for job in listed) and bool(notices.channels_in_use(workspace))
    serves = any(job.kind == "serve" for job in listed)
    known = models.titles(workspace) if serves else {}  # a reading of every model's manifest
    crews = generation.workers_of_jobs(workspace, listed)
    for job in listed:
        with (
            st.expander(row_title(job, called(job, known)), expanded=job.active, key=f"job_{job.id}"),
            report_errors(),
        ):
            job_details(job, called(job, known), can_tell, crews.get(job.id, []))


def row_title(job: jobs.Job, title: str) -> str:
    """Returns a job in one line of four parts, which the style sheet sets in columns: what it is, its state,
    when it began, and how long an ended one took; ``title`` is what people call it."""
    kind = str(KINDS.get(job.kind, job.kind))
    named = title if title.startswith(kind) else f"{kind} · {title}"
    when = local_time(job.started_at or job.created_at)
    took = "" if job.active else f" :gray[{jobs.duration_text(job.seconds)}]"
    state = jobs.shown_state(workspace, job)
    return f"**{ICONS.get(job.state, '')} {job.id} · {plain(named)}** :gray[{state}] :gray[{when}]{took}"


def job_details(job: jobs.Job, title: str, can_tell: bool, workers: list[RunWorker]) -> None:
    """Draws what became of one job in a sentence, with its progress and note, and below it the raw log;
    ``title`` as in :func:`row_title`, ``can_tell`` as in :func:`afterwards_part`. ``workers`` write its
    run."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    with left:
        if job.active:
            job_bar(workspace, job, title)
        st.markdown(plain(told(job)))
        if job.who:
            st.caption(_("开始的人：{who}", who=plain(job.who)))
        if job.note:
            st.warning(plain(job.note), icon="⚠️")
        if workers:
            st.caption(f"👥 {generation.workers_text(workers)}")
        if job.active:
            afterwards_part(workspace, job, can_tell)
    with right:
        if job.active or job.state == "lost":
            stop_button(workspace, job, key=f"stop_{job.id}")
    if job.exit_code is None:
        st.caption(_("程序的原话（日志的最后几行）"))
    else:
        st.caption(_("程序的原话（日志的最后几行）· 退出码 {code}", code=job.exit_code))
    log_view(workspace, job)
    path = jobs.log_path(workspace, job.id)
    if path.exists():
        st.download_button(
            _("下载完整日志"),
            data=lambda: jobs.log_bytes(workspace, job.id),
            file_name=path.name,
            key=f"log_{job.id}",
            on_click="ignore",
        )


def told(job: jobs.Job) -> str:
    """Returns one sentence about a job: when it began, how long it took, and how it ended."""
    began = local_time(job.started_at or job.created_at, SECOND)
    took = jobs.duration_text(job.seconds)
    if job.active:
        return _("{began} 开始，已经 {took}。", began=began, took=took)
    endings = {
        "succeeded": _("{began} 开始，用了 {took}，做完了。", began=began, took=took),
        "failed": _("{began} 开始，{took} 后失败了；下面说了原因。", began=began, took=took),
        "stopped": _("{began} 开始，{took} 后被停止；做完的部分都在。", began=began, took=took),
        "lost": _("{began} 开始，之后失去了联系；做完的部分都在。", began=began, took=took),
    }
    return endings.get(job.state, job.state)


job_list(pick_kind())
