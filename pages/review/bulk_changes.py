"""Changes of every sample that matches the filter: find and replace, inputs and system prompt. Each is shown
before it is made, and is one step."""

from typing import Any

import streamlit as st

from pages.review.own_rule_form import own_rules
from pages.review.sample_display import cell_line
from pages.review.session import UNSAVED, ReviewSession
from pages.shared.clock import local_time
from pages.shared.difference import changes_html
from pages.shared.frame import report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import kept
from pages.shared.review_parts import attempt, say_error
from pages.shared.text import plain
from pages.shared.usable import any_text, switch
from tianji_core import review
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.review import (
    ANSWERS,
    INPUTS,
    LARGE,
    BulkEdit,
    BulkRequest,
    DrawInputs,
    ReplaceText,
    SetSystem,
)
from tianji_core.roles import Role, permitted
from tianji_core.store import samples

_SHOWN = 5
_EDIT = "_bulk_edit"
"""Key of the session state: what was asked for, and the edit prepared for it."""


def bulk_changes(session: ReviewSession) -> None:
    """Draws the folded entry to everything that changes many samples by the person's own words."""
    titles = {
        "replace": _("查找替换"),
        "own": _("自己的规则"),
        "inputs": _("重写输入"),
        "system": _("换系统提示"),
    }
    with st.expander(_("查找替换、自己的规则、批量改输入和系统提示"), icon="🧰"):
        part = st.segmented_control(
            _("要做什么"),
            list(titles),
            default="replace",
            required=True,
            format_func=lambda key: titles[key],
            key="bulk_part",
            label_visibility="collapsed",
        )
        with report_errors():
            {"replace": _replace, "own": own_rules, "inputs": _inputs, "system": _system}[part or "replace"](
                session
            )


def _replace(session: ReviewSession) -> None:
    _scope_line(session)
    left, right = st.columns(2)
    find = left.text_input(_("查找"), **kept(UNSAVED, "replace_find", any_text, ""))
    by = right.text_input(
        _("换成"), placeholder=_("留空就是删掉"), **kept(UNSAVED, "replace_by", any_text, "")
    )
    left, right = st.columns(2, vertical_alignment="center")
    with left:
        where = st.segmented_control(
            _("在哪里找"),
            [ANSWERS, INPUTS],
            default=ANSWERS,
            required=True,
            format_func=lambda key: _("回答（每一轮）") if key == ANSWERS else _("输入"),
            key="replace_where",
            label_visibility="collapsed",
        )
    regular = right.toggle(
        _("正则表达式"),
        help=_("^ 是开头，$ 是结尾；一段文字最多找 1 秒。"),
        **kept(UNSAVED, "replace_regular", switch, False),
    )
    request = ReplaceText(find=find, by=by, regular=regular, where=INPUTS if where == INPUTS else ANSWERS)
    _prepared(session, request, not find)


def _inputs(session: ReviewSession) -> None:
    _scope_line(session)
    st.caption(
        _("按配方里“训练输入”的模板给每条样本重抽一种问法；多轮对话只换第一问。格子不在配方里的样本不动。")
    )
    _prepared(session, DrawInputs())


def _system(session: ReviewSession) -> None:
    _scope_line(session)
    saved = session.recipe.prompts.system
    system = st.text_area(
        _("系统提示"), value=saved, height="content", **kept(UNSAVED, "bulk_system", any_text, saved)
    )
    _prepared(session, SetSystem(system=system), not system.strip())


def _scope_line(session: ReviewSession) -> None:
    number = samples.count(session.workspace.engine, session.filter)
    st.caption(_("对符合上面筛选的 {n} 条样本；先预览，再改，整步可以撤销。", n=f"{number:,}"))


def _prepared(session: ReviewSession, request: BulkRequest, disabled: bool = False) -> None:
    """Draws the button that prepares an edit, and what it would change with the button that makes it. The
    edit of many samples is made in the background, where it can be followed and stopped."""
    workspace = session.workspace
    job = review.bulk_edit_job(workspace, session.recipe.key)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_bulk_edit", Role.REVIEWER)
        return
    if job is not None and job.note and job.ended_at is not None:
        st.error(f"{local_time(job.ended_at)} · {plain(job.note)}", icon="⚠️")
    asked = (session.filter, request)
    if st.button(_("预览"), key="bulk_preview", icon="👀", disabled=disabled):
        st.session_state.pop(_EDIT, None)
        bar = st.progress(0.0)
        try:
            edit = review.prepare_edit(
                workspace, session.filter, request, lambda done, total: _report(bar, done, total), LARGE
            )
        finally:
            bar.empty()
        st.session_state[_EDIT] = (asked, edit)
    known, edit = st.session_state.get(_EDIT, (None, None))
    if edit is not None and known == asked:
        _show(session, edit, request)


def _report(bar: Any, done: int, total: int) -> None:
    bar.progress(done / total, text=_("看了 {done} / {total}", done=f"{done:,}", total=f"{total:,}"))


def _show(session: ReviewSession, edit: BulkEdit, request: BulkRequest) -> None:
    number = len(edit.revisions)
    total = samples.count(session.workspace.engine, session.filter)
    partly = edit.matching == LARGE < total
    if partly:
        st.caption(
            _(
                "共 {total} 条，先看了前 {n} 条；在后台改全部，可以随时停止，停了就一条也没改。",
                total=f"{total:,}",
                n=f"{LARGE:,}",
            )
        )
    st.markdown(
        _(
            "看了 {matching} 条，要改 **{n}** 条里的 **{places}** 处",
            matching=f"{edit.matching:,}",
            n=f"{number:,}",
            places=f"{edit.places:,}",
        )
    )
    if edit.left_out:
        st.caption(_("另有 {n} 条改不了：会变成空的、太长，或者格子不在配方里", n=f"{edit.left_out:,}"))
    st.button(
        _("在后台改全部 {n} 条", n=f"{total:,}") if partly else _("改这 {n} 条", n=f"{number:,}"),
        key="make_bulk_edit",
        type="primary",
        icon="✅",
        disabled=not number and not partly,
        on_click=_start if partly else _make,
        args=(session, request if partly else edit),
    )
    for example in edit.examples[:_SHOWN]:
        with st.container(border=True):
            st.caption(cell_line(example.sample))
            changes_html(example.texts)
    if number > _SHOWN:
        st.caption(_("上面是前 {n} 条的样子", n=_SHOWN))


def _make(session: ReviewSession, edit: BulkEdit) -> None:
    """Callback: makes the edit that was shown."""
    st.session_state.pop(_EDIT, None)
    attempt(lambda: review.make_edit(session.workspace, edit, session.who), nothing=_("没有改动"))


def _start(session: ReviewSession, request: BulkRequest) -> None:
    """Callback: makes the edit of every matching sample in the background."""
    st.session_state.pop(_EDIT, None)
    try:
        with permitted(Role.REVIEWER):
            review.start_bulk_edit(session.workspace, session.filter, request, session.who)
    except StudioError as error:
        say_error(error)
