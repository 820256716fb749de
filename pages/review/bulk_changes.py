"""Changes of every sample that matches the filter: find and replace, inputs and system prompt. Each is shown
before it is made, and is one step."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.review.own_rule_form import own_rules
from pages.review.sample_display import cell_line, changes_html
from pages.review.session import UNSAVED, ReviewSession
from pages.shared.frame import report_errors
from pages.shared.kept import kept
from pages.shared.review_parts import attempt
from pages.shared.usable import any_text, switch
from tianji_core import review
from tianji_core.i18n import _
from tianji_core.recipe import TextPattern
from tianji_core.review import ANSWERS, INPUTS, BulkEdit
from tianji_core.review.bulk_edit import Progress
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
    asked = ("replace", session.filter, find, by, where, regular)

    def prepare(progress: Progress) -> BulkEdit:
        pattern = TextPattern(find, regular)
        return review.find_and_replace(
            session.workspace, session.filter, pattern, by, where or ANSWERS, progress
        )

    _prepared(session, asked, prepare, not find)


def _inputs(session: ReviewSession) -> None:
    _scope_line(session)
    st.caption(
        _("按配方里“训练输入”的模板给每条样本重抽一种问法；多轮对话只换第一问。格子不在配方里的样本不动。")
    )
    asked = ("inputs", session.filter)
    _prepared(
        session, asked, lambda told: review.rebuild_inputs(session.workspace, session.filter, progress=told)
    )


def _system(session: ReviewSession) -> None:
    _scope_line(session)
    saved = session.recipe.prompts.system
    system = st.text_area(
        _("系统提示"), value=saved, height="content", **kept(UNSAVED, "bulk_system", any_text, saved)
    )
    asked = ("system", session.filter, system)
    _prepared(
        session,
        asked,
        lambda told: review.set_system(session.workspace, session.filter, system, told),
        not system.strip(),
    )


def _scope_line(session: ReviewSession) -> None:
    number = samples.count(session.workspace.engine, session.filter)
    st.caption(_("对符合上面筛选的 {n} 条样本；先预览，再改，整步可以撤销。", n=f"{number:,}"))


def _prepared(
    session: ReviewSession,
    asked: tuple[Any, ...],
    prepare: Callable[[Progress], BulkEdit],
    disabled: bool = False,
) -> None:
    """Draws the button that prepares an edit, and what it would change with the button that makes it."""
    if st.button(_("预览"), key="bulk_preview", icon="👀", disabled=disabled):
        st.session_state.pop(_EDIT, None)
        bar = st.progress(0.0)
        try:
            edit = prepare(lambda done, total: _report(bar, done, total))
        finally:
            bar.empty()
        st.session_state[_EDIT] = (asked, edit)
    known, edit = st.session_state.get(_EDIT, (None, None))
    if edit is not None and known == asked:
        _show(session, edit)


def _report(bar: Any, done: int, total: int) -> None:
    bar.progress(done / total, text=_("看了 {done} / {total}", done=f"{done:,}", total=f"{total:,}"))


def _show(session: ReviewSession, edit: BulkEdit) -> None:
    number = len(edit.revisions)
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
        _("改这 {n} 条", n=f"{number:,}"),
        key="make_bulk_edit",
        type="primary",
        icon="✅",
        disabled=not number,
        on_click=_make,
        args=(session, edit),
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
