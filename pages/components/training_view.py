"""A training as it goes: figures, curves, trial answers, log."""

from datetime import UTC, datetime

import plotly.graph_objects as go
import streamlit as st

from pages.components.text import plain
from tianji_core import jobs, training
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.training import Point, TrainingState, TrialAnswer
from tianji_core.workspace import Workspace

_ICONS = {"succeeded": "✅", "failed": "❌", "stopped": "⏹️", "lost": "❓", "running": "🏃", "starting": "🏃"}


def state_text(state: str) -> str:
    """A training's state with its sign."""
    title = _("没有启动") if state == "missing" else jobs.state_title(state)
    return f"{_ICONS.get(state, '▫️')} {title}"


def local_time(moment: datetime) -> str:
    """A UTC time of the database on the person's clock."""
    return moment.replace(tzinfo=UTC).astimezone().strftime("%m-%d %H:%M")


def show_figures(state: TrainingState) -> None:
    """Iteration, loss, learning rate, time left."""
    columns = st.columns(4)
    total = "?" if state.total is None else str(state.total)
    columns[0].metric(_("步"), f"{state.iteration} / {total}")
    first = next((point.loss for point in state.points if point.loss is not None), None)
    delta = None if state.loss is None or first is None else f"{state.loss - first:+.3f}"
    loss = "—" if state.loss is None else f"{state.loss:.3f}"
    columns[1].metric(_("损失"), loss, delta, delta_color="inverse")
    rate = f"{state.points[-1].learning_rate:.2e}" if state.points else "—"
    columns[2].metric(_("学习率"), rate)
    if state.active:
        columns[3].metric(_("预计还需"), duration_text(state.eta))
    else:
        columns[3].metric(_("用时"), duration_text(state.job.seconds if state.job else None))
    if state.active and state.total:
        st.progress(min(1.0, state.iteration / state.total))
    elif state.active:
        st.progress(0.0, text=_("正在加载模型和数据，通常要十几秒"))


def show_curves(points: tuple[Point, ...]) -> None:
    """Loss and learning rate over iterations; a NaN is a gap."""
    if not points:
        st.caption(_("第一个点出来后，这里会画出损失和学习率曲线"))
        return
    iterations = [point.iteration for point in points]
    left, right = st.columns([2, 1])
    with left:
        _chart(_("损失"), iterations, [point.loss for point in points], "#c0392b", "train_loss_chart")
    with right:
        rates = [point.learning_rate for point in points]
        _chart(_("学习率"), iterations, list(rates), "#2874a6", "train_rate_chart")


def _chart(title: str, x: list[int], y: list[float | None], colour: str, key: str) -> None:
    figure = go.Figure(
        go.Scatter(x=x, y=y, mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 4})
    )
    figure.update_layout(
        title={"text": title, "font": {"size": 15}},
        height=280,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        xaxis_title=_("步"),
        hovermode="x",
    )
    figure.update_yaxes(exponentformat="power", automargin=True)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def show_trials(trials: tuple[TrialAnswer, ...]) -> None:
    """Trial answers, one row per prompt and one column per checkpoint: how the model changed."""
    if not trials:
        return
    st.subheader(_("试写"))
    steps = sorted({trial.iteration for trial in trials})
    if len(steps) > 4:
        steps = [steps[0], *steps[-3:]]
    prompts = list(dict.fromkeys(trial.prompt for trial in trials))
    answers = {(trial.prompt, trial.iteration): trial.answer for trial in trials}
    rows = []
    for prompt in prompts:
        row = {_("输入"): plain(prompt)}
        for step in steps:
            title = _("训练前") if step == 0 else _("第 {n} 步", n=step)
            row[title] = plain(answers.get((prompt, step), ""))
        rows.append(row)
    st.table(rows)


def show_outcome(workspace: Workspace, state: TrainingState) -> None:
    """The likely cause where it failed, and the next step where it ended."""
    if state.state in ("failed", "lost"):
        st.error(
            _("训练没有成功：{reason}", reason=plain(state.reason or jobs.state_title(state.state))),
            icon="❌",
        )
    elif state.state == "stopped":
        st.warning(_("训练被停止了；已有的检查点还能用，也可以接着训练"), icon="⏹️")
    elif state.state == "succeeded":
        st.success(_("训练完成。下一步：把检查点转成适配器并合并"), icon="✅")
    if state.checkpoints and not state.active:
        st.page_link("pages/model/models.py", label=_("去模型页转换与合并"), icon="🧩")


def show_log(workspace: Workspace, state: TrainingState) -> None:
    """The end of the job's output, or of the trainer's own log."""
    with st.expander(_("日志"), expanded=state.state in ("failed", "lost")):
        text = (
            jobs.log_tail(workspace, state.job.id) if state.job else training.log_tail(workspace, state.run)
        )
        st.code("\n".join(text.splitlines()[-60:]) or _("（还没有输出）"), language=None, height=320)
