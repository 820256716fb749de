"""Questions and answers from documents: upload, preview of the chunks, estimate and start. The documents
serve as examples of a style, too."""

import streamlit as st
from pydantic import ValidationError

from pages.generate.asking_teacher import asking_teacher
from pages.generate.examples_part import examples_part
from pages.generate.knowledge_runs import knowledge_run_list, show_knowledge_run
from pages.generate.reading import document_files, documents_read, names_replaced
from pages.generate.teacher_form import TeacherSetup
from pages.shared.bound import bound
from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import kept
from pages.shared.kept_files import forget_files
from pages.shared.teacher_numbers import FORM, SIGNS
from pages.shared.text import plain
from pages.shared.usable import any_text, within
from tianji_core.errors import InputError
from tianji_core.generation import RunOptions
from tianji_core.generation.knowledge import (
    Document,
    DocumentChunk,
    KnowledgeSettings,
    create_knowledge_run,
    estimate_knowledge,
    forget_readings,
    split_documents,
    start_knowledge,
)
from tianji_core.i18n import _, _c
from tianji_core.recipe import Recipe, explain
from tianji_core.workspace import Workspace

QUESTIONS, EXAMPLES = "questions", "examples"
CHUNKS_ON_PAGE = 3
"""The number of chunks on one page of the preview."""


def knowledge_part(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the run in the address, the form of a new run, and the list of runs."""
    linked = st.query_params.get("knowledge", "")
    if linked.isascii() and linked.isdecimal() and len(linked) < 10:
        show_knowledge_run(workspace, int(linked))
    uses = {QUESTIONS: _("问答"), EXAMPLES: _("示例")}
    use = st.segmented_control(
        _("用来做什么"),
        list(uses),
        default=QUESTIONS,
        required=True,
        **bound("use", uses, lambda name: uses[name]),
        label_visibility="collapsed",
    )
    if use == EXAMPLES:
        examples_part(workspace)
        return
    st.caption(_("放进自己的资料，造数模型照每一块出几组问答，成为样本，一样审核、冻结、训练。"))
    with report_errors():
        left, right = st.columns(2, gap="large")
        with left:
            files = document_files()
            with st.expander(_("每块多大，问几组几轮，系统提示词"), icon="✂️"):
                settings = _settings()
        with right:
            refusal = _("离线造句不会读资料：在上面换一个接口模型。")
            setup, options = asking_teacher(workspace, refusal, "_knowledge")
        documents = documents_read(workspace, files)
        if documents is not None:
            told = _(
                "邮件和聊天记录里写信人、收信人和发言人的名字、电话、邮箱、证件号、卡号、地址、链接在读进来时就已经换成了代号，原文不存也不发；录音转写出来的文字也换掉电话、号码和地址，但说到的名字认不出来；别的名字写在这里，会换成“某某”。下面的块就是要发给造数模型的全部内容。"
            )
            _start(workspace, recipe, names_replaced(documents, told), settings, setup, options)
    st.divider()
    with report_errors():
        knowledge_run_list(workspace, recipe)


def _currency(setup: TeacherSetup) -> str:
    return SIGNS[setup.provider.currency]


def _settings() -> KnowledgeSettings:
    """Draws how documents are cut into chunks and what is asked about each."""
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


def _start(
    workspace: Workspace,
    recipe: Recipe,
    documents: list[Document],
    settings: KnowledgeSettings,
    setup: TeacherSetup,
    options: RunOptions,
) -> None:
    """Draws the estimate, the preview and the button that starts the run."""
    if not documents:
        st.info(_("放进一个或几个文件，就能看到会切成哪些块。"), icon="📄")
        return
    chunks = split_documents(documents, settings)
    choice = setup.mix[0].choice
    usage, cost = estimate_knowledge(workspace, recipe, chunks, settings, choice)
    columns = st.columns(4)
    columns[0].metric(_c("knowledge", "块"), f"{len(chunks):,}", border=True)
    columns[1].metric(_("问答（最多）"), f"{len(chunks) * settings.pairs:,}", border=True)
    columns[2].metric(_("tokens（估）"), f"{usage.total / 1000:,.0f} k", border=True)
    price = _("未知") if cost is None else f"{_currency(setup)}{cost:,.2f}"
    columns[3].metric(_("费用（估）"), price, border=True)
    _preview(chunks)
    pressed = st.button(
        _("开始问答（{n} 块）", n=f"{len(chunks):,}"),
        key="start_knowledge",
        type="primary",
        icon="✨",
        disabled=not setup.provider.can_chat,
    )
    if pressed:
        run = create_knowledge_run(
            workspace, recipe.key, documents, choice, setup.sampling, settings, setup.concurrency, options
        )
        job = start_knowledge(workspace, run.id)
        forget_files("documents")
        forget_readings(workspace)
        st.query_params["knowledge"] = str(run.id)
        remember_notice(_("已开始：{title}", title=job.title))
        st.rerun()


def _preview(chunks: list[DocumentChunk]) -> None:
    with st.expander(_("看看切成的块"), expanded=True, key="chunk_preview"):
        last = (len(chunks) - 1) // CHUNKS_ON_PAGE
        page = st.pagination(last + 1, key="chunk_page") - 1 if last else 0
        for chunk in chunks[page * CHUNKS_ON_PAGE : (page + 1) * CHUNKS_ON_PAGE]:
            st.caption(
                _(
                    "{file} · 第 {n} 块 · {chars} 字",
                    file=plain(chunk.file),
                    n=chunk.number,
                    chars=len(chunk.text),
                )
            )
            st.text(chunk.text)
