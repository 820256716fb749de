"""The less frequent filters of the review page. The address holds their values."""

from collections.abc import Callable

import streamlit as st

from pages.review.filter_address import (
    MORE,
    RANGES,
    clear_filters,
    day_in_address,
    keep_in_address,
    range_in_address,
)
from pages.review.session import put_in_address
from pages.shared.frame import asked_number
from tianji_core.i18n import _
from tianji_core.store import runs, samples, steps
from tianji_core.workspace import Workspace

_RUNS = 50
"""The number of generation runs that can be chosen, the newest first."""


def more_filters(workspace: Workspace, recipe_key: str, shuffled: bool) -> None:
    """Draws the fields of the less frequent filters.

    ``shuffled`` adds a button that shuffles the samples again.
    """
    titles = {str(run.id): run.title for run in runs.listed(workspace.engine, recipe_key, limit=_RUNS)}
    left, right = st.columns(2)
    with left:
        _choice(
            "source",
            _("来源"),
            list(samples.SOURCE_TITLES),
            lambda source: _(samples.SOURCE_TITLES.get(source, source)),
        )
        _choice("teacher", _("造数模型"), samples.models(workspace.engine, recipe_key))
        _range("stars", _("星级"), step=1)
        _day("since", _("从哪天"))
    with right:
        _choice("run", _("生成批次"), list(titles), lambda run_id: f"{run_id} · {titles.get(run_id, '')}")
        _choice("by", _("谁动过"), steps.people(workspace.engine, recipe_key))
        _range("score", _("模型评分"), step=0.5)
        _day("until", _("到哪天"))
    st.caption(_("日期是样本进来的那天（UTC）"))
    if shuffled:
        st.button(_("换一种打乱"), key="reshuffle", icon="🎲", on_click=_reshuffle)
    chosen = any(st.query_params.get(name) for name in MORE)
    st.button(_("清除筛选"), key="clear_more", on_click=clear_filters, disabled=not chosen)


def _day(name: str, title: str) -> None:
    widget = f"pick_{name}"
    st.session_state[widget] = day_in_address(name)
    st.date_input(title, key=widget, on_change=keep_in_address, args=(name, widget), format="YYYY-MM-DD")


def _choice(name: str, label: str, options: list[str], title: Callable[[str], str] = str) -> None:
    widget = f"pick_{name}"
    chosen = st.query_params.get(name, "") or None
    if chosen is not None and chosen not in options:
        options = [chosen, *options]
    st.session_state[widget] = chosen
    st.selectbox(
        label,
        options,
        index=None,
        format_func=title,
        key=widget,
        placeholder=_("全部"),
        on_change=keep_in_address,
        args=(name, widget),
    )


def _range(name: str, label: str, step: int | float) -> None:
    widget, number = f"pick_{name}", type(step)  # a slider takes either whole numbers or floats
    low, high = range_in_address(name) or RANGES[name]
    st.session_state[widget] = (number(low), number(high))
    lowest, highest = RANGES[name]
    st.slider(
        label,
        number(lowest),
        number(highest),
        step=step,
        key=widget,
        on_change=keep_in_address,
        args=(name, widget),
    )


def _reshuffle() -> None:
    put_in_address("seed", str((asked_number("seed") or 0) + 1))
    put_in_address("id", "")
