"""Before and after a training: the pass rates of the same questions as bars, and the answers beside each
other."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.shared.text import plain
from tianji_core.evaluation import BeforeAfter, PassRate
from tianji_core.i18n import _

BEFORE, AFTER = "#9AA5B1", "#C74431"
FIRST = 2
"""The answers that stand beside the bars."""


def verdict_line(overall: PassRate) -> str:
    """One sentence on the rates of all styles together, as Markdown."""
    said = _(
        "**通过率 {before} → {after}**（{n} 个同样的问题）",
        before=f"{overall.before:.0%}",
        after=f"{overall.after:.0%}",
        n=overall.count,
    )
    if overall.low <= overall.before <= overall.high:
        said += _("，差别在误差之内")
    return said


def rates_figure(rates: Sequence[PassRate], height: int) -> go.Figure:
    """The pass rate of each style before and after training, in percent; ``height`` in pixels."""
    titles = [rate.style or _("合计") for rate in rates]
    figure = go.Figure()
    for name, colour, values in (
        (_("训练前"), BEFORE, [rate.before for rate in rates]),
        (_("训练后"), AFTER, [rate.after for rate in rates]),
    ):
        figure.add_bar(
            y=titles,
            x=[100 * v for v in values],
            orientation="h",
            name=name,
            marker_color=colour,
            text=[f"{100 * v:.0f}%" for v in values],
            textposition="outside",
            textfont={"size": 11},
            constraintext="none",
            cliponaxis=False,
        )
    figure.update_layout(
        barmode="group",
        height=height,
        xaxis={"range": [0, 112], "ticksuffix": "%", "tickvals": [0, 50, 100]},
        yaxis={"autorange": "reversed", "automargin": True},
        bargap=0.25,
        margin={"l": 10, "r": 10, "t": 36, "b": 24},
        legend={"orientation": "h", "y": 1.14, "x": 1, "xanchor": "right"},
    )
    return figure


def before_and_after(rates: Sequence[PassRate], answers: Sequence[BeforeAfter], title: str, key: str) -> None:
    """Draws the rates as bars and, beside them, the first answers, and the others when they are opened."""
    left, right = st.columns([4, 5], gap="medium")
    with left:
        if title:
            st.caption(title)
        figure = rates_figure(rates, height=90 + 28 * len(rates))
        st.plotly_chart(figure, width="stretch", key=key, config={"displayModeBar": False})
    with right:
        show_answers(answers[:FIRST])
        if len(answers) > FIRST:
            with st.expander(_("另外 {n} 句，训练前和训练后", n=len(answers) - FIRST)):
                show_answers(answers[FIRST:])


def show_answers(answers: Sequence[BeforeAfter]) -> None:
    """Draws each request with the answers before and after training beside each other."""
    for pair in answers:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"💬 {plain(pair.request)}")
            sides = st.columns(2, gap="small", wrap=False)
            said = (_("训练前"), pair.before), (_("训练后"), pair.after)
            for side, (when, text) in zip(sides, said, strict=True):
                with side.container(gap=None):
                    st.caption(when)
                    st.text(text or _("（没有回答）"))
