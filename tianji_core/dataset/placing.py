"""Moves the folder of a version into place as a whole, one freeze at a time, even if the process is
killed."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tianji_core.files import write_text
from tianji_core.locks import FileLock
from tianji_core.store import datasets
from tianji_core.workspace import Workspace

_LOCK, _JOURNAL = ".freeze.lock", ".freezing"
"""The journal names the folder that is being moved into place while its row is not committed."""


@contextlib.contextmanager
def drafting(workspace: Workspace, name: str) -> Iterator[Path]:
    """Yields an empty folder beside the versions and removes it afterwards unless it was moved into place.
    Removes what a killed freeze has left. Waits for other processes that freeze; the operating system
    releases the lock of a process that dies."""
    with FileLock(workspace.home / _LOCK):
        _sweep(workspace)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=workspace.datasets))
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            # After an error the row is rolled back; the next freeze removes a folder without a row.
            if datasets.find(workspace.engine, name) is not None:
                (workspace.datasets / _JOURNAL).unlink(missing_ok=True)


def put(workspace: Workspace, draft: Path, target: Path) -> None:
    """Moves a finished draft into place, inside the transaction that stores the row of the version."""
    write_text(workspace.datasets / _JOURNAL, target.name)
    if target.exists():
        shutil.rmtree(target)
    draft.rename(target)


def _sweep(workspace: Workspace) -> None:
    journal = workspace.datasets / _JOURNAL
    if journal.exists():
        name = journal.read_text(encoding="utf-8").strip()
        if name and datasets.find(workspace.engine, name) is None:
            shutil.rmtree(workspace.datasets / name, ignore_errors=True)
        journal.unlink()
    for left in workspace.datasets.glob(".*.part"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
