"""Runs a knowledge run as a background job."""

import sys

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.store import knowledge as knowledge_store
from tianji_core.teachers import TeacherChoice, checked_choice
from tianji_core.workspace import Workspace

KIND = "generate"
_LOOK_BACK = 300


def start_knowledge(workspace: Workspace, run_id: int, retry_failed: bool = False) -> Job:
    """Asks about the pending chunks of a run in the background, with ``retry_failed`` also about those that failed;
    continues a stopped run, too.

    Raises:
        InputError: no such run. JobError: it runs already, or has nothing left to ask.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    run = knowledge_store.get(workspace.engine, run_id)
    checked_choice(workspace, TeacherChoice.model_validate(run.teacher))
    job = knowledge_jobs(workspace).get(run_id)
    if job is not None and job.active:
        raise JobError(_("资料批次 {id} 正在运行，等它结束或先停止它", id=run_id))
    if retry_failed:
        knowledge_store.reset_failed(workspace.engine, run_id)
    if knowledge_store.counts(workspace.engine, run_id).pending == 0:
        raise JobError(_("资料批次 {id} 没有要问的了", id=run_id))
    module = "tianji_core.generation.knowledge.worker"
    argv = [sys.executable, "-m", module, str(run_id), "--workspace", str(workspace.home)]
    title = _("资料问答：{title}", title=run.title)
    return jobs.start(workspace, KIND, title, argv, subject={"knowledge_run_id": run_id})


def knowledge_jobs(workspace: Workspace) -> dict[int, Job]:
    """Returns the newest job of each run, by run number."""
    newest: dict[int, Job] = {}
    for job in jobs.listed(workspace, kind=KIND, limit=_LOOK_BACK):
        run_id = job.subject.get("knowledge_run_id")
        if isinstance(run_id, int):
            newest.setdefault(run_id, job)
    return newest
