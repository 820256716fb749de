"""The progress of a long verb on standard error: a bar with the remaining time on a terminal, a plain line
once a minute elsewhere."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from tianji_core import jobs

PLAIN_EVERY = 60.0
"""Seconds between two plain lines; a log of hours stays short."""
PLAIN_SIGN = "· "


class ProgressDisplay:
    """Draws the progress of one piece of work; ``quiet`` draws nothing."""

    def __init__(self, title: str, quiet: bool = False) -> None:
        self._title, self._quiet = title, quiet
        self._told = time.monotonic()
        self._bar: Progress | None = None
        if not quiet and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TextColumn("{task.fields[said]}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(title, total=None, said="")

    def __enter__(self) -> "ProgressDisplay":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def draw(self, progress: jobs.Progress) -> None:
        """Shows the state of the work."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.update(
                self._task, completed=progress.done, total=progress.total or None, said=_said(progress)
            )
        elif time.monotonic() - self._told >= PLAIN_EVERY:
            self._told = time.monotonic()
            share = f"{progress.share:.0%}  " if progress.share is not None else ""
            self.say(f"{PLAIN_SIGN}{self._title}  {share}{_said(progress)}")

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress_line(title: str, quiet: bool = False) -> Iterator[Callable[[float, float], None]]:
    """Yields a function that draws (done, total)."""
    started = time.time()
    with ProgressDisplay(title, quiet) as display:

        def draw(done: float, total: float) -> None:
            display.draw(jobs.Progress(done=done, total=total, started=started, updated=time.time()))

        yield draw


def _said(progress: jobs.Progress) -> str:
    amount = f"{progress.done:g}/{progress.total:g} {progress.unit}".rstrip() if progress.total else ""
    return "  ".join(part for part in (amount, jobs.left_text(progress), progress.message) if part)
