"""The state of a training: its job together with the files of its work folder. Needs no torch and writes
nothing."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from typing import Any

from tianji_core import jobs
from tianji_core.errors import JobError, TrainingError
from tianji_core.jobs.processes import alive
from tianji_core.store import training as training_runs
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine, queue
from tianji_core.training.child import Ended
from tianji_core.training.curve import Passing, Point, Validation
from tianji_core.training.load import Load, loads
from tianji_core.training.record import record_of
from tianji_core.training.saved import Checkpoint, any_whole, checkpoints
from tianji_core.training.trials import TrialAnswer
from tianji_core.training.verdict import failure_of
from tianji_core.workspace import Workspace

RECENT = 20
"""Points at the end of the curve from which the speed is measured."""


@dataclass(frozen=True)
class TrainingState:
    """A training as it is now.

    ``state`` is its job's state, or 'waiting' in the queue. Without a job, where its commands are run by
    hand, it is 'missing' before they start, 'outside' until the last step, then like a job's. ``total`` is
    the number of iterations, None before the first is logged; ``eta`` seconds left; ``spent`` seconds since
    its turn came; ``reason`` why it failed. ``orphaned`` says that its supervisor is gone and it still
    trains; ``ahead`` is the number of trainings before it in the queue.
    """

    run: TrainingRun
    state: str
    job: jobs.Job | None
    points: tuple[Point, ...]
    total: int | None
    eta: float | None
    trials: tuple[TrialAnswer, ...]
    checkpoints: tuple[Checkpoint, ...]
    reason: str
    orphaned: bool = False
    ahead: int = 0
    spent: float | None = None
    validations: tuple[Validation, ...] = ()
    pass_rates: tuple[Passing, ...] = ()
    loads: tuple[Load, ...] = field(default=(), repr=False)

    @property
    def active(self) -> bool:
        """Whether its job has not ended."""
        return self.job is not None and self.job.active

    @property
    def iteration(self) -> int:
        """The last logged iteration, or that of the last checkpoint where it is later."""
        saved = self.checkpoints[-1].iteration if self.checkpoints else 0
        return max(saved, self.points[-1].iteration if self.points else 0)

    @property
    def loss(self) -> float | None:
        """The last logged loss."""
        return self.points[-1].loss if self.points else None

    @property
    def finished(self) -> bool:
        """Whether the checkpoint of the last iteration is there."""
        return any(checkpoint.iteration == self.total for checkpoint in self.checkpoints)

    @property
    def epoch(self) -> float | None:
        """Epochs done so far, None before the first iteration is logged."""
        if not self.total:
            return None
        return self.iteration / self.total * record_of(self.run).settings.epochs

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens per second over the last points, counted in positions of the packed sequences of all
        processes; None for preference pairs, which fill no sequence."""
        record = record_of(self.run)
        seconds = None if record.settings.pairs else _pace(self.points)
        tokens = record.settings.batch_size * record.settings.max_length * record.target.world
        return tokens / seconds if seconds else None


def training_state(workspace: Workspace, run: TrainingRun) -> TrainingState:
    """Everything the train page shows about a training.

    Raises:
        TrainingError: what is stored of it cannot be read.
    """
    job = None
    if run.job_id is not None:
        try:
            job = jobs.get(workspace, run.job_id)
        except JobError:
            job = None
    work_dir = work_folder(workspace, run)
    points = [*_before(workspace, run, engine.curve), *engine.curve(work_dir)]
    measured = [*_before(workspace, run, engine.validations), *engine.validations(work_dir)]
    passing = [*_before(workspace, run, engine.pass_rates), *engine.pass_rates(work_dir)]
    total = engine.total_iterations(work_dir)
    prompts = record_of(run).settings.eval_prompts
    orphaned = job is not None and job.state == "lost" and alive(job.pid, job.pid_started)
    order = queue.waiting(workspace) if job is not None and (job.active or orphaned) else []
    saved = tuple(checkpoints(work_dir, points))
    told = jobs.read_progress(workspace, job.id) if job is not None and job.active else None
    state, reason = (job.state, job.note) if job is not None else _by_hand(work_dir, total, saved)
    return TrainingState(
        run=run,
        state="waiting" if run.id in order and _told_to_wait(workspace, job) else state,
        job=job,
        points=tuple(points),
        total=total,
        eta=told.eta if told is not None else None,
        trials=tuple(engine.trial_answers(work_dir, prompts)),
        checkpoints=saved,
        reason=reason if state in ("failed", "lost") else "",
        orphaned=orphaned,
        ahead=order.index(run.id) if run.id in order else 0,
        spent=_spent(run, job) if job is not None else _trained(points),
        validations=tuple(measured),
        pass_rates=tuple(passing),
        loads=tuple(loads(work_dir)),
    )


def _by_hand(work_dir: Path, total: int | None, saved: Sequence[Checkpoint]) -> tuple[str, str]:
    """(state, reason) of a training without a job."""
    if not engine.begun(work_dir) and not saved:
        return "missing", ""
    if not any(checkpoint.iteration == total for checkpoint in saved):
        return "outside", ""
    reason = failure_of(Ended(0, ""), work_dir)
    return ("failed" if reason else "succeeded"), reason


def _told_to_wait(workspace: Workspace, job: jobs.Job | None) -> bool:
    """Whether its worker reported that its place is taken; before that the training is just starting."""
    progress = jobs.read_progress(workspace, job.id) if job is not None else None
    return progress is not None and bool(progress.paused)


def work_folder(workspace: Workspace, run: TrainingRun) -> Path:
    """The folder of a training's config, logs and checkpoints."""
    return workspace.home / run.work_dir


def can_be_converted(workspace: Workspace, run: TrainingRun) -> bool:
    """Whether a training is over, finished or stopped, and has left a checkpoint."""
    if not any_whole(work_folder(workspace, run)):
        return False
    with contextlib.suppress(JobError):
        return run.job_id is None or not jobs.get(workspace, run.job_id).active
    return True


def _before(workspace: Workspace, run: TrainingRun, read: Any) -> list[Any]:
    """The points logged before the checkpoint at which this training branched off."""
    origin = record_of(run).origin
    if origin is None or origin.mode != "resume":
        return []
    try:
        source = training_runs.get(workspace.engine, origin.run)
    except TrainingError:
        return []
    points = [*_before(workspace, source, read), *read(work_folder(workspace, source))]
    return [point for point in points if point.iteration <= origin.iteration]


def _trained(points: Sequence[Point]) -> float | None:
    """Seconds of the logged iterations, where no job tells the time."""
    steps = pairwise([0, *(point.iteration for point in points)])
    pace = [point.seconds for point in points]
    return sum((to - since) * seconds for (since, to), seconds in zip(steps, pace, strict=True)) or None


def _spent(run: TrainingRun, job: jobs.Job) -> float:
    began, start = record_of(run).began, job.started_at or job.created_at
    waited = began - start.replace(tzinfo=UTC).timestamp() if began else 0.0
    return max(0.0, job.seconds - max(0.0, waited))


def _pace(points: tuple[Point, ...] | list[Point]) -> float | None:
    recent = points[-RECENT:]
    return sum(point.seconds for point in recent) / len(recent) if recent else None


def log_tail(workspace: Workspace, run: TrainingRun, size: int = 20_000) -> str:
    """The end of the newest training log; ``size`` in bytes."""
    return engine.log_tail(work_folder(workspace, run), size)
