"""Putting a version's folder in its place as a whole, one freeze at a time, whatever kills this process."""

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
"""The journal names the folder that is being put in place while its row is not committed yet."""


@contextlib.contextmanager
def drafting(workspace: Workspace, name: str) -> Iterator[Path]:
    """An empty folder beside the versions, which is gone after the block unless it was put in its place. What a killed
    freeze has left is removed first. Waits for another process that freezes; the operating system lets go of the lock
    when that one dies."""
    with FileLock(workspace.home / _LOCK):
        _sweep(workspace)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=workspace.datasets))
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            # After an error the row is rolled back and a folder that stands already has none: the next freeze sees that.
            if datasets.find(workspace.engine, name) is not None:
                (workspace.datasets / _JOURNAL).unlink(missing_ok=True)


def put(workspace: Workspace, draft: Path, target: Path) -> None:
    """Move a finished draft to its place, to be called in the transaction that stores the version's row."""
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
