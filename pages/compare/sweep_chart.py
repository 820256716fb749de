"""The result of a checkpoint sweep as a curve and as a recommendation."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tianji_core.evaluation.sweep import BothAdvice, Sweep, SweepPoint, equally_good
from tianji_core.i18n import _

MOST_STEPS = 12
"""Most steps that are written under the chart."""


def recommendation(sweep: Sweep, best: SweepPoint) -> str:
    """One sentence: the recommended step and why."""
    passed = max(point.passed for point in sweep.points if point.iteration)
    reason = _("建议用第 {n} 步：通过率 {share}", n=best.iteration, share=f"{best.passed:.0%}")
    if best.passed < passed:
        reason += _("（最高 {share}，差别在误差之内）", share=f"{passed:.0%}")
    if best.perplexity is not None:
        reason += _("，困惑度 {value}", value=f"{best.perplexity:.3f}")
    if best.copied is not None:
        reason += _("，照抄 {share}", share=f"{best.copied:.0%}")
    others = [point for point in equally_good(sweep.points) if point.iteration > best.iteration]
    if others:
        reason += _("；后面还有 {n} 步差别在误差之内，取照抄少、训练短的", n=len(others))
    return reason


def both_line(advice: BothAdvice) -> str:
    """One sentence: the step that is good at the task and forgets little."""
    facts = {
        "n": advice.point.iteration,
        "share": f"{advice.point.passed:.0%}",
        "kept": advice.memory.kept,
        "known": advice.memory.known,
    }
    if advice.both:
        return _("两样都好的是第 {n} 步：通过率 {share}，原来会的 {known} 题还会 {kept} 题", **facts)
    return _(
        "没有一步两样都好：写得好的里面第 {n} 步忘得最少，通过率 {share}，原来会的 {known} 题还会 {kept} 题；混入一些普通对话再训练，能少忘",
        **facts,
    )


def _round_numbers(values: Sequence[float]) -> list[float]:
    """The numbers 1, 2, 5 × a power of ten around the values, for an axis in logarithms; at least two."""
    finite = [value for value in values if 0 < value < float("inf")] or [1.0]
    low, high = math.floor(math.log10(min(finite))), math.ceil(math.log10(max(finite)))
    numbers = [digit * 10.0**power for power in range(low, high + 1) for digit in (1, 2, 5)]
    below = max(number for number in numbers if number <= min(finite) * (1 + 1e-9))
    above = min((number for number in numbers if number >= max(finite) and number > below), default=2 * below)
    return [number for number in numbers if below <= number <= above]


def _add_kept(figure: go.Figure, sweep: Sweep) -> None:
    """The share of what the base knew that each step still knows, where the base knew enough."""
    told = {point.iteration: sweep.memory(point.iteration) for point in sweep.points}
    kept = {step: memory for step, memory in told.items() if memory is not None and memory.tells}
    if kept:
        figure.add_scatter(
            x=list(kept),
            y=[100 * memory.kept / memory.known for memory in kept.values()],
            name=_("原来会的还会（%）"),
            mode="lines+markers",
            line={"color": "#8c5fb5"},
        )


def sweep_figure(sweep: Sweep, best: SweepPoint | None) -> go.Figure:
    """The pass rate, the share of copied answers and the perplexity over the steps; a line at the ``best``
    step."""
    figure = make_subplots(specs=[[{"secondary_y": True}]])
    steps = [point.iteration for point in sweep.points]
    passed = [100 * point.passed for point in sweep.points]
    figure.add_scatter(
        x=steps,
        y=passed,
        name=_("通过率（%）"),
        mode="lines+markers",
        line={"color": "#2e7d4f", "width": 3},
        error_y={
            "type": "data",
            "array": [100 * (point.high - point.passed) for point in sweep.points],
            "arrayminus": [100 * (point.passed - point.low) for point in sweep.points],
            "thickness": 1,
            "color": "#a5c9b3",
        },
    )
    if any(point.copied is not None for point in sweep.points):
        copied = [None if point.copied is None else 100 * point.copied for point in sweep.points]
        figure.add_scatter(
            x=steps, y=copied, name=_("照抄（%）"), mode="lines+markers", line={"color": "#c8452f"}
        )
    _add_kept(figure, sweep)
    if any(point.perplexity is not None for point in sweep.points):
        figure.add_scatter(
            x=steps,
            y=[point.perplexity for point in sweep.points],
            name=_("困惑度（右轴）"),
            mode="lines+markers",
            line={"color": "#5b6fb5", "dash": "dot"},
            secondary_y=True,
        )
        ticks = _round_numbers([point.perplexity for point in sweep.points if point.perplexity is not None])
        figure.update_yaxes(
            title=_("困惑度（对数刻度）"),
            secondary_y=True,
            showgrid=False,
            type="log",
            tickvals=ticks,
            ticktext=[f"{tick:g}" for tick in ticks],
        )
    if best is not None:
        figure.add_vline(x=best.iteration, line={"dash": "dash", "color": "#d9a441"})
    figure.update_yaxes(title=_("占全部答案的份额"), ticksuffix="%", range=[-4, 104], secondary_y=False)
    shown = steps[:: max(1, -(-len(steps) // MOST_STEPS))]
    figure.update_xaxes(
        title=_("训练步数"), tickvals=shown, ticktext=[str(step) if step else _("训练前") for step in shown]
    )
    figure.update_layout(
        height=380, margin={"l": 8, "r": 8, "t": 24, "b": 8}, legend={"orientation": "h", "y": 1.12}
    )
    return figure
