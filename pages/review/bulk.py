"""Actions on every sample that matches the filter: each button says how many, each action is one step."""

from dataclasses import replace

import streamlit as st

from pages.review.bulk_changes import bulk_changes
from pages.review.judge import judge_part
from pages.review.sample_display import cell_line
from pages.review.session import ReviewSession
from pages.shared.difference import changes_html
from pages.shared.kept import kept_text
from pages.shared.review_parts import attempt
from tianji_core import cleaning
from tianji_core.cleaning import BY_ID, FIXABLE_RULES, SAFE_RULES
from tianji_core.i18n import _
from tianji_core.store import samples, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, STATE_TITLES, SampleFilter
from tianji_core.store.steps import Step

_STARS = {f"stars_{n}": n for n in (5, 4, 3, 2, 1, 0)}


def bulk(session: ReviewSession) -> None:
    """Draws the findings of the matching samples and the actions on all of them."""
    rules_overview(cleaning.overview(session.workspace, session.filter))
    st.subheader(_("一起决定"))
    _decide_all(session)
    st.subheader(_("一起修正"))
    _fix_all(session)
    bulk_changes(session)
    st.subheader(_("模型评审"))
    judge_part(session.workspace, session.filter)


def rules_overview(overview: cleaning.Overview) -> None:
    """Draws how many samples have findings and how many of them the safe fixes repair, then the same for
    each rule. The numbers of a line add up to its first one."""
    if not overview.by_rule:
        st.success(_("这些样本里没有发现问题"), icon="✅")
        return
    whole, partly, person = overview.repairs
    st.markdown(
        _(
            "**{total}** 条有问题：**{whole}** 条能全部自动修，**{partly}** 条能修一部分，**{person}** 条要人来看",
            total=f"{overview.total:,}",
            whole=f"{whole:,}",
            partly=f"{partly:,}",
            person=f"{person:,}",
        )
    )
    table = [
        {
            _("问题"): _(BY_ID[rule].title) if rule in BY_ID else rule,
            _("样本数"): number,
            _("能放心修"): safe,
            _("要人来看"): number - safe,
            _("为什么"): _(BY_ID[rule].why) if rule in BY_ID else "",
        }
        for rule, (number, safe) in overview.by_rule.items()
    ]
    narrow = {heading: st.column_config.Column(width=90) for heading in list(table[0])[:-1]}
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        row_height=70,  # for two lines of the last column
        column_config={**narrow, _("为什么"): st.column_config.TextColumn(width=440)},
    )
    st.caption(_("一条样本可以有几个问题，所以各行加起来会比上面的总数多。"))


def _decide_all(session: ReviewSession) -> None:
    """Draws the buttons that accept the pending samples without findings, sure and doubtful ones apart, and
    one action on every match."""
    engine = session.workspace.engine
    _accept_clean(session)
    columns = st.columns([1.6, 3, 2], vertical_alignment="bottom")
    titles = {
        state: _("改为{state}", state=_(STATE_TITLES[state])) for state in (ACCEPTED, REJECTED, PENDING)
    }
    titles |= {key: _("打 {n} 星", n=n) if n else _("去掉星") for key, n in _STARS.items()}
    action = columns[0].selectbox(
        _("对符合筛选的全部样本"), list(titles), format_func=lambda key: titles[key], key="all_action"
    )
    columns[1].text_input(
        _("理由（可不填，写进历史）"), max_chars=200, disabled=action in _STARS, **kept_text("all_reason")
    )
    matching = samples.count(engine, session.filter)
    columns[2].button(
        _("对 {n} 条做", n=f"{matching:,}"),
        key="do_all",
        icon="⚡",
        disabled=not matching,
        width="stretch",
        on_click=_do_all,
        args=(session, action),
    )


def _accept_clean(session: ReviewSession) -> None:
    """Draws the buttons that accept pending samples without findings: the sure ones, and the doubtful ones
    too."""
    engine = session.workspace.engine
    possible = session.filter.clean is not False and not session.filter.rules
    sure = replace(session.filter, sure=True, states=(PENDING,))
    doubtful = replace(sure, sure=False)
    number = samples.count(engine, sure) if possible and session.filter.sure is None else 0
    unsure = samples.count(engine, doubtful) if possible else 0
    with st.container(horizontal=True):
        st.button(
            _("采用全部没有问题的 {n} 条待审样本", n=f"{number:,}") if number else _("没有能一起采用的样本"),
            key="accept_clean",
            type="primary",
            icon="✅",
            disabled=not number,
            on_click=accept_all,
            args=(session, sure),
        )
        if unsure:
            st.button(
                _("拿不准的 {n} 条也采用", n=f"{unsure:,}"),
                key="accept_unsure",
                help=_("没有发现问题，但有别的迹象让人不放心；最好在“逐条”里看过再采用。"),
                on_click=accept_all,
                args=(session, doubtful),
            )


def accept_all(session: ReviewSession, sample_filter: SampleFilter) -> None:
    """Callback: accepts every sample of a filter."""
    attempt(lambda: steps.set_state(session.workspace.engine, sample_filter, ACCEPTED, session.who))


def _do_all(session: ReviewSession, action: str) -> None:
    """Callback: applies one action to every sample that matches."""
    engine, note = session.workspace.engine, (st.session_state.get("all_reason") or "").strip()

    def act() -> Step | None:
        if action in _STARS:
            return steps.rate(engine, session.filter, _STARS[action] or None, session.who)
        return steps.set_state(engine, session.filter, action, session.who, note=note)

    attempt(act, nothing=_("没有改动"))


def _fix_all(session: ReviewSession) -> None:
    """Draws the choice of rules, a preview of their fixes, and the button that applies them as one step."""
    rules = st.multiselect(
        _("应用哪些修正"),
        list(FIXABLE_RULES),
        default=list(SAFE_RULES),
        format_func=lambda rule: _(BY_ID[rule].title),
        key="fix_rules",
        placeholder=_("选至少一条规则"),
    )
    preview = cleaning.preview(session.workspace, session.filter, tuple(rules), examples=5)
    st.button(
        _("修正 {n} 条", n=preview.fixable),
        key="fix_all",
        type="primary",
        icon="🪄",
        disabled=not preview.fixable,
        on_click=apply_fixes,
        args=(session, tuple(rules)),
    )
    for proposal in preview.examples:
        with st.container(border=True):
            st.caption(cell_line(proposal.sample))
            changes_html(proposal.changes)
    if preview.fixable > len(preview.examples):
        st.caption(_("上面是前 {n} 条的样子", n=len(preview.examples)))


def apply_fixes(session: ReviewSession, rules: tuple[str, ...]) -> None:
    """Callback: applies the fixes of these rules to every sample that matches."""
    attempt(lambda: cleaning.fix(session.workspace, session.filter, rules, session.who))
