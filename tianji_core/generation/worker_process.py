"""A process that helps with runs which other machines keep in the same PostgreSQL."""

import asyncio
import contextlib
from collections.abc import Iterable

from tianji_core.errors import InputError, StudioError, TeacherAuthError
from tianji_core.generation.generating import join_run
from tianji_core.generation.job import KIND, GenerationSubject
from tianji_core.generation.runs import MAX_CONCURRENCY, check_concurrency, teachers_of
from tianji_core.generation.shared_run import check_can_share
from tianji_core.i18n import _
from tianji_core.jobs import Job, Reporter, subject_of
from tianji_core.store import run_workers
from tianji_core.store import runs as run_store
from tianji_core.store.run_workers import RunWorker
from tianji_core.store.runs import Run
from tianji_core.teachers import checked_choice
from tianji_core.workspace import Workspace

LOOK = 2.0
"""Seconds between two looks for runs to help with."""


def workers_of(workspace: Workspace, run_ids: list[int] | None = None) -> dict[int, list[RunWorker]]:
    """Returns run number → the processes that work on it now, for these runs or for all."""
    found: dict[int, list[RunWorker]] = {}
    for worker in run_workers.living(workspace.engine, run_ids):
        found.setdefault(worker.run_id, []).append(worker)
    return found


def workers_of_jobs(workspace: Workspace, listed: Iterable[Job]) -> dict[int, list[RunWorker]]:
    """Returns job number → the processes that work on its run, for those generation jobs that are under way
    and have some; read in one query."""
    writing = [job for job in listed if job.active and job.kind == KIND]
    subjects = {job.id: subject_of(job, GenerationSubject) for job in writing}
    run_of = {number: subject.run_id for number, subject in subjects.items() if subject is not None}
    found = workers_of(workspace, list(run_of.values())) if run_of else {}
    return {number: found[run] for number, run in run_of.items() if run in found}


def workers_text(workers: list[RunWorker]) -> str:
    """Returns how many processes work on a run and how fast, in one phrase."""
    rates = _("、").join(f"{worker.name} {worker.rate:.1f}" for worker in workers)
    rate = sum(worker.rate for worker in workers)
    return _("{n} 个 worker，每秒 {rate:.1f} 条（{rates}）", n=len(workers), rate=rate, rates=rates)


def check_usable_here(workspace: Workspace, run_id: int) -> None:
    """Checks that this process can ask the teachers of a run.

    Raises:
        PlanError: no such run. InputError: it cannot be shared.
        SettingsError, TeacherAuthError: a teacher is not usable here, for example its key is missing.
    """
    run = run_store.get(workspace.engine, run_id)
    check_can_share(workspace, run)
    for entry in teachers_of(run):
        checked_choice(workspace, entry.choice)


async def help_with_run(
    workspace: Workspace, run_id: int, stop: asyncio.Event, capacity: int = MAX_CONCURRENCY
) -> int:
    """Works on one run until nothing is pending or ``stop`` is set; returns the number of pending tasks.
    While the run is paused it waits, and then goes on with the limits that the run has by then.

    Raises:
        As :func:`check_usable_here` and :func:`join_run`.
    """
    check_concurrency(capacity)
    check_usable_here(workspace, run_id)
    said = False
    while not stop.is_set():
        run = run_store.get(workspace.engine, run_id)
        if not run.paused:
            said = False
            if not await _help(workspace, run, stop, capacity):
                break
        elif not said:
            said = True
            print(_("批次 {id} 停着；有人继续它之后，这里就接着写", id=run_id), flush=True)
        await _wait(stop)
    return run_store.counts(workspace.engine, [run_id])[run_id].pending


async def help_with_all(workspace: Workspace, stop: asyncio.Event, capacity: int = MAX_CONCURRENCY) -> None:
    """Helps with every run that somebody has started, one after the other, until ``stop`` is set. What keeps
    this process from a run is said once.

    Raises:
        InputError: the database is SQLite.
    """
    check_concurrency(capacity)
    check_can_share(workspace)
    refused: set[int] = set()
    said = ""
    while not stop.is_set():
        try:
            await _help_next(workspace, refused, stop, capacity)
            said = ""
        except StudioError as error:  # the database or a teacher is away: another look may find it
            if str(error) != said:
                said = str(error)
                print(said, flush=True)
        await _wait(stop)


async def _help_next(workspace: Workspace, refused: set[int], stop: asyncio.Event, capacity: int) -> None:
    """Helps with the first run under way that is not ``refused``; adds it there where this process can never
    help with it.

    Raises:
        As :func:`join_run`.
    """
    for worker in run_workers.living(workspace.engine):
        if not worker.leads or worker.run_id in refused:
            continue
        run = run_store.get(workspace.engine, worker.run_id)
        if run.paused:
            continue
        print(_("来帮批次 {id}", id=run.id), flush=True)
        try:
            check_usable_here(workspace, run.id)
            await _help(workspace, run, stop, capacity)
        except (InputError, TeacherAuthError) as error:
            refused.add(run.id)
            print(_("批次 {id} 在这台机器上做不了：{reason}", id=run.id, reason=error), flush=True)
        return


async def _help(workspace: Workspace, run: Run, stop: asyncio.Event, capacity: int) -> int:
    """Works on a run until nothing is pending, it is paused or ``stop`` is set; returns the number of pending
    tasks."""
    await join_run(workspace, run, Reporter(run.total, _("条")), stop, capacity)
    return run_store.counts(workspace.engine, [run.id])[run.id].pending


async def _wait(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK):
            await stop.wait()
