"""The estimate of a plan: tasks, tokens, cost and time."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.generate.teacher_form import TeacherSetup
from pages.shared.cell_words import style_word
from pages.shared.frame import report_figure
from pages.shared.teacher_numbers import SIGNS
from pages.shared.text import plain
from tianji_core.errors import PlanError
from tianji_core.generation import Estimate, KnownAnswers, RunOptions, estimate, offline_gaps
from tianji_core.i18n import _, _c
from tianji_core.jobs import duration_text
from tianji_core.recipe import (
    Plan,
    Recipe,
    axes_left_out,
    by_fact,
    count_tasks,
    enabled_facts,
    fact_words,
    tasks,
)
from tianji_core.workspace import Workspace


def show_estimate(
    workspace: Workspace, recipe: Recipe, plan: Plan | None, setup: TeacherSetup, options: RunOptions
) -> int:
    """Draws tasks, tokens, cost and time of the plan; returns the number of tasks, 0 if it cannot start."""
    number = count_tasks(recipe, plan) if plan is not None else 0
    with st.container(key="estimate"):
        columns = [*st.columns(2), *st.columns(2)]
    columns[0].metric(_c("generation", "任务"), f"{number:,}")
    if plan is None or number == 0:
        st.warning(_why_nothing(recipe, plan), icon="🫙")
        return 0
    if left_out := axes_left_out(recipe, plan):
        axes = plain(_("、").join(left_out))
        st.caption(_("条件“{axes}”在这个计划里处处都不适用，没有用上", axes=axes))
    planned = tasks(recipe, plan) if setup.offline or enabled_facts(recipe) else []
    if counts := by_fact(recipe, planned):
        st.caption(fact_words(counts))
    if setup.offline and (gaps := offline_gaps(recipe, planned)) is not None:
        st.warning(plain(gaps.message), icon="🧩")
        if gaps.everything:
            return 0
    with report_figure():
        expected = estimate(
            workspace,
            recipe,
            plan,
            setup.mix,
            setup.concurrency,
            options.examples,
            options.batch,
            options.cheap_hours,
        )
        known = None
        if options.reuse:
            known = KnownAnswers(workspace, recipe, plan, setup.mix, setup.sampling, options.examples).count()
            expected = expected.asking(number - known)
        _show_use(columns[1:], expected, setup, options.batch)
        if options.cheap_hours:
            st.caption(_hours_text(expected))
        if known is not None:
            st.caption(
                _("{known} 条有上次的回答，只问 {rest} 条", known=f"{known:,}", rest=f"{number - known:,}")
            )
    return number


def _hours_text(expected: Estimate) -> str:
    """Returns when work in the off-peak hours begins, as Markdown."""
    if expected.opens is None:
        return _("🌙 现在就在优惠时段里；费用按优惠价，用时算上了等的时间。")
    when, zone = expected.opens.strftime("%Y-%m-%d %H:%M"), str(expected.opens.tzinfo)
    return _(
        "🌙 要等到 {when}（{zone}）才开始写；费用按优惠价，用时算上了等的时间。", when=when, zone=plain(zone)
    )


def _why_nothing(recipe: Recipe, plan: Plan | None) -> str:
    """Returns why a plan has no task; None is one without a style."""
    try:
        if plan is not None:
            tasks(recipe, plan)
    except PlanError as error:
        return plain(str(error))
    return _("这个计划没有任务：至少选一种{kind}，或降低适配度要求。", kind=style_word())


def _show_use(
    columns: Sequence[DeltaGenerator], estimated: Estimate, setup: TeacherSetup, batch: bool
) -> None:
    if setup.offline:
        tokens, cost = "0", _("免费")
    else:
        tokens = f"{(estimated.prompt_tokens + estimated.completion_tokens) / 1000:,.0f} k"
        cost = (
            _("未知") if estimated.cost is None else f"{SIGNS[setup.provider.currency]}{estimated.cost:,.2f}"
        )
    columns[0].metric(
        _("tokens（估）"),
        tokens,
        help=_(
            "按字数估算：输入约 {asked:,}，输出约 {answered:,}",
            asked=estimated.prompt_tokens,
            answered=estimated.completion_tokens,
        ),
    )
    columns[1].metric(_("费用（估）"), cost, help=_("价格可以在“采样、并发和价格”里改。"))
    basis = _("按这个模型上次的速度") if estimated.measured else _("没有实测过，按常见速度猜的")
    columns[2].metric(
        _("用时（估）"),
        _("一天之内") if batch else duration_text(max(1.0, estimated.seconds)),
        help=None if setup.offline or batch else basis,
    )
