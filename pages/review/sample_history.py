"""What was done to one sample and by whom, and what a judge said about it."""

from typing import Any

import streamlit as st

from pages.review.marks import diff_html
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.store import judgements, steps
from tianji_core.store.samples import STATE_TITLES, Sample
from tianji_core.store.steps import SECOND, Event
from tianji_core.workspace import Workspace


def history(workspace: Workspace, sample: Sample) -> None:
    """Every step that touched a sample, newest first."""
    # Nothing of a second verdict is shown here: whoever reads the sample next may still have to give one.
    events = [event for event in steps.history(workspace.engine, sample.id) if event.step.action != SECOND]
    if not events:
        return
    with st.expander(_("历史（{n} 步）", n=len(events))):
        for event in events:
            _event(event)


def _event(event: Event) -> None:
    step = event.step
    when = step.created_at.strftime("%m-%d %H:%M")
    undone = _("（已撤销）") if step.undone else ""
    said = _said(event.before, event.after) or plain(step.title)
    note = f"  \n{plain(step.note)}" if step.note else ""
    st.caption(f"{when} · {plain(step.who)} · {said}{undone}{note}")
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
