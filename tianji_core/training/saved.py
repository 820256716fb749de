"""检查点 on disk.

The trainer writes checkpoints in place, so one may be incomplete: while it is being written, or for good
where the trainer was killed or the disk ran full. Only complete ones are listed. The trainer also deletes an
old checkpoint before it writes the next. So that there is always a complete one, the newest is kept under a
second name (a hard link), which takes disk space only while the next is being written.
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tianji_core.ownership import discard
from tianji_core.training.curve import Point
from tianji_core.training.engine import checkpoint_files, is_whole

KEPT = "kept"
"""The folder of the second names, in the work folder."""


@dataclass(frozen=True)
class Checkpoint:
    """检查点. ``size`` in bytes; ``loss`` of the last point before it."""

    iteration: int
    path: Path
    size: int
    loss: float | None


def checkpoints(work_dir: Path, points: Sequence[Point]) -> list[Checkpoint]:
    """The complete checkpoints, oldest first; the kept one where there is no other."""
    complete = []
    named = [(iteration, path) for iteration, path in checkpoint_files(work_dir) if is_whole(path)]
    for iteration, path in named or checkpoint_files(work_dir / KEPT):
        if is_whole(path):
            before = [point.loss for point in points if point.iteration <= iteration]
            complete.append(Checkpoint(iteration, path, size_of(path), before[-1] if before else None))
    return sorted(complete, key=lambda checkpoint: checkpoint.iteration)


def any_whole(work_dir: Path) -> bool:
    """Whether there is a complete checkpoint."""
    return any(
        is_whole(path) for where in (work_dir, work_dir / KEPT) for _n, path in checkpoint_files(where)
    )


def keep_newest(work_dir: Path) -> None:
    """Give the newest complete checkpoint its second name and remove the previous second name. Call it while
    the trainer trains, not while it saves."""
    complete = [(iteration, path) for iteration, path in checkpoint_files(work_dir) if is_whole(path)]
    if not complete:
        return
    _iteration, newest = max(complete)
    kept = work_dir / KEPT / newest.name
    if kept.exists():
        return
    with contextlib.suppress(OSError):  # a file system without links, or a full one
        kept.parent.mkdir(exist_ok=True)
        if newest.is_dir():
            shutil.copytree(newest, kept, copy_function=os.link)
        else:
            os.link(newest, kept)
        for _old, path in checkpoint_files(kept.parent):
            if path != kept:
                discard(path)


def drop_halves(work_dir: Path) -> None:
    """Delete incomplete checkpoints: nothing can read them, and on a full disk their space is needed. Only
    for a training that does not run."""
    for _iteration, path in checkpoint_files(work_dir):
        if not is_whole(path):
            discard(path)


def size_of(path: Path) -> int:
    """Bytes on disk; 0 where the checkpoint is gone."""
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except FileNotFoundError:
        return 0
