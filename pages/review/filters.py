"""Which samples are shown, how, and in which order; all of it stands in the address."""

from datetime import date
from typing import Any, cast

import streamlit as st

from pages.review.desk import PANEL, put_in_address
from pages.shared.frame import asked_number
from pages.shared.text import plain
from tianji_core.cleaning import BY_ID
from tianji_core.i18n import _, _c
from tianji_core.recipe import Recipe
from tianji_core.store import runs, samples, steps
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

MORE = ("run", "import", "teacher", "by", "stars", "score", "since", "until")
"""Query parameters of the filters behind the button."""
_PLACES = ("id", "from", PANEL, *MORE)
_RUNS = 50


def views() -> dict[str, str]:
    """How samples can be looked at."""
    return {
        "card": _("逐条"),
        "table": _c("view", "列表"),
        "bulk": _("批量"),
        "repeats": _("重复"),
        "second": _("复审"),
        "record": _("记录"),
    }


def reviewer(workspace: Workspace) -> str:
    """Who is reviewing: the name in the address, or the one in the settings."""
    return " ".join(st.query_params.get("who", "").split())[:40] or workspace.settings().reviewer


def _reviewer_field(workspace: Workspace) -> None:
    who, usual = reviewer(workspace), workspace.settings().reviewer
    st.session_state["pick_who"] = who
    with st.popover(_("审核人：{who}", who=plain(who)), icon="👤", key="reviewer_menu"):
        st.text_input(_("审核人"), key="pick_who", max_chars=40, on_change=_keep_who, args=(usual,))
        st.caption(
            _(
                "写进每一步记录；撤销、重做和按键都是各人自己的。地址里的 who=名字 也可以换人，平常的名字在设置页改。"
            )
        )


def _keep_who(usual: str) -> None:
    """Callback: somebody else sits here now."""
    who = " ".join(st.session_state["pick_who"].split())
    put_in_address("who", "" if who == usual else who)


def filters(workspace: Workspace, recipe: Recipe) -> tuple[SampleFilter, str, str]:
    """The filter, the view (a key of :func:`views`) and the order."""
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
        _reviewer_field(workspace)
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
    row = st.columns([2, 2, 2, 2, 2, 1.8, 1.5])
    off = view == "record"  # it is about steps, not about samples
    chosen = {}
    for column, key, label, entries in (
        (row[0], "style", _("风格"), recipe.styles),
        (row[1], "name", _("称谓"), recipe.names),
        (row[2], "scene", _("场景"), recipe.scenes),
    ):
        chosen[key] = column.multiselect(
            label,
            [entry.text for entry in entries],
            key=key,
            bind="query-params",
            placeholder=label,
            disabled=off,
            label_visibility="collapsed",
        )
    rule = row[3].selectbox(
        _("问题"),
        ["clean", "any", *BY_ID],
        index=None,
        format_func=_finding_title,
        key="finding",
        bind="query-params",
        placeholder=_("问题"),
        disabled=off,
        label_visibility="collapsed",
    )
    text = row[4].text_input(
        _("搜索内容"),
        key="q",
        bind="query-params",
        placeholder=_("搜索内容或输入"),
        disabled=off,
        label_visibility="collapsed",
        icon="🔍",
    )
    order = row[5].selectbox(
        _("顺序"),
        list(ORDER_TITLES),
        format_func=lambda value: _(ORDER_TITLES[value]),
        key="order",
        disabled=off,
        bind="query-params",
        label_visibility="collapsed",
    )
    with row[6]:
        _more(workspace, recipe.key, order == RANDOM)
    since, until = _day("since"), _day("until")
    wanted = SampleFilter(
        recipe.key,
        states=() if state in (None, "all") else (state,),
        styles=tuple(chosen["style"]),
        names=tuple(chosen["name"]),
        scenes=tuple(chosen["scene"]),
        rules=(rule,) if rule in BY_ID else (),
        clean={"clean": True, "any": False}.get(rule or ""),
        text=(text or "").strip(),
        run_id=asked_number("run"),
        import_id=asked_number("import"),
        models=(teacher,) if (teacher := st.query_params.get("teacher", "")) else (),
        reviewer=st.query_params.get("by", ""),
        rating=cast(tuple[int, int] | None, _bounds("stars", 0, 5)),
        score=_bounds("score", 0, 5),
        since=since.isoformat() if since else "",
        until=until.isoformat() if until else "",
    )
    order = order or BY_NUMBER
    if order == RANDOM and (seed := asked_number("seed")):
        order = f"{RANDOM}:{seed}"
    return wanted, view or "card", order


def _finding_title(rule: str) -> str:
    return {"clean": _("没有问题"), "any": _("有问题")}.get(rule) or _(BY_ID[rule].title)


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return None


def _bounds(name: str, low: float, high: float) -> tuple[float, float] | None:
    """'3-5' in the address; None where there is nothing, or no two numbers within the bounds."""
    try:
        first, last = (float(part) for part in st.query_params.get(name, "").split("-"))
    except ValueError:
        return None
    return (first, last) if low <= first <= last <= high else None


def _keep(name: str, slot: str) -> None:
    """Callback: what a person chose goes into the address."""
    value: Any = st.session_state[slot]
    if isinstance(value, tuple):
        whole = {"stars": (0, 5), "score": (0.0, 5.0)}[name]
        value = "" if value == whole else "-".join(f"{part:g}" for part in value)
    put_in_address(name, str(value) if value is not None else "")


def _more(workspace: Workspace, recipe_key: str, shuffled: bool) -> None:
    """Filters that are used less often; the button says how many are set. The address decides what they show."""
    number = sum(1 for name in MORE if st.query_params.get(name))
    label = _("更多 {n}", n=number) if number else _("更多")
    with st.popover(label, key="more", width="stretch"):
        found = {run.id: run.title for run in runs.listed(workspace.engine, recipe_key, limit=_RUNS)}
        _choice(
            "run",
            _("生成批次"),
            [str(number) for number in found],
            lambda n: f"{n} · {found.get(int(n), '')}",
        )
        _choice("teacher", _("造数模型"), samples.models(workspace.engine, recipe_key))
        _choice("by", _("谁动过"), steps.people(workspace.engine, recipe_key))
        _range("stars", _("星级"), (0, 5), _bounds("stars", 0, 5))
        _range("score", _("模型评分"), (0.0, 5.0), _bounds("score", 0, 5))
        row = st.columns(2)
        for column, name, title in ((row[0], "since", _("从哪天")), (row[1], "until", _("到哪天"))):
            slot = f"pick_{name}"
            st.session_state[slot] = _day(name)
            column.date_input(title, key=slot, on_change=_keep, args=(name, slot), format="YYYY-MM-DD")
        st.caption(_("日期是样本进来的那天（UTC）"))
        if shuffled:
            st.button(_("换一种打乱"), key="reshuffle", icon="🎲", on_click=_reshuffle)
        st.button(_("清除筛选"), key="clear_more", on_click=clear_filters, disabled=not number)


def _choice(name: str, label: str, options: list[str], title: Any = str) -> None:
    slot = f"pick_{name}"
    chosen = st.query_params.get(name, "") or None
    if chosen is not None and chosen not in options:
        options = [chosen, *options]
    st.session_state[slot] = chosen
    st.selectbox(
        label,
        options,
        index=None,
        format_func=title,
        key=slot,
        placeholder=_("全部"),
        on_change=_keep,
        args=(name, slot),
    )


def _range(name: str, label: str, whole: tuple[float, float], chosen: tuple[float, float] | None) -> None:
    slot = f"pick_{name}"
    kind = type(whole[0])
    low, high = chosen or whole
    st.session_state[slot] = (kind(low), kind(high))
    step = 1 if kind is int else 0.5
    st.slider(label, *whole, step=step, key=slot, on_change=_keep, args=(name, slot))


def _reshuffle() -> None:
    put_in_address("seed", str((asked_number("seed") or 0) + 1))
    put_in_address("id", "")


def clear_filters() -> None:
    """Callback: show all pending samples again."""
    empty = {"state": PENDING, "style": [], "name": [], "scene": [], "finding": None, "q": ""}
    for key, value in empty.items():
        st.session_state[key] = value
    for key in _PLACES:
        put_in_address(key, "")


def origin_note(wanted: SampleFilter) -> None:
    """Say so when only one run or one import is shown."""
    if wanted.run_id is None and wanted.import_id is None:
        return
    row = st.columns([4, 1], vertical_alignment="center")
    if wanted.run_id is not None:
        row[0].info(_("只看生成批次 {id} 的样本", id=wanted.run_id), icon="✨")
    else:
        row[0].info(_("只看第 {id} 次导入的样本", id=wanted.import_id), icon="📥")
    row[1].button(_("看全部样本"), key="leave_origin", on_click=clear_filters, width="stretch")
