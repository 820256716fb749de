"""复审: a blind second review of a share of the decided samples, and the disagreements it finds."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.review.agreement_table import agreement_table
from pages.review.card import conversation, heading, output_text
from pages.review.sample_display import cell_line, finding_badges, length_text
from pages.review.session import ReviewSession, current_sample, go_to
from pages.shared.frame import report_errors
from pages.shared.kept import held
from pages.shared.review_parts import attempt, say_error, show_outcome, undo_buttons
from pages.shared.text import plain
from tianji_core.errors import StudioError
from tianji_core.i18n import _, _c
from tianji_core.review import reviewer_agreement
from tianji_core.store import findings, samples, second_verdicts
from tianji_core.store.samples import ACCEPTED, REJECTED, STATE_TITLES, Sample
from tianji_core.store.second_verdicts import SecondVerdict

_SHOWN = 20
"""The number of disagreements that are listed."""


@st.fragment
@report_errors()
def second_review_view(session: ReviewSession) -> None:
    """Draws the next sample for a second verdict, the agreement of the reviewers and the disagreements."""
    show_outcome()
    engine, key = session.workspace.engine, session.recipe.key
    share = second_verdicts.share(engine, key)
    any_state = replace(session.filter, states=())
    waiting = second_verdicts.waiting_count(engine, any_state, session.who)
    st.markdown(
        _(
            "“{who}”还有 **{n}** 条要复审。看不到别人的结论，样本的状态也不会变。",
            who=plain(session.who),
            n=waiting,
        )
    )
    sample = current_sample(
        session,
        lambda start, limit, reader: second_verdicts.waiting(
            engine, replace(any_state, free_for=reader), session.who, start, limit
        ),
    )
    if sample is None:
        st.info(
            _(
                "现在没有要“{who}”复审的样本：别人审过的样本里，会按比例抽一部分放到这里。",
                who=plain(session.who),
            )
        )
        st.caption(_("换一个人来审：在右上角 👤 里换名字，或者用带 who=名字 的地址打开。"))
        undo_buttons(session.workspace, key, session.who, session.keys)
    else:
        _blind_card(session, sample)
    st.number_input(
        _("复审比例（%）"),
        0.0,
        100.0,
        100 * share,
        1.0,
        "%.0f",
        key="share",
        width=160,
        on_change=_choose_share,
        args=(session,),
    )
    verdicts = second_verdicts.verdicts(engine, key)
    if verdicts:
        st.subheader(_("一致性"))
        agreement_table(reviewer_agreement(verdicts))
        _disagreements(session, [verdict for verdict in verdicts if not verdict.agrees])


def _choose_share(session: ReviewSession) -> None:
    """Callback: stores the share of samples that are reviewed twice."""
    if not held("share"):
        return
    try:
        second_verdicts.set_share(
            session.workspace.engine, session.recipe.key, st.session_state["share"] / 100
        )
    except StudioError as error:
        say_error(error)


def _blind_card(session: ReviewSession, sample: Sample) -> None:
    """Draws one sample without its state, and the buttons for the second verdict."""
    with st.container(border=True):
        heading(sample, blind=True)
        conversation(sample)
        output_text(sample)
        st.markdown(length_text(sample.length, sample, session.context))
        finding_badges(findings.of(session.workspace.engine, [sample.id])[sample.id])
    with st.container(horizontal=True, vertical_alignment="center", key="verdict"):
        for name, label, icon, state in (
            ("accept", _c("button", "采用"), ":material/check:", ACCEPTED),
            ("reject", _c("button", "弃用"), ":material/block:", REJECTED),
        ):
            st.button(
                label,
                key=f"second_{name}",
                icon=icon,
                shortcut=session.keys[name],
                on_click=_give_verdict,
                args=(session, sample, state),
            )
        st.space("stretch")
        undo_buttons(session.workspace, session.recipe.key, session.who, session.keys, brief=True)
        st.button(
            _("后一条"),
            key="second_next",
            type="tertiary",
            shortcut=session.keys["next"],
            on_click=go_to,
            args=(sample.id + 1,),
        )


def _give_verdict(session: ReviewSession, sample: Sample, state: str) -> None:
    """Callback: stores the verdict and shows the next sample."""
    if attempt(lambda: second_verdicts.record(session.workspace.engine, sample, state, session.who)):
        go_to(sample.id + 1)


def _disagreements(session: ReviewSession, verdicts: Sequence[SecondVerdict]) -> None:
    """Draws the disagreements that are not resolved, with a button for each verdict."""
    unresolved = [verdict for verdict in verdicts if not verdict.resolved]
    st.markdown(_("结论不同 **{n}** 条，还有 **{left}** 条没有裁定", n=len(verdicts), left=len(unresolved)))
    listed = unresolved[:_SHOWN]
    ids = [verdict.sample_id for verdict in listed]
    by_id = {sample.id: sample for sample in samples.many(session.workspace.engine, ids)}
    for verdict in listed:
        sample = by_id[verdict.sample_id]
        with st.container(border=True):
            text, accept, reject = st.columns([5, 1.2, 1.2], vertical_alignment="center")
            with text:
                st.caption(cell_line(sample))
                st.markdown(plain(sample.output))
                first, second = (_(STATE_TITLES[state]) for state in (verdict.first_state, verdict.state))
                st.caption(plain(f"{verdict.first_who}：{first} · {verdict.who}：{second}"))
            for column, label, state in (
                (accept, _c("button", "采用"), ACCEPTED),
                (reject, _c("button", "弃用"), REJECTED),
            ):
                column.button(
                    label,
                    key=f"resolve_{verdict.step_id}_{state}",
                    width="stretch",
                    on_click=_resolve,
                    args=(session, verdict, state),
                )


def _resolve(session: ReviewSession, verdict: SecondVerdict, state: str) -> None:
    """Callback: resolves a disagreement; ``state`` becomes the state of the sample."""
    attempt(
        lambda: second_verdicts.resolve(
            session.workspace.engine, session.recipe.key, verdict, state, session.who
        )
    )
