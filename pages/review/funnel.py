"""清洗: how many pending samples the rules find clean, can fix, or leave for a person, with the steps in the
order in which one takes them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from pages.review.bulk import accept_all, apply_fixes
from pages.review.session import ReviewSession
from pages.shared.visitors import role
from tianji_core.cleaning import SAFE_RULES
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.store import findings, samples
from tianji_core.store.samples import BY_NUMBER, PENDING, UNSURE, SampleFilter

_Step = tuple[str, str, int, Callable[..., None], tuple[Any, ...]]
"""Name, title, number of samples, and the callback with its arguments."""


def funnel(session: ReviewSession) -> None:
    """Draws the first of the steps that have samples, the others behind a button, while every pending sample
    is shown. It is drawn with the sample, so that its numbers are those after the last decision; how many
    wait is said beside the text."""
    pending = SampleFilter(session.recipe.key, states=(PENDING,))
    if session.filter != pending or role() < Role.REVIEWER:
        return
    engine = session.workspace.engine
    waiting = samples.count(engine, pending)
    if not waiting:
        return
    repairs = findings.repairs(engine, pending, SAFE_RULES)
    fixable, sure = repairs.whole + repairs.partly, replace(pending, sure=True)
    clean, unsure = samples.count(engine, sure), samples.count(engine, replace(pending, sure=False))
    person = repairs.partly + repairs.person
    steps: tuple[_Step, ...] = (
        ("fix", _("1 修好 {n} 条", n=f"{fixable:,}"), fixable, apply_fixes, (session, SAFE_RULES)),
        ("accept", _("2 采用 {n} 条没毛病的", n=f"{clean:,}"), clean, accept_all, (session, sure)),
        ("unsure", _("3 看 {n} 条拿不准的", n=f"{unsure:,}"), unsure, _look, (UNSURE, UNSURE)),
        (
            "look",
            _("{step} 逐条看 {n} 条", step=4 if unsure else 3, n=f"{person:,}"),
            person,
            _look,
            ("any", BY_NUMBER),
        ),
    )
    first, *later = [step for step in steps if step[2]]
    with st.container(
        horizontal=True, key="funnel", vertical_alignment="center", horizontal_alignment="right", gap="small"
    ):
        # Reading is what one does here anyway: only what decides many at once is the thing to do next.
        _step_button(first, "primary" if first[0] in ("fix", "accept") else "secondary")
        if later:
            with st.popover(_("清洗还有 {n} 步", n=len(later)), key="funnel_later"):
                for step in later:
                    _step_button(step, "secondary")


def _step_button(step: _Step, kind: Literal["primary", "secondary"]) -> None:
    name, label, _number, act, args = step
    if st.button(label, key=f"funnel_{name}", type=kind, width="stretch", on_click=act, args=args):
        st.rerun()  # the filters and the head stand outside this fragment


def _look(finding: str, order: str) -> None:
    """Callback: shows the samples with findings, or the doubtful ones without."""
    st.session_state["finding"], st.session_state["order"] = finding, order
