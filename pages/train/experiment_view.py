"""实验: its trainings in one table and one picture, the best one in a sentence."""

import plotly.graph_objects as go
import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.job_progress import job_bar
from pages.shared.text import plain
from tianji_core import jobs
from tianji_core.evaluation.experiment import (
    ALL_SAMPLES,
    Experiment,
    PlannedTraining,
    axis_title,
    best_training,
    cancel_experiment,
    experiment_job,
    experiments,
    explained,
    load_experiment,
    resume_experiment,
    state_title,
    value_text,
)
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.workspace import Workspace

WORST, BEST, CLEAR = "#8a97a6", "#c0392b", "rgba(0,0,0,0)"
"""The colours of the lines, which stand out on a light and on a dark page; and none."""
LISTED = 5
"""The newest experiments that are listed."""


def experiment_list(workspace: Workspace, current: int | None) -> None:
    """Draws a line for each of the newest experiments except ``current``."""
    others = [one for one in experiments(workspace)[: LISTED + 1] if one.number != current][:LISTED]
    if not others:
        return
    st.subheader(_("实验"))
    for one in others:
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"🧪 **{plain(one.title)}**")
                st.caption(plain(explained(one)))
            if st.button(_("打开"), key=f"experiment_open_{one.number}"):
                st.query_params.from_dict({"experiment": str(one.number)})
                st.rerun()


def one_experiment(workspace: Workspace, number: int) -> None:
    """Draws an experiment; again every two seconds while it is at work."""
    job = experiment_job(workspace, number)
    at_work = job is not None and job.active
    st.fragment(_drawn, run_every=2.0 if at_work else None, key=f"experiment_{number}")(
        workspace, number, at_work
    )


@report_errors()
def _drawn(workspace: Workspace, number: int, was_at_work: bool) -> None:
    kept, job = load_experiment(workspace, number), experiment_job(workspace, number)
    at_work = job is not None and job.active
    if at_work != was_at_work:
        st.rerun()
    st.subheader(plain(kept.title))
    _actions(workspace, kept, job if at_work else None)
    if job is not None and job.state in ("failed", "lost"):
        st.warning(plain(job.note or jobs.state_title(job.state)), icon="⚠️")
    best = best_training(kept.trainings)
    if best is not None:
        st.success(plain(explained(kept)), icon="🏅")
    if len([one for one in kept.trainings if one.passed is not None]) > 1:
        st.plotly_chart(parallel_figure(kept), key="experiment_chart", config={"displayModeBar": False})
        st.caption(_("每条线是一个训练，最右是留出问题的通过率；拖动轴可以换位置，在轴上划一段只看那几条。"))
    _table(kept)


def _actions(workspace: Workspace, kept: Experiment, running: jobs.Job | None) -> None:
    with st.container(horizontal=True):
        if running is not None:
            if st.button(_("停止实验"), key="experiment_stop", icon="⏹️"):
                with report_errors():
                    cancel_experiment(workspace, kept.number)
                    st.rerun()
        elif kept.open and st.button(_("接着做"), key="experiment_resume", icon="▶️", type="primary"):
            with report_errors():
                resume_experiment(workspace, kept.number)
                st.rerun()
        if st.button(_("新建训练"), key="experiment_new", icon="➕"):
            st.query_params.clear()
            st.rerun(scope="app")
    if running is not None:
        job_bar(workspace, running)


def parallel_figure(kept: Experiment) -> go.Figure:
    """Returns the measured trainings as parallel coordinates: an axis for each setting that differs, then
    time, validation loss and pass rate in percent, which colours the lines."""
    done = [one for one in kept.trainings if one.passed is not None]
    rates = [100 * (one.passed or 0.0) for one in done]
    axes = []
    for name in kept.plan.axes:
        values = [kept.plan.value_of(one.values, name) for one in done]
        every = name == "samples"  # all of them come last
        ticks = sorted(set(values), key=lambda value: (every and value == ALL_SAMPLES, value))
        places = [ticks.index(value) for value in values]
        texts = [value_text(name, tick) for tick in ticks]
        axes.append(
            {
                "label": axis_title(name),
                "values": places,
                "tickvals": list(range(len(ticks))),
                "ticktext": texts,
                "range": [-0.2, len(ticks) - 0.8],
            }
        )
    axes.append({"label": _("用时（秒）"), "values": [round(one.seconds) for one in done]})
    if all(one.loss is not None for one in done):
        axes.append({"label": _("验证损失"), "values": [round(one.loss or 0.0, 3) for one in done]})
    if all(one.known for one in done):
        shares = [round(100 * (one.kept or 0) / (one.known or 1)) for one in done]
        axes.append({"label": _("原来会的还会（%）"), "values": shares, "range": [0, 100]})
    axes.append({"label": _("通过率（%）"), "values": rates, "range": [0, 100]})
    line = {"color": rates, "colorscale": [[0, WORST], [1, BEST]]}
    written = {"labelfont": {"size": 14}, "tickfont": {"size": 13}, "rangefont": {"size": 1, "color": CLEAR}}
    figure = go.Figure(go.Parcoords(dimensions=axes, line=line, **written))
    figure.update_layout(height=340, margin={"l": 70, "r": 50, "t": 60, "b": 20})
    return figure


def _kept_text(one: PlannedTraining) -> str:
    return f"{one.kept}/{one.known}" if one.known else "—"


def _table(kept: Experiment) -> None:
    rows, remembers = [], any(one.known for one in kept.trainings)
    for one in kept.trainings:
        row: dict[str, object] = {
            axis_title(name): value_text(name, kept.plan.value_of(one.values, name))
            for name in kept.plan.axes
        }
        measured = one.passed is not None
        row |= {
            _("状态"): state_title(one.state) + (f"：{one.note}" if one.note else ""),
            _("通过率"): f"{one.passed:.0%}" if measured else "—",
            _("95% 区间"): f"{one.low or 0:.0%}–{one.high or 0:.0%}" if measured else "—",
            **({_("原来会的"): _kept_text(one)} if remembers else {}),
            _("验证损失"): "—" if one.loss is None else f"{one.loss:.3f}",
            _("用时"): duration_text(one.seconds) if one.seconds else "—",
            _("训练"): f"?run={one.training_run_id}" if one.training_run_id else None,
        }
        rows.append(row)
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        key="experiment_table",
        placeholder="—",
        column_config={_("训练"): st.column_config.LinkColumn(display_text=_("打开"), width="small")},
    )
