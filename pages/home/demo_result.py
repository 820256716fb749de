"""The results of a walk-through: pass rates, answers before and after training, and the paths of what was
made."""

from pathlib import Path

import streamlit as st

from pages.shared.before_after import before_and_after, show_answers
from pages.shared.frame import remember_notice, report_errors, use_recipe
from pages.shared.linked_model import chat_button
from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core import models
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.roles import Role
from tianji_core.verbs.demo_report import DemoReport
from tianji_core.workspace import Workspace


def what_next(workspace: Workspace, report: DemoReport) -> None:
    """Draws the heading of the results and what can be done with them: talk to the model where it is there
    still, compare, open the walk's recipe, remove all of it."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.subheader(_("走一遍的结果"), anchor=False, width="content")
    if not report.complete:
        return
    if model := _walked_model(workspace, report):
        with row:
            chat_button(workspace, model, _("和它聊"), "chat_with_demo", "primary", any_form=True)
    if row.button(_("并排比"), key="compare_demo", icon="⚖️", width="stretch"):
        st.switch_page("pages/compare/page.py")
    if role() < Role.OWNER or not report.recipe:
        return
    in_use = workspace.settings().recipe == report.recipe
    row.button(
        _("看它的样本和数据"),
        key="open_demo",
        icon="📂",
        width="stretch",
        disabled=in_use,
        help=_("换到配方“走一遍”；左上角可以换回来"),
        on_click=use_recipe,
        args=(report.recipe,),
    )
    with row.popover(_("删除这次走一遍"), icon="🗑️", width="stretch"):
        st.write(_("配方“走一遍”和它的样本、数据集、训练、模型一起放进回收站（在模型页），可以恢复。"))
        if st.button(_("确定删除"), key="remove_demo", type="primary"):
            with report_errors():
                models.remove_recipe(workspace, report.recipe)
                remember_notice(_("走一遍做出的东西都在回收站里了"))
                st.rerun()


def _walked_model(workspace: Workspace, report: DemoReport) -> str:
    """Returns the name of the model that a walk-through has trained, which reports of older versions tell by
    its folder alone; '' where it is there no more."""
    there = {model.name for model in models.loadable(workspace)}
    named = [report.model, *(Path(step.path).name for step in reversed(report.steps) if step.path)]
    return next((name for name in named if name in there), "")


def show_demo(report: DemoReport) -> None:
    """Draws the results of a walk-through."""
    if report.rates:
        count = sum(rate.count for rate in report.rates if rate.style)
        title = _("没见过的格子上，人、事和写法都对的（{n} 个回答）", n=count)
        before_and_after(report.rates, report.answers, title, "demo_rates")
    elif report.answers:
        show_answers(report.answers)


def show_steps(report: DemoReport) -> None:
    """Draws what each step of a walk-through did and where its results are, folded once it has answers."""
    with st.expander(_("走一遍：每一步做了什么，东西在哪里"), expanded=not report.answers):
        for step in report.steps:
            st.markdown(f"**{step.title}** · {plain(step.made)} · {duration_text(step.seconds)}")
            if step.path:
                st.code(step.path, language=None, wrap_lines=True)
