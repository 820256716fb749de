"""后台任务: subprocesses that the studio starts. They continue when the page, the tab or the server is gone."""

from tianji_core.jobs.child import Worker, run_until_stopped, worker_of
from tianji_core.jobs.control import (
    get,
    grace_of,
    listed,
    newest_about,
    own_job_id,
    prepare_worker,
    shown_state,
    start,
    start_worker,
    state_title,
    stop,
    wait,
)
from tianji_core.jobs.logs import log_bytes, log_path, log_tail
from tianji_core.jobs.progress import (
    PartReporter,
    Progress,
    Reporter,
    duration_text,
    left_text,
    read_progress,
)
from tianji_core.jobs.subject import JobSubject, WorkspaceUse, subject_of, workspace_use
from tianji_core.store.jobs import Job

__all__ = [
    "Job",
    "JobSubject",
    "PartReporter",
    "Progress",
    "Reporter",
    "Worker",
    "WorkspaceUse",
    "duration_text",
    "get",
    "grace_of",
    "left_text",
    "listed",
    "log_bytes",
    "log_path",
    "log_tail",
    "newest_about",
    "own_job_id",
    "prepare_worker",
    "read_progress",
    "run_until_stopped",
    "shown_state",
    "start",
    "start_worker",
    "state_title",
    "stop",
    "subject_of",
    "wait",
    "worker_of",
    "workspace_use",
]
