"""What a plan will cost, before anything is sent."""

import math
from dataclasses import dataclass

from tianji_core.generation.runs import teacher_of
from tianji_core.recipe import Plan, Recipe, brief, enabled_styles, kept_cells, tasks
from tianji_core.store import runs as rows
from tianji_core.teachers import ModelEntry, TeacherChoice
from tianji_core.workspace import Workspace

TOKENS_PER_CHARACTER = 0.75
"""Current Chinese tokenizers need 0.6-0.8 tokens per character; a little more is the safer guess."""
MESSAGE_TOKENS = 8
"""Role marks around one message."""
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


def cost_of(entry: ModelEntry, prompt_tokens: int, completion_tokens: int) -> float | None:
    """What that many tokens cost; None where a price is unknown."""
    if entry.input_price is None or entry.output_price is None:
        return None
    return (prompt_tokens * entry.input_price + completion_tokens * entry.output_price) / 1_000_000


def estimate(
    workspace: Workspace,
    recipe: Recipe,
    plan: Plan,
    choice: TeacherChoice,
    entry: ModelEntry,
    concurrency: int,
) -> Estimate:
    """Tokens from the characters of a sample of the real prompts and the middle of each style's length limits; time from
    the latency of an earlier run with the same model, or a guess.

    Raises:
        PlanError: the plan has no task.
    """
    number = count_tasks(recipe, plan)
    sample = tasks(recipe, plan.model_copy(update={"rounds": 1, "limit": _SAMPLED}))
    briefs = [brief(recipe, task, plan.seed) for task in sample]
    asked = sum(len(b.prompt) for b in briefs) / len(briefs)
    answered = sum((b.style.min_chars + b.style.max_chars) / 2 for b in briefs) / len(briefs)
    prompt_tokens = round(number * (asked * TOKENS_PER_CHARACTER + MESSAGE_TOKENS))
    completion_tokens = round(number * answered * TOKENS_PER_CHARACTER)
    latency = None if choice.provider == "offline" else measured_latency(workspace, choice)
    if choice.provider == "offline":
        seconds = number / COMPOSED_PER_SECOND
    else:
        seconds = math.ceil(number / concurrency) * (latency or GUESSED_LATENCY)
        if choice.requests_per_minute:
            seconds = max(seconds, number * 60 / choice.requests_per_minute)
    cost = cost_of(entry, prompt_tokens, completion_tokens)
    return Estimate(number, prompt_tokens, completion_tokens, cost, seconds, latency is not None)


def measured_latency(workspace: Workspace, choice: TeacherChoice) -> float | None:
    """Mean seconds per answer in the newest run with the same provider, model and address, or None."""
    for run in rows.listed(workspace.engine, limit=20):
        earlier = teacher_of(run)
        if (earlier.provider, earlier.model, earlier.base_url) == (
            choice.provider,
            choice.model,
            choice.base_url,
        ):
            latency = rows.totals(workspace.engine, run.id).latency
            if latency:
                return latency
    return None
