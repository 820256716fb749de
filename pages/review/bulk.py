"""Actions on everything that matches: the number is said first, and each is one step that is undone as a whole."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from pages.review.desk import Desk
from pages.review.judge import judge_part
from pages.review.marks import cell_line, diff_html
from pages.shared.review_parts import attempt
from tianji_core import cleaning
from tianji_core.cleaning import BY_ID, FIXABLE_RULES, RULES, SAFE_RULES
from tianji_core.i18n import _
from tianji_core.store import findings, samples, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, STATE_TITLES
from tianji_core.store.steps import Step

_STARS = {f"stars_{n}": n for n in (5, 4, 3, 2, 1, 0)}


def bulk(desk: Desk) -> None:
    """What there is to find, and what can be done about all of it."""
    rules_overview(findings.rule_counts(desk.workspace.engine, desk.wanted))
    st.subheader(_("一起决定"))
    _decide_all(desk)
    st.subheader(_("一起修正"))
    _fix_all(desk)
    st.subheader(_("模型评审"))
    judge_part(desk.workspace, desk.wanted)


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


def _decide_all(desk: Desk) -> None:
    """Accept everything pending without findings, or do one thing to everything that matches."""
    engine, wanted = desk.workspace.engine, desk.wanted
    clean = replace(wanted, clean=True, states=(PENDING,))
    number = samples.count(engine, clean) if wanted.clean is not False and not wanted.rules else 0
    st.button(
        _("采用全部没有问题的 {n} 条待审样本", n=f"{number:,}"),
        key="accept_clean",
        type="primary",
        icon="✅",
        disabled=not number,
        on_click=lambda: attempt(lambda: steps.set_state(engine, clean, ACCEPTED, desk.who)),
    )
    row = st.columns([1.6, 3, 2], vertical_alignment="bottom")
    titles = {
        state: _("改为{state}", state=_(STATE_TITLES[state])) for state in (ACCEPTED, REJECTED, PENDING)
    }
    titles |= {key: _("打 {n} 星", n=n) if n else _("去掉星") for key, n in _STARS.items()}
    action = row[0].selectbox(
        _("对符合筛选的全部样本"), list(titles), format_func=lambda key: titles[key], key="all_action"
    )
    row[1].text_input(
        _("理由（可不填，写进历史）"), key="all_reason", max_chars=200, disabled=action in _STARS
    )
    matching = samples.count(engine, wanted)
    row[2].button(
        _("对 {n} 条做", n=f"{matching:,}"),
        key="do_all",
        icon="⚡",
        disabled=not matching,
        width="stretch",
        on_click=_do_all,
        args=(desk, action),
    )


def _do_all(desk: Desk, action: str) -> None:
    """Callback: one action on everything that matches."""
    engine, note = desk.workspace.engine, (st.session_state.get("all_reason") or "").strip()

    def act() -> Step | None:
        if action in _STARS:
            return steps.rate(engine, desk.wanted, _STARS[action] or None, desk.who)
        return steps.set_state(engine, desk.wanted, action, desk.who, note=note)

    attempt(act, nothing=_("没有改动"))


def _fix_all(desk: Desk) -> None:
    """Choose rules, see how many texts change and how, then apply them as one step."""
    workspace, wanted = desk.workspace, desk.wanted
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
        on_click=lambda: attempt(lambda: cleaning.fix(workspace, wanted, tuple(rules), desk.who)),
    )
    for proposal in preview.examples:
        with st.container(border=True):
            st.caption(cell_line(proposal.sample))
            st.html(diff_html(proposal.sample.output, proposal.after))
    if preview.fixable > len(preview.examples):
        st.caption(_("上面是前 {n} 条的样子", n=len(preview.examples)))
