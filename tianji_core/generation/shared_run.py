"""Works on a run together with other processes, on PostgreSQL. Each leases tasks that no other has; those of
a killed process go to the others once its lease has run out, and an answer is stored once."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from tianji_core import dispatch
from tianji_core.dispatch import Budget, Failed, Lane, Pulse, Retry
from tianji_core.errors import InputError, RunLimitError, StudioError
from tianji_core.generation.composing import compose_tasks
from tianji_core.generation.known_answers import store_texts
from tianji_core.generation.membership import BEAT, Membership
from tianji_core.generation.runs import options_of
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Task
from tianji_core.store import run_workers
from tianji_core.store import runs as run_store
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import Teacher
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

Lanes = Sequence[Lane[Task, Written]]


def check_can_share(workspace: Workspace, run: Run | None = None) -> None:
    """Checks that several processes can work on a run.

    Raises:
        InputError: the database is SQLite, or the provider works on the run in batches.
    """
    if not run_workers.can_share(workspace.engine):
        raise InputError(
            _("几个进程一起造数要用 PostgreSQL：设好 TIANJI_DATABASE_URL；这个工作区用的是 SQLite")
        )
    if run is not None and options_of(run).batch:
        raise InputError(_("批次 {id} 交给服务商批量处理，不用 worker", id=run.id))


class SharedRun:
    """The work of this process on a shared run. ``lanes`` makes the lanes of one pass, with the tasks that
    the membership leases; ``on_counts`` is told (done, failed) of the whole run; ``on_full``,
    ``on_pulse`` and ``on_closed`` are those of :func:`dispatch.run`."""

    def __init__(
        self,
        workspace: Workspace,
        run: Run,
        recipe: Recipe,
        teachers: Sequence[Teacher],
        budget: Budget,
        lanes: Callable[[Membership], Lanes],
        on_counts: Callable[[int, int], None],
        on_full: Callable[[bool], None],
        on_pulse: Callable[[Pulse], None],
        on_closed: Callable[[datetime | None], None],
    ) -> None:
        self._workspace = workspace
        self._run = run
        self._recipe = recipe
        self._teachers = teachers
        self._budget = budget
        self._lanes = lanes
        self._on_counts = on_counts
        self._on_full = on_full
        self._on_pulse = on_pulse
        self._on_closed = on_closed

    async def work(
        self, stop: asyncio.Event, capacity: int, leads: bool = False, retry: Retry | None = None
    ) -> None:
        """Works until no task is pending, the run is paused or ``stop`` is set. Where this process leads, a
        stop pauses the run for all; a limit that is reached pauses it, too.

        Raises:
            TeacherError, RunLimitError: as :func:`dispatch.run`.
        """
        engine, run_id = self._workspace.engine, self._run.id
        member = await asyncio.to_thread(Membership, engine, self._run, capacity, leads, self._budget)
        try:
            while not stop.is_set():
                if not member.paused and member.orders.share:
                    await self._pass(member, stop, retry)
                counts = run_store.counts(engine, [run_id])[run_id]
                self._on_counts(counts.done, counts.failed)
                if not counts.pending or member.paused:
                    return
                await _until_set(stop, BEAT)
                await asyncio.to_thread(member.beat)
        except RunLimitError:
            run_store.change(engine, run_id, paused=True)
            raise
        finally:
            if leads and stop.is_set():
                run_store.change(engine, run_id, paused=True)
            member.leave()

    async def _pass(self, member: Membership, stop: asyncio.Event, retry: Retry | None) -> None:
        """Works on tasks as long as there are some that nobody has leased."""
        ending = asyncio.Event()  # a stop of this process, or a pause of the run
        try:
            async with _passed_on(stop, ending):
                if len(self._teachers) == 1 and isinstance(self._teachers[0], Composer):
                    await self._compose(self._teachers[0], member, ending)
                else:
                    await self._ask(member, ending, retry)
        finally:
            member.release()

    async def _compose(self, composer: Composer, member: Membership, ending: asyncio.Event) -> None:
        leased = member.tasks(at_once=COMPOSED_AT_ONCE)
        async for texts, failures in compose_tasks(
            self._recipe, self._run.plan.seed, composer, leased, ending
        ):
            store = partial(self._store, member, texts, failures)
            await dispatch.with_room(store, ending, self._on_full)
            member.beat_when_due()

    async def _ask(self, member: Membership, ending: asyncio.Event, retry: Retry | None) -> None:
        loop = asyncio.get_running_loop()

        def beat(pulse: Pulse) -> int:
            orders = member.beat(pulse)
            if member.paused:
                loop.call_soon_threadsafe(ending.set)
            with contextlib.suppress(StudioError):
                counts = run_store.counts(self._workspace.engine, [self._run.id])[self._run.id]
                self._on_counts(counts.done, counts.failed)
            self._on_pulse(pulse)
            return orders.share

        def store(texts: list[Written], failed: list[Failed[Task]]) -> None:
            self._store(member, texts, [Failure(f.item, f.kind, f.message, f.attempts) for f in failed])

        await dispatch.run(
            self._lanes(member),
            store,
            concurrency=member.capacity,
            items=self._run.total,
            budget=self._budget,
            retry=retry,
            stop=ending,
            on_pulse=beat,
            allowed=member.orders.share,
            on_full=self._on_full,
            on_closed=self._on_closed,
        )

    def _store(self, member: Membership, texts: list[Written], failures: list[Failure]) -> None:
        store_texts(self._workspace, self._run, self._recipe, texts, failures)
        member.stored += len(texts)


COMPOSED_AT_ONCE = 250
"""Tasks that the offline composer leases at once: about 50 ms of work."""


@contextlib.asynccontextmanager
async def _passed_on(stop: asyncio.Event, ending: asyncio.Event):  # type: ignore[no-untyped-def]
    """Sets ``ending`` within the block once ``stop`` is set."""

    async def watch() -> None:
        await stop.wait()
        ending.set()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


async def _until_set(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
