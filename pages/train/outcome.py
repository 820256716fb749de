"""The end of a training: why it failed, or what it has changed and the way to talk to its model."""

from typing import Literal

import streamlit as st

from pages.shared.before_after import rates_figure, show_answers, verdict_line
from pages.shared.cell_words import style_word
from pages.shared.failing_top_up import failing_button, show_top_up_results
from pages.shared.forgetting import show_memory
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import job_bar, stop_button
from pages.shared.linked_model import chat_button
from pages.shared.text import plain
from tianji_core import jobs
from tianji_core.evaluation import MeasuredAnswers
from tianji_core.evaluation.expectation import compared
from tianji_core.evaluation.sweep import (
    Sweep,
    TrainingEffect,
    effect_of,
    last_outcomes,
    load_sweep,
    start_before_after,
    sweep_job,
)
from tianji_core.i18n import _
from tianji_core.serving.opening import merged_model, opening_job, start_opening
from tianji_core.training import TrainingState
from tianji_core.workspace import Workspace

_OPENING = "_opening_training"
"""The training whose model this tab wants to talk to."""
SHOWN_ANSWERS = 2


def show_end(state: TrainingState) -> None:
    """Draws the likely cause of a failure, or how the training ended otherwise."""
    if state.orphaned:
        st.warning(
            _("监管进程没有了（机器重启过或被强行结束），训练还在继续，结束时会自己记下结果；也可以停止它"),
            icon="❓",
        )
    elif state.state in ("failed", "lost"):
        why = plain(state.reason or jobs.state_title(state.state))
        st.error(_("训练没有成功：{reason}", reason=why), icon="❌")
    elif state.state == "stopped":
        if state.points:
            st.warning(_("训练被停止了；已有的检查点还能用，也可以接着训练"), icon="⏹️")
        else:
            st.warning(_("训练在开始之前被停止了，随时可以再启动"), icon="⏹️")
    elif state.state == "outside":
        st.info(_("它由命令启动，工坊只看得到它写下的文件；在这里接着训练之前，请确认那边已经停了"), icon="🖥️")


def show_result(workspace: Workspace, state: TrainingState) -> None:
    """Draws what an ended training has changed, and the button that makes its last checkpoint a model and
    opens the chat with it; redrawn while one of the two is at work."""
    if not state.checkpoints or state.active or state.orphaned or state.state == "outside":
        return
    run_id = state.run.id
    opening, measuring = opening_job(workspace, run_id), sweep_job(workspace, run_id)
    if st.session_state.get(_OPENING) == run_id and opening is not None and not opening.active:
        del st.session_state[_OPENING]
        model = merged_model(workspace, state.run)
        if opening.state == "succeeded" and model is not None:
            st.switch_page("pages/chat/page.py", query_params={"model": model.name})
    busy = tuple(job.id for job in (opening, measuring) if job is not None and job.active)
    st.fragment(_result, run_every=1.0 if busy else None, key=f"train_result_{run_id}")(
        workspace, state, busy
    )


@report_errors()
def _result(workspace: Workspace, state: TrainingState, was_busy: tuple[int, ...]) -> None:
    run_id = state.run.id
    opening, measuring = opening_job(workspace, run_id), sweep_job(workspace, run_id)
    if tuple(job.id for job in (opening, measuring) if job is not None and job.active) != was_busy:
        st.rerun()
    sweep = load_sweep(workspace, run_id)
    effect = effect_of(sweep) if sweep is not None else None
    measures = effect is None or (measuring is not None and measuring.active)
    if effect is None:
        talk, measure, other = st.columns(3)
    else:
        said, talk = st.columns([3, 2], gap="large", vertical_alignment="center")
        said.markdown(f"#### {verdict_line(effect.overall)}")
        measure = other = talk
    with talk:
        _talk(workspace, state, opening)
    with measure:
        if measures:
            _measuring(workspace, state, measuring)
    other.page_link("pages/models/page.py", label=_("用别的检查点：去模型页"), icon="🧩")
    if effect is not None and sweep is not None:
        _effect(effect)
        if (memory := sweep.memory(effect.iteration)) is not None:
            show_memory(memory)
        _failing(workspace, state, sweep)


def _effect(effect: TrainingEffect) -> None:
    """Draws the pass rates of each style and, beside them, answers to the same requests."""
    left, right = st.columns([3, 2], gap="large")
    figure = rates_figure(effect.rates, height=90 + 30 * len(effect.rates))
    left.plotly_chart(figure, width="stretch", key="train_effect", config={"displayModeBar": False})
    with right:
        show_answers(effect.answers[:SHOWN_ANSWERS])


def _failing(workspace: Workspace, state: TrainingState, sweep: Sweep) -> None:
    run = state.run
    if said := compared(workspace, run):
        st.markdown(f"📈 {plain(said)}")
    show_top_up_results(workspace, run)
    answers = MeasuredAnswers(source=run.title, outcomes=last_outcomes(sweep), training_run_id=run.id)
    failing_button(workspace, sweep.plan.recipe, answers, f"train_{run.id}")


def _talk(workspace: Workspace, state: TrainingState, opening: jobs.Job | None) -> None:
    if opening is not None and opening.active:
        _progress(workspace, opening, "train_stop_opening")
        return
    if opening is not None and opening.state in ("failed", "lost"):
        st.error(plain(opening.note or jobs.state_title(opening.state)), icon="❌")
    kind: Literal["primary", "secondary"] = "primary" if state.state == "succeeded" else "secondary"
    model = merged_model(workspace, state.run)
    if model is not None:
        chat_button(workspace, model.name, _("和它对话"), "train_chat", kind, any_form=True)
    elif st.button(
        _("转换、合并并开始对话"),
        key="train_open",
        type=kind,
        icon="💬",
        width="stretch",
        help=_("把最后一个检查点转成适配器、合并进基座、加载好，然后打开对话。"),
    ):
        with report_errors():
            start_opening(workspace, state.run)
            st.session_state[_OPENING] = state.run.id
            st.rerun()


def _measuring(workspace: Workspace, state: TrainingState, measuring: jobs.Job | None) -> None:
    """Draws how far the comparison of before and after is, or the button that starts it."""
    if measuring is not None and measuring.active:
        st.caption(_("正在让训练前后的模型回答同样的问题，答完自动画出来"))
        _progress(workspace, measuring, "train_stop_measuring")
        return
    if measuring is not None and measuring.state in ("failed", "lost"):
        st.warning(plain(measuring.note or jobs.state_title(measuring.state)), icon="⚠️")
    if st.button(
        _("比一比训练前后"),
        key="train_measure",
        icon="📊",
        width="stretch",
        help=_("训练前和训练后的模型回答同样的 60 个问题，按{kind}算通过率。", kind=style_word()),
    ):
        with report_errors():
            job = start_before_after(workspace, state.run)
            remember_notice(_("已开始：{title}", title=job.title))
            st.rerun()


def _progress(workspace: Workspace, job: jobs.Job, stop_key: str) -> None:
    job_bar(workspace, job)
    told = jobs.read_progress(workspace, job.id)
    if told is not None and told.message and told.share is not None:
        st.caption(plain(told.message))
    stop_button(workspace, job, stop_key)
