"""The curves of a training and of others drawn over it: loss, learning rate, gradient norm, load of the
machine."""

from collections.abc import Sequence
from html import escape
from typing import TypeVar

import plotly.graph_objects as go
import streamlit as st

from tianji_core import training
from tianji_core.i18n import _
from tianji_core.store import training as training_runs
from tianji_core.training import TrainingState
from tianji_core.training.curve import smoothed
from tianji_core.workspace import Workspace

LOSS, CHECK, RATE, GRADIENT, LOAD = "#c0392b", "#1e8449", "#2874a6", "#b9770e", "#6c3483"
OTHERS = ("#2874a6", "#b9770e", "#6c3483", "#148f77", "#7b7d7d", "#d35400")
T = TypeVar("T")
_DRAWN = 1500
"""Most points drawn of one curve; longer curves are thinned."""


def overlay_choice(workspace: Workspace, state: TrainingState) -> list[int]:
    """Draws the choice of trainings whose curves are drawn over this one, kept in the address; returns
    their numbers."""
    titles = {
        run.id: run.title
        for run in training_runs.listed(workspace.engine, limit=50)
        if run.id != state.run.id
    }
    if not titles:
        return []
    linked = [int(part) for part in st.query_params.get("with", "").split(",") if part.isdecimal()]
    slot = f"train_overlay_{state.run.id}"
    if slot not in st.session_state:
        st.session_state[slot] = [number for number in linked if number in titles]
    chosen = st.multiselect(
        _("叠上其他训练"),
        list(titles),
        format_func=lambda key: f"{key} · {titles[key]}",
        key=slot,
        max_selections=len(OTHERS),
        placeholder=_("选几个训练，和这一个画在同一张图上"),
    )
    if chosen:
        st.query_params["with"] = ",".join(map(str, chosen))
    else:
        st.query_params.pop("with", None)
    return chosen


def show_curves(workspace: Workspace, state: TrainingState, over: Sequence[int]) -> None:
    """Draws the loss as logged and smoothed, the validation loss and the losses of the trainings ``over`` it;
    of a training on pairs what it learns of them too."""
    if not state.points:
        st.caption(_("第一个点出来后，这里会画出损失、学习率和梯度曲线"))
        return
    figure = go.Figure()
    others = [
        training.training_state(workspace, training_runs.get(workspace.engine, number)) for number in over
    ]
    for colour, other in zip(OTHERS, others, strict=False):
        _add_losses(figure, other, colour, escape(other.run.title), raw=False)
    _add_losses(figure, state, LOSS, escape(state.run.title) if others else _("损失（平滑）"), raw=True)
    _layout(figure, _("损失"), 280)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.12, "x": 1, "xanchor": "right"})
    st.plotly_chart(figure, key="train_loss_chart", config={"displayModeBar": False})
    _show_preference(state)


def show_side_curves(state: TrainingState) -> None:
    """Draws learning rate, gradient norm and load beside each other, nothing before the first point."""
    if not state.points:
        return
    points = _thinned(state.points)
    steps = [point.iteration for point in points]
    left, middle, right = st.columns(3)
    with left:
        _small(_("学习率"), steps, [point.learning_rate for point in points], RATE, "train_rate_chart")
    with middle:
        norms = [point.gradient for point in points]
        _small(_("梯度范数"), steps, norms, GRADIENT, "train_gradient_chart")
    with right:
        _show_load(state)


def _add_losses(figure: go.Figure, state: TrainingState, colour: str, name: str, raw: bool) -> None:
    steps = [point.iteration for point in state.points]
    losses = [point.loss for point in state.points]
    if raw:
        figure.add_scatter(
            x=steps, y=losses, name=_("损失（每次记录）"), opacity=0.3, line={"color": colour, "width": 1}
        )
    kept = _thinned(list(zip(steps, smoothed(losses), strict=True)))
    figure.add_scatter(
        x=[step for step, _loss in kept],
        y=[loss for _step, loss in kept],
        name=name,
        line={"color": colour, "width": 2.5},
        mode="lines" if len(kept) > 1 else "markers",
    )
    if state.validations:
        figure.add_scatter(
            x=[check.iteration for check in state.validations],
            y=[check.loss for check in state.validations],
            name=_("验证损失") if raw else _("{title} 验证", title=name),
            mode="lines+markers",
            line={"color": CHECK if raw else colour, "width": 2, "dash": "dot"},
            marker={"size": 7},
        )


def _show_preference(state: TrainingState) -> None:
    """Draws what a training on pairs logs beside its loss: the pass rate on held-out questions and the share
    of pairs told right on one axis; margin, loss on the chosen answers and distance from the reference on the
    other."""
    points = [point for point in _thinned(state.points) if point.margin is not None]
    if not points and not state.pass_rates:
        return
    figure, steps = go.Figure(), [point.iteration for point in points]
    figure.add_scatter(
        x=[one.iteration for one in state.pass_rates],
        y=[one.rate for one in state.pass_rates],
        name=_("没见过的题的通过率"),
        mode="lines+markers",
        line={"color": CHECK, "width": 2.5},
    )
    figure.add_scatter(
        x=steps,
        y=[point.accuracy for point in points],
        name=_("分对的偏好对"),
        line={"color": RATE, "width": 2},
    )
    for name, values, line in (
        (_("奖励差（右轴）"), [point.margin for point in points], {"color": LOAD}),
        (_("选中回答的损失（右轴）"), [point.chosen_loss for point in points], {"color": LOSS}),
        (
            _("离参考模型的 KL（每条回答，nat，右轴）"),
            [point.kl for point in points],
            {"color": CHECK, "dash": "dot"},
        ),
        (
            _("离参考模型的 KL（每个 token，nat，右轴）"),
            [point.kl_per_token for point in points],
            {"color": CHECK, "dash": "dash"},
        ),
    ):
        if any(value is not None for value in values):
            figure.add_scatter(x=steps, y=values, name=name, yaxis="y2", line={**line, "width": 2})
    _layout(figure, _("偏好"), 300)
    figure.update_layout(
        yaxis={"range": [0, 1.02], "tickformat": ".0%"},
        yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "tickformat": ".2f"},
        legend={"orientation": "h", "y": 1.14, "x": 1, "xanchor": "right"},
        margin={"r": 50},
    )
    st.plotly_chart(figure, key="train_preference_chart", config={"displayModeBar": False})


def _show_load(state: TrainingState) -> None:
    loads = _thinned(state.loads)
    if not loads:
        going = state.active or state.orphaned
        st.caption(_("负载几秒后开始记录") if going else _("这次训练没有负载记录"))
        return
    minutes = [(load.moment - loads[0].moment) / 60 for load in loads]
    if loads[-1].cards:
        values = [sum(card.load for card in load.cards) / max(1, len(load.cards)) for load in loads]
        title = _("显卡负载（%，按分钟）")
    else:
        values = [load.processor for load in loads]
        title = _("CPU（%，一个核 100，按分钟）")
    _small(title, minutes, values, LOAD, "train_load_chart", unit="")


def _small(
    title: str,
    x: Sequence[float],
    y: Sequence[float | None],
    colour: str,
    key: str,
    unit: str | None = None,
) -> None:
    figure = go.Figure(go.Scatter(x=x, y=y, mode="lines", line={"color": colour, "width": 2}))
    _layout(figure, title, 220)
    if unit is not None:
        figure.update_layout(xaxis_title=unit)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def _layout(figure: go.Figure, title: str, height: int) -> None:
    figure.update_layout(
        title={"text": title, "font": {"size": 15}},
        height=height,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        xaxis_title=_("步"),
        hovermode="x",
    )
    figure.update_yaxes(exponentformat="power", automargin=True)


def _thinned(values: Sequence[T]) -> Sequence[T]:
    return values[:: len(values) // _DRAWN + 1] if values else values
