"""The other trainings: the queued ones in their order, then the past ones."""

import streamlit as st

from pages.shared.clock import local_time
from pages.shared.text import plain
from pages.shared.training_view import state_text
from tianji_core import training
from tianji_core.i18n import _
from tianji_core.store import training as training_runs
from tianji_core.training import TrainingState, queue
from tianji_core.workspace import Workspace


def show_history(workspace: Workspace, current: int | None) -> None:
    """Draws a line for each training except ``current``, with its state and a button that opens it."""
    order = queue.waiting(workspace)
    others = [run for run in training_runs.listed(workspace.engine, limit=20) if run.id != current]
    states = {run.id: training.training_state(workspace, run) for run in others}
    if others:
        st.divider()
    queued = [states[run_id] for run_id in order if run_id in states]
    if queued:
        st.subheader(_("排队的训练"))
        for state in queued:
            _row(state)
    rest = [state for state in states.values() if state.run.id not in order]
    if rest:
        st.subheader(_("以前的训练") if current is None else _("其他训练"))
        for state in rest:
            _row(state)


def _row(state: TrainingState) -> None:
    run = state.run
    columns = st.columns([5, 2, 2, 1], vertical_alignment="center")
    columns[0].markdown(f"**{plain(run.title)}**")
    columns[0].caption(f"{plain(run.preset)} · {local_time(run.created_at)}")
    columns[1].markdown(state_text(state))
    if state.state == "waiting":
        columns[2].markdown(_("前面还有 {n} 个", n=state.ahead) if state.ahead else _("下一个就是它"))
    else:
        columns[2].markdown("—" if state.loss is None else _("损失 {loss}", loss=f"{state.loss:.3f}"))
    if columns[3].button(_("打开"), key=f"train_open_{run.id}", width="stretch"):
        st.query_params.from_dict({"run": str(run.id)})
        st.rerun()
