"""补上没学会的: one button that makes further samples for what a model answered wrongly, and whether it helped
after the next training."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import kept_number
from pages.shared.teacher_pick import pick_teacher, use_text
from pages.shared.text import plain
from tianji_core import evaluation
from tianji_core.evaluation import MeasuredAnswers
from tianji_core.evaluation.sweep import top_up_results
from tianji_core.i18n import _
from tianji_core.store.training import TrainingRun
from tianji_core.workspace import Workspace


def failing_button(workspace: Workspace, recipe: str, measured: MeasuredAnswers, key: str) -> None:
    """Draws what failed, the teacher, tasks, cost, time and the start, folded and only reckoned when opened;
    nothing where nothing failed."""
    failing = evaluation.failing_of(measured.outcomes)
    if not failing.failed:
        return
    opened = st.expander(_("补上没学会的"), icon="🩹", key=f"{key}_failing", on_change="rerun")
    if opened.open:
        with opened, report_errors():
            st.markdown(plain(failing.sentence))
            _form(workspace, recipe, measured, key)


def _form(workspace: Workspace, recipe: str, measured: MeasuredAnswers, key: str) -> None:
    """Draws how many samples, by which teacher, at what price, and the start."""
    each = kept_number(f"{key}_each", 1, 1000, evaluation.EACH)
    number = st.number_input(_("每个答错的问题补几条"), 1, 1000, evaluation.EACH, **each)
    plan = evaluation.planned_top_up(workspace, recipe, measured.outcomes, int(number))
    st.caption(
        _("给这些格子和写法补样本，问法换一批；留着评测的格子不补，下次训练后用同样的问题看有没有帮助。")
    )
    choice = pick_teacher(workspace, "top_up")
    if choice is None:
        return
    expected = evaluation.estimated_top_up(workspace, recipe, plan, choice)
    st.markdown(use_text(workspace, choice, expected))
    if st.button(_("补 {n} 条", n=f"{expected.tasks:,}"), key=f"{key}_top_up", type="primary", icon="✨"):
        made, job = evaluation.start_top_up(workspace, recipe, measured, plan, choice)
        remember_notice(_("已开始：{title}", title=job.title))
        st.switch_page("pages/generate/page.py", query_params={"run": str(made.run_id)})


def show_top_up_results(workspace: Workspace, run: TrainingRun) -> None:
    """Draws what a measured training says about the top-ups before it."""
    for result in top_up_results(workspace, run)[:2]:
        st.markdown(f"🩹 {plain(result.sentence)}")
