"""Runs the pending tasks of a generation run. Each answer is stored as it arrives; unanswered tasks stay
pending, so a run can be stopped or killed at any moment and continued later."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from tianji_core import dispatch
from tianji_core.dispatch import Budget, Clock, Failed, Lane, Pulse, Retry, Usage
from tianji_core.errors import RunLimitError
from tianji_core.generation.batching import Looks, run_batches
from tianji_core.generation.composing import compose_tasks
from tianji_core.generation.known_answers import KnownAnswers, reuse_answers, store_texts
from tianji_core.generation.membership import Membership, SharedLimits
from tianji_core.generation.offers import hours_of, used_at_prices
from tianji_core.generation.raw import write_raw
from tianji_core.generation.runs import RunState, options_of, run_lock, run_state, sampling_of, teachers_of
from tianji_core.generation.shared_run import SharedRun, check_can_share
from tianji_core.generation.worn_phrases import habits_of
from tianji_core.generation.writing import WritingClient
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.recipe import Recipe, Task
from tianji_core.store import recipes, run_figures, run_workers
from tianji_core.store import runs as run_store
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import ModelEntry, Teacher, make_teacher, price_of, provider
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

_PAGE = 500
LOG_SECONDS = 5.0


async def run_generation(
    workspace: Workspace,
    run_id: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
    pace: Looks | None = None,
    clock: Clock | None = None,
) -> RunState:
    """Sends every pending task of a run and stores what comes back; the raw file is written at the end, also
    after a stop or a fatal error. Setting ``stop`` ends the run early. ``pace`` says how often a provider is
    asked about batches; ``clock`` which hour it is, for teachers that take less at some.

    Raises:
        PlanError: no such run, or a teacher without the off-peak hours that it waits for.
        JobError: another process works on it.
        TeacherError: going on makes no sense (wrong key, unknown model, nobody answers).
        RunLimitError: the budget or the time of the run is used up; the rest stays pending.
    """
    run = run_store.get(workspace.engine, run_id)
    stop = stop or asyncio.Event()
    with run_lock(workspace, run_id):
        run_store.change(workspace.engine, run_id, halted="", paused=False)
        run = replace(run, paused=False)
        report = _Report(workspace, run, reporter)
        try:
            await _work(workspace, run, report, stop, retry, pace, clock=clock)
        finally:
            await dispatch.with_room(partial(write_raw, workspace, run_id), stop, reporter.pause_for_room)
    return run_state(workspace.engine, run_id)


async def join_run(
    workspace: Workspace, run: Run, reporter: Reporter, stop: asyncio.Event, capacity: int
) -> None:
    """Works on a run beside other processes, with at most ``capacity`` requests at once, until no task is
    pending, the run is paused or ``stop`` is set. The keys of the teachers come from the environment of this
    process.

    Raises:
        InputError: the database is SQLite, or the provider works on the run in batches.
        SettingsError, TeacherAuthError: a teacher is not usable here, for example its key is missing.
        TeacherError, RunLimitError: as :func:`run_generation`.
    """
    check_can_share(workspace, run)
    await _work(workspace, run, _Report(workspace, run, reporter), stop, None, None, capacity)


async def _work(
    workspace: Workspace,
    run: Run,
    report: "_Report",
    stop: asyncio.Event,
    retry: Retry | None,
    pace: Looks | None,
    joins: int | None = None,
    clock: Clock | None = None,
) -> None:
    """Runs the tasks; ``joins`` is the capacity of a process that joins others, None for that of the job."""
    recipe = recipes.at(workspace.engine, run.recipe, run.recipe_revision).recipe
    teachers = [make_teacher(workspace, weighted.choice) for weighted in teachers_of(run)]
    try:
        if options_of(run).reuse and joins is None:
            known = KnownAnswers.of_run(workspace, run, recipe)
            await reuse_answers(workspace, run, known, stop, lambda texts: report.add(texts, 0), report.pause)
        if options_of(run).batch:
            await run_batches(workspace, run, recipe, teachers, report, stop, pace)
        elif run_workers.can_share(workspace.engine):
            shared = _shared(workspace, run, recipe, teachers, report, clock, leads=joins is None)
            capacity = run.concurrency if joins is None else joins
            await shared.work(stop, capacity, leads=joins is None, retry=retry)
        elif len(teachers) == 1 and isinstance(teachers[0], Composer):
            waiting = _pending(workspace, run.id)
            async for texts, failures in compose_tasks(recipe, run.plan.seed, teachers[0], waiting, stop):
                store = partial(run_store.store, workspace.engine, run, texts, failures)
                await dispatch.with_room(store, stop, report.pause)
                report.add(len(texts), len(failures))
        else:
            await _ask(workspace, run, recipe, teachers, report, stop, retry, clock)
    except RunLimitError as error:
        run_store.change(workspace.engine, run.id, halted=str(error))
        raise
    finally:
        for teacher in teachers:
            await teacher.aclose()


def _shared(
    workspace: Workspace,
    run: Run,
    recipe: Recipe,
    teachers: Sequence[Teacher],
    report: "_Report",
    clock: Clock | None,
    leads: bool,
) -> SharedRun:
    """Returns the part of this process in a run that several work on."""
    lanes, spent = _lanes(workspace, run, recipe, teachers, clock)

    def leased(member: Membership) -> list[Lane[Task, Written]]:
        several = len(lanes) > 1
        return [
            replace(
                lane,
                items=member.tasks(number if several else None),
                limits=SharedLimits(workspace.engine, lane.choice),
            )
            for number, lane in enumerate(lanes)
        ]

    def show(pulse: Pulse) -> None:
        if leads:
            dispatch.write_pulse(workspace, run.id, pulse)

    return SharedRun(
        workspace,
        run,
        recipe,
        teachers,
        Budget(options_of(run), spent),
        leased,
        report.set,
        report.pause,
        show,
        report.wait_for_hours,
    )


async def _ask(
    workspace: Workspace,
    run: Run,
    recipe: Recipe,
    teachers: Sequence[Teacher],
    report: "_Report",
    stop: asyncio.Event,
    retry: Retry | None,
    clock: Clock | None,
) -> None:
    """Runs the tasks over the network, one lane per teacher."""
    lanes, spent = _lanes(workspace, run, recipe, teachers, clock)

    def store(texts: list[Written], failed: list[Failed[Task]]) -> None:
        failures = [Failure(f.item, f.kind, f.message, f.attempts) for f in failed]
        store_texts(workspace, run, recipe, texts, failures)

    await dispatch.run(
        lanes,
        store,
        concurrency=run.concurrency,
        items=run.total,
        on_stored=lambda texts, failed: report.add(len(texts), len(failed)),
        budget=Budget(options_of(run), spent),
        retry=retry,
        stop=stop,
        on_pulse=lambda pulse: dispatch.write_pulse(workspace, run.id, pulse),
        on_full=report.pause,
        on_closed=report.wait_for_hours,
    )


def _lanes(
    workspace: Workspace, run: Run, recipe: Recipe, teachers: Sequence[Teacher], clock: Clock | None
) -> tuple[list[Lane[Task, Written]], list[tuple[Usage, ModelEntry]]]:
    """Returns a lane for each teacher, and what each has used in earlier starts with its price."""
    options = options_of(run)
    habits = habits_of(workspace.engine, run, recipe, options)
    figures = run_figures.spent(workspace.engine, run.id)
    lanes = []
    spent: list[tuple[Usage, ModelEntry]] = []
    for number, (weighted, teacher) in enumerate(zip(teachers_of(run), teachers, strict=True)):
        price = price_of(provider(workspace, weighted.choice.provider), weighted.choice)
        client = WritingClient(recipe, run.plan.seed, teacher, sampling_of(run), habits, options.examples)
        earlier = figures.get(number, run_figures.Spent())
        used = Usage(earlier.prompt_tokens, earlier.completion_tokens)
        spent += used_at_prices(workspace, run.id, number, weighted.choice, used)
        tasks = _pending(workspace, run.id, number if len(teachers) > 1 else None)
        hours = hours_of(workspace, weighted.choice, options, clock)
        lanes.append(Lane(client, tasks, weighted.choice, price, earlier.answers, hours=hours))
    return lanes, spent


def _pending(workspace: Workspace, run_id: int, teacher: int | None = None) -> Iterator[Task]:
    """Yields the pending tasks by position, read in pages so that a large run is never held in memory."""
    after = -1
    while page := run_store.tasks_in(workspace.engine, run_id, run_store.PENDING, after, _PAGE, teacher):
        yield from page
        after = page[-1].position


class _Report:
    """Reports the progress of a run from what is stored, and logs a line every few seconds."""

    def __init__(self, workspace: Workspace, run: Run, reporter: Reporter) -> None:
        counts = run_store.counts(workspace.engine, [run.id])[run.id]
        self._done, self._failed, self._total = counts.done, counts.failed, run.total
        self._reporter = reporter
        self._logged_at = time.monotonic()

    def pause(self, full: bool) -> None:
        """Reports that the run waits for room on the disk, or goes on."""
        self._reporter.pause_for_room(full)

    def wait_for_hours(self, opens: datetime | None) -> None:
        """Reports that the run waits for the hour ``opens``, or with None that it goes on: the time that is
        left is then counted without the waiting."""
        if opens is None:
            self._reporter.begin(self._total, _("条"), self._done + self._failed)
            return
        when, zone = opens.strftime("%Y-%m-%d %H:%M"), str(opens.tzinfo)
        reason = _("等优惠时段，{when}（{zone}）接着写；可以停下来，以后再继续", when=when, zone=zone)
        print(reason, flush=True)
        self._reporter.pause(reason)

    def say(self, message: str) -> None:
        """Reports in a sentence what the run waits for."""
        self._reporter.update(self._done + self._failed, self._total, message)

    def add(self, texts: int, failures: int) -> None:
        """Counts one stored batch."""
        self.set(self._done + texts, self._failed + failures)

    def set(self, done: int, failed: int) -> None:
        """Takes over the counts of the whole run."""
        self._done, self._failed = done, failed
        finished = self._done + self._failed
        self._reporter.update(finished, self._total)
        if time.monotonic() - self._logged_at >= LOG_SECONDS or finished == self._total:
            self._logged_at = time.monotonic()
            print(
                _(
                    "{done}/{total} 条，失败 {failed}",
                    done=self._done,
                    total=self._total,
                    failed=self._failed,
                ),
                flush=True,
            )
