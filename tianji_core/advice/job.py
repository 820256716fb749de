"""Asks a teacher in a background job: ratings of cells, suggestions for a list."""

from tianji_core import jobs
from tianji_core.advice.suggestions import ListKind, Question, forget_suggestions
from tianji_core.errors import InputError, JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.recipe import Recipe
from tianji_core.store import recipes
from tianji_core.teachers import TeacherChoice, checked_choice, key_variables
from tianji_core.workspace import Workspace

RATE, SUGGEST = "rate", "suggest"


class RatingSubject(JobSubject):
    """The recipe whose cells are rated."""

    recipe: str


class RatingArguments(RatingSubject):
    """The subject, and the ``teacher`` that rates."""

    worker = "tianji_core.advice.worker:rate"

    teacher: TeacherChoice


class SuggestionSubject(JobSubject):
    """The list that more entries are requested for (``wanted``); ``style`` is the one that examples are
    for."""

    recipe: str
    wanted: ListKind
    style: str = ""


class SuggestionArguments(SuggestionSubject):
    """The subject, the ``question`` and the ``teacher`` that answers it."""

    worker = "tianji_core.advice.worker:suggest_entries"

    teacher: TeacherChoice
    question: Question


def start_rating(workspace: Workspace, recipe_key: str, choice: TeacherChoice) -> Job:
    """Has every enabled cell of a recipe rated in the background; :func:`load_rating` reads what has arrived.

    Raises:
        InputError: the teacher answers no prompts. JobError: a rating is running already.
        RecipeError, SettingsError, TeacherAuthError: recipe or teacher are not usable.
    """
    refusal = _("离线造句只会按语句表拼出成品，不会打分；换一个接口模型再来。")
    recipe = _usable(workspace, recipe_key, choice, refusal)
    running = rating_job(workspace, recipe_key)
    if running is not None and running.active:
        raise JobError(_("这个配方正在打分，等它结束或先停止它"))
    title = _("打分：{title}", title=recipe.title)
    subject = RatingArguments(recipe=recipe_key, teacher=choice)
    return jobs.start_worker(workspace, RATE, title, subject, key_variables(workspace, [choice]))


def rating_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """Returns the newest rating of a recipe, running or not."""
    return jobs.newest_about(workspace, RATE, RatingSubject(recipe=recipe_key))


def start_suggesting(workspace: Workspace, recipe_key: str, question: Question, choice: TeacherChoice) -> Job:
    """Asks for more entries of a list in the background; :func:`load_suggestions` reads the answer. The
    previous answer is deleted.

    Raises:
        As :func:`start_rating`.
    """
    refusal = _("离线造句只会按语句表拼出成品，不会提建议；换一个接口模型再来。")
    recipe = _usable(workspace, recipe_key, choice, refusal)
    running = suggesting_job(workspace, recipe_key, question.kind, question.style)
    if running is not None and running.active:
        raise JobError(_("已经在问了，等它回答或先停止它"))
    forget_suggestions(workspace, recipe_key, question.kind, question.style)
    title = _("提建议：{title}", title=recipe.title)
    subject = SuggestionArguments(
        recipe=recipe_key, wanted=question.kind, style=question.style, teacher=choice, question=question
    )
    return jobs.start_worker(workspace, SUGGEST, title, subject, key_variables(workspace, [choice]))


def suggesting_job(workspace: Workspace, recipe_key: str, kind: ListKind, style: str = "") -> Job | None:
    """Returns the newest question for a list, answered or not."""
    return jobs.newest_about(
        workspace, SUGGEST, SuggestionSubject(recipe=recipe_key, wanted=kind, style=style)
    )


def _usable(workspace: Workspace, recipe_key: str, choice: TeacherChoice, refusal: str) -> Recipe:
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    if not checked_choice(workspace, choice).can_chat:
        raise InputError(refusal)
    return recipe
