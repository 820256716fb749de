"""Deleting 检查点 with a way back: a deleted checkpoint moves to a folder inside its training's work folder, and
back."""

from dataclasses import dataclass
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.ownership import move, remove
from tianji_core.store import training as training_runs
from tianji_core.store.training import TrainingRun
from tianji_core.training.engine import checkpoint_files
from tianji_core.training.lock import starting
from tianji_core.training.progress import training_state, work_folder
from tianji_core.training.saved import KEPT, size_of
from tianji_core.workspace import Workspace

DELETED = "deleted"
"""The folder of deleted checkpoints, in the work folder."""


@dataclass(frozen=True)
class DeletedCheckpoint:
    """A checkpoint in the trash. ``size`` in bytes; ``deleted_at`` in seconds since the epoch."""

    run: TrainingRun
    iteration: int
    path: Path
    size: int
    deleted_at: float


def delete_checkpoint(workspace: Workspace, run: TrainingRun, iteration: int) -> DeletedCheckpoint:
    """Put a checkpoint into the trash; :func:`restore_checkpoint` brings it back.

    Raises:
        TrainingError: there is none of this step, or its training or a job needs it.
    """
    with starting(workspace):
        state = training_state(workspace, training_runs.get(workspace.engine, run.id))
        path = next((saved.path for saved in state.checkpoints if saved.iteration == iteration), None)
        if path is None:
            raise TrainingError(_("“{title}”没有第 {n} 步的检查点", title=run.title, n=iteration))
        if state.active or state.orphaned:
            raise TrainingError(_("“{title}”还在训练，等它结束再删检查点", title=run.title))
        _refuse_needed(workspace, run)
        work_dir = work_folder(workspace, run)
        target = work_dir / DELETED / path.name
        target.parent.mkdir(exist_ok=True)
        remove(target)
        move(path, target)
        target.parent.touch()
        for other in (work_dir / path.name, work_dir / KEPT / path.name):
            remove(other)  # its second name
    return _deleted(run, iteration, target)


def deleted_checkpoints(workspace: Workspace) -> list[DeletedCheckpoint]:
    """The checkpoints that can be restored, those of the newest training first."""
    deleted = []
    for run in training_runs.listed(workspace.engine):
        for iteration, path in sorted(checkpoint_files(work_folder(workspace, run) / DELETED), reverse=True):
            deleted.append(_deleted(run, iteration, path))
    return deleted


def restore_checkpoint(workspace: Workspace, run: TrainingRun, iteration: int) -> None:
    """Restore a deleted checkpoint.

    Raises:
        TrainingError: it is not in the trash.
    """
    path = _in_trash(workspace, run, iteration)
    with starting(workspace):
        move(path, work_folder(workspace, run) / path.name)


def purge_checkpoint(workspace: Workspace, run: TrainingRun, iteration: int) -> None:
    """Remove a deleted checkpoint permanently.

    Raises:
        TrainingError: it is not in the trash.
    """
    remove(_in_trash(workspace, run, iteration))


def _refuse_needed(workspace: Workspace, run: TrainingRun) -> None:
    for job in jobs.listed(workspace, active=True):
        if jobs.workspace_use(job).training_run_id == run.id:
            raise TrainingError(_("任务“{job}”正在用这个训练的检查点，请先停止它", job=job.title))


def _in_trash(workspace: Workspace, run: TrainingRun, iteration: int) -> Path:
    for number, path in checkpoint_files(work_folder(workspace, run) / DELETED):
        if number == iteration:
            return path
    raise TrainingError(_("回收站里没有“{title}”第 {n} 步的检查点", title=run.title, n=iteration))


def _deleted(run: TrainingRun, iteration: int, path: Path) -> DeletedCheckpoint:
    return DeletedCheckpoint(run, iteration, path, size_of(path), path.parent.stat().st_mtime)
