"""Sending files: how far each one is, and repeating what failed for a passing reason."""

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.push.contents import PushFile, size_of
from tianji_core.push.faults import fault_of

ATTEMPTS = 6
"""Most attempts at one request or file."""
_LONGEST_WAIT = 120.0
_MEASURABLE = 100_000
"""Bytes from which a push tells how fast the line is."""
_T = TypeVar("_T")


class Sending:
    """The progress of a push in bytes, summed over its files. Used by several threads."""

    def __init__(self, files: list[PushFile], reporter: Reporter) -> None:
        self.files = files
        self.total = size_of(files)
        self._sizes = {file.path: file.size for file in files}
        self._sent = dict.fromkeys(self._sizes, 0)
        self._skipped = 0
        self._began = time.monotonic()
        self._reporter = reporter
        self._lock = threading.Lock()

    def begin(self, present: set[str]) -> None:
        """Starts the clock; the files of these paths are on the hub already."""
        for path in present:
            self._sent[path] = self._sizes[path]
        self._skipped = sum(self._sent.values())
        self._began = time.monotonic()
        self._reporter.begin(self.total, _("字节"), done=self._skipped)
        number = len(self.files) - len(present)
        self._reporter.update(self._skipped, message=_("正在推送 {n} 个文件", n=number))

    def reached(self, path: str, position: int) -> None:
        """Reports that ``position`` bytes of a file have been read for sending."""
        with self._lock:
            self._sent[path] = min(position, self._sizes[path])
            self._reporter.update(min(sum(self._sent.values()), max(0, self.total - 1)))

    def finish(self) -> float:
        """Reports the end; returns the bytes per second, 0 where too little was sent to tell."""
        seconds = time.monotonic() - self._began
        sent = self.total - self._skipped
        self._reporter.update(self.total, total=self.total, message="")
        return sent / seconds if sent >= _MEASURABLE and seconds > 0 else 0.0

    def say(self, message: str) -> None:
        """Reports what is being done now."""
        with self._lock:
            self._reporter.update(sum(self._sent.values()), message=message)

    def persistently(self, action: Callable[[], _T]) -> _T:
        """Returns what ``action`` returns. Repeats it where the connection broke, the hub was overloaded
        (429) or failed (5xx), after the wait that the hub asks for, else after 1, 2, 4 … seconds; at most
        :data:`ATTEMPTS` times. Raises what ``action`` raised last."""
        for attempt in range(1, ATTEMPTS):
            try:
                return action()
            except Exception as error:
                fault = fault_of(error)
                asked = fault.retry_after or 0.0
                if not fault.passing or asked > _LONGEST_WAIT:
                    raise
                wait = asked or float(2 ** (attempt - 1))
                busy = _("网站限流了（429），{s} 秒后再试", s=round(wait))
                failed = _("网站没有接住，{s} 秒后再试", s=round(wait))
                self.say(busy if fault.status == 429 else failed)
                time.sleep(wait)
        return action()


class ReadFile(io.BufferedReader):
    """A file that tells ``reached`` its position after each read, once it is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.reached: Callable[[int], Any] | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self.reached is not None:
            self.reached(self.tell())
        return data
