"""Working off the tasks of a run. Everything that was answered is stored; what was not stays pending, so a run can be
stopped or killed at any moment and goes on from there."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

from tianji_core.dispatch.budget import Purse, Usage
from tianji_core.dispatch.dispatcher import Dispatch, Retry
from tianji_core.dispatch.lane import Lane
from tianji_core.dispatch.lock import run_lock
from tianji_core.dispatch.outbox import Outbox
from tianji_core.dispatch.pulse import write_pulse
from tianji_core.errors import ComposerError, PlanError, RunLimitError
from tianji_core.generation.openings import Openings
from tianji_core.generation.raw import write_raw
from tianji_core.generation.runs import RunState, options_of, run_state, sampling_of, teachers_of
from tianji_core.generation.writing import Stored, WritingDesk, written
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.recipe import Recipe, Task, brief
from tianji_core.store import recipes, run_figures
from tianji_core.store import runs as rows
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import Teacher, make_teacher, price_of, provider
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

T = TypeVar("T")
R = TypeVar("R")

_PAGE = 500
COMPOSED_AT_ONCE = 250
"""Texts per transaction of the offline composer: about 50 ms of work."""
LOG_SECONDS = 5.0
PULSE_SECONDS = 1.0


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
        RunLimitError: the budget or the time of the run is used up; the rest stays pending.
    """
    run = rows.get(workspace.engine, run_id)
    stop = stop or asyncio.Event()
    with run_lock(workspace, run_id):
        rows.change(workspace.engine, run_id, halted="")
        recipe = recipes.at(workspace.engine, run.recipe, run.recipe_revision).recipe
        counts = rows.counts(workspace.engine, [run_id])[run_id]
        on_stored = _report(reporter, run, counts.done, counts.failed)
        teachers = [make_teacher(workspace, each.choice) for each in teachers_of(run)]
        try:
            if len(teachers) == 1 and isinstance(teachers[0], Composer):
                await _compose(workspace, run, recipe, teachers[0], on_stored, stop)
            else:
                await _ask(workspace, run, recipe, teachers, on_stored, stop, retry or Retry())
        except RunLimitError as error:
            rows.change(workspace.engine, run_id, halted=str(error))
            raise
        finally:
            for teacher in teachers:
                await teacher.aclose()
            write_raw(workspace, run_id)
    return run_state(workspace.engine, run_id)


async def _ask(
    workspace: Workspace,
    run: Run,
    recipe: Recipe,
    teachers: Sequence[Teacher],
    on_stored: Stored,
    stop: asyncio.Event,
    retry: Retry,
) -> None:
    """The run over the network, one lane per teacher."""
    options, sampling = options_of(run), sampling_of(run)
    openings = None
    if options.ban_openings:
        openings = Openings(run_figures.told(workspace.engine, run.id))
    spent = run_figures.spent(workspace.engine, run.id)
    lanes: list[Lane[Task, Written | Failure]] = []
    used = []
    for number, (each, teacher) in enumerate(zip(teachers_of(run), teachers, strict=True)):
        price = price_of(provider(workspace, each.choice.provider), each.choice)
        desk = WritingDesk(recipe, run.plan.seed, teacher, sampling, openings)
        before = spent.get(number, run_figures.Spent())
        used.append((Usage(before.prompt_tokens, before.completion_tokens), price))
        waiting = _pending(workspace, run.id, number if len(teachers) > 1 else None)
        lanes.append(Lane(desk, waiting, each.choice, price, run.concurrency, before.answers))

    def store(batch: list[Written | Failure]) -> None:
        texts = [item for item in batch if isinstance(item, Written)]
        rows.store(workspace.engine, run, texts, [item for item in batch if isinstance(item, Failure)])

    def stored(batch: list[Written | Failure]) -> None:
        failures = sum(isinstance(item, Failure) for item in batch)
        on_stored(len(batch) - failures, failures)

    outbox = Outbox(store, stored)
    dispatch = Dispatch(lanes, outbox.put, run.concurrency, stop, retry, Purse(options, used))
    async with _pulsing(workspace, run.id, dispatch):
        await run_to_the_end(dispatch, outbox, run.total)


async def run_to_the_end(dispatch: Dispatch[T, R], outbox: Outbox[R], items: int) -> None:
    """Work with a dispatch whose results go to an outbox, until all of them are stored.

    Raises:
        TeacherError, RunLimitError: as :meth:`Dispatch.work`; what was answered until then is stored.
    """
    writer = asyncio.create_task(outbox.run())
    working = asyncio.create_task(dispatch.work(items))
    await asyncio.wait({writer, working}, return_when=asyncio.FIRST_COMPLETED)
    if writer.done():  # it died; there is no point in asking for more
        working.cancel()
        await asyncio.wait({working})
    else:
        await outbox.close()
    await writer
    await working


@contextlib.asynccontextmanager
async def _pulsing(
    workspace: Workspace, run_id: int, dispatch: Dispatch[Task, Written | Failure]
) -> AsyncIterator[None]:
    """Write how the run is doing every second of the block, and once more at its end."""

    async def beat() -> None:
        while True:
            await asyncio.to_thread(write_pulse, workspace, run_id, dispatch.pulse())
            await asyncio.sleep(PULSE_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        write_pulse(workspace, run_id, dispatch.pulse())


def _pending(workspace: Workspace, run_id: int, teacher: int | None = None) -> Iterator[Task]:
    """The pending tasks by position, read in pages so that a large run is never held in memory."""
    after = -1
    while page := rows.tasks_in(workspace.engine, run_id, rows.PENDING, after, _PAGE, teacher):
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
    on_stored: Stored,
    stop: asyncio.Event,
) -> None:
    """The offline composer never waits, so a crew of workers would only cost time."""
    waiting = _pending(workspace, run.id)
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
