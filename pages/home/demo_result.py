"""The results of a walk-through: pass rates, answers before and after training, and the paths of what was
made."""

import plotly.graph_objects as go
import streamlit as st

from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.verbs.demo_report import DemoReport

BEFORE, AFTER = "#9AA5B1", "#C8402F"


def show_demo(report: DemoReport) -> None:
    """Draws the results of a walk-through."""
    if report.rates:
        st.plotly_chart(
            rates_figure(report), width="stretch", key="demo_rates", config={"displayModeBar": False}
        )
    if report.answers:
        st.markdown(_("**同一句话，训练前和训练后**"))
        for pair in report.answers:
            with st.container(border=True):
                st.markdown(f"💬 {plain(pair.request)}")
                before, after = st.columns(2)
                before.caption(_("训练前"))
                before.text(pair.before or _("（没有回答）"))
                after.caption(_("训练后"))
                after.text(pair.after or _("（没有回答）"))
    with st.expander(_("每一步做了什么，东西在哪里"), expanded=not report.answers):
        for step in report.steps:
            st.markdown(f"**{step.title}** · {plain(step.made)} · {duration_text(step.seconds)}")
            if step.path:
                st.code(step.path, language=None, wrap_lines=True)


def rates_figure(report: DemoReport) -> go.Figure:
    """The pass rate of each style before and after training, in percent."""
    titles = [rate.style or _("合计") for rate in report.rates]
    figure = go.Figure()
    for title, colour, values in (
        (_("训练前"), BEFORE, [rate.before for rate in report.rates]),
        (_("训练后"), AFTER, [rate.after for rate in report.rates]),
    ):
        figure.add_bar(
            x=titles,
            y=[100 * v for v in values],
            name=title,
            marker_color=colour,
            text=[f"{100 * v:.0f}%" for v in values],
            textposition="outside",
            cliponaxis=False,
        )
    count = sum(rate.count for rate in report.rates if rate.style)
    figure.update_layout(
        title=_("没见过的称谓 × 场景上，对的人、对的事、对的风格（{n} 个回答）", n=count),
        barmode="group",
        height=340,
        yaxis={"range": [0, 118], "ticksuffix": "%"},
        margin={"l": 40, "r": 10, "t": 60, "b": 30},
        legend={"orientation": "h", "y": 1.14, "x": 1, "xanchor": "right"},
    )
    return figure
