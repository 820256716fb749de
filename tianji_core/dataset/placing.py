"""Moves the folder of a version into place as a whole, one freeze at a time, even if the process is
killed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tianji_core.files import write_text
from tianji_core.locks import FileLock
from tianji_core.ownership import discard, draft_folder, move, remove
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
        draft = draft_folder(workspace.datasets, name)
        try:
            yield draft
        finally:
            discard(draft)
            # After an error the row is rolled back; the next freeze removes a folder without a row.
            if datasets.find(workspace.engine, name) is not None:
                discard(workspace.datasets / _JOURNAL)


def put(workspace: Workspace, draft: Path, target: Path) -> None:
    """Moves a finished draft into place, inside the transaction that stores the row of the version. A folder
    that a killed freeze left there is replaced.

    Raises:
        InputError: there is a folder that the studio did not make.
    """
    write_text(workspace.datasets / _JOURNAL, target.name)
    remove(target)
    move(draft, target)


def _sweep(workspace: Workspace) -> None:
    journal = workspace.datasets / _JOURNAL
    if journal.exists():
        name = journal.read_text(encoding="utf-8").strip()
        if name and datasets.find(workspace.engine, name) is None:
            discard(workspace.datasets / name)
        discard(journal)
    for left in workspace.datasets.glob(".*.part"):
        discard(left)
