"""The progress of the walk-through over all its steps, and the report that grows with them."""

import contextlib
import time
from collections.abc import Callable, Iterator

import typer

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.verbs.demo_report import DemoReport, StepResult, write_report
from tianji_core.workspace import Workspace


class Walk:
    """The progress over all steps, and the report. The weight of a step is about its duration in seconds."""

    WEIGHTS = (6, 4, 2, 290, 40, 20, 60)

    def __init__(self, workspace: Workspace, quiet: bool) -> None:
        self.workspace = workspace
        self.report = DemoReport()
        self.reporter = jobs.Reporter(total=sum(self.WEIGHTS))
        self._quiet = quiet
        self._number = 0
        write_report(workspace, self.report)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Callable[[str, object], None]]:
        """One step. Call the yielded function with (what was made, its path) for each result."""
        started = time.monotonic()
        self._advance(0.0, title)
        self.say(f"[{self._number + 1}/{len(self.WEIGHTS)}] {title}")
        made: list[tuple[str, str]] = []
        yield lambda text, path: made.append((text, str(path)))
        for text, path in made:
            result = StepResult(title=title, made=text, path=path, seconds=time.monotonic() - started)
            self.update(steps=(*self.report.steps, result))
            self.say(f"    {text}" + (f"\n    {path}" if path else ""))
        self._number += 1
        self._advance(0.0, title)

    def update(self, **fields: object) -> None:
        """Changes fields of the report and writes it."""
        self.report = self.report.model_copy(update=fields)
        write_report(self.workspace, self.report)

    def follow(self, job: jobs.Job) -> jobs.Job:
        """Waits for a job of this step and returns it; stopping the walk stops the job.

        Raises:
            JobError: the job did not succeed.
        """

        def draw(current: jobs.Job) -> None:
            progress = jobs.read_progress(self.workspace, current.id)
            if progress is not None and progress.share is not None:
                self._advance(progress.share, None)

        try:
            ended = jobs.wait(self.workspace, job.id, each=draw)
        except KeyboardInterrupt:
            jobs.stop(self.workspace, job.id)
            raise
        if ended.state != "succeeded":
            raise JobError(
                _("{title}：{reason}", title=ended.title, reason=ended.note or jobs.state_title(ended.state))
            )
        return ended

    def _advance(self, share: float, message: str | None) -> None:
        done = float(sum(self.WEIGHTS[: self._number]))
        if self._number < len(self.WEIGHTS):
            done += share * self.WEIGHTS[self._number]
        self.reporter.update(done, message=message)

    def say(self, text: str) -> None:
        """Prints a line, unless the output is JSON."""
        if not self._quiet:
            typer.echo(text)
