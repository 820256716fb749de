"""The less frequent filters of the review page. The address holds their values."""

from collections.abc import Callable

import streamlit as st

from pages.review.filter_address import (
    MORE,
    RANGES,
    clear_filters,
    day_in_address,
    filter_title,
    keep_in_address,
    range_in_address,
    source_title,
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
        _choice("source", list(samples.SOURCE_TITLES), source_title)
        _choice("teacher", samples.models(workspace.engine, recipe_key))
        _range("stars", step=1)
        _day("since")
    with right:
        _choice("run", list(titles), lambda run_id: f"{run_id} · {titles.get(run_id, '')}")
        _choice("by", steps.people(workspace.engine, recipe_key))
        _range("score", step=0.5)
        _day("until")
    st.caption(_("日期是样本进来的那天，从您那里的零点算起"))
    if shuffled:
        st.button(_("换一种打乱"), key="reshuffle", icon="🎲", on_click=_reshuffle)
    chosen = any(st.query_params.get(name) for name in MORE)
    st.button(_("清除筛选"), key="clear_more", on_click=clear_filters, disabled=not chosen)


def _day(name: str) -> None:
    widget = f"pick_{name}"
    st.session_state[widget] = day_in_address(name)
    st.date_input(
        filter_title(name), key=widget, on_change=keep_in_address, args=(name, widget), format="YYYY-MM-DD"
    )


def _choice(name: str, options: list[str], title: Callable[[str], str] = str) -> None:
    widget = f"pick_{name}"
    chosen = st.query_params.get(name, "") or None
    if chosen is not None and chosen not in options:
        options = [chosen, *options]
    st.session_state[widget] = chosen
    st.selectbox(
        filter_title(name),
        options,
        index=None,
        format_func=title,
        key=widget,
        placeholder=_("全部"),
        on_change=keep_in_address,
        args=(name, widget),
    )


def _range(name: str, step: int | float) -> None:
    widget, number = f"pick_{name}", type(step)  # a slider takes either whole numbers or floats
    low, high = range_in_address(name) or RANGES[name]
    st.session_state[widget] = (number(low), number(high))
    lowest, highest = RANGES[name]
    st.slider(
        filter_title(name),
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
