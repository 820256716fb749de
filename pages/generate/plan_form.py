"""Choosing what to generate, what it will cost, and a dry run of three."""

import asyncio
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.generate.teacher_form import TeacherSetup
from pages.shared.frame import report_errors
from pages.shared.kept import kept
from pages.shared.teacher_numbers import FORM, SIGNS
from pages.shared.text import plain
from pages.shared.usable import among, some_of, switch, within
from tianji_core.generation import RunOptions, Trial, count_tasks, dry_run, estimate, offline_gaps
from tianji_core.i18n import _, _c
from tianji_core.jobs import duration_text
from tianji_core.recipe import VALUE_TITLES, Plan, Recipe, kept_cells, tasks
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

FIRST_STYLES = 3
"""How many styles are chosen before the person chooses."""


def style_picker(workspace: Workspace, recipe: Recipe) -> tuple[str, ...]:
    """The styles to write, each with the number of samples there are already."""
    have = samples.style_counts(workspace.engine, SampleFilter(recipe.key))
    enabled = [style.text for style in recipe.styles if style.enabled]
    styles = st.pills(
        _("风格（已有样本数）"),
        enabled,
        selection_mode="multi",
        default=enabled[:FIRST_STYLES],
        format_func=lambda style: f"{style} {have[style]:,}" if have.get(style) else style,
        **kept(FORM, "styles", some_of(enabled), enabled[:FIRST_STYLES], f"styles_{recipe.key}"),
        wrap=True,
    )
    return tuple(styles)


def plan_form(recipe: Recipe, styles: tuple[str, ...]) -> Plan | None:
    """Draw the rest of the plan; None while no style is chosen."""
    left, right = st.columns(2)
    rounds = left.number_input(
        _("轮数"),
        1,
        200,
        1,
        **kept(FORM, "rounds", within(1, 200)),
        help=_("每个“称谓 × 场景 × 风格”写几条；每一轮的随机注入和示例都不同。"),
    )
    limit = right.number_input(
        _("最多写几条"),
        0,
        1_000_000,
        0,
        100,
        **kept(FORM, "limit", within(0, 1_000_000)),
        help=_("0 表示全写。打乱后取前面的，所以少量也照顾到各种组合。"),
    )
    left, right = st.columns([3, 2])
    threshold = left.segmented_control(
        _("适配度至少"),
        sorted(VALUE_TITLES),
        default=recipe.threshold,
        format_func=lambda value: _(VALUE_TITLES[value]),
        **kept(FORM, "threshold", among(VALUE_TITLES), recipe.threshold, f"threshold_{recipe.key}"),
        wrap=True,
        help=_("低于它的格子不造数；在“适配度”页看和改。"),
    )
    seed = right.number_input(
        _("随机种子"),
        0,
        2**31 - 1,
        0,
        **kept(FORM, "seed", within(0, 2**31 - 1)),
        help=_("同一个种子得到同样的任务和提示词。"),
    )
    least = recipe.threshold if threshold is None else threshold
    st.caption(
        _(
            "{cells} 个格子 × {styles} 种风格 × {rounds} 轮",
            cells=len(kept_cells(recipe, least)),
            styles=len(styles),
            rounds=int(rounds),
        )
    )
    if not styles:
        return None
    return Plan(styles=styles, rounds=int(rounds), threshold=least, seed=int(seed), limit=int(limit) or None)


def options_form(setup: TeacherSetup) -> RunOptions:
    """Budget, deadline and whether openings are fed back."""
    if setup.offline:
        return RunOptions()
    with st.expander(_("预算、时限和开头")):
        first, second, third = st.columns(3)
        return RunOptions(
            **budget_inputs(first, second, third, RunOptions(), SIGNS[setup.provider.currency], ""),
            ban_openings=st.toggle(
                _("告诉造数模型哪些开头用得太多"),
                True,
                **kept(FORM, "ban_openings", switch),
                help=_("每个风格写够一些之后，把占比超过 5% 的开头附在提示词后面，让后面的写法不一样。"),
            ),
        )


def budget_inputs(
    first: DeltaGenerator,
    second: DeltaGenerator,
    third: DeltaGenerator,
    now: RunOptions,
    sign: str,
    suffix: str,
    keep: bool = True,
) -> dict[str, float | int | None]:
    """Fields for budget and deadline, 0 for none; ``keep`` says that they are there again after a refresh."""

    def known(key: str, least: float) -> dict[str, Any]:
        return kept(FORM, key + suffix, within(least)) if keep else {"key": key + suffix}

    cost = first.number_input(
        _("预算（{sign}）", sign=sign), 0.0, None, now.budget_cost or 0.0, 1.0, **known("budget_cost", 0.0)
    )
    tokens = second.number_input(
        _("预算（tokens）"), 0, None, now.budget_tokens or 0, 100_000, **known("budget_tokens", 0)
    )
    minutes = third.number_input(
        _("时限（分钟）"),
        0.0,
        None,
        now.minutes or 0.0,
        10.0,
        **known("minutes", 0.0),
        help=_("0 表示不限；到了就自己停下，写好的都在，可以继续。"),
    )
    return {"budget_cost": cost or None, "budget_tokens": int(tokens) or None, "minutes": minutes or None}


def show_estimate(workspace: Workspace, recipe: Recipe, plan: Plan | None, setup: TeacherSetup) -> int:
    """Tasks, tokens, cost and time of the plan; returns the number of tasks."""
    number = count_tasks(recipe, plan) if plan is not None else 0
    columns = st.columns(4)
    columns[0].metric(_c("generation", "任务"), f"{number:,}", border=True)
    if plan is None or number == 0:
        st.warning(_("这个计划没有任务：至少选一个风格，或降低适配度要求。"), icon="🫙")
        return 0
    if setup.offline and (gaps := offline_gaps(recipe, tasks(recipe, plan))) is not None:
        st.warning(plain(gaps.message), icon="🧩")
        if gaps.everything:
            return 0
    guess = estimate(workspace, recipe, plan, setup.mix, setup.concurrency)
    if setup.offline:
        tokens, cost = "0", _("免费")
    else:
        tokens = f"{(guess.prompt_tokens + guess.completion_tokens) / 1000:,.0f} k"
        cost = _("未知") if guess.cost is None else f"{SIGNS[setup.provider.currency]}{guess.cost:,.2f}"
    columns[1].metric(
        _("tokens（估）"),
        tokens,
        border=True,
        help=_(
            "按字数估算：输入约 {asked:,}，输出约 {answered:,}",
            asked=guess.prompt_tokens,
            answered=guess.completion_tokens,
        ),
    )
    columns[2].metric(_("费用（估）"), cost, border=True, help=_("价格可以在“采样、并发和价格”里改。"))
    basis = _("按这个模型上次的速度") if guess.measured else _("没有实测过，按常见速度猜的")
    columns[3].metric(
        _("用时（估）"),
        duration_text(max(1.0, guess.seconds)),
        border=True,
        help=None if setup.offline else basis,
    )
    return number


def try_three(workspace: Workspace, recipe: Recipe, plan: Plan, setup: TeacherSetup) -> None:
    """Send three tasks for real and keep what came on the page; nothing is stored."""
    with st.spinner(_("正在试写…")):
        st.session_state["trials"] = asyncio.run(dry_run(workspace, recipe, plan, setup.mix, setup.sampling))


def show_trials() -> None:
    """What the last dry run brought."""
    trials: list[Trial] = st.session_state.get("trials", [])
    if not trials:
        return
    st.markdown(_("**试写的三条**（不入库）"))
    for number, (column, trial) in enumerate(zip(st.columns(len(trials)), trials, strict=True)):
        with column, st.container(border=True):
            task = trial.brief.task
            st.markdown(f"**{task.name} × {task.scene} · {task.style}**")
            if trial.answer is not None:
                st.text(trial.answer.text)
                st.caption(
                    _(
                        "{teacher} · {chars} 字 · {seconds} 秒 · 训练输入：{input}",
                        teacher=trial.teacher,
                        chars=len(trial.answer.text),
                        seconds=f"{trial.answer.latency:.1f}",
                        input=trial.brief.input,
                    )
                )
            else:
                st.error(trial.error, icon="⚠️")
            with st.expander(_("发出去的提示词"), key=f"trial_prompt_{number}"):
                st.code(trial.brief.prompt, language=None, wrap_lines=True)
    if st.button(_("收起"), key="hide_trials"):
        with report_errors():
            del st.session_state["trials"]
            st.rerun()
