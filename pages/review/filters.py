"""The filter bar of the review page: filter, view and order, all of them held by the address."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.review.filter_address import clear_filters, more_filters_in_address
from pages.review.more_filters import more_filters
from pages.review.reviewer import reviewer_field
from pages.shared.frame import asked_number
from tianji_core.cleaning import BY_ID
from tianji_core.i18n import _, _c
from tianji_core.recipe import Recipe
from tianji_core.store.samples import (
    ACCEPTED,
    BY_NUMBER,
    ORDER_TITLES,
    PENDING,
    RANDOM,
    REJECTED,
    STATE_TITLES,
    SampleFilter,
)
from tianji_core.workspace import Workspace


class FilterChoice(NamedTuple):
    """What the filter bar says: the filter, the view (a key of :func:`views`) and the order."""

    filter: SampleFilter
    view: str
    order: str


def views() -> dict[str, str]:
    """Returns the titles of the views of the review page by their key."""
    return {
        "card": _("逐条"),
        "table": _c("view", "列表"),
        "bulk": _("批量"),
        "repeats": _("重复"),
        "second": _("复审"),
        "record": _("记录"),
    }


def filters(workspace: Workspace, recipe: Recipe) -> FilterChoice:
    """Draws the filter bar and returns what is chosen in it."""
    state, view = _state_and_view(workspace)
    disabled = view == "record"  # this view is about steps, not about samples
    columns = st.columns([2, 2, 2, 2, 2, 1.8, 1.5])
    styles = _entries(columns[0], "style", _("风格"), [style.text for style in recipe.styles], disabled)
    names = _entries(columns[1], "name", _("称谓"), [name.text for name in recipe.names], disabled)
    scenes = _entries(columns[2], "scene", _("场景"), [scene.text for scene in recipe.scenes], disabled)
    finding = _finding(columns[3], disabled)
    text = columns[4].text_input(
        _("搜索内容"),
        key="q",
        bind="query-params",
        placeholder=_("搜索内容或输入"),
        disabled=disabled,
        label_visibility="collapsed",
        icon="🔍",
    )
    order = _order(columns[5], disabled)
    with columns[6]:
        more_filters(workspace, recipe.key, order == RANDOM)
    sample_filter = SampleFilter(
        recipe.key,
        states=() if state == "all" else (state,),
        styles=styles,
        names=names,
        scenes=scenes,
        rules=(finding,) if finding in BY_ID else (),
        clean={"clean": True, "any": False}.get(finding),
        text=(text or "").strip(),
        **more_filters_in_address(),
    )
    if order == RANDOM and (seed := asked_number("seed")):
        order = f"{RANDOM}:{seed}"
    return FilterChoice(sample_filter, view, order)


def _state_and_view(workspace: Workspace) -> tuple[str, str]:
    titles = views()
    with st.container(horizontal=True):
        state = st.segmented_control(
            _("状态"),
            [PENDING, ACCEPTED, REJECTED, "all"],
            default=PENDING,
            required=True,
            format_func=lambda value: _(STATE_TITLES.get(value, "全部")),
            key="state",
            bind="query-params",
            label_visibility="collapsed",
        )
        st.space("stretch")
        reviewer_field(workspace)
        view = st.segmented_control(
            _("看法"),
            list(titles),
            default="card",
            required=True,
            format_func=lambda value: titles[value],
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
    return state or "all", view or "card"


def _entries(
    column: DeltaGenerator, key: str, label: str, entries: Sequence[str], disabled: bool
) -> tuple[str, ...]:
    chosen = column.multiselect(
        label,
        entries,
        key=key,
        bind="query-params",
        placeholder=label,
        disabled=disabled,
        label_visibility="collapsed",
    )
    return tuple(chosen)


def _finding(column: DeltaGenerator, disabled: bool) -> str:
    """Returns a rule's id, 'clean' for samples without findings, 'any' for samples with some, or ''."""
    finding = column.selectbox(
        _("问题"),
        ["clean", "any", *BY_ID],
        index=None,
        format_func=_finding_title,
        key="finding",
        bind="query-params",
        placeholder=_("问题"),
        disabled=disabled,
        label_visibility="collapsed",
    )
    return finding or ""


def _finding_title(finding: str) -> str:
    return {"clean": _("没有问题"), "any": _("有问题")}.get(finding) or _(BY_ID[finding].title)


def _order(column: DeltaGenerator, disabled: bool) -> str:
    order = column.selectbox(
        _("顺序"),
        list(ORDER_TITLES),
        format_func=lambda value: _(ORDER_TITLES[value]),
        key="order",
        disabled=disabled,
        bind="query-params",
        label_visibility="collapsed",
    )
    return order or BY_NUMBER


def origin_note(sample_filter: SampleFilter) -> None:
    """Says so when the filter shows the samples of only one run or one import."""
    if sample_filter.run_id is None and sample_filter.import_id is None:
        return
    left, right = st.columns([4, 1], vertical_alignment="center")
    if sample_filter.run_id is not None:
        left.info(_("只看生成批次 {id} 的样本", id=sample_filter.run_id), icon="✨")
    else:
        left.info(_("只看第 {id} 次导入的样本", id=sample_filter.import_id), icon="📥")
    right.button(_("看全部样本"), key="leave_origin", on_click=clear_filters, width="stretch")
