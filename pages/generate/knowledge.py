"""Questions and answers out of documents: upload, look at the chunks, start, follow."""

import streamlit as st
from pydantic import ValidationError

from pages.generate.plan_form import budget_inputs
from pages.generate.run_figures import error_title
from pages.generate.teacher_form import TeacherSetup, teacher_form
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import job_bar, log_view, stop_button
from pages.shared.kept import kept
from pages.shared.teacher_numbers import FORM, SIGNS
from pages.shared.text import plain
from pages.shared.usable import any_text, within
from tianji_core import jobs
from tianji_core.errors import InputError, StudioError
from tianji_core.generation import RunOptions
from tianji_core.generation import knowledge as core
from tianji_core.generation.knowledge import Document, DocumentChunk, KnowledgeSettings
from tianji_core.i18n import _, _c
from tianji_core.recipe import Recipe, explain
from tianji_core.store import knowledge as rows
from tianji_core.workspace import Workspace

SHOWN = 3
"""Chunks on one page of the preview."""


@st.cache_data(max_entries=32, show_spinner=False)
def _document(name: str, data: bytes) -> Document:
    return core.read_document(name, data)


def knowledge_part(workspace: Workspace, recipe: Recipe) -> None:
    """The whole part of the page."""
    shown = st.query_params.get("knowledge", "")
    if shown.isascii() and shown.isdecimal() and len(shown) < 10:
        _show_run(workspace, int(shown))
    with report_errors():
        left, right = st.columns(2, gap="large")
        with left:
            files = st.file_uploader(
                _("资料（txt、md、docx、pdf、html）"),
                type=list(core.SUFFIXES),
                accept_multiple_files=True,
                key="documents",
            )
            settings = _settings()
        with right:
            setup = teacher_form(workspace, several=False)
            options = RunOptions(**budget_inputs(*st.columns(3), RunOptions(), _sign(setup), "_knowledge"))
        _begin(workspace, recipe, _read(files or []), settings, setup, options)
    st.divider()
    with report_errors():
        _runs(workspace, recipe)


def _sign(setup: TeacherSetup) -> str:
    return SIGNS[setup.provider.currency]


def _settings() -> KnowledgeSettings:
    first, second, third, fourth = st.columns(4)
    size = first.number_input(
        _("每块字数"), 100, 8000, 600, 50, **kept(FORM, "chunk_size", within(100, 8000))
    )
    overlap = second.number_input(
        _("重叠字数"),
        0,
        4000,
        60,
        10,
        **kept(FORM, "chunk_overlap", within(0, 4000)),
        help=_("每块开头重复前一块末尾的句子，免得断了意思。"),
    )
    pairs = third.number_input(_("每块几组问答"), 1, 20, 3, **kept(FORM, "chunk_pairs", within(1, 20)))
    turns = fourth.number_input(
        _("每组几轮"),
        1,
        6,
        1,
        **kept(FORM, "chunk_turns", within(1, 6)),
        help=_("大于 1 就是连着追问的多轮对话。"),
    )
    system = st.text_input(
        _("系统提示词"),
        "",
        **kept(FORM, "knowledge_system", any_text),
        placeholder=_("不填就用配方的"),
        max_chars=2000,
    )
    try:
        return KnowledgeSettings(
            size=int(size), overlap=int(overlap), pairs=int(pairs), turns=int(turns), system=system.strip()
        )
    except ValidationError as error:
        raise InputError(explain(error)) from error


def _read(files: list) -> list[Document]:  # type: ignore[type-arg]
    """The documents that can be read; one that cannot is said and left out."""
    documents = []
    for file in files:
        with report_errors(), st.spinner(_("正在读 {file}…", file=file.name)):
            documents.append(_document(file.name, file.getvalue()))
    return documents


def _begin(
    workspace: Workspace,
    recipe: Recipe,
    documents: list[Document],
    settings: KnowledgeSettings,
    setup: TeacherSetup,
    options: RunOptions,
) -> None:
    if not setup.provider.can_chat:
        st.info(_("离线造句不会读资料：在上面换一个接口模型。"), icon="💡")
    if not documents:
        st.info(_("放进一个或几个文件，就能看到会切成哪些块。"), icon="📄")
        return
    chunks = core.split_documents(documents, settings)
    choice = setup.mix[0].choice
    usage, cost = core.estimate_knowledge(workspace, chunks, settings, choice)
    columns = st.columns(4)
    columns[0].metric(_c("knowledge", "块"), f"{len(chunks):,}", border=True)
    columns[1].metric(_("问答（最多）"), f"{len(chunks) * settings.pairs:,}", border=True)
    columns[2].metric(_("tokens（估）"), f"{usage.total / 1000:,.0f} k", border=True)
    shown = _("未知") if cost is None else f"{_sign(setup)}{cost:,.2f}"
    columns[3].metric(_("费用（估）"), shown, border=True)
    _preview(chunks)
    begin = st.button(
        _("开始问答（{n} 块）", n=f"{len(chunks):,}"),
        key="start_knowledge",
        type="primary",
        icon="✨",
        disabled=not setup.provider.can_chat,
    )
    if begin:
        run = core.create_knowledge_run(
            workspace, recipe.key, documents, choice, setup.sampling, settings, setup.concurrency, options
        )
        job = core.start_knowledge(workspace, run.id)
        st.query_params["knowledge"] = str(run.id)
        remember_notice(_("已开始：{title}", title=job.title))
        st.rerun()


def _preview(chunks: list[DocumentChunk]) -> None:
    with st.expander(_("看看切成的块"), expanded=True, key="chunk_preview"):
        last = (len(chunks) - 1) // SHOWN
        page = st.pagination(last + 1, key="chunk_page") - 1 if last else 0
        for chunk in chunks[page * SHOWN : (page + 1) * SHOWN]:
            st.caption(
                _(
                    "{file} · 第 {n} 块 · {chars} 字",
                    file=plain(chunk.file),
                    n=chunk.number,
                    chars=len(chunk.text),
                )
            )
            st.text(chunk.text)


def _show_run(workspace: Workspace, run_id: int) -> None:
    job = core.knowledge_jobs(workspace).get(run_id)
    active = job is not None and job.active
    st.fragment(_run_box, run_every=1.0 if active else None, key=f"knowledge_box_{run_id}")(
        workspace, run_id, active
    )


def _run_box(workspace: Workspace, run_id: int, was_active: bool) -> None:
    with st.container(border=True), report_errors():
        state = core.knowledge_state(workspace, run_id)
        job = core.knowledge_jobs(workspace).get(run_id)
        active = job is not None and job.active
        if active != was_active:
            st.rerun()
        head, close = st.columns([6, 1], vertical_alignment="center")
        head.subheader(_("资料批次 {id} · {title}", id=run_id, title=plain(state.run.title)), anchor=False)
        if close.button(_("收起"), key=f"close_knowledge_{run_id}", icon="✖️", width="stretch"):
            st.query_params.pop("knowledge", None)
            st.rerun()
        counts = state.counts
        if job is not None and active:
            job_bar(workspace, job)
        columns = st.columns(5)
        columns[0].metric(_("问答"), f"{counts.pairs:,}")
        columns[1].metric(_("重复没要"), f"{counts.repeated:,}")
        columns[2].metric(_("问完的块"), f"{counts.done:,}")
        columns[3].metric(_("失败"), f"{counts.failed:,}")
        columns[4].metric(_("还没问"), f"{counts.pending:,}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if job is not None and active:
                stop_button(workspace, job, key=f"stop_knowledge_{run_id}")
            elif counts.pending or counts.failed:
                _resume(workspace, run_id, counts.failed)
            if counts.pairs:
                st.page_link("pages/review/page.py", label=_("去清洗和审核"), icon="🔎")
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
                {_("问题"): plain(asked), _("答案"): plain(said), _("出处"): f"{plain(file)} #{number}"}
                for file, number, asked, said in state.latest
            ]
            st.table(table, border="horizontal", hide_index=True)
        if job is not None:
            with st.expander(_("日志"), key=f"knowledge_log_{run_id}"):
                log_view(workspace, job)


def _resume(workspace: Workspace, run_id: int, failed: int) -> None:
    label = _("继续，失败的 {n} 块也再问", n=failed) if failed else _("继续")
    if not st.button(label, key=f"resume_knowledge_{run_id}", icon="▶️", type="primary"):
        return
    try:
        job = core.start_knowledge(workspace, run_id, retry_failed=failed > 0)
    except StudioError as error:
        st.error(plain(str(error)), icon="⚠️")
        return
    remember_notice(_("已开始：{title}", title=job.title))
    st.rerun()


def _runs(workspace: Workspace, recipe: Recipe) -> None:
    found = rows.listed(workspace.engine, recipe.key)
    st.subheader(_("资料批次"), anchor=False)
    if not found:
        st.caption(_("还没有资料批次。问答和祝福进同一个样本库，一样清洗、审核、冻结。"))
    known = core.knowledge_jobs(workspace)
    for run in found:
        job = known.get(run.id)
        said = jobs.state_title(job.state) if job is not None else _("还没有开始")
        counts = rows.counts(workspace.engine, run.id)
        columns = st.columns([5, 4, 2, 1], vertical_alignment="center")
        columns[0].markdown(f"**{run.id}** · {plain(run.title)}")
        columns[1].progress(
            (run.total - counts.pending) / run.total,
            text=_(
                "{done}/{total} 块，{pairs} 条问答 · {said}",
                done=counts.done,
                total=run.total,
                pairs=counts.pairs,
                said=said,
            ),
        )
        columns[2].caption(f"{run.created_at:%Y-%m-%d %H:%M} UTC")
        if columns[3].button(_("查看"), key=f"open_knowledge_{run.id}", width="stretch"):
            st.query_params["knowledge"] = str(run.id)
            st.rerun()
