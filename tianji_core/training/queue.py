"""排队: trainings that wait for their place. Each one waits in a job of its own, so that the line moves on when the page,
the server, or the job before is gone.

The order stands in one small file of the workspace. Who is in it but has no living process any more is passed over.
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
from tianji_core.store import training as rows
from tianji_core.store.training import TrainingRun
from tianji_core.training.lock import CPU, Hold, starting, training_works
from tianji_core.training.record import record_of
from tianji_core.workspace import Workspace

PAUSE, LONGEST = 0.5, 3.0
"""Seconds between two looks at the line, at first and after a while: who waits shall not slow down who trains."""


@dataclass(frozen=True)
class Wish:
    """The places a training asks for: ``count`` of ``places``, or of any card where ``places`` is empty."""

    places: tuple[str, ...]
    count: int

    def blocks(self, other: "Wish") -> bool:
        """Whether ``other``, further back in the line, has to wait for this one."""
        if (CPU in self.places) != (CPU in other.places):
            return False
        return not self.places or bool(set(self.places) & set(other.places))


def wish_of(run: TrainingRun) -> Wish:
    """What a stored training asks for; trainings of an older studio used the whole machine's one place."""
    record = record_of(run)
    return Wish(record.places, record.place_count)


def _path(workspace: Workspace) -> Path:
    return workspace.runs / ".training-line.json"


def _order(workspace: Workspace) -> list[int]:
    try:
        found = json.loads(_path(workspace).read_text(encoding="utf-8"))
        return [int(each) for each in found]
    except (OSError, ValueError, TypeError):
        return []


def _living(workspace: Workspace, run_id: int) -> bool:
    """Whether somebody still waits for this training to begin: a job, or a child that lost its supervisor."""
    try:
        run = rows.get(workspace.engine, run_id)
        job = jobs.get(workspace, run.job_id) if run.job_id is not None else None
    except (TrainingError, JobError):
        return False
    return job is not None and (job.active or alive(job.pid, job.pid_started))


def waiting(workspace: Workspace) -> list[int]:
    """The numbers of the trainings in line, the next one first."""
    return [run_id for run_id in _order(workspace) if _living(workspace, run_id)]


def enter(workspace: Workspace, run_id: int) -> None:
    """Stand at the end of the line, or stay where one stands. Hold :func:`starting` around it."""
    order = _order(workspace)
    if run_id not in order:
        write_json(_path(workspace), [*order, run_id], indent=None)


def leave(workspace: Workspace, run_id: int) -> None:
    """Step out of the line, with everybody whose process is gone."""
    with starting(workspace):
        left = [each for each in waiting(workspace) if each != run_id]
        write_json(_path(workspace), left, indent=None)


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
        write_json(_path(workspace), order, indent=None)


def cancel(workspace: Workspace, run_id: int) -> None:
    """Take a waiting training out of the line; it keeps its settings and can be started later.

    Raises:
        TrainingError: it does not wait.
    """
    run = rows.get(workspace.engine, run_id)
    if run_id not in waiting(workspace) or run.job_id is None:
        raise TrainingError(_("训练 {n} 没有在排队", n=run_id))
    jobs.stop(workspace, run.job_id)
    leave(workspace, run_id)


def take_turn(
    workspace: Workspace, run: TrainingRun, cards: Callable[[], Sequence[str]], waits: Callable[[int], None]
) -> Hold:
    """Wait until nobody before ``run`` wants the same places and they are free; returns them held. ``cards`` are the
    machine's cards, the best first; ``waits`` is told how many stand before, once for each change."""
    wish, hold, told, pause = wish_of(run), Hold(workspace), -1, PAUSE
    with starting(workspace):
        enter(workspace, run.id)
    while True:
        ahead = _ahead(workspace, run.id)
        barred = {place for other in ahead for place in other.places}
        if not any(other.blocks(wish) for other in ahead):
            places = wish.places or [place for place in cards() if place not in barred]
            if hold.take(places, wish.count):
                leave(workspace, run.id)
                return hold
        if told != len(ahead):
            told = len(ahead)
            waits(told)
        time.sleep(pause)
        pause = min(LONGEST, pause * 1.1)


def _ahead(workspace: Workspace, run_id: int) -> list[Wish]:
    order = waiting(workspace)
    before = order[: order.index(run_id)] if run_id in order else order
    return [wish_of(rows.get(workspace.engine, each)) for each in before]


def occupant(workspace: Workspace, device: str) -> str:
    """Whom a new training would have to wait for, as a sentence; '' where it could begin at once."""
    for job in jobs.listed(workspace, kind="train", active=True):
        run_id = jobs.workspace_use(job).training_run_id
        wish = wish_of(rows.get(workspace.engine, run_id)) if run_id is not None else Wish((CPU,), 1)
        if (CPU in wish.places) == (device == "cpu"):
            return _("“{title}”还在训练或排队；这一个会排在它后面，轮到时自动开始", title=job.title)
    if device == "cpu" and training_works(workspace, CPU):
        return _("另一个训练的进程还在，这一个会等它结束；要停掉它请到任务页")
    return ""
