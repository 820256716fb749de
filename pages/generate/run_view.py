"""One generation run: progress, figures, failures, newest answers and log."""

import streamlit as st

from pages.generate.run_actions import run_actions
from pages.generate.run_crew import show_crew
from pages.generate.run_figures import error_title, show_errors, show_pulse, show_teachers, show_variety
from pages.generate.to_dataset import to_dataset
from pages.shared.frame import report_errors, report_figure, spoken
from pages.shared.job_progress import job_bar, log_view
from pages.shared.teacher_numbers import SIGNS
from pages.shared.text import plain, signed
from tianji_core import jobs
from tianji_core.generation import (
    RunState,
    TeacherResult,
    by_teacher,
    jobs_by_run,
    options_of,
    read_pulse,
    run_state,
    workers_of,
)
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.workspace import Workspace


def show_run(workspace: Workspace, run_id: int) -> None:
    """Draws a run, redrawn every second while it is running."""
    job = jobs_by_run(workspace).get(run_id)
    active = (job is not None and job.active) or bool(workers_of(workspace, [run_id]))
    st.fragment(_run_box, run_every=1.0 if active else None, key=f"run_box_{run_id}")(
        workspace, run_id, active
    )


def _run_box(workspace: Workspace, run_id: int, was_active: bool) -> None:
    with st.container(border=True), report_errors():
        state = run_state(workspace.engine, run_id)
        job = jobs_by_run(workspace).get(run_id)
        workers = workers_of(workspace, [run_id]).get(run_id, [])
        active = (job is not None and job.active) or bool(workers)
        if active != was_active:
            st.rerun()
        head, close = st.columns([6, 1], vertical_alignment="center")
        title = signed(state.run.title, state.run.who)
        head.subheader(_("批次 {id} · {title}", id=run_id, title=plain(title)), anchor=False)
        if close.button(_("收起"), key=f"close_{run_id}", icon="✖️", width="stretch"):
            st.query_params.pop("run", None)
            st.rerun()
        _progress(workspace, state, job)
        results: list[TeacherResult] = []
        with report_figure():
            results = by_teacher(workspace, state.run)
        with report_figure():
            _summary(workspace, state, results, active)
        show_crew(workers)
        run_actions(workspace, state, job, bool(workers))
        if not active and state.counts.done:
            to_dataset(workspace, state)
        if not active and state.run.halted:
            st.warning(plain(state.run.halted), icon="⏸️")
        elif job is not None and job.state == "failed" and job.note:
            st.error(plain(job.note), icon="⚠️")
        with report_figure():
            _latest(state)
        with st.expander(_("数字"), key=f"numbers_{run_id}", icon="🔢"):
            for show in (
                lambda: _figures(state, results),
                lambda: show_pulse(workspace, run_id) if active else None,
                lambda: show_errors(state),
                lambda: show_teachers(results),
                lambda: show_variety(workspace, state),
            ):
                with report_figure():
                    show()
        if job is not None:
            with st.expander(_("日志"), key=f"log_{run_id}"):
                log_view(workspace, job)


def _progress(workspace: Workspace, state: RunState, job: Job | None) -> None:
    if job is not None and job.active:
        job_bar(workspace, job)
        return
    counts, total = state.counts, state.run.total
    job_state = jobs.state_title(job.state) if job is not None else _("还没有开始")
    text = _("{said} · {done}/{total} 条", said=job_state, done=counts.done, total=total)
    st.progress((total - counts.pending) / total, text=text)


def _summary(workspace: Workspace, state: RunState, results: list[TeacherResult], active: bool) -> None:
    """Draws in one line what is written, how fast, what it cost, and the failures by kind with an example."""
    parts = [_("写好 **{n}** 条", n=f"{state.counts.done:,}")]
    pulse = read_pulse(workspace, state.run.id) if active else None
    if pulse is not None:
        parts.append(_("每秒 {n} 条", n=f"{pulse.answers_per_second:.1f}"))
    if (spent := _spent(results)) is not None:
        parts.append(_("花了 {cost}", cost=spent))
    for error in state.errors:
        parts.append(f"❌ {error_title(error.kind)} {error.count:,}")
    st.markdown(" · ".join(parts))
    if state.errors:
        first = max(state.errors, key=lambda error: error.count)
        st.caption(_("{title}，例如：{example}", title=error_title(first.kind), example=plain(first.example)))


def _figures(state: RunState, results: list[TeacherResult]) -> None:
    counts, totals = state.counts, state.totals
    columns = st.columns(6)
    columns[0].metric(_("写好"), f"{counts.done:,}")
    columns[1].metric(_("失败"), f"{counts.failed:,}")
    columns[2].metric(_("跳过"), f"{counts.skipped:,}")
    columns[3].metric(_("还没写"), f"{counts.pending:,}")
    if totals.latency is None or not (totals.prompt_tokens or totals.completion_tokens):
        return
    budget = options_of(state.run).budget_tokens
    columns[4].metric(
        "tokens",
        f"{totals.prompt_tokens + totals.completion_tokens:,}",
        None if budget is None else _("预算 {n:,}", n=budget),
        delta_color="off",
        delta_arrow="off",
    )
    latency = _("{seconds} 秒", seconds=f"{totals.latency:.1f}")
    columns[5].metric(_("平均每条"), latency, _spent(results), delta_color="off", delta_arrow="off")


def _spent(results: list[TeacherResult]) -> str | None:
    """Returns the cost so far in each currency; None if a price is unknown."""
    costs: dict[str, float] = {}
    for result in results:
        if result.cost is None:
            return None
        costs[result.currency] = costs.get(result.currency, 0.0) + result.cost
    return " + ".join(f"{SIGNS[currency]}{cost:,.3f}" for currency, cost in costs.items() if cost) or None


def _latest(state: RunState) -> None:
    """Draws the newest answers."""
    if not state.latest:
        return
    title = spoken().style
    table = [
        {
            _("输入"): plain(answer.input),
            _("输出"): plain(answer.output),
            title: plain(answer.style),
            _("备注"): _("故意出错")
            if answer.planted
            else _("被截断")
            if answer.finish_reason in ("length", "cut")
            else "",
        }
        for answer in state.latest
    ]
    st.caption(_("最新的几条"))
    st.table(table, border="horizontal", hide_index=True)
