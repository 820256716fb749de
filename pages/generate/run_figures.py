"""The figures of a generation run: its pace, its failures, its teachers side by side, and its variety."""

import plotly.graph_objects as go
import streamlit as st

from pages.shared.teacher_numbers import SIGNS
from pages.shared.text import plain
from tianji_core.generation import (
    RunState,
    TeacherResult,
    Variety,
    read_pulse,
    run_variety,
)
from tianji_core.i18n import _, _c
from tianji_core.workspace import Workspace


def error_title(kind: str) -> str:
    """Returns the title of a kind of failure."""
    return {
        "auth": _("密钥或余额"),
        "request": _("请求不被接受"),
        "unreachable": _("连不上或服务器出错"),
        "timeout": _("超时"),
        "rate_limit": _("限流"),
        "answer": _("回答读不懂或为空"),
        "refusal": _("被拒绝或被审核拦下"),
        "composer": _("离线造句没有合适的语句"),
        "plan": _("配方里已没有这个条目"),
        "storage": _("数据库存不下"),
    }.get(kind, kind)


def show_pulse(workspace: Workspace, run_id: int) -> None:
    """Draws requests and tokens per second, the requests in flight, and the rate limiting by the server."""
    pulse = read_pulse(workspace, run_id)
    if pulse is None:
        return
    columns = st.columns(6)
    columns[0].metric(_("请求 / 秒"), f"{pulse.requests_per_second:.1f}")
    columns[1].metric(_("写好 / 秒"), f"{pulse.answers_per_second:.1f}")
    columns[2].metric(_("tokens / 秒"), f"{pulse.tokens_per_second:,.0f}")
    levels = " + ".join(str(level) for level in pulse.levels)
    columns[3].metric(
        _("在等回答 / 上限"), f"{pulse.in_flight} / {levels}", help=_("上限在被限流时减半，顺利时加回来。")
    )
    columns[4].metric(_("限流（429）"), f"{pulse.limited:,}")
    columns[5].metric(_("重试"), f"{pulse.retries:,}")
    if pulse.paused >= 1:
        st.caption(_("⏳ 服务器要求等 {seconds} 秒再发", seconds=f"{pulse.paused:.0f}"))


def show_errors(state: RunState) -> None:
    """Draws the failures by kind as a chart, with one example of each kind."""
    if not state.errors:
        return
    titles = [error_title(error.kind) for error in state.errors]
    figure = go.Figure(
        go.Bar(
            x=[error.count for error in state.errors],
            y=titles,
            orientation="h",
            marker_color="#c0392b",
            text=[f"{error.count:,}" for error in state.errors],
            textposition="auto",
        )
    )
    figure.update_layout(
        height=70 + 34 * len(titles),
        margin={"l": 0, "r": 0, "t": 24, "b": 0},
        title={"text": _("失败的原因"), "font": {"size": 14}},
        yaxis={"autorange": "reversed"},
        xaxis={"visible": False},
    )
    st.plotly_chart(figure, key=f"errors_{state.run.id}", config={"displayModeBar": False})
    for title, error in zip(titles, state.errors, strict=True):
        st.warning(
            _("{title} · {n} 条：{example}", title=title, n=error.count, example=plain(error.example)),
            icon="❌",
        )


def show_teachers(results: list[TeacherResult]) -> None:
    """Draws one line per teacher, if the run has several."""
    if len(results) < 2:
        return
    st.caption(_("各个造数模型"))
    st.table([_teacher_row(result) for result in results], border="horizontal", hide_index=True)


def _teacher_row(result: TeacherResult) -> dict[str, str]:
    totals = result.totals
    finding_share = "—" if not totals.checked else f"{totals.with_findings / totals.checked:.0%}"
    return {
        _c("field", "模型"): plain(f"{result.title} · {result.model}"),
        _("写好 / 任务"): f"{totals.done:,} / {totals.tasks:,}",
        _("失败"): f"{totals.failed:,}",
        _("平均用时"): "—" if totals.latency is None else _("{seconds} 秒", seconds=f"{totals.latency:.2f}"),
        _("平均字数"): "—" if totals.length is None else f"{totals.length:.0f}",
        _("被截断"): f"{totals.cut:,}",
        _("有问题的"): finding_share,
        _("每条请求数"): "—"
        if not totals.done
        else f"{totals.requests / max(1, totals.done + totals.failed):.2f}",
        _("费用"): "—" if result.cost is None else f"{SIGNS[result.currency]}{result.cost:,.4f}",
    }


@st.cache_data(ttl=5.0, max_entries=64, show_spinner=False)
def _measured(_workspace: Workspace, home: str, run_id: int) -> tuple[Variety, Variety] | None:
    return run_variety(_workspace.engine, run_id)


def show_variety(workspace: Workspace, state: RunState) -> None:
    """Draws how much the texts repeat each other, the oldest against the newest."""
    if state.counts.done < 10:
        return
    measured = _measured(workspace, str(workspace.home), state.run.id)
    if measured is None:
        return
    before, newest = measured
    changed = before != newest
    columns = st.columns(3)
    columns[0].metric(
        "distinct-2",
        f"{newest.distinct_2:.3f}",
        f"{newest.distinct_2 - before.distinct_2:+.3f}" if changed else None,
        help=_(
            "不重复的相邻两字占全部的比例，越高越不雷同；只看最新的 {n} 条，箭头是和最早的 {n} 条比。",
            n=newest.texts,
        ),
    )
    columns[1].metric(
        _("最常见开头的占比"),
        f"{newest.top_share:.0%}",
        f"{newest.top_share - before.top_share:+.0%}" if changed else None,
        delta_color="inverse",
    )
    columns[2].metric(_("最常见的开头"), newest.top_opening or "—")
