"""The panel that asks a teacher for three rewritings of a sample and takes one of them."""

import streamlit as st

from pages.review.actions import ReviewCard
from pages.review.sample_display import length_text
from pages.review.session import go_to, show_panel
from pages.shared.frame import report_errors
from pages.shared.job_progress import job_bar, stop_button
from pages.shared.kept import kept_text
from pages.shared.review_parts import attempt, say_error
from pages.shared.teacher_numbers import SIGNS
from pages.shared.teacher_pick import pick_teacher
from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core import jobs, review, teachers
from tianji_core.cleaning import BY_ID
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.review import Candidate, Rewriting
from tianji_core.review.job import rewriting_job, start_rewriting
from tianji_core.roles import Role
from tianji_core.store.samples import ACCEPTED
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def rewrite_panel(card: ReviewCard) -> None:
    """Draws the progress of the request, or its candidates, and the form that asks again."""
    session, sample = card.session, card.sample
    with st.container(border=True, key="rewrite_panel"):
        job = rewriting_job(session.workspace, sample.id)
        if job is not None and job.active:
            _running(session.workspace, job.id)
            return
        rewriting = review.load_rewriting(session.workspace, sample)
        if rewriting is not None:
            _candidates(card, rewriting)
        elif job is not None and job.state in ("failed", "lost"):
            st.error(plain(job.note or _("没有问到，原因在任务页的日志里")), icon="⚠️")
        elif job is not None and job.state == "stopped":
            st.caption(_("上一次被停止了"))
        if role() < Role.OWNER:
            st.caption(_("请模型改写要花钱，由工坊的所有者来做。"))
            return
        choice = pick_teacher(session.workspace, "rewrite")
        widget = f"rewrite_wish_{sample.id}"
        st.text_input(_("另外的要求（可不填）"), placeholder=_("例如：短一点，别用成语"), **kept_text(widget))
        row = st.columns([1.6, 1, 2.4])
        row[0].button(
            _("再问三条") if rewriting else _("问三条"),
            key="ask_rewrite",
            type="secondary" if rewriting else "primary",
            shortcut=session.keys["save_edit"],
            width="stretch",
            disabled=choice is None,
            on_click=_ask,
            args=(card, choice, widget),
        )
        row[1].button(
            _("收起"),
            key="cancel_panel",
            shortcut=session.keys["cancel"],
            width="stretch",
            on_click=show_panel,
            args=("",),
        )


def _ask(card: ReviewCard, choice: TeacherChoice | None, widget: str) -> None:
    """Callback: starts the request in the background."""
    if choice is None:
        return
    try:
        start_rewriting(card.session.workspace, card.sample, choice, st.session_state.get(widget) or "")
    except StudioError as error:
        say_error(error)


@st.fragment(run_every=0.5)
@report_errors()
def _running(workspace: Workspace, job_id: int) -> None:
    job = jobs.get(workspace, job_id)
    if not job.active:
        st.rerun()
    row = st.columns([4, 1.4], vertical_alignment="center")
    with row[0]:
        job_bar(workspace, job)
    with row[1]:
        stop_button(workspace, job, key="stop_rewrite")


def _candidates(card: ReviewCard, rewriting: Rewriting) -> None:
    for number, candidate in enumerate(rewriting.candidates, start=1):
        st.markdown(plain(candidate.text))
        length = length_text(len(candidate.text), card.sample, card.session.context)
        st.caption(f"{length} · {plain(_objections(candidate))}")
        row = st.columns([1.5, 2, 2.5])
        for column, name, label, key, state in (
            (row[0], "take", _("用第 {n} 条", n=number), str(number), None),
            (row[1], "take_accept", _("用并采用"), f"alt+{number}", ACCEPTED),
        ):
            column.button(
                label,
                key=f"{name}_{number}",
                shortcut=key,
                width="stretch",
                on_click=_take,
                args=(card, candidate, state),
            )
    for fault in rewriting.faults:
        st.caption(_("有一条没有问到：{reason}", reason=plain(fault)))
    st.caption(_cost(card.session.workspace, rewriting))


def _objections(candidate: Candidate) -> str:
    if not candidate.objections:
        return _("规则没有意见")
    titles = [_(BY_ID[finding.rule].title) for finding in candidate.objections if finding.rule in BY_ID]
    return _("规则说：{titles}", titles=_("、").join(titles))


def _cost(workspace: Workspace, rewriting: Rewriting) -> str:
    provider = teachers.provider(workspace, rewriting.provider)
    model = rewriting.candidates[0].model if rewriting.candidates else ""
    cost = _("价格未知") if rewriting.cost is None else f"{SIGNS[provider.currency]}{rewriting.cost:.4f}"
    return plain(
        _(
            "{model} · {asked} + {answered} token · {cost}",
            model=model,
            asked=rewriting.prompt_tokens,
            answered=rewriting.completion_tokens,
            cost=cost,
        )
    )


def _take(card: ReviewCard, candidate: Candidate, state: str | None) -> None:
    """Callback: replaces the text of the sample with a candidate; ``state`` also decides it."""
    session, sample = card.session, card.sample
    if attempt(lambda: review.take_candidate(session.workspace, sample, candidate, session.who, state)):
        show_panel("")
        go_to(card.next_id if state else sample.id)
