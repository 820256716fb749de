"""One generation run as it goes on, and the list of all of them."""

import streamlit as st

from pages.generate.plan_form import budget_inputs
from pages.generate.run_figures import show_errors, show_pulse, show_teachers, show_variety
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import job_bar, log_view, stop_button
from pages.shared.teacher_numbers import SIGNS
from pages.shared.text import plain
from tianji_core import generation, jobs
from tianji_core.errors import StudioError
from tianji_core.generation import (
    RunState,
    TeacherResult,
    by_teacher,
    jobs_by_run,
    listed_runs,
    options_of,
    raw_path,
    run_state,
    start_generation,
)
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.workspace import Workspace


def show_run(workspace: Workspace, run_id: int) -> None:
    """Progress, failures and newest texts of a run, kept fresh while it goes on."""
    job = jobs_by_run(workspace).get(run_id)
    active = job is not None and job.active
    st.fragment(_run_box, run_every=1.0 if active else None, key=f"run_box_{run_id}")(
        workspace, run_id, active
    )


def _run_box(workspace: Workspace, run_id: int, was_active: bool) -> None:
    with st.container(border=True), report_errors():
        state = run_state(workspace.engine, run_id)
        job = jobs_by_run(workspace).get(run_id)
        active = job is not None and job.active
        if active != was_active:
            st.rerun()
        head, close = st.columns([6, 1], vertical_alignment="center")
        head.subheader(_("批次 {id} · {title}", id=run_id, title=plain(state.run.title)), anchor=False)
        if close.button(_("收起"), key=f"close_{run_id}", icon="✖️", width="stretch"):
            st.query_params.pop("run", None)
            st.rerun()
        _progress(workspace, state, job)
        results = by_teacher(workspace, state.run)
        _figures(state, results)
        if active:
            show_pulse(workspace, run_id)
        _actions(workspace, state, job)
        if not active and state.run.halted:
            st.warning(state.run.halted, icon="⏸️")
        elif job is not None and job.state == "failed" and job.note:
            st.error(plain(job.note), icon="⚠️")
        show_errors(state)
        show_teachers(results)
        show_variety(workspace, state)
        _latest(state)
        if job is not None:
            with st.expander(_("日志"), key=f"log_{run_id}"):
                log_view(workspace, job)


def _progress(workspace: Workspace, state: RunState, job: Job | None) -> None:
    if job is not None and job.active:
        job_bar(workspace, job)
        return
    counts, total = state.counts, state.run.total
    said = jobs.state_title(job.state) if job is not None else _("还没有开始")
    text = _("{said} · {done}/{total} 条", said=said, done=counts.done, total=total)
    st.progress((total - counts.pending) / total, text=text)


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
    """The cost so far by currency; None where a price is unknown."""
    costs: dict[str, float] = {}
    for result in results:
        if result.cost is None:
            return None
        costs[result.currency] = costs.get(result.currency, 0.0) + result.cost
    return " + ".join(f"{SIGNS[currency]}{cost:,.3f}" for currency, cost in costs.items() if cost) or None


def _actions(workspace: Workspace, state: RunState, job: Job | None) -> None:
    run_id, counts = state.run.id, state.counts
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        if job is not None and job.active:
            stop_button(workspace, job, key=f"stop_run_{run_id}")
        else:
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
            given_up = generation.cancel(workspace, run_id)
            remember_notice(_("跳过了 {n} 条", n=given_up))
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
    """Budget, deadline and concurrency for the next start."""
    run, now = state.run, options_of(state.run)
    with st.popover(_("预算和并发"), icon="🎚️"):
        fields = budget_inputs(*st.columns(3), now, "¥ / $", f"_{run.id}", keep=False)
        concurrency = st.number_input(
            _("并发数"), 1, generation.MAX_CONCURRENCY, run.concurrency, key=f"concurrency_{run.id}"
        )
        if st.button(_("保存"), key=f"save_limits_{run.id}"):
            with report_errors():
                changed = now.model_copy(update=fields)
                generation.change_options(workspace, run.id, changed, int(concurrency))
                st.rerun()


def _start(begin) -> None:  # type: ignore[no-untyped-def]
    try:
        job = begin()
    except StudioError as error:
        st.error(plain(str(error)), icon="⚠️")
        return
    remember_notice(_("已开始：{title}", title=job.title))
    st.rerun()


def _latest(state: RunState) -> None:
    if not state.latest:
        return
    rows = [
        {
            _("输入"): plain(line.input),
            _("输出"): plain(line.output),
            _("风格"): line.style,
            _("备注"): _("故意出错")
            if line.planted
            else _("被截断")
            if line.finish_reason == "length"
            else "",
        }
        for line in state.latest
    ]
    st.caption(_("最新的几条"))
    st.table(rows, border="horizontal", hide_index=True)


def run_list(workspace: Workspace, recipe: str) -> None:
    """All runs of a recipe, newest first, each a link to its details."""
    found = list(listed_runs(workspace.engine, recipe))
    st.subheader(_("批次"), anchor=False)
    if not found:
        st.caption(_("还没有批次。先用离线造句写一批，走通整条流水线，再换更强的模型。"))
    known = jobs_by_run(workspace)
    for run, counts in found:
        job = known.get(run.id)
        said = jobs.state_title(job.state) if job is not None else _("还没有开始")
        columns = st.columns([5, 4, 2, 1], vertical_alignment="center")
        columns[0].markdown(f"**{run.id}** · {plain(run.title)}")
        failed = _("，失败 {n}", n=counts.failed) if counts.failed else ""
        columns[1].progress(
            (counts.done + counts.failed) / run.total,
            text=_(
                "{done}/{total} 条{failed} · {said}",
                done=counts.done,
                total=run.total,
                failed=failed,
                said=said,
            ),
        )
        columns[2].caption(f"{run.created_at:%Y-%m-%d %H:%M} UTC")
        if columns[3].button(_("查看"), key=f"open_{run.id}", width="stretch"):
            st.query_params["run"] = str(run.id)
            st.rerun()
