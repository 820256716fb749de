"""Starts, lists, follows and stops jobs. Their processes outlive the page, the tab and the server."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection

from tianji_core.errors import JobError, SettingsError
from tianji_core.i18n import _
from tianji_core.jobs.environment import DATABASE, NEEDS, child_environment, proxies
from tianji_core.jobs.logs import log_path
from tianji_core.jobs.processes import GRACE, alive, end_group, started_at
from tianji_core.jobs.progress import read_progress
from tianji_core.jobs.subject import EndsSlowly, JobSubject, subject_of
from tianji_core.notices import VARIABLES, channels_in_use
from tianji_core.project import PROJECT
from tianji_core.roles import bookkeeping
from tianji_core.store import jobs as job_store
from tianji_core.store.database import now
from tianji_core.store.jobs import Job
from tianji_core.workspace import Workspace, highest_number

WORKER = "worker"
"""Key of the stored subject that names the worker."""

ENDED_SLOWLY = {"elsewhere": 150.0}
"""Kind of job → seconds from TERM to KILL, for jobs that an older version started and that still run: their
subject does not say it."""
START_GRACE = 20.0
"""Seconds that a job may be 'starting' before a missing supervisor means that it is lost."""


def _last(workspace: Workspace) -> int:
    return highest_number(workspace.logs, "job-")


def start(
    workspace: Workspace,
    kind: str,
    title: str,
    argv: list[str],
    environment: dict[str, str] | None = None,
    subject: JobSubject | None = None,
    keys: Collection[str] = (),
) -> Job:
    """Starts a command line under its own supervisor and returns at once. ``subject`` says what the job is
    about. ``environment`` is stored with the job, so it must never hold a key. ``keys`` names the variables
    with the keys that the child needs; it gets no others."""
    stored = subject.model_dump(mode="json") if subject is not None else {}
    job = job_store.add(workspace.engine, kind, title, argv, environment or {}, stored, _last(workspace))
    return _supervised(workspace, job, keys)


def start_worker(
    workspace: Workspace, kind: str, title: str, subject: JobSubject, keys: Collection[str] = ()
) -> Job:
    """Starts the worker of ``subject`` under its own supervisor and returns at once. The worker reads
    ``subject`` from the stored job; its command line holds only the job's number. ``keys`` as for
    :func:`start`."""
    return _supervised(workspace, prepare_worker(workspace, kind, title, subject), keys)


def prepare_worker(workspace: Workspace, kind: str, title: str, subject: JobSubject) -> Job:
    """Stores a job for the worker of ``subject`` without starting it; its ``argv`` is the command that
    does the work."""
    stored = {WORKER: subject.worker, **subject.model_dump(mode="json")}
    job = job_store.add(workspace.engine, kind, title, [], {}, stored, _last(workspace))
    argv = [sys.executable, "-m", "tianji_core.jobs.worker", str(job.id), "--workspace", str(workspace.home)]
    job_store.change(workspace.engine, job.id, argv=argv)
    return job_store.get(workspace.engine, job.id)


def _supervised(workspace: Workspace, job: Job, keys: Collection[str]) -> Job:
    environment = child_environment(NEEDS[job.kind].network, {*keys, *VARIABLES})
    with contextlib.suppress(SettingsError):  # said when the end is told
        if channels_in_use(workspace):  # the supervisor tells of the end, perhaps through a proxy
            environment |= proxies()
    command = [sys.executable, "-m", "tianji_core.jobs", str(job.id), "--workspace", str(workspace.home)]
    with log_path(workspace, job.id).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=PROJECT,
            env={**environment, DATABASE: workspace.database_url},
        )
    job_store.change(
        workspace.engine, job.id, supervisor_pid=process.pid, supervisor_started=started_at(process.pid)
    )
    return job_store.get(workspace.engine, job.id)


@bookkeeping()
def refreshed(workspace: Workspace, job: Job) -> Job:
    """Returns the current job. One without a supervisor becomes 'lost', unless it was asked to stop."""
    if not job.active or alive(job.supervisor_pid, job.supervisor_started):
        return job
    if job.state == "starting" and job.supervisor_pid is None and job.seconds < START_GRACE:
        return job
    current = job_store.get(workspace.engine, job.id)  # it may have ended in the meantime
    if not current.active or alive(current.supervisor_pid, current.supervisor_started):
        return current
    if current.stop_requested and current.pid is None:  # stopped before its child had started
        job_store.change(workspace.engine, job.id, state="stopped", ended_at=now())
        return job_store.get(workspace.engine, job.id)
    note = _("监管进程没有了（机器重启或被强行结束），日志还在")
    job_store.change(workspace.engine, job.id, state="lost", note=note, ended_at=now())
    return job_store.get(workspace.engine, job.id)


def get(workspace: Workspace, job_id: int) -> Job:
    """Returns one job in its current state.

    Raises:
        JobError: there is none with this number.
    """
    return refreshed(workspace, job_store.get(workspace.engine, job_id))


def listed(
    workspace: Workspace, kind: str | None = None, active: bool | None = None, limit: int = 50
) -> list[Job]:
    """Returns jobs in their current state, newest first."""
    current = [refreshed(workspace, job) for job in job_store.listed(workspace.engine, kind, active, limit)]
    return [job for job in current if active is None or job.active == active]


def newest_about(
    workspace: Workspace, kind: str, subject: JobSubject, active: bool | None = None, limit: int = 50
) -> Job | None:
    """Returns the newest of the recent jobs of a kind that is about exactly this, or None."""
    recent = listed(workspace, kind=kind, active=active, limit=limit)
    return next((job for job in recent if subject_of(job, type(subject)) == subject), None)


def stop(workspace: Workspace, job_id: int) -> Job:
    """Asks a job to end: its supervisor sends TERM to the group, then KILL, and checks that nothing is left.
    For a lost job this happens here. Returns without waiting; see :func:`wait`.

    Raises:
        JobError: the job has ended already.
    """
    job = get(workspace, job_id)
    if job.active:
        job_store.change(workspace.engine, job.id, stop_requested=True)
        if job.supervisor_pid is not None and alive(job.supervisor_pid, job.supervisor_started):
            os.kill(job.supervisor_pid, 15)
        return job_store.get(workspace.engine, job.id)
    if job.state == "lost" and job.pid is not None and alive(job.pid, job.pid_started):
        end_group(job.pid, grace_of(job))
        job_store.change(
            workspace.engine, job.id, only_active=False, state="stopped", stop_requested=True, ended_at=now()
        )
        return job_store.get(workspace.engine, job.id)
    raise JobError(_("任务 {id} 已经结束（{state}），不用停止", id=job.id, state=state_title(job.state)))


def grace_of(job: Job) -> float:
    """Returns the seconds that a job has for its end, from TERM to KILL: what its subject says, and for jobs
    whose subject was stored before it said that, what their kind needs."""
    slow = subject_of(job, EndsSlowly)
    return ENDED_SLOWLY.get(job.kind, GRACE) if slow is None else slow.grace


def own_job_id() -> int | None:
    """Returns the number of the job whose child this process is, None outside a job."""
    number = os.environ.get("TIANJI_JOB_ID", "")
    return int(number) if number.isdecimal() else None


def settle(workspace: Workspace, code: int, note: str = "") -> None:
    """Stores how a job ended where its supervisor was killed. Called by the child at its end."""
    number = own_job_id()
    if number is None:
        return
    job = job_store.get(workspace.engine, number)
    if job.pid != os.getpid() or alive(job.supervisor_pid, job.supervisor_started):
        return
    state = "succeeded" if code == 0 else "failed"
    job_store.change(
        workspace.engine,
        job.id,
        only_active=False,
        state=state,
        exit_code=code,
        note=note,
        ended_at=now(),
    )


def wait(
    workspace: Workspace, job_id: int, timeout: float | None = None, each: Callable[[Job], None] | None = None
) -> Job:
    """Blocks until the job has ended and returns it; calls ``each`` with it about twice a second.

    Raises:
        JobError: it has not ended within ``timeout`` seconds.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        job = get(workspace, job_id)
        if each is not None:
            each(job)
        if not job.active:
            return job
        if deadline is not None and time.monotonic() > deadline:
            raise JobError(_("任务 {id} 在 {seconds} 秒内没有结束", id=job_id, seconds=round(timeout or 0)))
        time.sleep(0.5)


def shown_state(workspace: Workspace, job: Job) -> str:
    """Returns the state of a job for display; an active one that waits for its turn or for room says so."""
    progress = read_progress(workspace, job.id) if job.active else None
    return state_title("waiting" if progress is not None and progress.paused else job.state)


def state_title(state: str) -> str:
    """Returns a job state for display."""
    return {
        "waiting": _("等待中"),
        "starting": _("正在启动"),
        "running": _("运行中"),
        "succeeded": _("已完成"),
        "failed": _("失败"),
        "stopped": _("已停止"),
        "lost": _("失联"),
    }.get(state, state)
