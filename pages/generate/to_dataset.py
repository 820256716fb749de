"""From an ended run straight to a dataset version: one button, its progress, and what came out."""

import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.job_progress import follow_job
from pages.shared.text import plain
from pages.shared.visitors import reviewer_name
from tianji_core import dataset, jobs
from tianji_core.generation import RunState
from tianji_core.i18n import _
from tianji_core.store import datasets, samples
from tianji_core.store.samples import PENDING, SampleFilter
from tianji_core.workspace import Workspace


def to_dataset(workspace: Workspace, state: RunState) -> None:
    """Draws the button that cleans the pending samples of the run's recipe and freezes the accepted ones, its
    progress while it is at work, and how it ended. A run that was mostly reviewed gets no button."""
    recipe, engine = state.run.recipe, workspace.engine
    job = dataset.clean_freeze_job(workspace, recipe)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_clean_freeze")
        return
    if job is not None and job.state in ("failed", "lost"):
        st.error(plain(job.note or jobs.state_title(job.state)), icon="⚠️")
    own = samples.count(engine, SampleFilter(recipe, states=(PENDING,), run_id=state.run.id))
    if 2 * own > state.counts.done:
        waiting = samples.count(engine, SampleFilter(recipe, states=(PENDING,)))
        if st.button(
            _("清洗并冻结成数据集（{n} 条待审）", n=f"{waiting:,}"),
            key="clean_freeze",
            icon="🧊",
            type="secondary" if datasets.listed(engine, recipe) else "primary",
            help=_(
                "修好能放心修的，采用规则没发现问题的，存成一个数据集版本；拿不准的留给你审核。可以撤销。"
            ),
        ):
            with report_errors():
                dataset.start_clean_freeze(workspace, recipe, reviewer_name(workspace))
                st.rerun()
    elif job is not None and job.state == "succeeded":
        st.success(plain(jobs.log_tail(workspace, job.id).strip().rpartition("\n")[2]), icon="🧊")
