"""Parts of the review page that every view shares: filters, progress, undo, what an action left."""

import html
from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.text import plain
from tianji_core import cleaning
from tianji_core.cleaning import BY_ID, Context
from tianji_core.errors import StudioError
from tianji_core.i18n import _, _c
from tianji_core.recipe import Recipe
from tianji_core.store import findings, steps
from tianji_core.store.findings import Finding
from tianji_core.store.samples import (
    ACCEPTED,
    BY_NUMBER,
    ORDER_TITLES,
    PENDING,
    REJECTED,
    STATE_TITLES,
    Sample,
    SampleFilter,
)
from tianji_core.store.steps import Step
from tianji_core.workspace import Workspace

STATE_COLOURS = {PENDING: "gray", ACCEPTED: "green", REJECTED: "red"}
STATE_ICONS = {PENDING: "🕓", ACCEPTED: "✅", REJECTED: "🚫"}
ROWS = 50
_CHECK_BATCH = 2000
_PLACES = ("id", "from", "run", "import")


def check_with_progress(workspace: Workspace, recipe_key: str) -> None:
    """Let the rules look at everything that is new, with a bar where that takes more than a moment."""
    cleaning.forget_outdated(workspace, recipe_key)
    waiting = findings.unchecked_count(workspace.engine, recipe_key)
    if not waiting:
        cleaning.compare_all(workspace, recipe_key)
        return
    bar = st.progress(0.0) if waiting > _CHECK_BATCH else None
    done = 0
    while checked := cleaning.check_new(workspace, recipe_key, limit=_CHECK_BATCH):
        done += checked
        if bar is not None:
            shown = _("正在检查新样本：{done} / {waiting}", done=done, waiting=waiting)
            bar.progress(min(1.0, done / waiting), text=shown)
        if done >= waiting:  # what arrives meanwhile is checked the next time
            break
    if bar is not None:
        bar.progress(1.0, text=_("正在互相比较"))
    cleaning.compare_all(workspace, recipe_key)
    if bar is not None:
        bar.empty()


def filters(recipe: Recipe) -> tuple[SampleFilter, str, str]:
    """The filters, how the samples are shown (card, table, bulk or repeats) and their order; all of it stands in the
    address."""
    views = {
        "card": _("逐条"),
        "table": _c("view", "列表"),
        "bulk": _("批量"),
        "repeats": _("重复"),
    }
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
        view = st.segmented_control(
            _("看法"),
            list(views),
            default="card",
            required=True,
            format_func=lambda value: views[value],
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
    row = st.columns([2, 2, 2, 2, 2, 1.7])
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
        label_visibility="collapsed",
    )
    text = row[4].text_input(
        _("搜索内容"),
        key="q",
        bind="query-params",
        placeholder=_("搜索内容或输入"),
        label_visibility="collapsed",
        icon="🔍",
    )
    order = row[5].selectbox(
        _("顺序"),
        list(ORDER_TITLES),
        format_func=lambda value: _(ORDER_TITLES[value]),
        key="order",
        bind="query-params",
        label_visibility="collapsed",
    )
    wanted = SampleFilter(
        recipe.key,
        states=() if state in (None, "all") else (state,),
        styles=tuple(chosen["style"]),
        names=tuple(chosen["name"]),
        scenes=tuple(chosen["scene"]),
        rules=(rule,) if rule in BY_ID else (),
        clean={"clean": True, "any": False}.get(rule or ""),
        text=(text or "").strip(),
        run_id=_number("run"),
        import_id=_number("import"),
    )
    return wanted, view or "card", order or BY_NUMBER


def _finding_title(rule: str) -> str:
    return {"clean": _("没有问题"), "any": _("有问题")}.get(rule) or _(BY_ID[rule].title)


def _number(key: str) -> int | None:
    value = st.query_params.get(key, "")
    return int(value) if value.isdecimal() and len(value) < 16 else None


def clear_filters() -> None:
    """Callback: show all pending samples again."""
    empty = {"state": PENDING, "style": [], "name": [], "scene": [], "finding": None, "q": ""}
    for key, value in empty.items():
        st.session_state[key] = value
    for key in _PLACES:
        if key in st.query_params:
            del st.query_params[key]


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


def attempt(action: Callable[[], Step | None], nothing: str = "") -> bool:
    """Run an action of a callback; what went wrong or what was done is shown by :func:`show_outcome`. Returns whether
    it went well."""
    try:
        step = action()
    except StudioError as error:
        st.session_state["_review_error"] = str(error)
        return False
    st.session_state["_review_done"] = step.title if step is not None else nothing
    return True


def attempt_copy(workspace: Workspace, sample: Sample, name: str, context: Context) -> None:
    """Callback: copy a sample for another person and show the copy."""
    try:
        number = cleaning.copy_to(workspace, sample, name, context)
    except StudioError as error:
        st.session_state["_review_error"] = str(error)
        return
    st.session_state["_review_done"] = _("已复制成样本 {id}", id=number)
    st.query_params["id"] = str(number)


def show_outcome() -> None:
    """Show once what the last callback left."""
    if error := st.session_state.pop("_review_error", None):
        st.error(plain(error), icon="⚠️")
        if typed := st.session_state.pop("_review_typed", None):
            st.caption(_("你刚才写的内容（可以复制）："))
            st.code(typed, language=None, wrap_lines=True)
    if done := st.session_state.pop("_review_done", None):
        st.toast(plain(done), icon="✅")


def progress_line(counts: Mapping[str, int]) -> None:
    """How far the review has come."""
    total = sum(counts.values())
    reviewed = total - counts[PENDING]
    st.progress(
        reviewed / total if total else 0.0,
        text=_(
            "已审 {reviewed} / {total} · 采用 {accepted} · 弃用 {rejected} · 待审 {pending}",
            reviewed=reviewed,
            total=total,
            accepted=counts[ACCEPTED],
            rejected=counts[REJECTED],
            pending=counts[PENDING],
        ),
    )


def undo_buttons(workspace: Workspace, recipe_key: str) -> DeltaGenerator:
    """Undo and redo, each saying what it would do; the place beside them."""
    last, again = (
        steps.last(workspace.engine, recipe_key),
        steps.next_redo(workspace.engine, recipe_key),
    )
    row = st.columns([3, 3, 2])
    row[0].button(
        _("撤销：{title}", title=last.title) if last else _("撤销"),
        key="undo",
        icon="↩️",
        shortcut="z",
        disabled=last is None,
        width="stretch",
        on_click=lambda: attempt(lambda: steps.undo(workspace.engine, recipe_key)),
    )
    row[1].button(
        _("重做：{title}", title=again.title) if again else _("重做"),
        key="redo",
        icon="↪️",
        shortcut="y",
        disabled=again is None,
        width="stretch",
        on_click=lambda: attempt(lambda: steps.redo(workspace.engine, recipe_key)),
    )
    return row[2]


def diff_html(before: str, after: str) -> str:
    """Two texts as one line of HTML: removed characters red and struck through, added ones green."""
    styles = {
        "removed": "background:#fde2e1;color:#a4262c;text-decoration:line-through",
        "added": "background:#dff6dd;color:#0b6a0b",
    }
    spans = []
    for kind, text in cleaning.compare(before, after):
        shown = html.escape(text.replace("\n", "⏎\n") if kind != "same" else text).replace("\n", "<br>")
        spans.append(f'<span style="{styles[kind]}">{shown}</span>' if kind in styles else shown)
    return f'<div style="line-height:1.8">{"".join(spans)}</div>'


def length_text(length: int, sample: Sample, context: Context) -> str:
    """The length beside the style's limits."""
    if sample.style not in context.limits:
        return _("{n} 字", n=length)
    low, high = context.limits[sample.style]
    colour = "green" if low <= length <= high else "red"
    return (
        f":{colour}["
        + _("{n} 字（{style}要 {low}-{high} 字）", n=length, style=plain(sample.style), low=low, high=high)
        + "]"
    )


def finding_badges(found: Sequence[Finding]) -> None:
    """One badge per finding, its explanation on hover, and what it is about below."""
    if not found:
        st.badge(_("没有发现问题"), icon="✅", color="green")
        return
    with st.container(horizontal=True):
        for finding in found:
            rule = BY_ID.get(finding.rule)
            title, why = (_(rule.title), _(rule.why)) if rule else (finding.rule, "")
            st.badge(title, color="orange", help=why or None)
    st.caption(plain(_("；").join(finding.detail for finding in found)))
