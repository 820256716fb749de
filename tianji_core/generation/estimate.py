"""What a plan will cost, before anything is sent."""

import math
from dataclasses import dataclass

from tianji_core.generation.runs import Teachers, cost_of, teachers_of, weighted
from tianji_core.generation.writing import expected_usage
from tianji_core.recipe import Plan, Recipe, brief, enabled_styles, kept_cells, tasks
from tianji_core.store import runs as rows
from tianji_core.teachers import TeacherChoice, price_of, provider
from tianji_core.workspace import Workspace

GUESSED_LATENCY = 2.5
"""Seconds per answer where nothing has been measured yet."""
COMPOSED_PER_SECOND = 3000
_SAMPLED = 120


@dataclass(frozen=True)
class Estimate:
    """``cost`` in the provider's currency, None where its price is unknown; ``seconds`` of running time; ``measured`` says
    whether it rests on an earlier run with the same model."""

    tasks: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float
    measured: bool


def count_tasks(recipe: Recipe, plan: Plan) -> int:
    """How many tasks a plan has, without listing them; 0 where it has none."""
    wanted = set(plan.cells)
    number = plan.rounds * sum(
        sum(not wanted or cell in wanted for cell in kept_cells(recipe, plan.threshold, style))
        for style in plan.styles or enabled_styles(recipe)
    )
    return min(number, plan.limit) if plan.limit is not None else number


def estimate(
    workspace: Workspace, recipe: Recipe, plan: Plan, teacher: Teachers, concurrency: int
) -> Estimate:
    """Tokens from the characters of a sample of the real prompts and the middle of each style's length limits; time from
    the latency of an earlier run with the same model, or a guess, and from the limits per minute. Several teachers work
    at the same time and share the concurrency.

    Raises:
        PlanError: the plan has no task. SettingsError: a provider that is not there.
    """
    number = count_tasks(recipe, plan)
    sample = tasks(recipe, plan.model_copy(update={"rounds": 1, "limit": _SAMPLED}))
    usages = [expected_usage(brief(recipe, task, plan.seed)) for task in sample]
    prompt_tokens = sum(usage.prompt for usage in usages) / len(usages)
    completion_tokens = sum(usage.completion for usage in usages) / len(usages)
    mix = weighted(teacher)
    whole = sum(each.weight for each in mix)
    costs: list[float | None] = []
    seconds, busy, measured = 0.0, 0.0, True
    for each in mix:
        share = number * each.weight / whole
        choice, of = each.choice, provider(workspace, each.choice.provider)
        costs.append(
            cost_of(price_of(of, choice), round(share * prompt_tokens), round(share * completion_tokens))
        )
        if of.sdk == "composer":
            seconds = max(seconds, share / COMPOSED_PER_SECOND)
            continue
        latency = measured_latency(workspace, choice)
        measured = measured and latency is not None
        busy += math.ceil(share) * (latency or GUESSED_LATENCY)
        if choice.requests_per_minute:
            seconds = max(seconds, share * 60 / choice.requests_per_minute)
        if choice.tokens_per_minute:
            seconds = max(
                seconds, share * (prompt_tokens + completion_tokens) * 60 / choice.tokens_per_minute
            )
    return Estimate(
        number,
        round(number * prompt_tokens),
        round(number * completion_tokens),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        max(seconds, busy / concurrency),
        measured and busy > 0,
    )


def measured_latency(workspace: Workspace, choice: TeacherChoice) -> float | None:
    """Mean seconds per answer in the newest run with the same provider, model and address, or None."""
    for run in rows.listed(workspace.engine, limit=20):
        several = teachers_of(run)
        earlier = several[0].choice
        if len(several) == 1 and (earlier.provider, earlier.model, earlier.base_url) == (
            choice.provider,
            choice.model,
            choice.base_url,
        ):
            latency = rows.totals(workspace.engine, run.id).latency
            if latency:
                return latency
    return None
