"""The actions on a training: stop, continue, another epoch, a copy; and its place in the queue."""

from collections.abc import Callable

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import stop_button
from tianji_core import jobs, training
from tianji_core.i18n import _
from tianji_core.training import TrainingRun, TrainingState, queue
from tianji_core.workspace import Workspace


def show_controls(workspace: Workspace, state: TrainingState) -> None:
    """Draws the buttons that stop or go on with the training, or move it in the queue; nothing where it has
    ended as it should."""
    run = state.run
    if state.state == "waiting":
        with st.container(horizontal=True):
            _waiting_buttons(workspace, run)
    elif state.active and state.job is not None:
        stop_button(workspace, state.job, key="train_stop")
    elif state.orphaned and state.job is not None:
        if st.button(_("停止"), key="train_stop", icon="⏹️"):
            with report_errors():
                jobs.stop(workspace, state.job.id)
                st.rerun()
    else:
        _resuming(workspace, state)


def show_followers(workspace: Workspace, state: TrainingState) -> None:
    """Draws the buttons that begin another training: from a checkpoint of this one, a copy, a new one."""
    with st.container(horizontal=True):
        if state.checkpoints and not (state.active or state.orphaned):
            _from_checkpoint(workspace, state)
        if st.button(
            _("照这个再建一个"),
            key="train_clone",
            icon="📋",
            help=_("用同样的预设、数据集和设置打开新训练的表单，改好再开始"),
        ):
            st.query_params.from_dict({"clone": str(state.run.id)})
            st.rerun()
        if st.button(_("新建训练"), key="train_new", icon="➕"):
            st.query_params.clear()
            st.rerun()


def _resuming(workspace: Workspace, state: TrainingState) -> None:
    never = not state.points and not state.checkpoints
    elsewhere = bool(training.record_of(state.run).place)
    if not state.finished and (state.checkpoints or never or elsewhere):
        said = _("开始训练") if never else _("接着训练")
        outside = state.state == "outside"  # it may be training on another machine
        if st.button(said, key="train_resume", icon="▶️", type="secondary" if outside else "primary"):
            with report_errors():
                training.resume_training(workspace, state.run)
                st.rerun()


def _from_checkpoint(workspace: Workspace, state: TrainingState) -> None:
    run = state.run
    with st.popover(_("从检查点继续"), icon="🌿", key="train_from"):
        steps = [checkpoint.iteration for checkpoint in state.checkpoints]
        chosen = st.selectbox(
            _("检查点"),
            steps[::-1],
            format_func=lambda step: _("第 {n} 步", n=step),
            key=f"train_from_{run.id}",
        )
        st.caption(_("都会新建一个训练，这一个和它的检查点原样保留。"))
        if st.button(
            _("从这一步接着训练"), key="train_branch", disabled=chosen == state.total, width="stretch"
        ):
            _open_new(lambda: training.branch_training(workspace, run, int(chosen)))
        if st.button(
            _("再训一遍"),
            key="train_more",
            width="stretch",
            help=_("带着这个检查点的权重再学一遍数据，学习率重新从头走"),
        ):
            _open_new(lambda: training.one_more_epoch(workspace, run, int(chosen)))


def _open_new(start: Callable[[], TrainingRun]) -> None:
    with report_errors():
        run = start()
        remember_notice(_("训练已提交：{title}", title=run.title))
        st.query_params.from_dict({"run": str(run.id)})
        st.rerun()


def _waiting_buttons(workspace: Workspace, run: TrainingRun) -> None:
    with report_errors():
        order = queue.waiting(workspace)
        place = order.index(run.id) if run.id in order else 0
        if st.button(_("提前"), key=f"line_up_{run.id}", icon="⬆️", disabled=place == 0):
            queue.move(workspace, run.id, -1)
            st.rerun()
        if st.button(_("推后"), key=f"line_down_{run.id}", icon="⬇️", disabled=place >= len(order) - 1):
            queue.move(workspace, run.id, 1)
            st.rerun()
        if st.button(_("取消排队"), key=f"line_cancel_{run.id}", icon="✖️"):
            queue.cancel(workspace, run.id)
            remember_notice(_("已取消排队：{title}", title=run.title))
            st.rerun()
