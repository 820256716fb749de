"""Other wordings from a teacher: ask, wait without blocking the page, pick one of three."""

import streamlit as st

from pages.review.actions import Hand
from pages.review.desk import go_to, show_panel
from pages.review.marks import length_text
from pages.shared.frame import job_bar, report_errors, stop_button
from pages.shared.review_parts import attempt, say_error
from pages.shared.teacher_numbers import SIGNS
from pages.shared.teacher_pick import pick_teacher
from pages.shared.text import plain
from tianji_core import jobs, review, teachers
from tianji_core.cleaning import BY_ID
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.review import Candidate, Rewriting
from tianji_core.review.job import rewriting_job, start_rewriting
from tianji_core.store.samples import ACCEPTED
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def rewrite_panel(hand: Hand) -> None:
    """What came back, or the question, or how the question gets on."""
    desk, sample = hand.desk, hand.sample
    with st.container(border=True, key="rewrite_panel"):
        job = rewriting_job(desk.workspace, sample.id)
        if job is not None and job.active:
            _running(desk.workspace, job.id)
            return
        found = review.load_rewriting(desk.workspace, sample)
        if found is not None:
            _candidates(hand, found)
        elif job is not None and job.state in ("failed", "lost"):
            st.error(plain(job.note or _("没有问到，原因在任务页的日志里")), icon="⚠️")
        elif job is not None and job.state == "stopped":
            st.caption(_("上一次被停止了"))
        choice = pick_teacher(desk.workspace, "rewrite")
        slot = f"rewrite_wish_{sample.id}"
        st.text_input(_("另外的要求（可不填）"), key=slot, placeholder=_("例如：短一点，别用成语"))
        row = st.columns([1.6, 1, 2.4])
        row[0].button(
            _("再问三条") if found else _("问三条"),
            key="ask_rewrite",
            type="secondary" if found else "primary",
            shortcut=desk.keys["save_edit"],
            width="stretch",
            disabled=choice is None,
            on_click=_ask,
            args=(hand, choice, slot),
        )
        row[1].button(
            _("收起"),
            key="cancel_panel",
            shortcut=desk.keys["cancel"],
            width="stretch",
            on_click=show_panel,
            args=("",),
        )


def _ask(hand: Hand, choice: TeacherChoice | None, slot: str) -> None:
    """Callback: start asking."""
    if choice is None:
        return
    try:
        start_rewriting(hand.desk.workspace, hand.sample, choice, st.session_state.get(slot) or "")
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


def _candidates(hand: Hand, found: Rewriting) -> None:
    for number, candidate in enumerate(found.candidates, start=1):
        st.markdown(plain(candidate.text))
        length = length_text(len(candidate.text), hand.sample, hand.desk.context)
        st.caption(f"{length} · {plain(_said(candidate))}")
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
                args=(hand, candidate, state),
            )
    for fault in found.faults:
        st.caption(_("有一条没有问到：{reason}", reason=plain(fault)))
    st.caption(_bill(hand.desk.workspace, found))


def _said(candidate: Candidate) -> str:
    if not candidate.objections:
        return _("规则没有意见")
    titles = [_(BY_ID[each.rule].title) for each in candidate.objections if each.rule in BY_ID]
    return _("规则说：{titles}", titles=_("、").join(titles))


def _bill(workspace: Workspace, found: Rewriting) -> str:
    of = teachers.provider(workspace, found.provider)
    model = found.candidates[0].model if found.candidates else ""
    cost = _("价格未知") if found.cost is None else f"{SIGNS[of.currency]}{found.cost:.4f}"
    return plain(
        _(
            "{model} · {asked} + {answered} token · {cost}",
            model=model,
            asked=found.prompt_tokens,
            answered=found.completion_tokens,
            cost=cost,
        )
    )


def _take(hand: Hand, candidate: Candidate, state: str | None) -> None:
    """Callback: make a candidate the sample's text."""
    desk, sample = hand.desk, hand.sample
    if attempt(lambda: review.take_candidate(desk.workspace, sample, candidate, desk.who, state)):
        show_panel("")
        go_to(hand.following if state else sample.id)
