"""Scores computed from the votes, and a teacher as the second voter."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from pages.compare.verdict import certainty_text, player_title, score_figure
from pages.shared.cell_words import style_word
from pages.shared.frame import report_errors, report_figure
from pages.shared.job_progress import follow_job
from pages.shared.teacher_pick import money, pick_teacher
from pages.shared.text import plain
from tianji_core import models
from tianji_core.comparison import (
    Board,
    Standings,
    by_model,
    by_model_and_style,
    by_style,
    same_verdicts,
    voting,
)
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import votes
from tianji_core.store.votes import TEACHER, Vote
from tianji_core.workspace import Workspace


def vote_part(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the scores computed from every vote on the answers of a recipe."""
    people = votes.listed(workspace.engine, recipe.key)
    if not people:
        st.info(_("还没有票。到“盲评”里按数字键投几票，这里就会算出谁更好、有多大把握。"), icon="🗳️")
        return
    kinds: dict[str, Callable[[Sequence[Vote], float], Standings]] = {
        "model": by_model,
        "style": by_style,
        "both": by_model_and_style,
    }
    names = {
        "model": _("模型"),
        "style": recipe.words.shown().style,
        "both": _("模型和{kind}", kind=style_word()),
    }
    told = next((kind for kind in kinds if len(kinds[kind](people, 0.95).rows) > 1), "model")
    line = st.columns(2, vertical_alignment="bottom")
    kind = line[0].segmented_control(
        _("按什么排"),
        list(kinds),
        default=told,
        required=True,
        format_func=names.__getitem__,
        key="score_kind",
    )
    certainty = line[1].segmented_control(
        _("要多大把握"),
        [0.8, 0.9, 0.95, 0.99],
        default=0.95,
        required=True,
        format_func=lambda share: f"{share:.0%}",
        key="score_certainty",
    )
    standings = kinds[str(kind)](people, float(certainty or 0.95))
    if len(standings.rows) < 2:
        st.caption(_("这样分没有可比的票：比的都是同一个{kind}的答案。", kind=names[str(kind)]))
        return
    # The verdict above tells how certain the order of the models is.
    _standings(standings, float(certainty or 0.95), models.titles(workspace), kind != "model")
    st.caption(
        _(
            "一次点选是一票，从几条里选也是；换了温度或系统提示词的同一个模型算另一个选手。分数由 Luce 选择模型算出，1000 是平均，高 400 分相当于 10 比 1 胜出；横线是 95% 区间。“都不好”不计分（{n} 票）。",
            n=standings.none,
        )
    )


def _standings(
    standings: Standings, certainty: float, titles: Mapping[str, str], with_sentence: bool
) -> None:
    if standings.groups > 1:
        st.warning(
            _(
                "这些票分成互不相比的 {n} 组，组与组之间的分数不能比；让它们同场比一次就好了",
                n=standings.groups,
            ),
            icon="🧩",
        )
    elif with_sentence:
        st.markdown(certainty_text(standings, certainty, titles))
    left, right = st.columns(2, gap="medium", vertical_alignment="center")
    left.plotly_chart(score_figure(standings, titles), key="score_chart", config={"displayModeBar": False})
    right.dataframe(
        [
            {
                _("名次"): place,
                _("谁"): player_title(row.player, titles),
                _("分数"): round(row.score),
                _("胜"): row.wins,
                _("平"): row.ties,
                _("负"): row.losses,
            }
            for place, row in enumerate(standings.rows, start=1)
        ],
        hide_index=True,
        width="stretch",
        key="tally",
    )


def _agreement(workspace: Workspace, board: Board, people: Sequence[Vote], said: Sequence[Vote]) -> None:
    both = same_verdicts(people, said)
    used = votes.teacher_usage(workspace.engine, board.recipe)
    figures = st.columns(4)
    figures[0].metric(_("模型评过"), _("{n} 对", n=len(said)))
    figures[1].metric(_("人和模型都评过"), _("{n} 对", n=both.judged))
    figures[2].metric(_("一致"), f"{both.share:.0%}" if both.judged else "—")
    figures[3].metric(
        "Cohen κ",
        "—" if both.kappa is None else f"{both.kappa:.2f}",
        help=_("1 是完全一致，0 是和乱猜一样。0.6 以上可以拿它替人多评一些。"),
    )
    st.caption(
        _(
            "评委：{names}；共用 {tokens} tokens",
            names=plain(_("、").join(votes.teachers(workspace.engine, board.recipe))),
            tokens=f"{used.prompt_tokens + used.completion_tokens:,}",
        )
    )


def judge_part(workspace: Workspace, board: Board) -> None:
    """Draws the agreement of a teacher with the people, and the button that has it vote."""
    people = votes.listed(workspace.engine, board.recipe)
    said = votes.listed(workspace.engine, board.recipe, TEACHER)
    if said:
        with report_figure():
            _agreement(workspace, board, people, said)
    job = voting.voting_job(workspace, board.key)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_voting")
        return
    if job is not None and job.note:
        st.error(plain(job.note), icon="⚠️")
    st.caption(
        _("模型看不到是谁写的；每一对按两种先后各看一次，换了顺序就变卦的算平手。它的票不计入上面的分数。")
    )
    choice = pick_teacher(
        workspace, "voting", _("离线造句只会按语句表拼出成品，不会评判；换一个接口模型再来。")
    )
    if choice is None:
        return
    estimate = voting.estimate_voting(workspace, board, choice)
    label = _("请它评 {n} 对（约 {tokens} tokens，{cost}）", n=estimate.pairs, tokens=f"{estimate.usage.total:,}", cost=money(workspace, choice, estimate.cost))  # fmt: skip
    if st.button(label, key="voting_start", icon="🧑‍⚖️", disabled=not estimate.pairs):
        with report_errors():
            voting.start_voting(workspace, board, choice)
            st.rerun()
