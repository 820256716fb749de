"""At most one training of a workspace starts at a time, and at most one runs on each place: a graphics card, or the
processor. The operating system lets go of a lock when its process dies."""

import contextlib
import fcntl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from tianji_core.workspace import Workspace

CPU = "cpu"
"""The place of every training without a graphics card."""


def card(index: int) -> str:
    """The place that a graphics card is, by the number its driver gives it."""
    return f"gpu{index}"


@contextlib.contextmanager
def starting(workspace: Workspace) -> Iterator[None]:
    """Hold the right to start a training or to change the waiting line for the length of a block."""
    with (workspace.runs / ".training-start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Hold:
    """Places held by this process until it lets go or dies."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files: dict[str, IO[str]] = {}

    @property
    def places(self) -> tuple[str, ...]:
        """What is held."""
        return tuple(self._files)

    def take(self, places: Sequence[str], count: int | None = None) -> bool:
        """Take ``count`` of the places, all of them for None, or none at all; returns whether they are held now."""
        wanted = len(places) if count is None else count
        for place in places:
            if len(self._files) == wanted:
                break
            file = _file(self._workspace, place).open("a")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._files[place] = file
            except BlockingIOError:
                file.close()
        if len(self._files) == wanted:
            return True
        self.release()
        return False

    def release(self) -> None:
        """Let go."""
        for file in self._files.values():
            file.close()
        self._files.clear()


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
    path = _file(workspace, place)
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _file(workspace: Workspace, place: str) -> Path:
    return workspace.runs / f".training-work-{place}.lock"
