"""What one has to show: the newest training's before and after, else the walk-through's; before either, what
a walk-through will bring."""

import streamlit as st

from pages.home.demo_result import show_demo, show_steps, what_next
from pages.shared.before_after import before_and_after, verdict_line
from pages.shared.frame import report_errors
from pages.shared.linked_model import chat_button
from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core import jobs
from tianji_core.errors import StudioError
from tianji_core.evaluation.sweep import TrainingEffect, effect_of, load_sweep
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.serving.opening import merged_model
from tianji_core.store import recipes, training
from tianji_core.store.training import TrainingRun
from tianji_core.verbs.demo_report import DemoReport, example_report, read_report
from tianji_core.workspace import Workspace

_LOOK_BACK = 5
"""The trainings of which the newest measured one is shown."""


def walk_report(workspace: Workspace) -> DemoReport | None:
    """Returns what the newest walk-through has made so far; None before the first one, and where it was
    removed."""
    report = read_report(workspace)
    if report is None or not report.steps or report.recipe in recipes.removed(workspace.engine):
        return None
    return report


def newest_effect(workspace: Workspace, recipe: str) -> tuple[TrainingRun, TrainingEffect] | None:
    """Returns the newest training of a recipe that was measured before and after, with what was measured."""
    for run in training.listed(workspace.engine, recipe, _LOOK_BACK):
        try:
            sweep = load_sweep(workspace, run.id)
        except StudioError:  # the page of the training says what is wrong with it
            continue
        if sweep is not None and (effect := effect_of(sweep)) is not None:
            return run, effect
    return None


def has_results(workspace: Workspace, recipe: str) -> bool:
    """Returns whether there is a result of one's own to show: a measured training or a walk-through."""
    return newest_effect(workspace, recipe) is not None or walk_report(workspace) is not None


def show_results(workspace: Workspace, recipe: str) -> None:
    """Draws the newest result and what can be done with it, and anew while a job is at work that makes
    one."""
    working = any(job.kind in ("demo", "train", "sweep") for job in jobs.listed(workspace, active=True))
    st.fragment(_results, run_every=3.0 if working else None)(workspace, recipe)


@report_errors()
def _results(workspace: Workspace, recipe: str) -> None:
    report = walk_report(workspace)
    measured = newest_effect(workspace, recipe)
    if measured is not None and (report is None or recipe != report.recipe):
        _training(workspace, *measured)
    elif report is not None:
        what_next(workspace, report)
        show_demo(report)
    else:
        example = example_report()
        st.caption(_("走完会看到这样的结果（一次真实的走一遍：双核 CPU，900 条样本，三种风格）"))
        show_demo(example)
    if report is not None and not report.answers:
        show_steps(report)


def _training(workspace: Workspace, run: TrainingRun, effect: TrainingEffect) -> None:
    st.subheader(plain(run.title), anchor=False)
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(verdict_line(effect.overall), width="content")
    if role() is Role.OWNER:
        try:
            model = merged_model(workspace, run)
        except StudioError:  # its checkpoints were deleted
            model = None
        if model is not None:
            with row:
                chat_button(workspace, model.name, _("和它聊"), "chat_with_newest", "primary", any_form=True)
    if row.button(_("并排比"), key="compare_newest", icon="⚖️", width="stretch"):
        st.switch_page("pages/compare/page.py")
    if role() is Role.OWNER and row.button(_("看这次训练"), key="open_newest", icon="🏋️", width="stretch"):
        st.switch_page("pages/train/page.py", query_params={"run": str(run.id)})
    before_and_after(effect.rates, effect.answers, "", "newest_rates")
