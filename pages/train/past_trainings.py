"""The other trainings: the queued ones in their order, then the past ones."""

import streamlit as st

from pages.shared.clock import local_time
from pages.shared.text import plain, signed
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
    facts = [plain(run.preset), plain(signed(local_time(run.created_at), run.who)), state_text(state)]
    if state.state == "waiting":
        facts.append(_("前面还有 {n} 个", n=state.ahead) if state.ahead else _("下一个就是它"))
    elif state.loss is not None:
        facts.append(_("损失 {loss}", loss=f"{state.loss:.3f}"))
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{plain(run.title)}**")
            st.caption(" · ".join(facts))
        if st.button(_("打开"), key=f"train_open_{run.id}"):
            st.query_params.from_dict({"run": str(run.id)})
            st.rerun()
