"""Runs an imitation run as a background job."""

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.generation.imitation.runs import waiting
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.store import imitation as rows
from tianji_core.teachers import TeacherChoice, checked_choice, key_variables
from tianji_core.workspace import Workspace

KIND = "generate"
_LOOK_BACK = 300


class ImitationSubject(JobSubject):
    """The imitation run whose texts are written."""

    worker = "tianji_core.generation.imitation.worker:write_alike"

    imitation_run_id: int


def start_imitation(workspace: Workspace, run_id: int, retry_failed: bool = False) -> Job:
    """Writes what a run lacks in the background, with ``retry_failed`` also what failed; continues a stopped
    run, and carries on the seeds that were accepted meanwhile.

    Raises:
        InputError: no such run. JobError: it runs already, or lacks nothing.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    run = rows.get(workspace.engine, run_id)
    teacher = TeacherChoice.model_validate(run.teacher)
    checked_choice(workspace, teacher)
    job = imitation_jobs(workspace).get(run_id)
    if job is not None and job.active:
        raise JobError(_("照着写批次 {id} 正在运行，等它结束或先停止它", id=run_id))
    if retry_failed:
        rows.reset_failed(workspace.engine, run_id)
    if waiting(workspace, run) == 0:
        raise JobError(_("照着写批次 {id} 没有要写的了；种子在审核页采用以后，可以接着写", id=run_id))
    title = _("照着写：{title}", title=run.title)
    subject, keys = ImitationSubject(imitation_run_id=run_id), key_variables(workspace, [teacher])
    return jobs.start_worker(workspace, KIND, title, subject, keys)


def imitation_jobs(workspace: Workspace) -> dict[int, Job]:
    """Returns the newest job of each run, by run number."""
    newest: dict[int, Job] = {}
    for job in jobs.listed(workspace, kind=KIND, limit=_LOOK_BACK):
        if (subject := jobs.subject_of(job, ImitationSubject)) is not None:
            newest.setdefault(subject.imitation_run_id, job)
    return newest
