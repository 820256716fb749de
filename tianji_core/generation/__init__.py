"""造数: turns plans into runs and runs into samples. :func:`create_run` stores a run,
:func:`start_generation` runs its tasks in the background, :func:`run_state` returns its state."""

from tianji_core.dispatch import STALE, Pulse, RunOptions, read_pulse
from tianji_core.generation.estimate import Estimate, estimate
from tianji_core.generation.job import (
    cancel,
    jobs_by_run,
    pause_run,
    retry_failed,
    start_generation,
    take_up,
)
from tianji_core.generation.known_answers import KnownAnswers
from tianji_core.generation.offers import cheap_hours
from tianji_core.generation.offline import OfflineGaps, offline_gaps
from tianji_core.generation.openings import Variety, run_variety
from tianji_core.generation.raw import raw_path, write_raw
from tianji_core.generation.runs import (
    MAX_CONCURRENCY,
    RunState,
    TeacherResult,
    Teachers,
    by_teacher,
    change_options,
    check_writable,
    create_run,
    listed_runs,
    options_of,
    run_state,
    sampling_of,
    teachers_of,
)
from tianji_core.generation.trial import Trial, dry_run
from tianji_core.generation.worker_process import (
    check_usable_here,
    help_with_all,
    help_with_run,
    workers_of,
    workers_of_jobs,
    workers_text,
)

__all__ = [
    "MAX_CONCURRENCY",
    "STALE",
    "Estimate",
    "KnownAnswers",
    "OfflineGaps",
    "Pulse",
    "RunOptions",
    "RunState",
    "TeacherResult",
    "Teachers",
    "Trial",
    "Variety",
    "by_teacher",
    "cancel",
    "change_options",
    "cheap_hours",
    "check_usable_here",
    "check_writable",
    "create_run",
    "dry_run",
    "estimate",
    "help_with_all",
    "help_with_run",
    "jobs_by_run",
    "listed_runs",
    "offline_gaps",
    "options_of",
    "pause_run",
    "raw_path",
    "read_pulse",
    "retry_failed",
    "run_state",
    "run_variety",
    "sampling_of",
    "start_generation",
    "take_up",
    "teachers_of",
    "workers_of",
    "workers_of_jobs",
    "workers_text",
    "write_raw",
]
