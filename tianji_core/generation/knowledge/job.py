"""Runs a knowledge run as a background job."""

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.store import knowledge as knowledge_store
from tianji_core.teachers import TeacherChoice, checked_choice, key_variables
from tianji_core.workspace import Workspace

KIND = "generate"
_LOOK_BACK = 300


class KnowledgeSubject(JobSubject):
    """The knowledge run whose pending chunks are asked about."""

    worker = "tianji_core.generation.knowledge.worker:ask_about_documents"

    knowledge_run_id: int


def start_knowledge(workspace: Workspace, run_id: int, retry_failed: bool = False) -> Job:
    """Asks about the pending chunks of a run in the background, with ``retry_failed`` also about those that
    failed; continues a stopped run, too.

    Raises:
        InputError: no such run. JobError: it runs already, or has nothing left to ask.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    run = knowledge_store.get(workspace.engine, run_id)
    teacher = TeacherChoice.model_validate(run.teacher)
    checked_choice(workspace, teacher)
    job = knowledge_jobs(workspace).get(run_id)
    if job is not None and job.active:
        raise JobError(_("资料批次 {id} 正在运行，等它结束或先停止它", id=run_id))
    if retry_failed:
        knowledge_store.reset_failed(workspace.engine, run_id)
    if knowledge_store.counts(workspace.engine, run_id).pending == 0:
        raise JobError(_("资料批次 {id} 没有要问的了", id=run_id))
    title = _("资料问答：{title}", title=run.title)
    subject, keys = KnowledgeSubject(knowledge_run_id=run_id), key_variables(workspace, [teacher])
    return jobs.start_worker(workspace, KIND, title, subject, keys)


def knowledge_jobs(workspace: Workspace) -> dict[int, Job]:
    """Returns the newest job of each run, by run number."""
    newest: dict[int, Job] = {}
    for job in jobs.listed(workspace, kind=KIND, limit=_LOOK_BACK):
        if (subject := jobs.subject_of(job, KnowledgeSubject)) is not None:
            newest.setdefault(subject.knowledge_run_id, job)
    return newest
