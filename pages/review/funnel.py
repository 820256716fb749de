"""清洗: how many pending samples the rules find clean, can fix, or leave for a person, with the steps in the
order in which one takes them."""

from dataclasses import replace

import streamlit as st

from pages.review.bulk import accept_all, apply_fixes
from pages.review.session import ReviewSession
from pages.shared.visitors import role
from tianji_core.cleaning import SAFE_RULES
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.store import findings, samples
from tianji_core.store.samples import BY_NUMBER, PENDING, UNSURE, SampleFilter


def funnel(session: ReviewSession) -> None:
    """Draws the steps that have samples, while every pending sample is shown. It is drawn with the sample, so
    that its numbers are those after the last decision; how many wait is said beside the text."""
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
    main = "fix" if fixable else "accept"
    with st.container(
        horizontal=True, key="funnel", vertical_alignment="center", horizontal_alignment="right", gap="small"
    ):
        for name, label, number, act, args in (
            ("fix", _("1 修好 {n} 条", n=f"{fixable:,}"), fixable, apply_fixes, (session, SAFE_RULES)),
            (
                "accept",
                _("2 采用 {n} 条没毛病的", n=f"{clean:,}"),
                clean,
                accept_all,
                (session, sure),
            ),
            ("unsure", _("3 看 {n} 条拿不准的", n=f"{unsure:,}"), unsure, _look, (UNSURE, UNSURE)),
            (
                "look",
                _("{step} 逐条看 {n} 条", step=4 if unsure else 3, n=f"{person:,}"),
                person,
                _look,
                ("any", BY_NUMBER),
            ),
        ):
            if not number:
                continue
            pressed = st.button(
                label,
                key=f"funnel_{name}",
                type="primary" if name == main else "secondary",
                on_click=act,
                args=args,
            )
            if pressed:
                st.rerun()  # the filters and the head stand outside this fragment


def _look(finding: str, order: str) -> None:
    """Callback: shows the samples with findings, or the doubtful ones without."""
    st.session_state["finding"], st.session_state["order"] = finding, order
