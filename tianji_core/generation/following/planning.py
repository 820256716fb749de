"""Which accepted answers are followed by which request."""

import random
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.dispatch import Usage, expected_usage
from tianji_core.generation.estimate import GUESSED_LATENCY, measured_latency
from tianji_core.recipe import Recipe, Style
from tianji_core.recipe.following import (
    FollowUp,
    FollowUpKind,
    drawn_follow_up,
    follow_up_request,
    possible,
)
from tianji_core.recipe.prompts import estimated_tokens
from tianji_core.store import recipes, samples
from tianji_core.store.samples import ACCEPTED, FOLLOW_UP, Sample, SampleFilter
from tianji_core.teachers import TeacherChoice, price_of, provider
from tianji_core.workspace import Workspace

WORDS = ("身体", "健康", "工作", "钱", "财", "孩子", "年纪", "辛苦", "平安", "幸福", "快乐")
"""Words that people ask to leave out of blessings, where nothing else is said."""
_OTHER_WORDS = ("钱", "时间", "电话", "工作", "孩子", "辛苦")
"""The same for texts of other tasks."""
MOST_AGAIN = 5


MOST_SAMPLES = 100_000


class FollowingPlan(BaseModel):
    """Each accepted sample of one turn gets one request, at most ``limit`` of them in one start; ``words``
    may be asked to go. An answer that does not do what was asked is asked for again at most ``again``
    times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[FollowUpKind, ...] = Field(default=tuple(FollowUpKind), min_length=1)
    words: tuple[str, ...] = WORDS
    limit: int = Field(default=200, ge=1, le=MOST_SAMPLES)
    again: int = Field(default=2, ge=0, le=MOST_AGAIN)
    seed: int = Field(default=0, ge=0)


class PlannedFollowUp(NamedTuple):
    """A sample and what is asked for after it; ``style`` is the one of the new answer, ``request``
    the first request to the teacher."""

    sample: Sample
    follow_up: FollowUp
    style: Style
    request: str


@dataclass(frozen=True)
class FollowUpEstimate:
    """``kinds`` counts the requests of each kind; costs are in the provider's currency, None where its price
    is unknown; the least if every first answer does what was asked, and the most."""

    number: int
    kinds: dict[FollowUpKind, int]
    most_requests: int
    least_cost: float | None
    most_cost: float | None
    least_seconds: float
    most_seconds: float


def usual_words(recipe: Recipe) -> tuple[str, ...]:
    """Returns the words that people ask to leave out of the texts of a recipe, where nothing else is said."""
    return WORDS if recipe.blessings else _OTHER_WORDS


def planned_follow_ups(
    workspace: Workspace, recipe_key: str, plan: FollowingPlan, recipe: Recipe | None = None
) -> list[PlannedFollowUp]:
    """Returns what is still to be asked: accepted samples of one turn that no stored conversation begins
    with. The same seed draws the same requests, however many are stored already. Without ``recipe`` they are
    made from its newest revision."""
    recipe = recipe or recipes.current(workspace.engine, recipe_key).recipe
    followed = {
        sample.history[0]
        for batch in samples.each(workspace.engine, SampleFilter(recipe_key, source=FOLLOW_UP))
        for sample in batch
        if sample.history
    }
    planned: list[PlannedFollowUp] = []
    for batch in samples.each(workspace.engine, SampleFilter(recipe_key, states=(ACCEPTED,))):
        for sample in batch:
            known = recipe.name(sample.name) and recipe.scene(sample.scene) and recipe.style(sample.style)
            if sample.history or not known:
                continue
            if (sample.input, sample.output) in followed:
                continue
            if (drawn := _drawn(recipe, sample, plan)) is not None:
                planned.append(drawn)
                if len(planned) == plan.limit:
                    return planned
    return planned


def _drawn(recipe: Recipe, sample: Sample, plan: FollowingPlan) -> PlannedFollowUp | None:
    cell = (sample.name, sample.scene, sample.style)
    choices = possible(recipe, cell, sample.output, plan.kinds, plan.words)
    if not choices:
        return None
    asked = drawn_follow_up(choices, random.Random(f"follow|{plan.seed}|{sample.id}"), recipe.words.style)
    style = recipe.style(asked.target if asked.kind is FollowUpKind.STYLE else sample.style)
    if style is None:
        return None
    return PlannedFollowUp(sample, asked, style, _request(recipe, sample, asked, style))


def _request(recipe: Recipe, sample: Sample, asked: FollowUp, style: Style) -> str:
    """Returns the first request to the teacher."""
    told = style if asked.kind is FollowUpKind.STYLE else None
    return follow_up_request(recipe, asked, sample.output, told)


def usage_for(planned: PlannedFollowUp) -> Usage:
    """Returns the tokens that the first request is likely to use."""
    said = planned.sample.input + planned.sample.output + planned.request
    return expected_usage(said, estimated_tokens(planned.sample.output))


def estimate_following(
    workspace: Workspace, recipe_key: str, plan: FollowingPlan, teacher: TeacherChoice, concurrency: int
) -> FollowUpEstimate:
    """Returns what the requests that are still to be sent take."""
    planned = planned_follow_ups(workspace, recipe_key, plan)
    usage = sum((usage_for(each) for each in planned), Usage())
    times = 1 + plan.again
    most = Usage(usage.prompt * times * (times + 1) // 2, usage.completion * times)
    price = price_of(provider(workspace, teacher.provider), teacher)
    per_minute = teacher.requests_per_minute
    latency = measured_latency(workspace, teacher) or GUESSED_LATENCY
    seconds = len(planned) * max(latency / concurrency, 60 / per_minute if per_minute else 0.0)
    return FollowUpEstimate(
        len(planned),
        dict(Counter(each.follow_up.kind for each in planned)),
        len(planned) * times,
        usage.cost(price),
        most.cost(price),
        seconds,
        seconds * times,
    )
