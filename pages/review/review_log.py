"""The log of a review: its pace, what each reviewer did, and the list of all steps, newest first."""

from datetime import date, datetime
from html import escape

import plotly.graph_objects as go
import streamlit as st

from pages.review.agreement_table import agreement_table
from pages.review.session import ReviewSession, put_in_address
from pages.shared.bound import bound
from pages.shared.clock import SECOND as MOMENT
from pages.shared.clock import first_moment, local, local_time
from pages.shared.frame import asked_number
from pages.shared.review_parts import undo_buttons
from tianji_core.i18n import _
from tianji_core.review import reviewer_agreement
from tianji_core.store import samples, second_verdicts, steps
from tianji_core.store.samples import PENDING, SampleFilter
from tianji_core.store.steps import ACTION_TITLES, SECOND, ReviewPace, Step, StepFilter

_PAGE = 50
"""The number of steps on one page of the list."""
_DATED = 7
"""The number of spans up to which each has its date below the chart."""
_FILTERS = ("feed_who", "feed_action", "feed_sample", "feed_since", "feed_until")
"""The parts of the address that restrict the list."""
_LEAST = 4
"""The number of spans that the chart has room for at least: one bar alone would fill it."""


def review_log(session: ReviewSession) -> None:
    """Draws the pace, the table of reviewers and the list of steps."""
    engine, key = session.workspace.engine, session.recipe.key
    with st.container(key="review_log", horizontal=True, vertical_alignment="center"):
        if not steps.people(engine, key):
            st.info(_("还没有人审核过。回到“逐条”，从第一条开始。"), icon="🌱")
            return
        units = {"day": _("按天"), "hour": _("按小时")}
        unit = st.segmented_control(
            _("时间单位"),
            list(units),
            default="day",
            required=True,
            **bound("unit", units, lambda value: units[value]),
            label_visibility="collapsed",
            width="content",
        )
        st.space("stretch")
        with st.container(width="content"):
            undo_buttons(session.workspace, key, session.who, session.keys)
    by_hour = unit == "hour"
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with left:
        pending = samples.state_counts(engine, SampleFilter(key))[PENDING]
        spans = steps.pace(engine, key, by_hour, local)
        _pace(spans, pending, "%m-%d %H:%M" if by_hour else "%m-%d")
    with right:
        _reviewers(session)
    _steps(session)


def _pace(spans: list[ReviewPace], pending: int, dated: str) -> None:
    """Draws the decisions per span and reviewer as bars, the samples pending after each span as a line;
    ``dated`` is the form of the spans' dates. A few spans stand side by side, many along the time."""
    starts = sorted({span.start for span in spans})
    if not starts:
        return
    few = len(starts) <= _DATED

    def place(start: datetime) -> datetime | str:
        return start.strftime(dated) if few else start

    figure = go.Figure()
    for who in sorted({span.who for span in spans}):
        theirs = [span for span in spans if span.who == who]
        figure.add_bar(
            x=[place(span.start) for span in theirs],
            y=[span.decided for span in theirs],
            name=escape(who),
            width=0.4 if few else None,
        )
    remaining: list[int] = []
    for start in reversed(starts):
        remaining.append(pending)
        pending += sum(span.decided for span in spans if span.start == start)
    figure.add_scatter(
        x=[place(start) for start in starts],
        y=remaining[::-1],
        name=_("还剩待审"),
        mode="lines+markers",
        yaxis="y2",
        line={"color": "#888"},
    )
    figure.update_layout(
        barmode="stack",
        height=220,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        yaxis={"title": _("决定")},
        yaxis2={
            "title": _("还剩待审"),
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
        },
        legend={"orientation": "h", "y": 1.25},
    )
    if few:
        most = max(len(starts), _LEAST)
        order = [place(start) for start in starts]
        edge = (most - len(starts)) / 2
        figure.update_xaxes(
            type="category",
            categoryorder="array",
            categoryarray=order,
            range=[-0.5 - edge, len(starts) - 0.5 + edge],
        )
    st.plotly_chart(figure, width="stretch", key="pace", config={"displayModeBar": False})
    st.caption(_("“还剩待审”从现在的待审数按决定数倒推。"))


def _reviewers(session: ReviewSession) -> None:
    engine, key = session.workspace.engine, session.recipe.key
    st.dataframe(
        [
            {
                _("谁"): reviewer.who,
                _("审了"): reviewer.decided,
                _("采用率"): f"{reviewer.accepted / reviewer.decided:.0%}" if reviewer.decided else "—",
                _("改了"): reviewer.edited,
                _("每小时"): f"{reviewer.per_hour:.0f}" if reviewer.per_hour else "—",
            }
            for reviewer in steps.reviewers(engine, key)
        ],
        hide_index=True,
        width="stretch",
    )
    if verdicts := second_verdicts.verdicts(engine, key):
        agreement_table(reviewer_agreement(verdicts))


def _steps(session: ReviewSession) -> None:
    engine = session.workspace.engine
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(_("每一步"), anchor=False, width="content")
        step_filter = _step_filter(session)
    total = steps.matching_count(engine, step_filter)
    page = steps.feed(engine, step_filter, _PAGE, asked_number("before"))
    if not page:
        st.info(_("没有符合这些条件的步骤"), icon="🔍")
        return
    touched = steps.touched(engine, [step.id for step in page])
    st.dataframe(
        [_step_row(step, touched[step.id]) for step in page], hide_index=True, width="stretch", height=440
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("共 {n} 步", n=f"{total:,}"))
        if asked_number("before"):
            st.button(_("最新的"), key="feed_newest", on_click=put_in_address, args=("before", ""))
        if len(page) == _PAGE:
            st.button(
                _("更早的"), key="feed_older", on_click=put_in_address, args=("before", str(page[-1].id))
            )


def _step_filter(session: ReviewSession) -> StepFilter:
    """Draws the filters of the list and returns what is chosen in them."""
    key = session.recipe.key
    set_ones = sum(bool(st.query_params.get(name)) for name in _FILTERS)
    label = _("筛选 {n}", n=set_ones) if set_ones else _("筛选")
    with st.popover(label, key="feed_filters", icon=":material/filter_list:"):
        columns = [*st.columns(2), *st.columns(1), *st.columns(2)]
        who = columns[0].selectbox(
            _("谁"),
            steps.people(session.workspace.engine, key),
            index=None,
            key="feed_who",
            bind="query-params",
            placeholder=_("全部"),
        )
        action = columns[1].selectbox(
            _("做了什么"),
            list(ACTION_TITLES),
            index=None,
            **bound("feed_action", ACTION_TITLES, lambda value: _(ACTION_TITLES[value])),
            placeholder=_("全部"),
        )
        sample = columns[2].number_input(
            _("样本编号"),
            min_value=1,
            max_value=2**31 - 1,
            value=None,
            step=1,
            key="feed_sample",
            bind="query-params",
        )
        since = columns[3].date_input(_("从哪天"), None, key="feed_since", bind="query-params")
        until = columns[4].date_input(_("到哪天"), None, key="feed_until", bind="query-params")
    return StepFilter(
        key, who or "", action or "", _begins(since), _begins(until), int(sample) if sample else None
    )


def _begins(day: date | None) -> str:
    return first_moment(day) if isinstance(day, date) else ""


def _step_row(step: Step, ids: list[int]) -> dict[str, str]:
    more = "…" if step.count > len(ids) else ""
    # The verdict of a second review is left out, because other reviewers may still have to give one blindly.
    title = step.title if step.action != SECOND else _(ACTION_TITLES[SECOND])
    return {
        _("时间"): local_time(step.created_at, MOMENT),
        _("谁"): step.who,
        _("做了什么"): title + (_("（已撤销）") if step.undone else ""),
        _("为什么"): step.note,
        _("样本"): _("、").join(f"#{number}" for number in ids) + more,
    }
