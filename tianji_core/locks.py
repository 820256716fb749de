"""Locks between processes, each on a file. The operating system releases a lock when its process dies."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tianji_core.errors import JobError


class FileLock:
    """An exclusive lock on ``path``, which is made if absent and stays in place. Not reentrant: a second lock
    on the same file is refused in the same process, too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Waits until the lock is free and takes it."""
        self._take(fcntl.LOCK_EX)

    def try_acquire(self) -> bool:
        """Takes the lock if it is free; returns whether it is held now."""
        try:
            self._take(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Releases the lock; does nothing where it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def fileno(self) -> int:
        """Returns the descriptor of the held lock; a child that inherits it holds the lock as well.

        Raises:
            ValueError: the lock is not held.
        """
        if self._file is None:
            raise ValueError(f"{self.path} is not held")
        return self._file.fileno()

    def _take(self, operation: int) -> None:
        file = self.path.open("a")
        try:
            fcntl.flock(file, operation)
        except BaseException:
            file.close()
            raise
        self._file = file

    def __enter__(self) -> "FileLock":
        self.acquire()
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()


@contextlib.contextmanager
def refusing_lock(path: Path, refusal: str) -> Iterator[None]:
    """Holds the lock on ``path`` for the length of a block; the folder is made if absent.

    Raises:
        JobError: another holds it; the message is ``refusal``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    if not lock.try_acquire():
        raise JobError(refusal)
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on ``path``. Two processes may ask at the same time: the probe is a
    shared lock, which ``filelock`` does not offer."""
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
