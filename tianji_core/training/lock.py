"""Locks of training: at most one training of a workspace starts at a time, and at most one runs on each
place. A place is a graphics card or the processor. The operating system releases a lock when its process
dies."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tianji_core.locks import FileLock, is_locked
from tianji_core.workspace import Workspace

CPU = "cpu"
"""The place of every training without a graphics card."""


def card(index: int) -> str:
    """The place of the graphics card with this driver number."""
    return f"gpu{index}"


@contextlib.contextmanager
def starting(workspace: Workspace) -> Iterator[None]:
    """Hold the lock for starting a training or changing the queue, for the length of a block."""
    with FileLock(workspace.runs / ".training-start.lock"):
        yield


class Hold:
    """Places held by this process until it releases them or dies."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._locks: dict[str, FileLock] = {}

    @property
    def places(self) -> tuple[str, ...]:
        """The places held now."""
        return tuple(self._locks)

    def take(self, places: Sequence[str], count: int | None = None) -> bool:
        """Take ``count`` of the places (all of them for None), or none; returns whether they are held now."""
        needed = len(places) if count is None else count
        for place in places:
            if len(self._locks) == needed:
                break
            lock = FileLock(_file(self._workspace, place))
            if lock.try_acquire():
                self._locks[place] = lock
        if len(self._locks) == needed:
            return True
        self.release()
        return False

    def release(self) -> None:
        """Release every place."""
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()


@contextlib.contextmanager
def working(workspace: Workspace, place: str = CPU) -> Iterator[bool]:
    """Hold one place for the length of a block; yields whether it could be taken."""
    hold = Hold(workspace)
    try:
        yield hold.take([place])
    finally:
        hold.release()


def training_works(workspace: Workspace, place: str) -> bool:
    """Whether a trainer runs on a place, including one whose supervisor is gone."""
    return is_locked(_file(workspace, place))


def _file(workspace: Workspace, place: str) -> Path:
    return workspace.runs / f".training-work-{place}.lock"
