"""What stands at the head of every page: its title, what it is for, the nine steps, the next one of them, and
the jobs that run."""

import contextlib
from typing import Literal

import streamlit as st

from pages.shared.frame import current_workspace, show_notice
from pages.shared.guide import guide_button
from pages.shared.job_progress import job_strip
from pages.shared.page_table import reaches
from pages.shared.steps import CorridorStep, corridor_steps, next_step
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

_UNCLAIMED = frozenset({"heatmap", "jobs", "account"})
"""The pages without a red button of their own; on the others the way to the next step is quiet."""
_IN_SIGHT = """<script>
(() => {{
  const began = performance.now();
  window.studioSteps = began;
  let seen = null, width = "";
  const centre = () => {{
    const bar = document.querySelector(".st-key-steps");
    const step = bar?.querySelector(".st-key-step_here_{page}")
      ?? bar?.querySelector('[class*="st-key-step_next_"]');
    const wide = `${{bar?.scrollWidth}} ${{bar?.clientWidth}}`;
    if (step && (step !== seen || wide !== width)) {{
      [seen, width] = [step, wide];
      const [all, one] = [bar.getBoundingClientRect(), step.getBoundingClientRect()];
      bar.scrollLeft += one.left + one.width / 2 - all.left - all.width / 2;
    }}
    if (window.studioSteps === began) setTimeout(centre, performance.now() - began < 10000 ? 100 : 1000);
  }};
  centre();
}})()
</script>"""
"""Brings the step one is on into sight where the line of steps is longer than the screen, again when the line
is drawn anew, the texts get their final widths or the window another one."""


def page_header(page: str, title: str, lead: str) -> Workspace:
    """Draws the head of the page in the folder ``page``: ``title``, ``lead`` (one sentence about its purpose)
    and the steps; returns the workspace."""
    if st.session_state.get("_shown") != title:  # the edit on another page has ended
        st.session_state["_shown"] = title
        for slot in [name for name in st.session_state if str(name).startswith("_opened_")]:
            del st.session_state[slot]
    workspace = current_workspace()
    steps: list[CorridorStep] = []
    with contextlib.suppress(StudioError, OSError):  # what is broken is named by the page itself
        steps = corridor_steps(workspace)
    with st.container(key="head", gap=None):
        with st.container(key="head_row", horizontal=True, vertical_alignment="center", wrap=False):
            st.title(title, anchor=False, width="content")
            st.caption(lead, width="stretch")
            guide_button(page, title)
            following = next_step(steps)
            _next_button(page, following)
        if steps:
            _step_bar(page, steps, following)
    job_strip()
    show_notice()
    return workspace


def _next_button(page: str, step: CorridorStep | None) -> None:
    if step is None or step.page == page:
        return
    label = _("下一步：{title}", title=step.title)
    kind: Literal["primary", "secondary"] = "primary" if page in _UNCLAIMED else "secondary"
    if st.button(label, key="next_step", type=kind, help=step.hint, icon=":material/arrow_forward:"):
        st.switch_page(step.path)


def _step_bar(page: str, steps: list[CorridorStep], following: CorridorStep | None) -> None:
    """Draws the steps in one line, the page one is on and the step that follows marked; a link to each that
    the person reaches. The review counts by itself: its keys decide without a new head."""
    with st.container(key="steps", horizontal=True, vertical_alignment="center", wrap=False, gap=None):
        for number, step in enumerate(steps, start=1):
            state = "here" if step.page == page else "next" if step is following else "other"
            with st.container(key=f"step_{state}_{step.page}", width="content"):
                counted = step.count and not page == step.page == "review"
                label = f"{number} {step.title}" + (f" **{step.count}**" if counted else "")
                st.page_link(step.path, label=label, help=step.figure, disabled=not reaches(step.page))
    with st.container(key="steps_script"):
        st.html(_IN_SIGHT.format(page=page), unsafe_allow_javascript=True)
