"""复审: a share of what others decided, judged once more without seeing their verdict; and where two people disagree."""

import html
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.review.card import OUTPUT, asked, heading
from pages.review.desk import Desk, current_sample, go_to
from pages.review.marks import cell_line, finding_badges, length_text
from pages.shared.frame import report_errors
from pages.shared.review_parts import attempt, say_error, show_outcome, undo_buttons
from pages.shared.text import plain
from tianji_core.errors import StudioError
from tianji_core.i18n import _, _c
from tianji_core.review import Agreement, agreement
from tianji_core.store import findings, samples, second_verdicts
from tianji_core.store.samples import ACCEPTED, REJECTED, STATE_TITLES, Sample
from tianji_core.store.second_verdicts import SecondVerdict

_SHOWN = 20


@st.fragment
@report_errors()
def second_view(desk: Desk) -> None:
    """The next sample for a second verdict, how well people agree, and what is to be settled."""
    show_outcome()
    engine, key = desk.workspace.engine, desk.recipe.key
    share = second_verdicts.share(engine, key)
    everything = replace(desk.wanted, states=())
    waiting = second_verdicts.waiting_count(engine, everything, desk.who)
    top = st.columns([3.4, 1.2, 3.4], vertical_alignment="bottom")
    top[0].markdown(
        _(
            "“{who}”还有 **{n}** 条要复审。看不到别人的结论，样本的状态也不会变。",
            who=plain(desk.who),
            n=waiting,
        )
    )
    top[1].number_input(
        _("复审比例（%）"),
        0.0,
        100.0,
        100 * share,
        1.0,
        "%.0f",
        key="share",
        on_change=_choose_share,
        args=(desk,),
    )
    with top[2]:
        undo_buttons(desk.workspace, key, desk.who, desk.keys)
    sample = current_sample(
        desk, lambda start, limit: second_verdicts.waiting(engine, everything, desk.who, start, limit)
    )
    if sample is None:
        st.info(
            _(
                "现在没有要“{who}”复审的样本：别人审过的样本里，会按比例抽一部分放到这里。",
                who=plain(desk.who),
            )
        )
        st.caption(_("换一个人来审：在右上角“审核人”里换名字，或者用带 who=名字 的地址打开。"))
    else:
        _blind(desk, sample)
    verdicts = second_verdicts.verdicts(engine, key)
    if verdicts:
        st.subheader(_("一致性"))
        agreement_table(agreement(verdicts))
        _disagreements(desk, [each for each in verdicts if not each.agrees])


def _choose_share(desk: Desk) -> None:
    """Callback: store the share."""
    try:
        second_verdicts.set_share(desk.workspace.engine, desk.recipe.key, st.session_state["share"] / 100)
    except StudioError as error:
        say_error(error)


def _blind(desk: Desk, sample: Sample) -> None:
    row = st.columns([1.5, 1.5, 1.2, 3])
    for column, name, label, icon, state in (
        (row[0], "accept", _c("button", "采用"), "✅", ACCEPTED),
        (row[1], "reject", _c("button", "弃用"), "🚫", REJECTED),
    ):
        column.button(
            label,
            key=f"second_{name}",
            icon=icon,
            shortcut=desk.keys[name],
            width="stretch",
            on_click=_judge,
            args=(desk, sample, state),
        )
    row[2].button(
        _("后一条"),
        key="second_next",
        shortcut=desk.keys["next"],
        width="stretch",
        on_click=go_to,
        args=(sample.id + 1,),
    )
    with st.container(border=True):
        heading(sample, blind=True)
        asked(sample)
        st.html(OUTPUT.format(text=html.escape(sample.output)))
        st.markdown(length_text(sample.length, sample, desk.context))
        finding_badges(findings.of(desk.workspace.engine, [sample.id])[sample.id])


def _judge(desk: Desk, sample: Sample, state: str) -> None:
    """Callback: store the verdict and go on."""
    if attempt(lambda: second_verdicts.record(desk.workspace.engine, sample, state, desk.who)):
        go_to(sample.id + 1)


def agreement_table(found: Sequence[Agreement]) -> None:
    """How often two people said the same, and Cohen's kappa."""
    st.dataframe(
        [
            {
                _("谁先审"): each.first_who or _("全部"),
                _("谁复审"): each.who or _("全部"),
                _("都审了"): each.judged,
                _("结论一样"): f"{each.agreed / each.judged:.0%}" if each.judged else "—",
                "Cohen's κ": "—" if each.kappa is None else f"{each.kappa:.2f}",
            }
            for each in found
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(_("κ 是扣除碰巧一致之后的一致程度：1 完全一致，0 和碰运气一样；0.6 以上通常算可靠。"))


def _disagreements(desk: Desk, verdicts: Sequence[SecondVerdict]) -> None:
    open_ = [each for each in verdicts if not each.resolved]
    st.markdown(_("结论不同 **{n}** 条，还有 **{left}** 条没有裁定", n=len(verdicts), left=len(open_)))
    texts = {s.id: s for s in samples.many(desk.workspace.engine, [v.sample_id for v in open_[:_SHOWN]])}
    for verdict in open_[:_SHOWN]:
        sample = texts[verdict.sample_id]
        with st.container(border=True):
            row = st.columns([5, 1.2, 1.2], vertical_alignment="center")
            with row[0]:
                st.caption(cell_line(sample))
                st.markdown(plain(sample.output))
                first, second = (_(STATE_TITLES[state]) for state in (verdict.first_state, verdict.state))
                st.caption(plain(f"{verdict.first_who}：{first} · {verdict.who}：{second}"))
            for column, label, state in (
                (row[1], _c("button", "采用"), ACCEPTED),
                (row[2], _c("button", "弃用"), REJECTED),
            ):
                column.button(
                    label,
                    key=f"resolve_{verdict.step_id}_{state}",
                    width="stretch",
                    on_click=_resolve,
                    args=(desk, verdict, state),
                )


def _resolve(desk: Desk, verdict: SecondVerdict, state: str) -> None:
    """Callback: settle a disagreement."""
    attempt(lambda: second_verdicts.resolve(desk.workspace.engine, desk.recipe.key, verdict, state, desk.who))
