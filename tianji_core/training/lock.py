"""At most one training of a workspace starts at a time, and at most one runs on each place: a graphics card, or the
processor. The operating system lets go of a lock when its process dies."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tianji_core.locks import FileLock, is_locked
from tianji_core.workspace import Workspace

CPU = "cpu"
"""The place of every training without a graphics card."""


def card(index: int) -> str:
    """The place that a graphics card is, by the number its driver gives it."""
    return f"gpu{index}"


@contextlib.contextmanager
def starting(workspace: Workspace) -> Iterator[None]:
    """Hold the right to start a training or to change the waiting line for the length of a block."""
    with FileLock(workspace.runs / ".training-start.lock"):
        yield


class Hold:
    """Places held by this process until it lets go or dies."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._locks: dict[str, FileLock] = {}

    @property
    def places(self) -> tuple[str, ...]:
        """What is held."""
        return tuple(self._locks)

    def take(self, places: Sequence[str], count: int | None = None) -> bool:
        """Take ``count`` of the places, all of them for None, or none at all; returns whether they are held now."""
        wanted = len(places) if count is None else count
        for place in places:
            if len(self._locks) == wanted:
                break
            lock = FileLock(_file(self._workspace, place))
            if lock.try_acquire():
                self._locks[place] = lock
        if len(self._locks) == wanted:
            return True
        self.release()
        return False

    def release(self) -> None:
        """Let go."""
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
    """Whether a trainer is at work on a place, also one whose supervisor is gone. Disturbs nobody: a trainer that looks
    at the same moment looks again."""
    return is_locked(_file(workspace, place))


def _file(workspace: Workspace, place: str) -> Path:
    return workspace.runs / f".training-work-{place}.lock"
