"""追问: what is asked for after accepted answers, the estimate, the start, and the progress."""

import streamlit as st
from pydantic import ValidationError

from pages.generate.asking_teacher import asking_teacher
from pages.generate.following_examples import following_examples
from pages.generate.teacher_form import TeacherSetup
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import job_bar, log_view, stop_button
from pages.shared.kept import kept, kept_at
from pages.shared.teacher_numbers import FORM, SIGNS
from pages.shared.text import plain
from pages.shared.usable import any_text, some_of, within
from tianji_core.errors import InputError
from tianji_core.generation import RunOptions
from tianji_core.generation.following import (
    FollowingPlan,
    estimate_following,
    following_job,
    start_following,
    usual_words,
)
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.recipe import Recipe, explain
from tianji_core.recipe.following import FOLLOW_UP_TITLES
from tianji_core.store import samples
from tianji_core.store.samples import FOLLOW_UP, SampleFilter
from tianji_core.workspace import Workspace


def following_part(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the job, the form and what is there already."""
    job = following_job(workspace, recipe.key)
    active = job is not None and job.active
    st.fragment(_progress, run_every=1.0 if active else None, key="following_box")(
        workspace, recipe.key, active
    )
    st.caption(
        _(
            "接着采用了的样本再说一句，例如“再短一点”，造数模型改写，成为两轮对话：训练出来的模型就会照人说的改。"
        )
    )
    with report_errors():
        left, right = st.columns(2, gap="large")
        with left:
            plan = _plan(recipe)
        with right:
            refusal = _("离线造句不会接着聊：在上面换一个接口模型。")
            setup, options = asking_teacher(workspace, refusal, "_following")
        if setup.provider.can_chat:
            _start(workspace, recipe, plan, setup, options)
        following_examples(workspace, recipe.key, plan)


def _progress(workspace: Workspace, recipe: str, was_active: bool) -> None:
    job = following_job(workspace, recipe)
    active = job is not None and job.active
    if active != was_active:
        st.rerun()
    number = samples.count(workspace.engine, SampleFilter(recipe, source=FOLLOW_UP))
    if job is None and not number:
        return
    with st.container(border=True):
        if job is not None and job.active:
            job_bar(workspace, job)
            stop_button(workspace, job, key="stop_following")
        elif job is not None and job.state == "failed" and job.note:
            st.error(plain(job.note), icon="⚠️")
        st.page_link(
            "pages/review/page.py",
            label=_("已有 {n} 条追问过的对话，去清洗和审核", n=f"{number:,}"),
            icon="🔎",
            query_params={"source": FOLLOW_UP},
        )
        if job is not None:
            with st.expander(_("日志"), key="following_log"):
                log_view(workspace, job)


def _plan(recipe: Recipe) -> FollowingPlan:
    usual = "、".join(usual_words(recipe))
    titles = {str(kind): _(title) for kind, title in FOLLOW_UP_TITLES.items()}
    kinds = st.pills(
        _("追问什么"),
        list(titles),
        selection_mode="multi",
        default=list(titles),
        format_func=lambda kind: titles[kind],
        **kept(FORM, "following_kinds", some_of(titles), list(titles)),
        wrap=True,
    )
    words = st.text_input(
        _("“别提什么”的词，用顿号隔开"),
        **kept_at(FORM, "following_words", any_text, usual),
        help=_("只问回答里真有的词。"),
        max_chars=2000,
    )
    first, second = st.container(key="following_numbers").columns(2)
    limit = first.number_input(
        _("最多追问几条"), 1, 100_000, 200, 50, **kept(FORM, "following_limit", within(1, 100_000))
    )
    again = second.number_input(
        _("没改到位时最多再问几次"), 0, 5, 2, **kept(FORM, "following_again", within(0, 5))
    )
    if not kinds:
        raise InputError(_("至少选一种追问"))
    try:
        return FollowingPlan(
            kinds=tuple(kinds),
            words=tuple(word.strip() for word in words.replace("，", "、").split("、") if word.strip()),
            limit=int(limit),
            again=int(again),
        )
    except ValidationError as error:
        raise InputError(explain(error)) from error


def _start(
    workspace: Workspace, recipe: Recipe, plan: FollowingPlan, setup: TeacherSetup, options: RunOptions
) -> None:
    """Draws the estimate and the button that starts the job."""
    choice = setup.mix[0].choice
    expected = estimate_following(workspace, recipe.key, plan, choice, setup.concurrency)
    if not expected.number:
        st.info(_("没有可以追问的：先在审核页采用一些样本，已经追问过的不再问"), icon="💬")
        return
    columns = st.columns(4)
    kinds = (f"{_(FOLLOW_UP_TITLES[kind])} {number}" for kind, number in expected.kinds.items())
    columns[0].metric(_("要追问（条）"), f"{expected.number:,}", help=_("、").join(kinds), border=True)
    columns[1].metric(_("请求（次）"), f"{expected.number:,}–{expected.most_requests:,}", border=True)
    price = (
        _("未知")
        if expected.least_cost is None or expected.most_cost is None
        else f"{SIGNS[setup.provider.currency]}{expected.least_cost:,.2f}–{expected.most_cost:,.2f}"
    )
    columns[2].metric(_("费用（估）"), price, border=True)
    times = (expected.least_seconds, expected.most_seconds)
    columns[3].metric(_("用时（估）"), "–".join(duration_text(max(1.0, time)) for time in times), border=True)
    if st.button(
        _("开始追问（{n} 条）", n=f"{expected.number:,}"), key="start_following", type="primary", icon="💬"
    ):
        job = start_following(workspace, recipe.key, plan, choice, setup.concurrency, options)
        remember_notice(_("已开始：{title}", title=plain(job.title)))
        st.rerun()
