"""The history of one sample, and the scores that a judge gave it."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared.cell_words import style_word
from pages.shared.clock import local_time
from pages.shared.difference import changes_html, diff_html
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.store import judgements, steps
from tianji_core.store.samples import STATE_TITLES, Sample
from tianji_core.store.steps import SECOND, Event
from tianji_core.workspace import Workspace

_TURN = ("input", "output")
"""The texts of a turn."""


def shown_events(workspace: Workspace, sample: Sample) -> list[Event]:
    """Returns every step that changed the sample, newest first."""
    # Second verdicts are left out: the reader of this card may still have to give one without knowing them.
    return [event for event in steps.history(workspace.engine, sample.id) if event.step.action != SECOND]


def event_lines(events: Sequence[Event]) -> None:
    """Draws the steps with what each changed."""
    for event in events:
        _event(event)


def _event(event: Event) -> None:
    step = event.step
    when = local_time(step.created_at)
    undone = _("（已撤销）") if step.undone else ""
    change = _change(event.before, event.after) or plain(step.title)
    note = f"  \n{plain(step.note)}" if step.note else ""
    st.caption(f"{when} · {plain(step.who)} · {change}{undone}{note}")
    _texts(event)


def _texts(event: Event) -> None:
    """Draws the differences of the texts that a step changed."""
    old, new = event.before, event.after
    if "history" in new:
        turns = list(enumerate(zip(old["history"], new["history"], strict=True), 1))
        texts = [(n, before[field], after[field]) for field in _TURN for n, (before, after) in turns]
        changes_html([change for change in texts if change[1] != change[2]])
    for field in ("output", "input", "system"):
        if field in new and new[field] != old[field]:
            st.html(diff_html(old[field], new[field]))


def _change(before: dict[str, Any], after: dict[str, Any]) -> str:
    parts = []
    if "state" in after:
        old, new = (STATE_TITLES[values["state"]] for values in (before, after))
        parts.append(f"{_(old)} → {_(new)}")
    if "rating" in after:
        parts.append(f"{'★' * (before['rating'] or 0) or '☆'} → {'★' * (after['rating'] or 0) or '☆'}")
    parts += [
        plain(f"{before[field]} → {after[field]}") for field in ("name", "scene", "style") if field in after
    ]
    if _texts_of(before, "output") != _texts_of(after, "output"):
        parts.append(_("改了内容"))
    if _texts_of(before, "input") != _texts_of(after, "input"):
        parts.append(_("改了输入"))
    if "system" in after:
        parts.append(_("改了系统提示"))
    return _("，").join(parts)


def _texts_of(values: dict[str, Any], field: str) -> list[Any]:
    """A text of the sample and of its earlier turns."""
    return [values.get(field), *(turn[field] for turn in values.get("history", ()))]


def judge_scores(workspace: Workspace, sample: Sample) -> None:
    """Draws the scores of the current text and the judge's reason, or the score of the text before it."""
    if sample.score is None:
        if (before := judgements.of_earlier_text(workspace.engine, sample.id)) is not None:
            st.caption(_("改之前的模型评分 {score}；新内容还没有评", score=f"{before.score:.1f}"))
        return
    judgement = judgements.of(workspace.engine, [sample.id]).get(sample.id)
    if judgement is None:
        return
    st.markdown(
        _(
            "模型评分 **{score}**：合适 {fit} · {kind} {style} · 自然 {naturalness}",
            kind=style_word(),
            score=f"{judgement.score:.1f}",
            fit=f"{judgement.fit:g}",
            style=f"{judgement.style:g}",
            naturalness=f"{judgement.naturalness:g}",
        )
    )
    if judgement.reason:
        st.caption(plain(judgement.reason))
