"""Checks many samples on all processors: their batches go to processes beside this one, which reads and
stores meanwhile."""

import contextlib
import json
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tianji_core import i18n
from tianji_core.cleaning.alone import OwnResult, checked
from tianji_core.cleaning.rule import Context
from tianji_core.project import PROJECT
from tianji_core.store.findings import Finding, Unchecked

MANY = 4_000
"""Samples from which starting processes pays: each takes about a second to be ready."""
_MOST = 8
"""Processes that are started at most."""
_PART = 250
"""Samples that a process gets at a time."""

Answer = Callable[[], list[OwnResult]]
"""Waits for what was found in the samples of a batch, in their order."""
Check = Callable[[Sequence[Unchecked]], Answer]
"""Begins to check a batch."""


@contextlib.contextmanager
def checking(context: Context, waiting: int, doubts: bool = True) -> Iterator[Check]:
    """Yields a function that begins to check a batch and returns what waits for the answer. ``waiting`` is
    the number of all samples: few are checked in this process, when the answer is asked for. So are all
    where a recipe has expressions of the person's own: which of them are too slow is known to one process."""
    number = processors()
    if waiting < MANY or number < 2 or context.recipe.own_rules:
        yield lambda batch: lambda: checked(batch, context, doubts)
        return
    begun = json.dumps({"recipe": json.loads(context.recipe.model_dump_json()), "doubts": doubts}).encode()
    with contextlib.ExitStack() as stack:
        free: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for _n in range(number):
            free.put(stack.enter_context(_process(begun)))
        threads = ThreadPoolExecutor(number)
        stack.callback(threads.shutdown, cancel_futures=True)

        def answered(batch: Sequence[Unchecked]) -> Answer:
            parts = [batch[start : start + _PART] for start in range(0, len(batch), _PART)]
            waits = [threads.submit(_asked, free, part) for part in parts]
            return lambda: [
                each
                for part, wait in zip(parts, waits, strict=True)
                for each in _read(part, wait, context, doubts)
            ]

        yield answered


def processors() -> int:
    """Returns how many processors checking may use."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST, known)


@contextlib.contextmanager
def _process(begun: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process that checks, and ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tianji_core.cleaning.checker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT,
    )
    try:
        with contextlib.suppress(OSError):  # one that could not start is noticed where it does not answer
            _sent(process, begun)
        yield process
    finally:
        process.kill()  # it only answers: nothing of it is lost
        process.communicate()


def _sent(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line + b"\n")
    process.stdin.flush()


def _asked(free: "queue.SimpleQueue[subprocess.Popen[bytes]]", part: Sequence[Unchecked]) -> bytes:
    """Returns the answer of a process to a part of a batch, b'' where it does not answer."""
    process = free.get()
    try:
        _sent(process, json.dumps(part).encode())
        assert process.stdout is not None
        return process.stdout.readline()
    except OSError:
        return b""
    finally:
        free.put(process)


def _read(
    part: Sequence[Unchecked], wait: "Future[bytes]", context: Context, doubts: bool
) -> list[OwnResult]:
    """Returns what a process found in a part; where it did not answer, what this one finds."""
    answer = wait.result()
    if not answer.endswith(b"\n"):
        return checked(part, context, doubts)
    return [
        OwnResult(
            [Finding(rule, i18n.shown(detail), fixed, turn) for rule, detail, fixed, turn in items], doubt
        )
        for items, doubt in json.loads(answer)
    ]
