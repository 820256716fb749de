"""排队: the queue of trainings that wait for a place to run on.

Each one waits in a job of its own, so that the queue moves on without the page, the server or the job before
it. The order stands in one small file of the workspace; trainings whose process is gone are skipped.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import JobError, TrainingError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.jobs.processes import alive
from tianji_core.store import training as training_runs
from tianji_core.store.training import TrainingRun
from tianji_core.training.lock import CPU, Hold, starting, training_works
from tianji_core.training.record import record_of
from tianji_core.workspace import Workspace

PAUSE, LONGEST_PAUSE = 0.5, 3.0
"""Seconds between two looks at the queue, at first and after a while, so that waiting takes nothing from
training."""


@dataclass(frozen=True)
class PlaceRequest:
    """The places a training needs: ``count`` of ``places``, or of all cards where ``places`` is empty."""

    places: tuple[str, ...]
    count: int

    def blocks(self, other: "PlaceRequest") -> bool:
        """Whether ``other``, further back in the queue, has to wait for this one."""
        if (CPU in self.places) != (CPU in other.places):
            return False
        return not self.places or bool(set(self.places) & set(other.places))


def place_request(run: TrainingRun) -> PlaceRequest:
    """The places that a stored training needs."""
    record = record_of(run)
    return PlaceRequest(record.places, record.place_count)


def _path(workspace: Workspace) -> Path:
    return workspace.runs / ".training-line.json"


def _order(workspace: Workspace) -> list[int]:
    try:
        return [int(run_id) for run_id in json.loads(_path(workspace).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _write_order(workspace: Workspace, order: list[int]) -> None:
    write_json(_path(workspace), order, indent=None)


def _living(workspace: Workspace, run_id: int) -> bool:
    """Whether a process waits for this training's turn: its job, or a child that lost its supervisor."""
    try:
        run = training_runs.get(workspace.engine, run_id)
        job = jobs.get(workspace, run.job_id) if run.job_id is not None else None
    except (TrainingError, JobError):
        return False
    return job is not None and (job.active or alive(job.pid, job.pid_started))


def waiting(workspace: Workspace) -> list[int]:
    """The numbers of the trainings in the queue, the next one first."""
    return [run_id for run_id in _order(workspace) if _living(workspace, run_id)]


def join(workspace: Workspace, run_id: int) -> None:
    """Put a training at the end of the queue, unless it is in it. Hold :func:`starting` around the call."""
    order = _order(workspace)
    if run_id not in order:
        _write_order(workspace, [*order, run_id])


def leave(workspace: Workspace, run_id: int) -> None:
    """Take a training out of the queue, and all whose process is gone."""
    with starting(workspace):
        _write_order(workspace, [other for other in waiting(workspace) if other != run_id])


def move(workspace: Workspace, run_id: int, places: int) -> None:
    """Move a waiting training: -1 is one place nearer to its turn, 1 one place back.

    Raises:
        TrainingError: it does not wait.
    """
    with starting(workspace):
        order = waiting(workspace)
        if run_id not in order:
            raise TrainingError(_("训练 {n} 没有在排队", n=run_id))
        at = order.index(run_id)
        order.insert(max(0, at + places), order.pop(at))
        _write_order(workspace, order)


def cancel(workspace: Workspace, run_id: int) -> None:
    """Stop a waiting training; it keeps its settings and can be started later.

    Raises:
        TrainingError: it does not wait.
    """
    run = training_runs.get(workspace.engine, run_id)
    if run_id not in waiting(workspace) or run.job_id is None:
        raise TrainingError(_("训练 {n} 没有在排队", n=run_id))
    jobs.stop(workspace, run.job_id)
    leave(workspace, run_id)


def take_turn(
    workspace: Workspace,
    run: TrainingRun,
    cards: Callable[[], Sequence[str]],
    on_wait: Callable[[int], None],
) -> Hold:
    """Wait until no training before ``run`` needs the same places and they are free; returns them held.

    ``cards`` are the machine's cards, the best first. ``on_wait`` gets the number of trainings before this
    one, each time it changes.
    """
    request, hold, told, pause = place_request(run), Hold(workspace), -1, PAUSE
    with starting(workspace):
        join(workspace, run.id)
    while True:
        ahead = _ahead(workspace, run.id)
        reserved = {place for other in ahead for place in other.places}
        if not any(other.blocks(request) for other in ahead):
            places = request.places or [place for place in cards() if place not in reserved]
            if hold.take(places, request.count):
                leave(workspace, run.id)
                return hold
        if told != len(ahead):
            told = len(ahead)
            on_wait(told)
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 1.1)


def _ahead(workspace: Workspace, run_id: int) -> list[PlaceRequest]:
    order = waiting(workspace)
    before = order[: order.index(run_id)] if run_id in order else order
    return [place_request(training_runs.get(workspace.engine, other)) for other in before]


def occupant(workspace: Workspace, device: str) -> str:
    """A sentence on the training that a new one would have to wait for; '' where it could begin at once."""
    for job in jobs.listed(workspace, kind="train", active=True):
        run_id = jobs.workspace_use(job).training_run_id
        on_cpu = True  # a job of an older studio that names no training
        if run_id is not None:
            on_cpu = CPU in place_request(training_runs.get(workspace.engine, run_id)).places
        if on_cpu == (device == "cpu"):
            return _("“{title}”还在训练或排队；这一个会排在它后面，轮到时自动开始", title=job.title)
    if device == "cpu" and training_works(workspace, CPU):
        return _("另一个训练的进程还在，这一个会等它结束；要停掉它请到任务页")
    return ""
