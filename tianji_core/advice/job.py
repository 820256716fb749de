"""Asking a teacher as a background job: ratings of cells, suggestions for a list."""

import sys
from typing import Any

from tianji_core import jobs
from tianji_core.advice.suggestions import Question, Wanted, forget_suggestions
from tianji_core.errors import InputError, JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.recipe import Recipe
from tianji_core.store import recipes
from tianji_core.teachers import TeacherChoice, checked_choice
from tianji_core.workspace import Workspace

RATE, SUGGEST = "rate", "suggest"


def start_rating(workspace: Workspace, recipe_key: str, choice: TeacherChoice) -> Job:
    """Have every enabled cell of a recipe rated in the background; :func:`load_rating` reads what has come.

    Raises:
        InputError: the offline composer. JobError: one is running already.
        RecipeError, SettingsError, TeacherAuthError: recipe or teacher are not usable.
    """
    refusal = _("离线造句只会按语句表拼出成品，不会打分；换一个接口模型再来。")
    recipe = _usable(workspace, recipe_key, choice, refusal)
    running = rating_job(workspace, recipe_key)
    if running is not None and running.active:
        raise JobError(_("这个配方正在打分，等它结束或先停止它"))
    title = _("打分：{title}", title=recipe.title)
    argv = _argv(workspace, RATE, recipe_key, choice)
    return jobs.start(workspace, RATE, title, argv, subject={"recipe": recipe_key})


def rating_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """The newest rating of a recipe, running or not."""
    return _newest(workspace, RATE, {"recipe": recipe_key})


def start_suggesting(workspace: Workspace, recipe_key: str, question: Question, choice: TeacherChoice) -> Job:
    """Ask for more entries of a list in the background; :func:`load_suggestions` reads the answer. The answer before
    it is thrown away.

    Raises:
        As :func:`start_rating`.
    """
    refusal = _("离线造句只会按语句表拼出成品，不会提建议；换一个接口模型再来。")
    recipe = _usable(workspace, recipe_key, choice, refusal)
    running = suggesting_job(workspace, recipe_key, question.wanted, question.style)
    if running is not None and running.active:
        raise JobError(_("已经在问了，等它回答或先停止它"))
    forget_suggestions(workspace, recipe_key, question.wanted, question.style)
    argv = [*_argv(workspace, SUGGEST, recipe_key, choice), "--question", question.model_dump_json()]
    title = _("提建议：{title}", title=recipe.title)
    subject = _subject(recipe_key, question.wanted, question.style)
    return jobs.start(workspace, SUGGEST, title, argv, subject=subject)


def suggesting_job(workspace: Workspace, recipe_key: str, wanted: Wanted, style: str = "") -> Job | None:
    """The newest question for a list, answered or not."""
    return _newest(workspace, SUGGEST, _subject(recipe_key, wanted, style))


def _subject(recipe_key: str, wanted: Wanted, style: str) -> dict[str, Any]:
    return {"recipe": recipe_key, "wanted": wanted.value, "style": style}


def _usable(workspace: Workspace, recipe_key: str, choice: TeacherChoice, refusal: str) -> Recipe:
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    if not checked_choice(workspace, choice).can_chat:
        raise InputError(refusal)
    return recipe


def _argv(workspace: Workspace, action: str, recipe_key: str, choice: TeacherChoice) -> list[str]:
    argv = [sys.executable, "-m", "tianji_core.advice.worker", action, recipe_key]
    return [*argv, "--teacher", choice.model_dump_json(), "--workspace", str(workspace.home)]


def _newest(workspace: Workspace, kind: str, subject: dict[str, Any]) -> Job | None:
    return next((job for job in jobs.listed(workspace, kind=kind) if job.subject == subject), None)
