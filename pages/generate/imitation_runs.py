"""The runs that write in the manner of paragraphs: one run with its tree, and the list of runs."""

import html
from collections import defaultdict

import streamlit as st

from pages.generate.run_figures import error_title
from pages.generate.run_options import limits_popover
from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import job_bar, log_view, stop_button
from pages.shared.text import plain, signed
from tianji_core import jobs
from tianji_core.errors import StudioError
from tianji_core.generation import RunOptions
from tianji_core.generation.imitation import (
    ImitationState,
    change_imitation_options,
    imitation_jobs,
    imitation_options_of,
    imitation_state,
    start_imitation,
    waiting,
)
from tianji_core.i18n import N_, _
from tianji_core.jobs import Job
from tianji_core.recipe import Recipe
from tianji_core.store import imitation
from tianji_core.store.imitation import Imitation
from tianji_core.workspace import Workspace

STATE_TEXTS = {
    "pending": N_("⏳ 还在写"),
    "done": N_("✅ 写好了"),
    "left": N_("⚠️ 太像，留给人看"),
    "failed": N_("❌ 失败"),
}
REVIEW_TEXTS = {"accepted": N_("👍 已采用"), "rejected": N_("👎 已弃用")}
SHOWN = 20
"""Seeds whose children are on one page of the tree."""


def show_imitation_run(workspace: Workspace, run_id: int) -> None:
    """Draws a run, redrawn every second while it is running."""
    job = imitation_jobs(workspace).get(run_id)
    active = job is not None and job.active
    st.fragment(_run_box, run_every=1.0 if active else None, key=f"imitation_box_{run_id}")(
        workspace, run_id, active
    )


def _run_box(workspace: Workspace, run_id: int, was_active: bool) -> None:
    with st.container(border=True), report_errors():
        state = imitation_state(workspace, run_id)
        job = imitation_jobs(workspace).get(run_id)
        active = job is not None and job.active
        if active != was_active:
            st.rerun()
        head, close = st.columns([6, 1], vertical_alignment="center")
        head.subheader(_("照着写 {id} · {title}", id=run_id, title=plain(state.run.title)), anchor=False)
        if close.button(_("收起"), key=f"close_imitation_{run_id}", icon="✖️", width="stretch"):
            st.query_params.pop("imitation", None)
            st.rerun()
        if job is not None and active:
            job_bar(workspace, job)
        counts = state.counts
        columns = st.columns(5)
        columns[0].metric(_("写好的"), f"{counts.done:,}")
        columns[1].metric(_("太像，留给人看"), f"{counts.left:,}")
        columns[2].metric(_("失败"), f"{counts.failed:,}")
        columns[3].metric(_("还在写"), f"{counts.pending:,}")
        columns[4].metric(_("问了几轮"), f"{counts.answers:,}")
        _actions(workspace, state, job)
        if job is not None and job.state == "failed" and job.note:
            st.error(plain(job.note), icon="⚠️")
        for error in state.errors:
            title = error_title(error.kind)
            st.warning(
                _("{title} · {n} 条：{example}", title=title, n=error.count, example=plain(error.example)),
                icon="❌",
            )
        _tree(state)
        if job is not None:
            with st.expander(_("日志"), key=f"imitation_log_{run_id}"):
                log_view(workspace, job)


def _actions(workspace: Workspace, state: ImitationState, job: Job | None) -> None:
    counts, run_id = state.counts, state.run.id
    with st.container(horizontal=True, vertical_alignment="center"):
        if job is not None and job.active:
            stop_button(workspace, job, key=f"stop_imitation_{run_id}")
        elif (left := waiting(workspace, state.run)) or counts.failed:
            _resume(workspace, run_id, left, counts.failed)
            _limits(workspace, state)
        if counts.done or counts.left:
            st.page_link(
                "pages/review/page.py",
                label=_("去清洗和审核"),
                icon="🔎",
                query_params={"source": "imitation"},
            )


def _limits(workspace: Workspace, state: ImitationState) -> None:
    """Draws budget, deadline and concurrency for the next start."""
    run = state.run

    def save(options: RunOptions, concurrency: int) -> None:
        change_imitation_options(workspace, run.id, options, concurrency)

    limits_popover(imitation_options_of(run), run.concurrency, f"_imitation_{run.id}", save)


def _resume(workspace: Workspace, run_id: int, left: int, failed: int) -> None:
    """Draws the button that writes what is missing; failed texts are asked for again."""
    label = (
        _("接着写 {n} 条，失败的 {failed} 条也再问", n=left, failed=failed)
        if failed
        else _("接着写 {n} 条", n=left)
    )
    if not st.button(label, key=f"resume_imitation_{run_id}", icon="▶️", type="primary"):
        return
    try:
        job = start_imitation(workspace, run_id, retry_failed=failed > 0)
    except StudioError as error:
        st.error(plain(str(error)), icon="⚠️")
        return
    remember_notice(_("已开始：{title}", title=plain(job.title)))
    st.rerun()


def _tree(state: ImitationState) -> None:
    """Draws the paragraphs with the texts written in their manner, and under these those that they were
    carried to."""
    below: dict[int | None, list[Imitation]] = defaultdict(list)
    for text in state.texts:
        below[text.parent].append(text)
    seeds = [text for text in state.texts if text.stage == imitation.SEED]
    last = (len(seeds) - 1) // SHOWN
    page = st.pagination(last + 1, key=f"tree_page_{state.run.id}") - 1 if last > 0 else 0
    shown = {seed.position for seed in seeds[page * SHOWN : (page + 1) * SHOWN]}
    lines: list[str] = []
    for paragraph in below[None]:
        mine = [seed for seed in below[paragraph.position] if seed.position in shown]
        if not mine:
            continue
        lines.append(_line(0, _("📄 范文"), paragraph.text))
        for seed in mine:
            lines.append(_text_line(1, seed))
            lines += [_text_line(2, child) for child in below[seed.position]]
    with st.container(key=f"tree_{state.run.id}", height=420 if len(lines) > 8 else "content"):
        st.html("".join(lines))


def _text_line(depth: int, text: Imitation) -> str:
    said = [f"{text.name} · {text.scene}", _(STATE_TEXTS[text.state])]
    if text.sample_state in REVIEW_TEXTS:
        said.append(_(REVIEW_TEXTS[text.sample_state]))
    if text.wording is not None and text.structure is not None and text.talk:
        close = _(
            "措辞 {wording}、结构 {structure} 一样，问了 {n} 轮",
            wording=f"{text.wording:.0%}",
            structure=f"{text.structure:.0%}",
            n=len(text.talk),
        )
        said.append(close)
    if text.sample_id is not None:
        said.append(f"#{text.sample_id}")
    return _line(depth, " · ".join(said), text.sample_text or text.text)


def _line(depth: int, said: str, text: str) -> str:
    edge = "border-left:2px solid rgba(128,128,128,.35);padding-left:.75rem;" if depth else ""
    return (
        f'<div style="margin:.25rem 0 .5rem {1.25 * depth}rem;{edge}">'
        f'<div style="font-size:.875rem;opacity:.75">{html.escape(said)}</div>'
        f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{html.escape(text)}</div></div>'
    )


def imitation_run_list(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the runs of a recipe, newest first, each with the button that opens it."""
    runs = imitation.listed(workspace.engine, recipe.key)
    st.subheader(_("照着写的批次"), anchor=False)
    if not runs:
        st.caption(_("还没有照着写过。写出来的和别的样本在一起，一样清洗、审核、冻结。"))
    run_jobs = imitation_jobs(workspace)
    counts = imitation.counts(workspace.engine, [run.id for run in runs])
    for run in runs:
        job, counted = run_jobs.get(run.id), counts[run.id]
        job_state = jobs.state_title(job.state) if job is not None else _("还没有开始")
        columns = st.columns([5, 4, 2, 1], vertical_alignment="center")
        columns[0].markdown(f"**{run.id}** · {plain(run.title)}")
        columns[1].progress(
            (counted.total - counted.pending) / max(1, counted.total),
            text=_(
                "{done}/{total} 条写好，{left} 条太像 · {said}",
                done=counted.done,
                total=counted.total,
                left=counted.left,
                said=job_state,
            ),
        )
        columns[2].caption(plain(signed(local_time(run.created_at, MINUTE), run.who)))
        if columns[3].button(_("查看"), key=f"open_imitation_{run.id}", width="stretch"):
            st.query_params["imitation"] = str(run.id)
            st.rerun()
