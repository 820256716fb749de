"""What was done to samples and by whom, what a judge said, and copying a sample for another person."""

from typing import Any

import streamlit as st

from pages.components.review import attempt_copy, diff_html
from pages.components.text import plain
from tianji_core.cleaning import Context
from tianji_core.i18n import _
from tianji_core.store import judgements, steps
from tianji_core.store.samples import STATE_TITLES, Sample
from tianji_core.workspace import Workspace

_FEED = 30


def history(workspace: Workspace, sample: Sample) -> None:
    """Every step that touched a sample, newest first."""
    events = steps.history(workspace.engine, sample.id)
    if not events:
        return
    with st.expander(_("历史（{n} 步）", n=len(events))):
        for event in events:
            when = event.step.created_at.strftime("%m-%d %H:%M")
            undone = _("（已撤销）") if event.step.undone else ""
            st.caption(f"{when} · {plain(event.step.who)} · {_said(event.before, event.after)}{undone}")
            if "output" in event.after:
                st.html(diff_html(event.before["output"], event.after["output"]))


def _said(before: dict[str, Any], after: dict[str, Any]) -> str:
    parts = []
    if "state" in after:
        old, new = (STATE_TITLES[values["state"]] for values in (before, after))
        parts.append(f"{_(old)} → {_(new)}")
    if "rating" in after:
        parts.append(f"{'★' * (before['rating'] or 0) or '☆'} → {'★' * (after['rating'] or 0) or '☆'}")
    if "output" in after:
        parts.append(_("改了内容"))
    return _("，").join(parts)


def feed(workspace: Workspace, recipe_key: str) -> None:
    """The last steps of everybody and how each reviewer gets on, behind a button."""
    with st.popover(_("动态"), icon="📜", key="feed", width="stretch"):
        people = steps.reviewers(workspace.engine, recipe_key)
        if not people:
            st.caption(_("还没有人审核过"))
            return
        st.dataframe(
            [
                {
                    _("谁"): each.who,
                    _("审了"): each.decided,
                    _("采用率"): f"{each.accepted / each.decided:.0%}" if each.decided else "—",
                    _("改了"): each.edited,
                    _("每小时"): f"{each.per_hour:.0f}" if each.per_hour else "—",
                }
                for each in people
            ],
            hide_index=True,
            width="stretch",
        )
        for step in steps.listed(workspace.engine, recipe_key, limit=_FEED):
            when = step.created_at.strftime("%m-%d %H:%M")
            undone = _("（已撤销）") if step.undone else ""
            st.caption(f"{when} · {plain(step.who)} · {plain(step.title)}{undone}")


def judged(workspace: Workspace, sample: Sample) -> None:
    """What the judge gave the text as it is now, and why."""
    if sample.score is None:
        return
    found = judgements.of(workspace.engine, [sample.id]).get(sample.id)
    if found is None:
        return
    st.markdown(
        _(
            "模型评分 **{score}**：合适 {fit} · 风格 {style} · 自然 {naturalness}",
            score=f"{found.score:.1f}",
            fit=f"{found.fit:g}",
            style=f"{found.style:g}",
            naturalness=f"{found.naturalness:g}",
        )
    )
    if found.reason:
        st.caption(plain(found.reason))


def copy_form(workspace: Workspace, sample: Sample, context: Context) -> None:
    """Copy the text for another person."""
    with st.popover(_("复制给别人"), icon="👥", key=f"copy_{sample.id}"):
        name = st.selectbox(
            _("称谓"),
            [name for name in context.pronouns if name != sample.name],
            index=None,
            key=f"copy_name_{sample.id}",
            placeholder=_("选一个称谓"),
        )
        st.button(
            _("复制"),
            key="copy_sample",
            type="primary",
            disabled=name is None,
            width="stretch",
            on_click=attempt_copy,
            args=(workspace, sample, name or "", context),
        )
