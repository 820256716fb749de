"""Follows up accepted samples in a background job."""

from tianji_core import jobs
from tianji_core.dispatch import RunOptions
from tianji_core.errors import InputError, JobError
from tianji_core.generation.following.planning import FollowingPlan, planned_follow_ups
from tianji_core.generation.runs import check_concurrency
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.teachers import TeacherChoice, checked_choice, key_variables
from tianji_core.workspace import Workspace

KIND = "follow"


class FollowingSubject(JobSubject):
    """The recipe whose samples are followed up."""

    recipe: str


class FollowingArguments(FollowingSubject):
    """``teacher`` answers the requests of ``plan``; ``concurrency`` of them are under way at once."""

    worker = "tianji_core.generation.following.worker:follow"

    teacher: TeacherChoice
    plan: FollowingPlan
    concurrency: int
    options: RunOptions


def start_following(
    workspace: Workspace,
    recipe: str,
    plan: FollowingPlan,
    teacher: TeacherChoice,
    concurrency: int = 8,
    options: RunOptions | None = None,
) -> Job:
    """Sends the requests of a plan that are still to be sent, in the background.

    Raises:
        JobError: it runs already, or nothing is left. InputError: the teacher answers no prompts.
        PlanError: the concurrency is out of range.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    check_concurrency(concurrency)
    if not checked_choice(workspace, teacher).can_chat:
        raise InputError(_("离线造句不会接着聊，请换一个接口模型"))
    job = following_job(workspace, recipe)
    if job is not None and job.active:
        raise JobError(_("配方“{recipe}”正在追问，等它结束或先停止它", recipe=recipe))
    number = len(planned_follow_ups(workspace, recipe, plan))
    if not number:
        raise JobError(_("没有可以追问的：先在审核页采用一些样本，已经追问过的不再问"))
    subject = FollowingArguments(
        recipe=recipe, teacher=teacher, plan=plan, concurrency=concurrency, options=options or RunOptions()
    )
    title = _("追问 {n} 条样本", n=number)
    return jobs.start_worker(workspace, KIND, title, subject, key_variables(workspace, [teacher]))


def following_job(workspace: Workspace, recipe: str) -> Job | None:
    """Returns the newest job that follows up samples of a recipe, or None."""
    return jobs.newest_about(workspace, KIND, FollowingSubject(recipe=recipe))
