"""总览: where each step stands, what comes next, and the walk-through with the embedded model."""

import sys

import streamlit as st

from pages.home.corridor import show_corridor
from pages.home.demo_result import show_steps
from pages.home.result import has_results, show_results, walk_report
from pages.home.since import since_last_visit
from pages.shared.frame import current_recipe, remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.job_progress import job_bar, stop_button
from pages.shared.steps import corridor_steps
from pages.shared.text import plain
from pages.shared.training_part import training_part
from pages.shared.visitors import role
from tianji_core import jobs
from tianji_core.i18n import _
from tianji_core.roles import Role

_ALWAYS_THERE = ("lists", "heatmap")  # the steps in which there is something before anybody has worked

workspace = page_header(
    "home",
    _("天机工坊"),
    _("从名单到模型：编列表、造数、审核、训练、合并、对话、对比，一个人在一个网页里走完。"),
)
training_part(workspace)


@st.fragment(run_every=2.0)
@report_errors()
def walk_through() -> None:
    """Draws the button that starts a walk-through, and the progress or the failure of the newest one."""
    newest = next(iter(jobs.listed(workspace, kind="demo", limit=1)), None)
    running = newest is not None and newest.active
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(
            _(
                "**用内置小模型走一遍** — 不用密钥，不用显卡：造数、清洗、冻结、训练、合并，再看训练前后的差别。在双核 CPU 上大约十分钟。做出的东西都放在单独的配方“走一遍”里，不动你自己的。"
            )
        )
        with right:
            if newest is not None and running:
                stop_button(workspace, newest, key="stop_demo")
            elif role() is Role.OWNER and st.button(
                _("再走一遍") if newest is not None or done else _("走一遍"),
                key="start_demo",
                type="secondary" if newest is not None or done or begun else "primary",
                icon="🚶",
                width="stretch",
            ):
                argv = [sys.executable, "-m", "tianji_core", "demo", "--workspace", str(workspace.home)]
                jobs.start(workspace, "demo", _("走一遍"), argv)
                remember_notice(_("已开始，可以离开这一页"))
                st.rerun()
        if st.session_state.get("_walking") and not running:
            st.session_state["_walking"] = False
            st.rerun()  # the cards of the steps have new figures
        st.session_state["_walking"] = running
        if newest is not None and running:
            job_bar(workspace, newest)
            progress = jobs.read_progress(workspace, newest.id)
            if progress is not None and progress.message:
                st.caption(plain(progress.message))
        elif newest is not None and newest.state in ("failed", "lost"):
            st.error(
                _("上次没有走完：{reason}", reason=plain(newest.note or jobs.state_title(newest.state))),
                icon="⚠️",
            )
            st.page_link("pages/jobs/page.py", label=_("看日志"), icon="⏱️")


recipe = current_recipe().recipe.key
walked = walk_report(workspace)
done = walked is not None
steps = corridor_steps(workspace)
begun = any(step.done for step in steps if step.page not in _ALWAYS_THERE)
if not done and not begun:
    with report_errors():
        walk_through()
with report_errors():
    since_last_visit(workspace, recipe)
if begun and not has_results(workspace, recipe):  # own work before the example of what a walk-through brings
    with report_errors():
        show_corridor(steps)
    with report_errors():
        walk_through()
    with report_errors():
        show_results(workspace, recipe)
else:
    with report_errors():
        show_results(workspace, recipe)
    with report_errors():
        show_corridor(steps)
    if done or begun:
        with report_errors():
            if walked is not None and walked.answers:
                show_steps(walked)
            walk_through()
