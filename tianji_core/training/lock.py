"""At most one training of a workspace starts at a time, and at most one runs. The operating system lets go of a lock
when its process dies."""

import contextlib
import fcntl
import time
from collections.abc import Iterator

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

PATIENCE = 5.0
"""Seconds a trainer tries to get the lock: :func:`training_works` holds it for a moment when it looks."""


@contextlib.contextmanager
def starting(workspace: Workspace) -> Iterator[None]:
    """Hold the right to start a training for the length of a block; a second start waits, and then sees the first."""
    with (workspace.runs / ".training-start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def working(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace's one place for a trainer.

    Raises:
        TrainingError: another trainer holds it.
    """
    deadline = time.monotonic() + PATIENCE
    with (workspace.runs / ".training-work.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TrainingError(_("另一个训练的进程还在，请在任务页停止它")) from None
                time.sleep(0.1)
        yield


def training_works(workspace: Workspace) -> bool:
    """Whether a trainer is at work, also one whose supervisor is gone."""
    with (workspace.runs / ".training-work.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
