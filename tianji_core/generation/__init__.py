"""造数: plans become runs, runs become samples. :func:`create_run` stores one, :func:`start_generation` works it off in
the background, :func:`run_state` says how far it is."""

from tianji_core.generation.estimate import Estimate, cost_of, count_tasks, estimate
from tianji_core.generation.job import jobs_by_run, retry_failed, start_generation
from tianji_core.generation.offline import OfflineGaps, offline_gaps
from tianji_core.generation.raw import raw_path, write_raw
from tianji_core.generation.runs import (
    MAX_CONCURRENCY,
    RunState,
    create_run,
    listed_runs,
    run_state,
    sampling_of,
    teacher_of,
)
from tianji_core.generation.trial import Trial, dry_run

__all__ = [
    "MAX_CONCURRENCY",
    "Estimate",
    "OfflineGaps",
    "RunState",
    "Trial",
    "cost_of",
    "count_tasks",
    "create_run",
    "dry_run",
    "estimate",
    "jobs_by_run",
    "listed_runs",
    "offline_gaps",
    "raw_path",
    "retry_failed",
    "run_state",
    "sampling_of",
    "start_generation",
    "teacher_of",
    "write_raw",
]
