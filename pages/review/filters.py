"""The filter bar of the review page: filter, view and order, all of them held by the address."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.review.filter_address import (
    FIELDS,
    MORE,
    clear_filter,
    clear_filters,
    filter_title,
    more_filters_in_address,
    source_title,
)
from pages.review.more_filters import more_filters
from pages.review.reviewer import reviewer_fields, reviewer_menu
from pages.shared.bound import bound, chosen
from pages.shared.frame import asked_number
from pages.shared.text import plain
from tianji_core.cleaning import BY_ID
from tianji_core.i18n import _, _c
from tianji_core.recipe import Options, Recipe, enabled_axes, option_labels
from tianji_core.store.samples import (
    ACCEPTED,
    BY_NUMBER,
    ORDER_TITLES,
    PENDING,
    RANDOM,
    REJECTED,
    STATE_TITLES,
    UNSURE,
    SampleFilter,
)
from tianji_core.workspace import Workspace


class FilterChoice(NamedTuple):
    """What the filter bar says: the filter and the order."""

    filter: SampleFilter
    order: str


_FINDINGS = ("clean", UNSURE, "any", *BY_ID)
"""What the filter of findings can say."""


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


def choose_view() -> str:
    """Draws the choice of the view and returns its key."""
    titles = views()
    view = st.segmented_control(
        _("看法"),
        list(titles),
        default="card",
        required=True,
        **bound("view", titles, lambda value: titles[value]),
        label_visibility="collapsed",
        width="content",
    )
    return view or "card"


def filters(workspace: Workspace, recipe: Recipe) -> FilterChoice:
    """Draws the filter bar in one line, the filters that are set below it, and returns what is chosen. Where
    a view has many controls of its own, the search and the reviewer stand with the filters behind their
    button."""
    view = chosen("view", titles := views(), lambda value: titles[value])
    short = view in ("", None, "card", "bulk")
    with st.container(horizontal=True, key="filter_row", vertical_alignment="center"):
        disabled = view == "record"  # it is about steps, not about samples
        state = _state()
        text = "" if short else _search(190, disabled)
        set_filters = _set_filters()
        label = _("筛选 {n}", n=len(set_filters)) if set_filters else _("筛选")
        icon = ":material/search:" if short else ":material/filter_list:"
        with st.popover(label, key="filters", icon=icon, disabled=disabled):
            if short:
                text = _search("stretch", disabled)
            fields = _filter_fields(workspace, recipe)
            if short:
                st.divider()
                reviewer_fields(workspace, recipe.key)
        if not short:
            st.space("stretch")
            reviewer_menu(workspace, recipe.key)
    _chips(set_filters)
    finding, order = fields.finding, fields.order
    sample_filter = SampleFilter(
        recipe.key,
        states=() if state == "all" else (state,),
        styles=fields.styles,
        names=fields.names,
        scenes=fields.scenes,
        options=fields.options,
        rules=(finding,) if finding in BY_ID else (),
        clean={"clean": True, "any": False}.get(finding),
        sure=False if finding == UNSURE else None,
        text=text.strip(),
        **more_filters_in_address(),
    )
    if order == RANDOM and (seed := asked_number("seed")):
        order = f"{RANDOM}:{seed}"
    return FilterChoice(sample_filter, order)


def _search(width: int | Literal["stretch"], disabled: bool) -> str:
    """Draws the field for words of a text, so many pixels wide, and returns what is typed."""
    return st.text_input(
        _("搜索内容"),
        key="q",
        bind="query-params",
        placeholder=_("搜索内容或输入"),
        disabled=disabled,
        label_visibility="collapsed",
        icon=":material/search:",
        width=width,
    )


class _Fields(NamedTuple):
    """What the fields behind the filter button say."""

    styles: tuple[str, ...]
    names: tuple[str, ...]
    scenes: tuple[str, ...]
    options: Options
    finding: str
    order: str


def _filter_fields(workspace: Workspace, recipe: Recipe) -> _Fields:
    left, right = st.columns(2)
    words = recipe.words.shown()
    styles = _entries(left, "style", words.style, [style.text for style in recipe.styles])
    finding = _finding(recipe, right)
    names = _entries(left, "name", words.name, [name.text for name in recipe.names if recipe.receivers])
    scenes = _entries(right, "scene", words.scene, [scene.text for scene in recipe.scenes])
    options = _options(left, recipe)
    order = _order(left)
    more_filters(workspace, recipe.key, order == RANDOM)
    return _Fields(styles, names, scenes, options, finding, order)


def _set_filters() -> dict[str, str]:
    """Returns query parameter → its value for each filter that is set; :func:`origin_note` names runs and
    imports."""
    more = more_filters_in_address()
    names = [*FIELDS, *(name for name in MORE if name not in ("run", "import") and more[MORE[name]])]
    return {name: value for name in names if (value := _("、").join(st.query_params.get_all(name)))}


def _chips(set_ones: Mapping[str, str]) -> None:
    """Draws each filter that is set as a button that takes it away."""
    if not set_ones:
        return
    with st.container(horizontal=True, key="chips", gap="small"):
        for name, value in set_ones.items():
            shown = source_title(value) if name == "source" else value[:40]
            if name == "finding" and (finding := chosen("finding", _FINDINGS, _finding_title)):
                shown = _finding_title(finding)  # the address may name it by its key, or in another language
            st.button(
                _("{title}：{value}", title=filter_title(name), value=plain(shown)),
                key=f"chip_{name}",
                icon=":material/close:",
                help=_("去掉这个筛选"),
                on_click=clear_filter,
                args=(name,),
            )
        if len(set_ones) > 1:
            st.button(_("清除筛选"), key="chip_all", type="tertiary", on_click=clear_filters)


def _state() -> str:
    states = (PENDING, ACCEPTED, REJECTED, "all")
    state = st.segmented_control(
        _("状态"),
        states,
        default=PENDING,
        required=True,
        **bound("state", states, lambda value: _(STATE_TITLES.get(value, "全部"))),
        label_visibility="collapsed",
    )
    return state or "all"


def _entries(column: DeltaGenerator, key: str, label: str, entries: Sequence[str]) -> tuple[str, ...]:
    chosen = column.multiselect(
        label,
        entries,
        key=key,
        bind="query-params",
        placeholder=_("全部"),
    )
    return tuple(chosen)


def _options(column: DeltaGenerator, recipe: Recipe) -> Options:
    """Returns the chosen options of axes; draws no field while no axis is switched on and none is chosen."""
    known = option_labels(recipe.axes)
    if not enabled_axes(recipe) and not st.query_params.get_all("option"):
        return ()
    return tuple(known[label] for label in _entries(column, "option", _("条件"), list(known)))


def _finding(recipe: Recipe, column: DeltaGenerator) -> str:
    """Returns a rule's id, 'clean' for samples without findings, :data:`UNSURE` for the doubtful ones
    of them, 'any' for samples with some, or ''."""
    known = [key for key in _FINDINGS if key not in BY_ID or BY_ID[key].holds_in(recipe)]
    finding = column.selectbox(
        _("问题"),
        known,
        index=None,
        **bound("finding", known, _finding_title),
        placeholder=_("全部"),
    )
    return finding or ""


def _finding_title(finding: str) -> str:
    titles = {"clean": _("没有问题"), UNSURE: _("拿不准"), "any": _("有问题")}
    return titles.get(finding) or _(BY_ID[finding].title)


def _order(column: DeltaGenerator) -> str:
    order = column.selectbox(
        _("顺序"),
        list(ORDER_TITLES),
        **bound("order", ORDER_TITLES, lambda value: _(ORDER_TITLES[value])),
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
