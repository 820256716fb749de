"""The parts of a job's child process: its worker, and its early end."""

import asyncio
import errno
import io
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic

from tianji_core.jobs.progress import Reporter
from tianji_core.jobs.subject import S
from tianji_core.workspace import Workspace

STOPPED = 128 + signal.SIGTERM
"""Exit code of a child that was stopped before it was done."""


@dataclass(frozen=True)
class Worker(Generic[S]):
    """The function that does the work of a job. ``run`` takes what the job is about as ``subject`` and
    returns the exit code."""

    subject: type[S]
    run: Callable[[Workspace, S, Reporter], int]


def worker_of(subject: type[S]) -> Callable[[Callable[[Workspace, S, Reporter], int]], Worker[S]]:
    """Returns a decorator that makes a function the worker of jobs about ``subject``."""
    return lambda run: Worker(subject, run)


class _PatientLog(io.RawIOBase):
    """Output to a log file that drops what a full disk does not take, so that the work goes on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return len(data)


def keep_printing_on_a_full_disk() -> None:
    """Lets this process print to its log where the disk is full; what finds no room is dropped."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        buffer = io.BufferedWriter(_PatientLog(descriptor))
        log = io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        setattr(sys, name, log)


def run_until_stopped(work: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Runs ``work`` until it ends. TERM and INT set its event. ``work`` returns the number of items left
    undone. Returns the exit code."""

    async def guarded() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        left = await work(stop)
        return STOPPED if stop.is_set() and left else 0

    return asyncio.run(guarded())
