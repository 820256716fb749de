"""At most one process works on a run. The operating system lets go of the lock when the process dies."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


@contextlib.contextmanager
def run_lock(workspace: Workspace, run_id: int, purpose: str = "work") -> Iterator[None]:
    """Hold a run for the length of a block.

    Raises:
        JobError: another process holds it.
    """
    refusal = _("生成批次 {id} 正在运行，等它结束或先停止它", id=run_id)
    with folder_lock(workspace.run_folder(run_id), refusal, purpose):
        yield


@contextlib.contextmanager
def folder_lock(folder: Path, refusal: str, purpose: str = "work") -> Iterator[None]:
    """Hold the run that keeps its files in ``folder``, which is made if absent.

    Raises:
        JobError: another process holds it; the message is ``refusal``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{purpose}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JobError(refusal) from None
        yield
