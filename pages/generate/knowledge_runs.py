"""The runs that ask about documents: one run with its progress and newest answers, and the list of runs."""

import streamlit as st

from pages.generate.run_figures import error_title
from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import job_bar, log_view, stop_button
from pages.shared.text import plain, signed
from tianji_core import jobs
from tianji_core.errors import StudioError
from tianji_core.generation.knowledge import KnowledgeState, knowledge_jobs, knowledge_state, start_knowledge
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.recipe import Recipe
from tianji_core.store import knowledge
from tianji_core.workspace import Workspace


def show_knowledge_run(workspace: Workspace, run_id: int) -> None:
    """Draws a run, redrawn every second while it is running."""
    job = knowledge_jobs(workspace).get(run_id)
    active = job is not None and job.active
    st.fragment(_run_box, run_every=1.0 if active else None, key=f"knowledge_box_{run_id}")(
        workspace, run_id, active
    )


def _run_box(workspace: Workspace, run_id: int, was_active: bool) -> None:
    with st.container(border=True), report_errors():
        state = knowledge_state(workspace, run_id)
        job = knowledge_jobs(workspace).get(run_id)
        active = job is not None and job.active
        if active != was_active:
            st.rerun()
        head, close = st.columns([6, 1], vertical_alignment="center")
        head.subheader(_("资料批次 {id} · {title}", id=run_id, title=plain(state.run.title)), anchor=False)
        if close.button(_("收起"), key=f"close_knowledge_{run_id}", icon="✖️", width="stretch"):
            st.query_params.pop("knowledge", None)
            st.rerun()
        if job is not None and active:
            job_bar(workspace, job)
        counts = state.counts
        columns = st.columns(6)
        columns[0].metric(_("问答"), f"{counts.pairs:,}")
        columns[1].metric(_("重复没要"), f"{counts.repeated:,}")
        columns[2].metric(
            _("没有用上"),
            f"{counts.unused:,}",
            help=_("回答里读不懂的项，和比要的多出来的项；日志里写着是哪一块。"),
        )
        columns[3].metric(_("问完的块"), f"{counts.done:,}")
        columns[4].metric(_("失败"), f"{counts.failed:,}")
        columns[5].metric(_("还没问"), f"{counts.pending:,}")
        _actions(workspace, state, job)
        if job is not None and job.state == "failed" and job.note:
            st.error(plain(job.note), icon="⚠️")
        for error in state.errors:
            title = error_title(error.kind)
            st.warning(
                _("{title} · {n} 块：{example}", title=title, n=error.count, example=plain(error.example)),
                icon="❌",
            )
        if state.latest:
            st.caption(_("最新的几条"))
            table = [
                {_("问题"): plain(question), _("答案"): plain(answer), _("出处"): f"{plain(file)} #{number}"}
                for file, number, question, answer in state.latest
            ]
            st.table(table, border="horizontal", hide_index=True)
        if job is not None:
            with st.expander(_("日志"), key=f"knowledge_log_{run_id}"):
                log_view(workspace, job)


def _actions(workspace: Workspace, state: KnowledgeState, job: Job | None) -> None:
    counts, run_id = state.counts, state.run.id
    with st.container(horizontal=True, vertical_alignment="center"):
        if job is not None and job.active:
            stop_button(workspace, job, key=f"stop_knowledge_{run_id}")
        elif counts.pending or counts.failed:
            _resume(workspace, run_id, counts.failed)
        if counts.pairs:
            st.page_link("pages/review/page.py", label=_("去清洗和审核"), icon="🔎")


def _resume(workspace: Workspace, run_id: int, failed: int) -> None:
    """Draws the button that continues a run; failed chunks are asked again."""
    label = _("继续，失败的 {n} 块也再问", n=failed) if failed else _("继续")
    if not st.button(label, key=f"resume_knowledge_{run_id}", icon="▶️", type="primary"):
        return
    try:
        job = start_knowledge(workspace, run_id, retry_failed=failed > 0)
    except StudioError as error:
        st.error(plain(str(error)), icon="⚠️")
        return
    remember_notice(_("已开始：{title}", title=job.title))
    st.rerun()


def knowledge_run_list(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the runs of a recipe, newest first, each with the button that opens it."""
    runs = knowledge.listed(workspace.engine, recipe.key)
    st.subheader(_("资料批次"), anchor=False)
    if not runs:
        st.caption(_("还没有资料批次。问答和别的样本在一起，一样清洗、审核、冻结。"))
    run_jobs = knowledge_jobs(workspace)
    for run in runs:
        job = run_jobs.get(run.id)
        job_state = jobs.state_title(job.state) if job is not None else _("还没有开始")
        counts = knowledge.counts(workspace.engine, run.id)
        columns = st.columns([5, 4, 2, 1], vertical_alignment="center")
        columns[0].markdown(f"**{run.id}** · {plain(run.title)}")
        columns[1].progress(
            (run.total - counts.pending) / run.total,
            text=_(
                "{done}/{total} 块，{pairs} 条问答 · {said}",
                done=counts.done,
                total=run.total,
                pairs=counts.pairs,
                said=job_state,
            ),
        )
        columns[2].caption(plain(signed(local_time(run.created_at, MINUTE), run.who)))
        if columns[3].button(_("查看"), key=f"open_knowledge_{run.id}", width="stretch"):
            st.query_params["knowledge"] = str(run.id)
            st.rerun()
