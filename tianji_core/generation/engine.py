"""Working off the tasks of a run. Everything that was answered is stored; what was not stays pending, so a run can be
stopped or killed at any moment and goes on from there."""

import asyncio
import time
from collections.abc import Iterator

from tianji_core.errors import ComposerError, PlanError
from tianji_core.generation.dispatch import Dispatch, Retry, Stored, written
from tianji_core.generation.lock import run_lock
from tianji_core.generation.outbox import Outbox
from tianji_core.generation.raw import write_raw
from tianji_core.generation.runs import RunState, run_state, sampling_of, teacher_of
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.recipe import Recipe, Task, brief
from tianji_core.store import recipes
from tianji_core.store import runs as rows
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import make_teacher
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

_PAGE = 500
COMPOSED_AT_ONCE = 250
"""Texts per transaction of the offline composer: about 50 ms of work."""
LOG_SECONDS = 5.0


async def run_generation(
    workspace: Workspace,
    run_id: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
) -> RunState:
    """Send every pending task of a run and store what comes back; the raw file is written at the end, also after a stop
    or a fatal error. Setting ``stop`` ends the run early.

    Raises:
        PlanError: no such run. JobError: another process works on it.
        TeacherError: the run stopped because going on made no sense (wrong key, unknown model, nobody answers).
    """
    run = rows.get(workspace.engine, run_id)
    stop = stop or asyncio.Event()
    with run_lock(workspace, run_id):
        recipe = recipes.at(workspace.engine, run.recipe, run.recipe_revision).recipe
        choice = teacher_of(run)
        counts = rows.counts(workspace.engine, [run_id])[run_id]
        on_stored = _report(reporter, run, counts.done, counts.failed)
        waiting = _pending(workspace, run_id)
        teacher = make_teacher(workspace, choice)
        try:
            if isinstance(teacher, Composer):
                await _compose(workspace, run, recipe, teacher, waiting, on_stored, stop)
            else:
                dispatch = Dispatch(
                    run,
                    recipe,
                    teacher,
                    sampling_of(run),
                    waiting,
                    Outbox(workspace.engine, run, on_stored),
                    stop,
                    retry or Retry(),
                    choice.requests_per_minute,
                    counts.done,
                )
                await dispatch.work()
        finally:
            await teacher.aclose()
            write_raw(workspace, run_id)
    return run_state(workspace.engine, run_id)


def _pending(workspace: Workspace, run_id: int) -> Iterator[Task]:
    """The pending tasks by position, read in pages so that a large run is never held in memory."""
    after = -1
    while page := rows.tasks_in(workspace.engine, run_id, rows.PENDING, after, _PAGE):
        yield from page
        after = page[-1].position


def _report(reporter: Reporter, run: Run, done: int, failed: int) -> Stored:
    """Progress from what is stored, and a line in the log now and then."""
    finished = [done, failed]
    logged = time.monotonic()

    def on_stored(texts: int, failures: int) -> None:
        nonlocal logged
        finished[0] += texts
        finished[1] += failures
        reporter.update(sum(finished), run.total)
        if time.monotonic() - logged >= LOG_SECONDS or sum(finished) == run.total:
            logged = time.monotonic()
            print(
                _("{done}/{total} 条，失败 {failed}", done=finished[0], total=run.total, failed=finished[1]),
                flush=True,
            )

    return on_stored


async def _compose(
    workspace: Workspace,
    run: Run,
    recipe: Recipe,
    composer: Composer,
    waiting: Iterator[Task],
    on_stored: Stored,
    stop: asyncio.Event,
) -> None:
    """The offline composer never waits, so a crew of workers would only cost time."""
    exhausted = False
    while not exhausted and not stop.is_set():
        texts: list[Written] = []
        failures: list[Failure] = []
        for task in waiting:
            try:
                asked = brief(recipe, task, run.plan.seed)
                texts.append(written(recipe, asked, composer.compose(asked)))
            except ComposerError as error:
                failures.append(Failure(task, "composer", str(error)))
            except PlanError as error:
                failures.append(Failure(task, "plan", str(error)))
            if len(texts) + len(failures) >= COMPOSED_AT_ONCE:
                break
        else:
            exhausted = True
        if texts or failures:
            rows.store(workspace.engine, run, texts, failures)
            on_stored(len(texts), len(failures))
        await asyncio.sleep(0)  # lets the stop signal in
