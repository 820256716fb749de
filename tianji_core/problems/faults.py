"""The studio's own log: the traces of its faults, bounded."""

import contextlib
import time
import traceback
from pathlib import Path

from tianji_core.errors import StudioError
from tianji_core.files import write_text
from tianji_core.gate import without_secrets
from tianji_core.roles import bookkeeping
from tianji_core.workspace import Workspace

BOUND = 200_000
"""Characters that are kept, the newest ones."""


def faults_path(workspace: Workspace) -> Path:
    """Returns the file with the traces."""
    return workspace.logs / "studio.log"


@bookkeeping()
def record_fault(workspace: Workspace, error: BaseException) -> None:
    """Appends the trace of an error of the studio, with the time, without keys."""
    path = faults_path(workspace)
    trace = "".join(traceback.format_exception(error))
    entry = f"{time.strftime('%Y-%m-%d %H:%M:%S')} ERROR\n{without_secrets(trace)}\n"
    with contextlib.suppress(OSError, StudioError):  # the page says that there was a fault anyway
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        kept = before[-max(0, BOUND - len(entry)) :]
        if len(kept) < len(before):
            kept = kept.partition("\n")[2]
        write_text(path, kept + entry)
