"""The list of the generation runs of a recipe."""

import streamlit as st

from pages.shared.clock import MINUTE, local_time
from pages.shared.text import plain, signed
from tianji_core import jobs
from tianji_core.generation import jobs_by_run, listed_runs
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


def run_list(workspace: Workspace, recipe: str) -> None:
    """Draws the runs of a recipe, newest first, each with the button that opens it."""
    listed = list(listed_runs(workspace.engine, recipe))
    st.subheader(_("批次"), anchor=False)
    if not listed:
        st.caption(_("还没有批次。先写一小批，走通整条流水线，再写全部。"))
    run_jobs = jobs_by_run(workspace)
    for run, counts in listed:
        job = run_jobs.get(run.id)
        state = jobs.state_title(job.state) if job is not None else _("还没有开始")
        columns = st.columns([5, 4, 2, 1], vertical_alignment="center")
        columns[0].markdown(f"**{run.id}** · {plain(run.title)}")
        failed = _("，失败 {n}", n=counts.failed) if counts.failed else ""
        columns[1].progress(
            (counts.done + counts.failed) / run.total,
            text=_(
                "{done}/{total} 条{failed} · {said}",
                done=counts.done,
                total=run.total,
                failed=failed,
                said=state,
            ),
        )
        columns[2].caption(plain(signed(local_time(run.created_at, MINUTE), run.who)))
        if columns[3].button(_("查看"), key=f"open_{run.id}", width="stretch"):
            st.query_params["run"] = str(run.id)
            st.rerun()
