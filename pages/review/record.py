"""The record of a review: how far it is and how it got there, what each reviewer did, and every step as a feed."""

from datetime import date

import plotly.graph_objects as go
import streamlit as st

from pages.review.desk import Desk, put_in_address
from pages.review.second import agreement_table
from pages.shared.frame import asked_number
from pages.shared.review_parts import undo_buttons
from tianji_core.i18n import _
from tianji_core.review import agreement
from tianji_core.store import samples, second_verdicts, steps
from tianji_core.store.samples import PENDING, SampleFilter
from tianji_core.store.steps import ACTION_TITLES, SECOND, Pace, Step, StepFilter

_FEED = 50


def record(desk: Desk) -> None:
    """Pictures, figures, feed."""
    engine, key = desk.workspace.engine, desk.recipe.key
    row = st.columns([3, 3], vertical_alignment="bottom")
    with row[1]:
        undo_buttons(desk.workspace, key, desk.who, desk.keys)
    if not steps.people(engine, key):
        st.info(_("还没有人审核过。回到“逐条”，从第一条开始。"), icon="🌱")
        return
    with row[0]:
        hourly = st.segmented_control(
            _("时间单位"),
            ["day", "hour"],
            default="day",
            required=True,
            format_func=lambda unit: {"day": _("按天"), "hour": _("按小时")}[unit],
            key="unit",
            bind="query-params",
            label_visibility="collapsed",
        )
    left = samples.state_counts(engine, SampleFilter(key))[PENDING]
    _progress(steps.pace(engine, key, by_hour=hourly == "hour"), left)
    _reviewers(desk)
    st.subheader(_("每一步"))
    _feed(desk)


def _progress(pace: list[Pace], left: int) -> None:
    """Decisions per span and person as bars, what was left after each span as a line."""
    starts = sorted({each.start for each in pace})
    if not starts:
        return
    figure = go.Figure()
    for who in sorted({each.who for each in pace}):
        mine = [each for each in pace if each.who == who]
        figure.add_bar(
            x=[each.start for each in mine], y=[each.decided for each in mine], name=_plain_name(who)
        )
    later, remaining = left, []
    for start in reversed(starts):
        remaining.append(later)
        later += sum(each.decided for each in pace if each.start == start)
    figure.add_scatter(
        x=starts,
        y=remaining[::-1],
        name=_("还剩待审"),
        mode="lines+markers",
        yaxis="y2",
        line={"color": "#888"},
    )
    figure.update_layout(
        barmode="stack",
        height=280,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        yaxis={"title": _("决定")},
        yaxis2={
            "title": _("还剩待审"),
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
        },
        legend={"orientation": "h", "y": 1.15},
    )
    if len(starts) == 1:
        figure.update_xaxes(tickvals=starts, tickformat="%m-%d %H:%M")
    st.plotly_chart(figure, width="stretch", key="pace")
    st.caption(_("时间是 UTC；“还剩待审”从现在的待审数按决定数倒推。"))


def _plain_name(who: str) -> str:
    """A name for a chart, where angle brackets would be markup."""
    return who.replace("&", "&amp;").replace("<", "&lt;")


def _reviewers(desk: Desk) -> None:
    engine, key = desk.workspace.engine, desk.recipe.key
    st.dataframe(
        [
            {
                _("谁"): each.who,
                _("审了"): each.decided,
                _("采用率"): f"{each.accepted / each.decided:.0%}" if each.decided else "—",
                _("改了"): each.edited,
                _("每小时"): f"{each.per_hour:.0f}" if each.per_hour else "—",
            }
            for each in steps.reviewers(engine, key)
        ],
        hide_index=True,
        width="stretch",
    )
    if verdicts := second_verdicts.verdicts(engine, key):
        agreement_table(agreement(verdicts))


def _feed(desk: Desk) -> None:
    engine, key = desk.workspace.engine, desk.recipe.key
    row = st.columns(5)
    who = row[0].selectbox(
        _("谁"),
        steps.people(engine, key),
        index=None,
        key="feed_who",
        bind="query-params",
        placeholder=_("全部"),
    )
    action = row[1].selectbox(
        _("做了什么"),
        list(ACTION_TITLES),
        index=None,
        format_func=lambda each: _(ACTION_TITLES[each]),
        key="feed_action",
        bind="query-params",
        placeholder=_("全部"),
    )
    sample = row[2].number_input(
        _("样本编号"),
        min_value=1,
        max_value=2**31 - 1,
        value=None,
        step=1,
        key="feed_sample",
        bind="query-params",
    )
    since = row[3].date_input(_("从哪天"), None, key="feed_since", bind="query-params")
    until = row[4].date_input(_("到哪天"), None, key="feed_until", bind="query-params")
    wanted = StepFilter(
        key, who or "", action or "", _iso(since), _iso(until), int(sample) if sample else None
    )
    total = steps.matching_count(engine, wanted)
    shown = steps.feed(engine, wanted, _FEED, asked_number("before"))
    if not shown:
        st.info(_("没有符合这些条件的步骤"), icon="🔍")
        return
    touched = steps.touched(engine, [step.id for step in shown])
    st.dataframe(
        [_line(step, touched[step.id]) for step in shown], hide_index=True, width="stretch", height=440
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("共 {n} 步", n=f"{total:,}"))
        if asked_number("before"):
            st.button(_("最新的"), key="feed_newest", on_click=put_in_address, args=("before", ""))
        if len(shown) == _FEED:
            st.button(
                _("更早的"), key="feed_older", on_click=put_in_address, args=("before", str(shown[-1].id))
            )


def _iso(day: date | None) -> str:
    return day.isoformat() if isinstance(day, date) else ""


def _line(step: Step, ids: list[int]) -> dict[str, str]:
    more = "…" if step.count > len(ids) else ""
    # Which verdict a second reader gave is not told here: somebody may still have to give one.
    title = step.title if step.action != SECOND else _(ACTION_TITLES[SECOND])
    return {
        _("时间（UTC）"): step.created_at.strftime("%Y-%m-%d %H:%M:%S"),
        _("谁"): step.who,
        _("做了什么"): title + (_("（已撤销）") if step.undone else ""),
        _("为什么"): step.note,
        _("样本"): _("、").join(f"#{number}" for number in ids) + more,
    }
