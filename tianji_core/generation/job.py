"""Runs a generation run as a background job."""

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.generation.batching import cancel_batches
from tianji_core.generation.offers import check_offers
from tianji_core.generation.runs import options_of, run_lock, teachers_of
from tianji_core.generation.shared_run import check_can_share
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.store import runs as run_store
from tianji_core.teachers import checked_choice, key_variables
from tianji_core.workspace import Workspace

KIND = "generate"
_LOOK_BACK = 300


class GenerationSubject(JobSubject):
    """The generation run whose pending tasks are sent."""

    worker = "tianji_core.generation.worker:generate"

    run_id: int


def start_generation(workspace: Workspace, run_id: int) -> Job:
    """Sends the pending tasks of a run in the background; continues a stopped run, too.

    Raises:
        PlanError: no such run, or a teacher no longer has what it needs. JobError: it runs already, or has
        nothing left to send.
        SettingsError, TeacherAuthError: the teacher is not usable, for example its key is missing.
    """
    run = run_store.get(workspace.engine, run_id)
    for entry in teachers_of(run):
        checked_choice(workspace, entry.choice)
    if options_of(run).cheap_hours:
        check_offers(workspace, teachers_of(run), options_of(run))
    with run_lock(workspace, run_id, "start"):
        job = jobs_by_run(workspace).get(run_id)
        if job is not None and job.active:
            raise JobError(_("生成批次 {id} 正在运行，等它结束或先停止它", id=run_id))
        with run_lock(workspace, run_id):
            pass  # a worker without a supervisor would still hold this lock
        counts = run_store.counts(workspace.engine, [run_id])[run_id]
        if counts.pending == 0:
            advice = _("，失败的 {n} 条可以重试", n=counts.failed) if counts.failed else ""
            raise JobError(_("生成批次 {id} 没有要写的任务了{advice}", id=run_id, advice=advice))
        title = _("造数：{title}", title=run.title)
        keys = key_variables(workspace, [entry.choice for entry in teachers_of(run)])
        return jobs.start_worker(workspace, KIND, title, GenerationSubject(run_id=run_id), keys)


def retry_failed(workspace: Workspace, run_id: int) -> Job:
    """Makes the failed tasks of a run pending again and starts it.

    Raises:
        JobError: it runs, or nothing failed and nothing is pending. Otherwise as :func:`start_generation`.
    """
    job = jobs_by_run(workspace).get(run_id)
    if job is not None and job.active:
        raise JobError(_("生成批次 {id} 正在运行，等它结束或先停止它", id=run_id))
    for entry in teachers_of(run_store.get(workspace.engine, run_id)):
        checked_choice(workspace, entry.choice)
    run_store.reset_failed(workspace.engine, run_id)
    return start_generation(workspace, run_id)


def cancel(workspace: Workspace, run_id: int) -> int:
    """Skips the pending tasks of a run, and stops it if it is running; answers in flight may still be stored.
    Returns how many tasks were skipped; :func:`take_up` undoes it.

    Raises:
        PlanError: no such run. TeacherError: the tasks are skipped, but the provider's batch goes on.
    """
    run = run_store.get(workspace.engine, run_id)
    skipped = run_store.skip_pending(workspace.engine, run_id)
    job = jobs_by_run(workspace).get(run_id)
    if job is not None and job.active:
        jobs.stop(workspace, job.id)
    if options_of(run).batch:
        cancel_batches(workspace, run)
    return skipped


def pause_run(workspace: Workspace, run_id: int) -> None:
    """Stops a run in every process that works on it; those requests that are in flight may still be stored.
    :func:`start_generation` goes on with it.

    Raises:
        PlanError: no such run. InputError: no worker can work on it, as :func:`check_can_share`.
    """
    check_can_share(workspace, run_store.get(workspace.engine, run_id))
    said = _("有人让所有 worker 停下了这个批次；继续之后它们会接着写")
    run_store.change(workspace.engine, run_id, paused=True, halted=said)


def take_up(workspace: Workspace, run_id: int) -> Job:
    """Makes the skipped tasks pending again and starts the run.

    Raises:
        JobError: it runs, or nothing is pending. Otherwise as :func:`start_generation`.
    """
    run_store.reset_skipped(workspace.engine, run_id)
    return start_generation(workspace, run_id)


def jobs_by_run(workspace: Workspace) -> dict[int, Job]:
    """Returns the newest job of each run, by run number."""
    newest: dict[int, Job] = {}
    for job in jobs.listed(workspace, kind=KIND, limit=_LOOK_BACK):
        if (subject := jobs.subject_of(job, GenerationSubject)) is not None:
            newest.setdefault(subject.run_id, job)
    return newest
