"""The result of a checkpoint sweep as a curve and as a recommendation."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tianji_core.evaluation.sweep import Sweep, SweepPoint
from tianji_core.i18n import _


def recommendation(sweep: Sweep, best: SweepPoint) -> str:
    """One sentence: the recommended step and why."""
    passed = max(point.passed for point in sweep.points if point.iteration)
    reason = _("建议用第 {n} 步：通过率 {share}", n=best.iteration, share=f"{best.passed:.0%}")
    if best.passed < passed:
        reason += _("（最高 {share}，差别在误差之内）", share=f"{passed:.0%}")
    if best.perplexity is not None:
        reason += _("，困惑度最低 {value}", value=f"{best.perplexity:.3f}")
    elif best.copied is not None:
        reason += _("，照抄 {share}", share=f"{best.copied:.0%}")
    return reason


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
    if any(point.perplexity is not None for point in sweep.points):
        figure.add_scatter(
            x=steps,
            y=[point.perplexity for point in sweep.points],
            name=_("困惑度（右轴）"),
            mode="lines+markers",
            line={"color": "#5b6fb5", "dash": "dot"},
            secondary_y=True,
        )
        figure.update_yaxes(title=_("困惑度"), secondary_y=True, showgrid=False, type="log")
    if best is not None:
        figure.add_vline(x=best.iteration, line={"dash": "dash", "color": "#d9a441"})
    figure.update_yaxes(title="%", range=[-4, 104], secondary_y=False)
    figure.update_xaxes(title=_("步（0 是训练前）"))
    figure.update_layout(
        height=380, margin={"l": 8, "r": 8, "t": 24, "b": 8}, legend={"orientation": "h", "y": 1.12}
    )
    return figure
