"""清洗: how many pending samples the rules find clean, can fix, or leave for a person, with the three steps in
the order in which one takes them."""

from dataclasses import replace

import streamlit as st

from pages.review.session import ReviewSession
from pages.shared.frame import report_errors
from pages.shared.review_parts import attempt
from pages.shared.visitors import role
from tianji_core import cleaning
from tianji_core.cleaning import SAFE_RULES
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.store import findings, samples, steps
from tianji_core.store.samples import ACCEPTED, PENDING, SampleFilter


@st.fragment(run_every=5.0)
@report_errors()
def funnel(session: ReviewSession) -> None:
    """Draws the funnel while every pending sample is shown. It follows the decisions made below it."""
    pending = SampleFilter(session.recipe.key, states=(PENDING,))
    if session.filter != pending or role() < Role.REVIEWER:
        return
    engine = session.workspace.engine
    waiting = samples.count(engine, pending)
    if not waiting:
        return
    repairs = findings.repairs(engine, pending, SAFE_RULES)
    fixable, clean = repairs.whole + repairs.partly, waiting - sum(repairs)
    person = repairs.partly + repairs.person
    first = "fix" if fixable else "accept" if clean else "look"
    with st.container(
        horizontal=True, key="funnel", vertical_alignment="center", horizontal_alignment="right", gap="small"
    ):
        st.markdown(_("**待审 {n} 条**", n=f"{waiting:,}"), width="content")
        _step(first, "fix", _("1 修好 {n} 条", n=f"{fixable:,}"), fixable, _fix, (session, pending))
        _step(first, "accept", _("2 采用 {n} 条没毛病的", n=f"{clean:,}"), clean, _accept, (session, pending))
        _step(first, "look", _("3 看 {n} 条拿不准的", n=f"{person:,}"), person, _look, ())


def _step(first: str, name: str, label: str, number: int, act: object, args: tuple[object, ...]) -> None:
    pressed = st.button(
        label,
        key=f"funnel_{name}",
        type="primary" if first == name and name != "look" else "secondary",
        disabled=not number,
        on_click=act,  # type: ignore[arg-type]
        args=args,
    )
    if pressed:
        st.rerun()  # the samples stand outside this fragment


def _fix(session: ReviewSession, pending: SampleFilter) -> None:
    attempt(lambda: cleaning.fix(session.workspace, pending, SAFE_RULES, session.who))


def _accept(session: ReviewSession, pending: SampleFilter) -> None:
    clean = replace(pending, clean=True)
    attempt(lambda: steps.set_state(session.workspace.engine, clean, ACCEPTED, session.who))


def _look() -> None:
    st.session_state["finding"] = "any"
