"""The progress of a job: a small JSON file that the child replaces and the pages read."""

import contextlib
import json
import math
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tianji_core.errors import StudioError
from tianji_core.files import write_json
from tianji_core.i18n import _, shown, stored
from tianji_core.workspace import Workspace

VARIABLE = "TIANJI_JOB_PROGRESS"


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` ``unit``; ``total`` 0 means unknown. ``started`` and ``updated`` are in
    seconds since the epoch; ``done_at_start`` is the work of earlier attempts, which the rate excludes;
    ``error`` is the reason of a failure in one sentence, ``paused`` why the work waits, '' while it goes
    on."""

    done: float = 0
    total: float = 0
    unit: str = ""
    message: str = ""
    started: float = 0.0
    updated: float = 0.0
    done_at_start: float = 0
    error: str = ""
    paused: str = ""

    @property
    def share(self) -> float | None:
        """The finished share in 0..1, None where the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def rate(self) -> float | None:
        """Units per second since this attempt started."""
        elapsed = self.updated - self.started
        finished = self.done - self.done_at_start
        return finished / elapsed if elapsed > 0 and finished > 0 else None

    @property
    def eta(self) -> float | None:
        """Remaining seconds at the rate so far, counted from now; None where unknown, or where it has taken
        longer than that already."""
        if not self.total or self.rate is None:
            return None
        if self.done >= self.total:
            return 0.0
        remaining = (self.total - self.done) / self.rate - (time.time() - self.updated)
        return remaining if remaining > 0 else None


class Reporter:
    """Writes the progress of this process to the file that its supervisor names; outside a job it writes
    nothing. Writes at most once per ``interval`` seconds, except for the first, the last and failures."""

    def __init__(self, total: float = 0, unit: str = "", done: float = 0, interval: float = 0.5) -> None:
        target = os.environ.get(VARIABLE)
        self._path = Path(target) if target else None
        self._interval = interval
        self._written = 0.0
        self._progress = Progress()
        self.begin(total, unit, done)

    def update(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Reports the progress."""
        changes: dict[str, object] = {"done": done, "updated": time.time()}
        if total is not None:
            changes["total"] = total
        if message is not None:
            changes["message"] = message
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]
        finished = bool(self._progress.total) and done >= self._progress.total
        if finished or message is not None or time.monotonic() - self._written >= self._interval:
            self._write()

    def begin(self, total: float, unit: str, done: float = 0) -> None:
        """Reports the total once it is known, and starts the clock."""
        moment = time.time()
        self._progress = Progress(
            done=done, total=total, unit=unit, started=moment, updated=moment, done_at_start=done
        )
        self._write()

    def pause_for_room(self, full: bool) -> None:
        """Reports that the work waits because the disk is full, or that it goes on."""
        reason = _("磁盘满了，先停在这里；腾出空间后会自己接着做") if full else ""
        if full:
            print(reason, file=sys.stderr, flush=True)
        self.pause(reason)

    def pause(self, reason: str) -> None:
        """Reports why the work waits, '' once it goes on."""
        self._progress = replace(self._progress, paused=reason, updated=time.time())
        self._write()

    def fail(self, error: str) -> None:
        """Reports the reason of a failure for the job's note."""
        self._progress = replace(self._progress, error=error, updated=time.time())
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        if self._path is not None:
            try:
                write_json(self._path, self._report(), indent=None)
            except StudioError:  # a full disk must not end work that can continue
                self._write_in_place(self._path)

    def _report(self) -> dict[str, object]:
        """The progress as it is written; its reader may speak another language."""
        values = vars(self._progress)
        return {key: stored(value) if isinstance(value, str) else value for key, value in values.items()}

    def _write_in_place(self, path: Path) -> None:
        """Writes over the old report, whose block on a full disk is there already; a reader that comes
        between sees no report."""
        with contextlib.suppress(OSError), path.open("r+b") as file:
            text = json.dumps(self._report(), ensure_ascii=False).encode()
            file.write(text.ljust(path.stat().st_size))


class PartReporter(Reporter):
    """Reports the progress of one part of the work to the reporter of the whole: the part begins at
    ``begins`` of the whole's total and is ``share`` of it."""

    def __init__(self, whole: Reporter, begins: float, share: float) -> None:
        self._whole = whole
        self._begins = begins
        self._share = share
        self._total = 0.0

    def update(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Reports the progress of the part in its own units."""
        self._total = self._total if total is None else total
        finished = min(1.0, done / self._total) if self._total else 0.0
        self._whole.update(self._begins + self._share * finished, message=message)

    def begin(self, total: float, unit: str, done: float = 0) -> None:
        """Reports the part's total; the clock of the whole goes on."""
        self.update(done, total=total)

    def pause(self, reason: str) -> None:
        """Reports why the whole waits, '' once it goes on."""
        self._whole.pause(reason)

    def fail(self, error: str) -> None:
        """Reports the reason of a failure for the job's note."""
        self._whole.fail(error)


def progress_path(workspace: Workspace, job_id: int) -> Path:
    """Returns the progress file of a job."""
    return workspace.logs / f"job-{job_id}.progress.json"


def read_progress(workspace: Workspace, job_id: int) -> Progress | None:
    """Returns a job's progress, or None where it has not reported any."""
    try:
        report: dict[str, Any] = json.loads(progress_path(workspace, job_id).read_text(encoding="utf-8"))
        told: dict[str, Any] = {k: shown(v) if isinstance(v, str) else v for k, v in report.items()}
        return Progress(**told)
    except (OSError, ValueError, TypeError):
        return None


def left_text(progress: Progress) -> str:
    """Returns how long the work still takes, for display, or that it is being completed where all of it is
    done and the job goes on; '' where unknown."""
    if progress.total and progress.done >= progress.total:
        return _("正在收尾")
    return "" if progress.eta is None else _("还需 {left}", left=duration_text(progress.eta))


def duration_text(seconds: float | None) -> str:
    """Returns a duration for display: 42 秒, 3 分 05 秒, 2 小时 10 分; '—' where unknown."""
    if seconds is None or not math.isfinite(seconds):
        return "—"
    whole = round(seconds)
    if whole < 60:
        return _("{s} 秒", s=whole)
    if whole < 3600:
        return _("{m} 分 {s} 秒", m=whole // 60, s=f"{whole % 60:02d}")
    return _("{h} 小时 {m} 分", h=whole // 3600, m=f"{whole % 3600 // 60:02d}")
