"""A dry run: a few tasks sent for real, nothing stored."""

import asyncio
from dataclasses import dataclass

from tianji_core.errors import ComposerError, TeacherError
from tianji_core.recipe import Brief, Plan, Recipe, brief, tasks
from tianji_core.teachers import Answer, Sampling, Teacher, TeacherChoice, make_teacher
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class Trial:
    """One task of a dry run: what was asked, and the answer or the sentence that says why there is none."""

    brief: Brief
    answer: Answer | None
    error: str = ""


async def dry_run(
    workspace: Workspace,
    recipe: Recipe,
    plan: Plan,
    choice: TeacherChoice,
    sampling: Sampling,
    count: int = 3,
) -> list[Trial]:
    """Ask for the first ``count`` tasks of a plan.

    Raises:
        PlanError: the plan has no task. SettingsError, TeacherAuthError: the teacher is not usable.
    """
    limit = min(count, plan.limit) if plan.limit is not None else count
    planned = tasks(recipe, plan.model_copy(update={"limit": limit}))
    teacher = make_teacher(workspace, choice)
    try:
        return list(
            await asyncio.gather(
                *(_try(teacher, brief(recipe, task, plan.seed), sampling) for task in planned)
            )
        )
    finally:
        await teacher.aclose()


async def _try(teacher: Teacher, asked: Brief, sampling: Sampling) -> Trial:
    try:
        return Trial(asked, await teacher.answer(asked, sampling))
    except (TeacherError, ComposerError) as error:
        return Trial(asked, None, str(error))
