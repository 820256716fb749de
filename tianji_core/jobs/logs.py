"""The output of a job: one file, and once it has grown large a second one with what came before."""

import contextlib
import os
import re
from pathlib import Path

from tianji_core.errors import StudioError
from tianji_core.files import write_bytes
from tianji_core.workspace import Workspace

BOUND = 8 * 2**20
"""Bytes from which the output begins anew; as much of what came before is kept."""


def log_path(workspace: Workspace, job_id: int) -> Path:
    """Returns the file that a job's output is appended to."""
    return workspace.logs / f"job-{job_id}.log"


def earlier_path(path: Path) -> Path:
    """Returns the file with what a log held before it began anew."""
    return path.with_name(f"{path.name}.1")


def rotate(path: Path) -> bool:
    """Keeps the end of a log larger than :data:`BOUND` in :func:`earlier_path` and empties the log; returns
    whether it did.

    Processes that append to the log go on at its new beginning. What arrives while the end is written is
    appended to it before the log is emptied.
    """
    try:
        if path.stat().st_size <= BOUND:
            return False
        with path.open("rb") as file:
            file.seek(-BOUND, os.SEEK_END)
            write_bytes(earlier_path(path), file.read().split(b"\n", 1)[-1])
            with earlier_path(path).open("ab") as earlier:
                earlier.write(file.read())
            os.truncate(path, 0)
    except (OSError, StudioError):  # a full disk: tried again later, and the log goes on as it is
        return False
    return True


def log_bytes(workspace: Workspace, job_id: int, most: int | None = None) -> bytes:
    """Returns the kept output of a job, or its last ``most`` bytes."""
    path = log_path(workspace, job_id)
    text = _end(path, most)
    if most is None or len(text) < most:
        text = _end(earlier_path(path), None if most is None else most - len(text)) + text
    return text


def log_tail(workspace: Workspace, job_id: int, max_bytes: int = 20_000) -> str:
    """Returns the end of a job's output without terminal control codes; a progress line is reduced to its
    last state."""
    content = log_bytes(workspace, job_id, max_bytes + 1)
    text = content[-max_bytes:].decode("utf-8", errors="replace")
    if len(content) > max_bytes:
        text = text.split("\n", 1)[-1]
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return "\n".join(line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").split("\n"))


def _end(path: Path, most: int | None) -> bytes:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        if most is not None:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read()
    return b""
