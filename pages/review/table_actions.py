"""The actions of the table view: deciding the ticked samples, and saving what was edited in place."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.review.session import ReviewSession
from pages.shared.review_parts import attempt
from tianji_core import cleaning
from tianji_core.i18n import _, _c
from tianji_core.store import steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, Sample, SampleFilter
from tianji_core.store.steps import SampleRevision


def decision_buttons(session: ReviewSession, ticked: Sequence[Sample]) -> None:
    """Draws the buttons that decide, fix or rate the ticked samples."""
    st.markdown(_("选中 **{n}** 条", n=len(ticked)), width="content")
    for key, label, icon, state in (
        ("accept_chosen", _c("button", "采用"), "✅", ACCEPTED),
        ("reject_chosen", _c("button", "弃用"), "🚫", REJECTED),
        ("reopen_chosen", _("改回待审"), "🕓", PENDING),
    ):
        st.button(label, key=key, icon=icon, on_click=_decide, args=(session, ticked, state))
    st.button(_("修正"), key="fix_chosen", icon="🪄", on_click=_fix, args=(session, ticked))
    st.selectbox(
        _("打星"),
        [1, 2, 3, 4, 5, 0],
        index=None,
        format_func=lambda stars: "★" * stars or _("去掉星"),
        key="stars_chosen",
        placeholder=_("打星"),
        label_visibility="collapsed",
        width=110,
        on_change=_rate,
        args=(session, ticked),
    )


def save_button(session: ReviewSession, revisions: Mapping[int, SampleRevision]) -> None:
    """Draws the button that saves the edited samples; ``revisions`` has one entry per sample id."""
    st.button(
        _("保存改动（{n} 条）", n=len(revisions)),
        key="save_table",
        type="primary",
        icon="💾",
        shortcut=session.keys["save_edit"],
        on_click=_save,
        args=(session, revisions),
    )


def _only(session: ReviewSession, ticked: Sequence[Sample]) -> tuple[SampleFilter, dict[int, int]]:
    """Returns the filter of exactly these samples, and the version of each that is on screen."""
    sample_filter = SampleFilter(session.recipe.key, ids=tuple(sample.id for sample in ticked))
    return sample_filter, {sample.id: sample.version for sample in ticked}


def _decide(session: ReviewSession, ticked: Sequence[Sample], state: str) -> None:
    """Callback: sets the state of the ticked samples, if they still have the versions on screen."""
    only, versions = _only(session, ticked)
    attempt(
        lambda: steps.set_state(session.workspace.engine, only, state, session.who, versions),
        nothing=_("没有改动"),
    )


def _rate(session: ReviewSession, ticked: Sequence[Sample]) -> None:
    """Callback: rates the ticked samples with the chosen stars; 0 removes the rating."""
    stars = st.session_state.get("stars_chosen")
    st.session_state["stars_chosen"] = None
    if stars is not None and ticked:
        only, versions = _only(session, ticked)
        attempt(
            lambda: steps.rate(session.workspace.engine, only, stars or None, session.who, versions),
            nothing=_("没有改动"),
        )


def _fix(session: ReviewSession, ticked: Sequence[Sample]) -> None:
    """Callback: applies the safe fixes to the ticked samples."""
    only, versions = _only(session, ticked)
    attempt(
        lambda: cleaning.fix(session.workspace, only, who=session.who, versions=versions),
        nothing=_("选中的样本没有可以修正的问题"),
    )


def _save(session: ReviewSession, revisions: Mapping[int, SampleRevision]) -> None:
    """Callback: stores all edits of the table as one step."""
    title = _("在列表里改了 {n} 条", n=len(revisions))
    engine, key = session.workspace.engine, session.recipe.key
    attempt(
        lambda: steps.revise(engine, key, revisions, steps.TABLE, title, session.who),
        nothing=_("没有改动"),
    )
