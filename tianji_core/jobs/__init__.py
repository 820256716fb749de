"""后台任务: any subprocess the studio starts. It goes on when the page, the tab or the server is gone."""

from tianji_core.jobs.child import run_child, run_until_stopped
from tianji_core.jobs.control import get, listed, log_path, log_tail, start, state_title, stop, wait
from tianji_core.jobs.progress import Progress, Reporter, duration_text, read_progress
from tianji_core.store.jobs import Job

__all__ = [
    "Job",
    "Progress",
    "Reporter",
    "duration_text",
    "get",
    "listed",
    "log_path",
    "log_tail",
    "read_progress",
    "run_child",
    "run_until_stopped",
    "start",
    "state_title",
    "stop",
    "wait",
]
