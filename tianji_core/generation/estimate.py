"""Estimates tokens, cost and time of a plan before anything is sent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tianji_core.generation.runs import Teachers, teachers_of, weighted
from tianji_core.generation.writing import usage_of
from tianji_core.recipe import EXAMPLES, Plan, Recipe, brief, count_tasks, enabled_axes, tasks
from tianji_core.store import runs as run_store
from tianji_core.teachers import OffPeak, TeacherChoice, price_of, provider
from tianji_core.workspace import Workspace

GUESSED_LATENCY = 2.5
"""Seconds per answer where nothing has been measured yet."""
COMPOSED_PER_SECOND = 3000
_SAMPLED = 120


@dataclass(frozen=True)
class Estimate:
    """``cost`` in the provider's currency, None where its price is unknown; ``seconds`` of running time, with
    the hours that it waits; ``measured`` says whether it rests on an earlier run with the same model. It
    starts at ``opens``, None for at once."""

    tasks: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float
    measured: bool
    opens: datetime | None = None

    def asking(self, asked: int) -> "Estimate":
        """Returns the estimate where only so many of the tasks are asked, the others having known answers. A
        wait for an hour stays as long as it is, unless nothing is asked."""
        share = asked / self.tasks
        return replace(
            self,
            prompt_tokens=round(self.prompt_tokens * share),
            completion_tokens=round(self.completion_tokens * share),
            cost=None if self.cost is None else self.cost * share,
            seconds=self.seconds if self.opens is not None and asked else self.seconds * share,
            opens=self.opens if asked else None,
        )


def estimate(
    workspace: Workspace,
    recipe: Recipe,
    plan: Plan,
    teacher: Teachers,
    concurrency: int,
    examples: int = EXAMPLES,
    batch: bool = False,
    cheap_hours: bool = False,
    moment: datetime | None = None,
) -> Estimate:
    """Estimates a plan: tokens from the characters of a sample of the real prompts and the middle of each
    style's length limits; time from the latency of an earlier run with the same model, or a guess, and from
    the limits per minute; ``examples`` few-shot examples are in each request; with ``batch`` at the price of
    a batch, which may take a day; with ``cheap_hours`` in the off-peak hours of the teachers that have some,
    from ``moment`` (default: now) on. Several teachers work at the same time and share the concurrency.

    Raises:
        PlanError: the plan has no task. SettingsError: a provider that is not there.
    """
    number = count_tasks(recipe, plan)
    # With conditions a draw by weight lists the cells, not all of their combinations.
    drawn = {"rounds": 1, "limit": _SAMPLED, "weighted": bool(enabled_axes(recipe))}
    sample = tasks(recipe, plan.model_copy(update=drawn))[:_SAMPLED]
    usages = [usage_of(brief(recipe, task, plan.seed, examples)) for task in sample]
    prompt_tokens = sum(usage.prompt for usage in usages) / len(usages)
    completion_tokens = sum(usage.completion for usage in usages) / len(usages)
    mix = weighted(teacher)
    total_weight = sum(entry.weight for entry in mix)
    costs: list[float | None] = []
    hours: list[OffPeak] = []
    seconds, busy, measured = 0.0, 0.0, True
    for entry in mix:
        share = number * entry.weight / total_weight
        choice, source = entry.choice, provider(workspace, entry.choice.provider)
        price = price_of(source, choice, batch)
        if cheap_hours and source.off_peak is not None:
            hours.append(source.off_peak)
            price = price.at_share(source.off_peak.price)
        costs.append(price.cost(round(share * prompt_tokens), round(share * completion_tokens)))
        if source.offline:
            seconds = max(seconds, share / COMPOSED_PER_SECOND)
            continue
        latency = measured_latency(workspace, choice)
        measured = measured and latency is not None
        busy += math.ceil(share) * (latency or GUESSED_LATENCY)
        if choice.requests_per_minute:
            seconds = max(seconds, share * 60 / choice.requests_per_minute)
        if choice.tokens_per_minute:
            tokens = prompt_tokens + completion_tokens
            seconds = max(seconds, share * tokens * 60 / choice.tokens_per_minute)
    guess = Estimate(
        number,
        round(number * prompt_tokens),
        round(number * completion_tokens),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        max(seconds, busy / concurrency),
        measured and busy > 0,
    )
    return _waiting(guess, hours, moment or datetime.now(UTC)) if hours else guess


def _waiting(guess: Estimate, hours: Sequence[OffPeak], moment: datetime) -> Estimate:
    """Returns the estimate of work that begins at ``moment`` and goes on in these hours only."""
    opens = min((each.next_begin(moment) for each in hours), key=datetime.timestamp)
    seconds = max(each.lasting(moment, guess.seconds) for each in hours)
    waits = opens.timestamp() > moment.timestamp()
    return replace(guess, seconds=seconds, opens=opens if waits else None)


def measured_latency(workspace: Workspace, choice: TeacherChoice) -> float | None:
    """Returns the mean seconds per answer in the newest run with the same provider, model and address, or
    None."""
    for run in run_store.listed(workspace.engine, limit=20):
        several = teachers_of(run)
        earlier = several[0].choice
        if len(several) == 1 and (earlier.provider, earlier.model, earlier.base_url) == (
            choice.provider,
            choice.model,
            choice.base_url,
        ):
            latency = run_store.totals(workspace.engine, run.id).latency
            if latency:
                return latency
    return None
