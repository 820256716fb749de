"""Sends a few tasks of a plan without storing anything. The parameters are those that a run would draw;
several teachers take turns."""

import asyncio
from dataclasses import dataclass

from tianji_core.errors import ComposerError, TeacherError
from tianji_core.generation.runs import Teachers, weighted
from tianji_core.generation.writing import task_sampling
from tianji_core.recipe import EXAMPLES, Brief, Plan, Recipe, brief, tasks
from tianji_core.teachers import Answer, Sampling, SamplingPlan, Teacher, make_teacher
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class Trial:
    """One task of a dry run: what was asked, and the answer or the sentence that says why there is none."""

    brief: Brief
    answer: Answer | None
    error: str = ""
    teacher: str = ""


async def dry_run(
    workspace: Workspace,
    recipe: Recipe,
    plan: Plan,
    teacher: Teachers,
    sampling: Sampling | SamplingPlan,
    count: int = 3,
    examples: int = EXAMPLES,
) -> list[Trial]:
    """Sends the first ``count`` tasks of a plan, or one for each teacher if that is more; returns one trial
    per task. Each request has ``examples`` few-shot examples.

    Raises:
        PlanError: the plan has no task. SettingsError, TeacherAuthError: the teacher is not usable.
    """
    mix = weighted(teacher)
    drawn = sampling if isinstance(sampling, SamplingPlan) else SamplingPlan.fixed(sampling)
    count = max(count, len(mix))
    limit = min(count, plan.limit) if plan.limit is not None else count
    planned = tasks(recipe, plan.model_copy(update={"limit": limit}))
    teachers = [make_teacher(workspace, entry.choice) for entry in mix]
    try:
        return list(
            await asyncio.gather(
                *(
                    _try(
                        teachers[number % len(mix)],
                        brief(recipe, task, plan.seed, examples),
                        task_sampling(drawn, task, plan.seed),
                    )
                    for number, task in enumerate(planned)
                )
            )
        )
    finally:
        for opened in teachers:
            await opened.aclose()


async def _try(teacher: Teacher, asked: Brief, sampling: Sampling) -> Trial:
    try:
        return Trial(asked, await teacher.answer(asked, sampling), teacher=teacher.name)
    except (TeacherError, ComposerError) as error:
        return Trial(asked, None, str(error), teacher.name)
