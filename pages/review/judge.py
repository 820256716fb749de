"""Scoring samples with a model, so that the doubtful ones can be read first."""

import streamlit as st

from pages.shared.cell_words import style_word
from pages.shared.frame import report_errors, report_figure
from pages.shared.job_progress import follow_job
from pages.shared.teacher_pick import money, pick_teacher
from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core.cleaning import judging
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.store.samples import DOUBTFUL, ORDER_TITLES, SampleFilter
from tianji_core.workspace import Workspace


def judge_part(workspace: Workspace, sample_filter: SampleFilter) -> None:
    """Draws the choice of a judge with its cost, starts the judging and shows its progress."""
    if role() < Role.OWNER:
        st.caption(_("请模型评审要花钱，由工坊的所有者来做。"))
        return
    st.caption(
        _(
            "模型按合适、{kind}、自然三项各打 0 到 5 分，并说一句理由。分数只用来排顺序（“{order}”），不会采用、弃用或删除任何样本。",
            kind=style_word(),
            order=_(ORDER_TITLES[DOUBTFUL]),
        )
    )
    job = judging.judge_job(workspace, sample_filter.recipe)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_judging")
        return
    if job is not None and job.note:
        st.error(plain(job.note), icon="⚠️")
    elif job is not None and job.state == "succeeded":
        st.success(_("上次{title}已完成", title=plain(job.title)), icon="🧑‍⚖️")
        st.button(_("按低分先逐条看"), key="read_doubtful", icon="🔎", on_click=_read_doubtful)
    choice = pick_teacher(
        workspace,
        "judge",
        _("离线造句只会按语句表拼出成品，不会打分；换一个接口模型再来。"),
        judging.judge_of(job) if job is not None else None,
        _("评审模型"),
    )
    if choice is None:
        return
    estimate = judging.estimate_judging(workspace, sample_filter, choice)
    with report_figure():
        usage, cost = judging.judging_cost(workspace, sample_filter.recipe, choice)
        st.caption(
            _(
                "这次约 {tokens} tokens，{cost}；以前的评审共用 {used} tokens，{spent}",
                tokens=f"{estimate.usage.total:,}",
                cost=money(workspace, choice, estimate.cost),
                used=f"{usage.total:,}",
                spent=money(workspace, choice, cost),
            )
        )
    pressed = st.button(
        _("评审符合筛选、还没有评分的 {n} 条", n=f"{estimate.number:,}"),
        key="judge",
        icon="🧑‍⚖️",
        disabled=not estimate.number,
    )
    if pressed:
        with report_errors():
            judging.start_judging(workspace, sample_filter, choice)
            st.rerun()


def _read_doubtful() -> None:
    """Callback: opens the card view, the lowest scores first."""
    st.session_state["view"], st.session_state["order"] = "card", DOUBTFUL
