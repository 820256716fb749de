"""Judges samples in a background job."""

from tianji_core import jobs
from tianji_core.errors import InputError, JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.store import judgements
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import TeacherChoice, checked_choice, key_variables, provider
from tianji_core.workspace import Workspace

KIND = "judge"
_LOOK_BACK = 100


class JudgingSubject(JobSubject):
    """The recipe whose samples are judged."""

    recipe: str


class JudgedBy(JobSubject):
    """The teacher that judges."""

    judge: TeacherChoice


class JudgingArguments(JudgingSubject):
    """``judge`` scores the samples of ``filter``; ``concurrency`` requests are under way at the same time."""

    worker = "tianji_core.cleaning.judging.worker:judge"

    judge: TeacherChoice
    filter: SampleFilter
    concurrency: int


def start_judging(
    workspace: Workspace, selection: SampleFilter, choice: TeacherChoice, concurrency: int = 8
) -> Job:
    """Judges the matching samples without a score in the background; a second start judges those that are
    left.

    Raises:
        JobError: it runs already, or nothing is left to judge. InputError: the teacher answers no prompts.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    if not provider(workspace, choice.provider).can_chat:
        raise InputError(_("离线造句不会打分，请换一个接口模型（在设置页填密钥）"))
    checked_choice(workspace, choice)
    job = judge_job(workspace, selection.recipe)
    if job is not None and job.active:
        raise JobError(_("配方“{recipe}”的样本正在评审，等它结束或先停止它", recipe=selection.recipe))
    number = judgements.waiting_count(workspace.engine, selection)
    if not number:
        raise JobError(_("符合筛选的样本都已经有评分了"))
    title = _("评审 {n} 条样本", n=number)
    subject = JudgingArguments(
        recipe=selection.recipe, judge=choice, filter=selection, concurrency=concurrency
    )
    return jobs.start_worker(workspace, KIND, title, subject, key_variables(workspace, [choice]))


def judge_of(job: Job) -> TeacherChoice | None:
    """Returns the teacher of a judging job; None where its record is of an older form."""
    subject = jobs.subject_of(job, JudgedBy)
    return subject.judge if subject is not None else None


def judge_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """Returns the newest judging job of a recipe, or None."""
    return jobs.newest_about(workspace, KIND, JudgingSubject(recipe=recipe_key), limit=_LOOK_BACK)
