"""A rating as a background job."""

import sys

from tianji_core import jobs
from tianji_core.errors import InputError, JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.store import recipes
from tianji_core.teachers import TeacherChoice, checked_choice
from tianji_core.workspace import Workspace

KIND = "rate"


def start_rating(workspace: Workspace, recipe_key: str, choice: TeacherChoice) -> Job:
    """Have every enabled cell of a recipe rated in the background; :func:`load_rating` reads what has come.

    Raises:
        InputError: the offline composer. JobError: one is running already.
        RecipeError, SettingsError, TeacherAuthError: recipe or teacher are not usable.
    """
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    if checked_choice(workspace, choice).sdk == "composer":
        raise InputError(_("离线造句只会按语句表拼出成品，不会打分；换一个接口模型再来。"))
    running = rating_job(workspace, recipe_key)
    if running is not None and running.active:
        raise JobError(_("这个配方正在打分，等它结束或先停止它"))
    argv = [
        sys.executable,
        "-m",
        "tianji_core.advice.worker",
        recipe_key,
        "--teacher",
        choice.model_dump_json(),
        "--workspace",
        str(workspace.home),
    ]
    title = _("打分：{title}", title=recipe.title)
    return jobs.start(workspace, KIND, title, argv, subject={"recipe": recipe_key})


def rating_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """The newest rating of a recipe, running or not."""
    found = jobs.listed(workspace, kind=KIND)
    return next((job for job in found if job.subject.get("recipe") == recipe_key), None)
