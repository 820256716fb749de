"""Many samples at once: a page of them as a table, and actions on everything that matches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from pages.components.review import STATE_ICONS, attempt, diff_html
from pages.components.text import plain
from tianji_core import cleaning
from tianji_core.cleaning import BY_ID, FIXABLE_RULES, RULES, SAFE_RULES
from tianji_core.i18n import _
from tianji_core.store import samples, steps
from tianji_core.store.findings import Finding
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, STATE_TITLES, Sample, SampleFilter
from tianji_core.workspace import Workspace


def samples_table(page: Sequence[Sample], found: Mapping[int, Sequence[Finding]], key: str) -> list[Sample]:
    """A page of samples; those that the person ticked."""
    rows = {
        _("编号"): [s.id for s in page],
        _("状态"): [f"{STATE_ICONS[s.state]} {_(STATE_TITLES[s.state])}" for s in page],
        _("称谓"): [s.name for s in page],
        _("场景"): [s.scene for s in page],
        _("风格"): [s.style for s in page],
        _("内容"): [s.output for s in page],
        _("字数"): [s.length for s in page],
        _("问题"): [
            _("、").join(_(BY_ID[f.rule].title) for f in found[s.id] if f.rule in BY_ID) for s in page
        ],
        _("输入"): [s.input for s in page],
    }
    event = st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height=560,
        on_select="rerun",
        selection_mode="multi-row",
        key=key,
        column_config={
            _("编号"): st.column_config.NumberColumn(width=60, format="%d"),
            _("状态"): st.column_config.TextColumn(width=80),
            _("字数"): st.column_config.NumberColumn(width=55),
            _("内容"): st.column_config.TextColumn(width="large"),
        },
    )
    chosen = event["selection"]["rows"] if event else []
    return [page[index] for index in chosen if index < len(page)]


def rules_overview(counts: Mapping[str, int]) -> None:
    """Which problems there are and what is done about them."""
    rows = [
        {
            _("问题"): _(rule.title),
            _("样本数"): counts[rule.id],
            _("修正"): _("可以放心修")
            if rule.safe
            else _("看过再修")
            if rule.id in FIXABLE_RULES
            else _("要人来改"),
            _("为什么"): _(rule.why),
        }
        for rule in RULES
        if counts.get(rule.id)
    ]
    if not rows:
        st.success(_("这些样本里没有发现问题"), icon="✅")
        return
    st.dataframe(rows, hide_index=True, width="stretch", height="content")


def fix_all(workspace: Workspace, wanted: SampleFilter) -> None:
    """Choose rules, see how many texts change and how, then apply them as one step."""
    rules = st.multiselect(
        _("应用哪些修正"),
        list(FIXABLE_RULES),
        default=list(SAFE_RULES),
        format_func=lambda rule: _(BY_ID[rule].title),
        key="fix_rules",
    )
    preview = cleaning.preview(workspace, wanted, tuple(rules), examples=5)
    st.button(
        _("修正 {n} 条", n=preview.fixable),
        key="fix_all",
        type="primary",
        icon="🪄",
        disabled=not preview.fixable,
        on_click=lambda: attempt(lambda: cleaning.fix(workspace, wanted, tuple(rules))),
    )
    for proposal in preview.examples:
        with st.container(border=True):
            sample = proposal.sample
            st.caption(plain(f"#{sample.id} · {sample.name} × {sample.scene} · {sample.style}"))
            st.html(diff_html(sample.output, proposal.after))
    if preview.fixable > len(preview.examples):
        st.caption(_("上面是前 {n} 条的样子", n=len(preview.examples)))


def decide_all(workspace: Workspace, wanted: SampleFilter, who: str) -> None:
    """Accept everything without findings, or reject everything that matches."""
    clean = replace(wanted, clean=True, states=(PENDING,))
    open_ = replace(wanted, states=(PENDING,))
    number = samples.count(workspace.engine, clean) if wanted.clean is not False and not wanted.rules else 0
    row = st.columns(2)
    row[0].button(
        _("采用全部没有问题的 {n} 条待审样本", n=number),
        key="accept_clean",
        type="primary",
        icon="✅",
        disabled=not number,
        width="stretch",
        on_click=lambda: attempt(lambda: steps.set_state(workspace.engine, clean, ACCEPTED, who)),
    )
    rest = samples.count(workspace.engine, open_)
    row[1].button(
        _("弃用符合筛选的 {n} 条待审样本", n=rest),
        key="reject_matching",
        icon="🚫",
        disabled=not rest,
        width="stretch",
        on_click=lambda: attempt(lambda: steps.set_state(workspace.engine, open_, REJECTED, who)),
    )
