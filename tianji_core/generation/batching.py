"""Writes the texts of a run through a provider's interface for batches. What is sent is written down first
(:mod:`tianji_core.generation.batch_book`), so that the work goes on after a stop or a kill, for days if need
be; every answer is stored once."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from tianji_core import dispatch
from tianji_core.dispatch import Budget, Usage
from tianji_core.errors import (
    RunLimitError,
    StorageError,
    StudioError,
    TeacherError,
    TeacherRequestError,
)
from tianji_core.generation.batch_book import (
    BatchBook,
    SentBatch,
    drop_requests,
    read_book,
    requests_path,
    save_book,
    write_requests,
)
from tianji_core.generation.batch_results import BatchResults
from tianji_core.generation.batch_room import Room
from tianji_core.generation.known_answers import store_texts
from tianji_core.generation.runs import options_of, sampling_of, teachers_of
from tianji_core.generation.worn_phrases import Habits, habits_of
from tianji_core.generation.writing import task_sampling, usage_of
from tianji_core.i18n import _
from tianji_core.ownership import discard
from tianji_core.recipe import Recipe, Task
from tianji_core.store import run_figures
from tianji_core.store import runs as run_store
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import BatchTeacher, Teacher, make_batch_server, price_of, provider
from tianji_core.teachers.batches import BatchLine, BatchState
from tianji_core.workspace import Workspace

FAULTS_IN_A_ROW = 30
"""Looks at the provider that may fail one after the other; at the longest pause that is about an hour."""
_PAGE = 500

T = TypeVar("T")


@dataclass(frozen=True)
class Looks:
    """Seconds between two looks at the provider: ``first``, then longer and longer up to ``longest``."""

    first: float = 5.0
    longest: float = 120.0


class RunReport(Protocol):
    """Where the progress of a run is reported."""

    def add(self, texts: int, failures: int) -> None:
        """Counts one stored batch."""
        ...

    def say(self, message: str) -> None:
        """Reports in a sentence what the run waits for."""
        ...

    def pause(self, full: bool) -> None:
        """Reports that the run waits for room on the disk, or goes on."""
        ...


async def run_batches(
    workspace: Workspace,
    run: Run,
    recipe: Recipe,
    teachers: Sequence[Teacher],
    report: RunReport,
    stop: asyncio.Event,
    pace: Looks | None = None,
) -> None:
    """Sends every pending task of a run in batches, waits for them and stores what comes back. Setting
    ``stop`` ends the waiting; the batches go on at the provider, and the next start fetches them.

    Raises:
        TeacherError: the provider refuses the batch, or cannot be reached for a long time.
        RunLimitError: budget or time are used up, or the provider ended a batch early; the rest stays
        pending.
    """
    batches = _Batches(workspace, run, recipe, teachers, report, stop, pace or Looks())
    try:
        await batches.work()
    finally:
        batches.close()


def cancel_batches(workspace: Workspace, run: Run) -> None:
    """Asks the providers to stop what they have not answered yet of a run.

    Raises:
        TeacherError: a provider cannot be asked; its batch goes on. The others are asked all the same.
    """
    mix = teachers_of(run)
    book = read_book(workspace, run.id)
    for sent in book.open:
        sent.cancelled = True
    save_book(workspace, run.id, book)
    refused: TeacherError | None = None
    for sent in book.open:
        server = make_batch_server(workspace, mix[sent.teacher].choice)
        try:
            batch = sent.batch or server.find(sent.file, sent.tag)
            if batch and not server.look(batch).ended:
                server.cancel(batch)
        except TeacherError as error:
            refused = error
        finally:
            server.close()
    if refused is not None:
        raise refused


class _Batches:
    """The batches of one run while a process works on them."""

    def __init__(
        self,
        workspace: Workspace,
        run: Run,
        recipe: Recipe,
        teachers: Sequence[Teacher],
        report: RunReport,
        stop: asyncio.Event,
        pace: Looks,
    ) -> None:
        self._workspace, self._run, self._recipe = workspace, run, recipe
        self._options, self._mix = options_of(run), teachers_of(run)
        self._teachers = [teacher for teacher in teachers if isinstance(teacher, BatchTeacher)]
        self._results = BatchResults(workspace, run, recipe, self._teachers)
        self._servers = [make_batch_server(workspace, entry.choice) for entry in self._mix]
        self._report, self._stop, self._pace = report, stop, pace
        self._rooms = [Room() for _entry in self._mix]
        self._book: BatchBook = read_book(workspace, run.id)
        minutes = self._options.minutes
        self._deadline = None if minutes is None else time.monotonic() + minutes * 60

    def close(self) -> None:
        """Closes the connections."""
        for server in self._servers:
            server.close()

    async def work(self) -> None:
        """Sends and fetches until nothing is pending, or the run is stopped."""
        pause = self._pace.first
        drop_requests(self._workspace, self._run.id, [sent.tag for sent in self._book.open])
        while not self._stop.is_set():
            for sent in [sent for sent in self._book.open if not sent.batch]:
                await self._start(sent)
            await self._send()
            if not self._book.open:
                return
            moved = await self._fetch()
            pause = self._pace.first if moved else min(self._pace.longest, pause * 1.5)
            if not moved:
                await self._wait(pause)
        if not await asyncio.to_thread(self._counts_pending):  # the person has given up the rest
            with contextlib.suppress(TeacherError):
                await asyncio.to_thread(cancel_batches, self._workspace, self._run)

    def _counts_pending(self) -> int:
        return run_store.counts(self._workspace.engine, [self._run.id])[self._run.id].pending

    async def _wait(self, seconds: float) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise RunLimitError(
                _("到了时限 {minutes:g} 分钟，先停下来；可以继续", minutes=self._options.minutes)
            )
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _asked(self, ask: Callable[[], T]) -> T | None:
        """Returns what the provider answers; None where the run was stopped meanwhile."""
        pause = self._pace.first
        for number in range(FAULTS_IN_A_ROW):
            try:
                return await asyncio.to_thread(ask)
            except TeacherError as error:
                if not error.retryable or number == FAULTS_IN_A_ROW - 1:
                    raise
                self._report.say(str(error))
            await self._wait(pause)
            pause = min(self._pace.longest, pause * 1.5)
            if self._stop.is_set():
                break
        return None

    def _save(self) -> None:
        save_book(self._workspace, self._run.id, self._book)

    async def _start(self, sent: SentBatch) -> None:
        """Starts a batch that stands in the book, or finds the one that an earlier process started."""
        server = self._servers[sent.teacher]
        if not sent.file:
            path = requests_path(self._workspace, self._run.id, sent.tag)
            lines = await asyncio.to_thread(path.read_bytes)
            sent.file = await self._asked(partial(server.upload, lines, sent.tag)) or ""
            self._save()
        if sent.file:
            sent.batch = await self._asked(partial(server.start, sent.file, sent.tag)) or ""
            self._save()

    async def _send(self) -> None:
        """Writes the pending tasks that are in no batch into new ones, and starts them."""
        for number, room in enumerate(self._rooms):
            waiting = {position for sent in self._book.open for position in sent.positions}
            while self._number_open(number) < room.batches:
                tasks = await asyncio.to_thread(self._pending, number, waiting, room.lines)
                if not tasks or self._stop.is_set():
                    break
                sent = await asyncio.to_thread(self._written_down, number, tasks)
                if sent is None:
                    return
                waiting.update(sent.positions)
                await self._start(sent)

    def _number_open(self, teacher: int) -> int:
        return sum(sent.teacher == teacher for sent in self._book.open)

    def _pending(self, number: int, without: set[int], most: int) -> list[Task]:
        """The first pending tasks of a teacher that are in no batch."""
        teacher = number if len(self._mix) > 1 else None
        found: list[Task] = []
        after = -1
        engine, run_id = self._workspace.engine, self._run.id
        while page := run_store.tasks_in(engine, run_id, run_store.PENDING, after, _PAGE, teacher):
            found += [task for task in page if task.position not in without]
            if len(found) >= most:
                break
            after = page[-1].position
        return found[:most]

    def _written_down(self, number: int, tasks: Sequence[Task]) -> SentBatch | None:
        """Writes a file of requests, as far as the budget reaches, and puts it into the book; None where the
        budget waits for the batches that are out.

        Raises:
            RunLimitError: the budget is used up.
        """
        source = provider(self._workspace, self._mix[number].choice.provider)
        price = price_of(source, self._mix[number].choice, batch=True)
        budget, habits = self._budget(), self._habits()
        bodies: list[tuple[Task, dict[str, Any]]] = []
        total = Usage()
        for task in tasks:
            asked = self._results.brief(task, habits)
            expected = usage_of(asked)
            if refusal := budget.refusal(expected, price):
                if not bodies and self._book.open:
                    return None
                if not bodies:
                    raise RunLimitError(refusal)
                break
            budget.reserve(expected, price)
            total += expected
            sampling = task_sampling(sampling_of(self._run), task, self._run.plan.seed)
            bodies.append((task, self._teachers[number].batch_body(asked, sampling)))
        url = source.batch.endpoint if source.batch is not None else ""
        tag = write_requests(self._workspace, self._run.id, url, bodies)
        positions = [task.position for task, _body in bodies]
        sent = SentBatch(
            tag=tag, teacher=number, positions=positions, prompt=total.prompt, completion=total.completion
        )
        self._book.open.append(sent)
        self._save()
        return sent

    def _budget(self) -> Budget:
        figures = run_figures.spent(self._workspace.engine, self._run.id)
        prices = [
            price_of(provider(self._workspace, entry.choice.provider), entry.choice, batch=True)
            for entry in self._mix
        ]
        spent = [
            (Usage(figure.prompt_tokens, figure.completion_tokens), prices[number])
            for number, figure in figures.items()
        ]
        budget = Budget(self._options, spent)
        for sent in self._book.open:
            budget.reserve(sent.expected, prices[sent.teacher])
        return budget

    def _habits(self) -> Habits:
        return habits_of(self._workspace.engine, self._run, self._recipe, self._options)

    async def _fetch(self) -> bool:
        """Looks at every batch and stores the answers of those that have ended; whether one had."""
        ended, answered, total = False, 0, 0
        for sent in list(self._book.open):
            if not sent.batch:
                continue
            try:
                state = await self._asked(partial(self._servers[sent.teacher].look, sent.batch))
                if state is None:
                    return False
                if state.queue_full and self._sent_less(sent, state):
                    continue
                if state.ended:
                    await self._store(sent, state)
            except TeacherRequestError as error:
                raise self._given_up(sent, error) from error
            if state.ended:
                ended = True
            else:
                answered += state.answered
                total += state.total or len(sent.positions)
        if self._book.open:
            self._report.say(
                _(
                    "等供应商：{n} 批在做，{total} 条里有了 {answered} 条；可以停下来，过几小时再继续",
                    n=len(self._book.open),
                    total=total,
                    answered=answered,
                )
            )
        return ended

    def _sent_less(self, sent: SentBatch, state: BatchState) -> bool:
        """Takes back a batch for which the provider's queue had no room, to send its tasks later and fewer at
        once; False where even a few find none."""
        others = self._number_open(sent.teacher) - 1
        if not self._rooms[sent.teacher].shrink(len(sent.positions), others):
            return False
        self._forget(sent)
        self._report.say(_("供应商的队列满了，换小批、等前面的做完再交：{said}", said=state.message))
        return True

    async def _store(self, sent: SentBatch, state: BatchState) -> None:
        """Stores what came back of a batch that has ended.

        Raises:
            TeacherError: the provider refused the batch, or every request of it.
            RunLimitError: the batch was ended early.
        """
        fetch = partial(self._lines, sent, state)
        lines = await self._asked(fetch)
        if lines is None:
            return
        received = await asyncio.to_thread(self._results.read, sent, state, lines, self._book.tries)
        texts, failures = received.texts, received.failures
        for start in range(0, max(len(texts), len(failures)), _PAGE):
            part = texts[start : start + _PAGE], failures[start : start + _PAGE]
            await dispatch.with_room(partial(self._stored, *part), self._stop, self._report.pause)
            self._report.add(len(part[0]), len(part[1]))
        self._forget(sent)
        if received.refused is not None:
            raise received.refused
        left = len(sent.positions) - len(texts) - len(failures)
        if state.ended_early and left and not sent.cancelled:
            why = _("过了时限") if state.status == "expired" else _("被取消了")
            raise RunLimitError(
                _(
                    "供应商那边的一批{why}，取回了 {n} 条，其余 {rest} 条还没写；点“继续”会再提交",
                    why=why,
                    n=len(texts),
                    rest=left,
                )
            )

    def _stored(self, texts: list[Written], failures: list[Failure]) -> None:
        """Stores texts and failures; a text that the database refuses becomes a failure."""
        try:
            store_texts(self._workspace, self._run, self._recipe, texts, failures)
        except StorageError as error:
            if len(texts) + len(failures) > 1:
                for text in texts:
                    self._stored([text], [])
                for failure in failures:
                    self._stored([], [failure])
            elif texts:
                attempts = texts[0].origin.attempts
                self._stored([], [Failure(texts[0].task, error.kind, str(error), attempts)])
            else:
                raise

    def _forget(self, sent: SentBatch) -> None:
        self._book.open.remove(sent)
        self._save()
        discard(requests_path(self._workspace, self._run.id, sent.tag))

    def _given_up(self, sent: SentBatch, error: TeacherError) -> StudioError:
        """Drops a batch whose answers the provider does not give out; its tasks stay pending."""
        if sent in self._book.open:
            self._forget(sent)
            return RunLimitError(
                _(
                    "供应商不再给出这一批的结果：{said}。它的 {n} 条还没写；点“继续”会再提交",
                    said=error,
                    n=len(sent.positions),
                )
            )
        return error  # the batch was fetched; what it held is the reason

    def _lines(self, sent: SentBatch, state: BatchState) -> list[BatchLine]:
        server = self._servers[sent.teacher]
        return [line for file in state.files for line in server.lines(file)]
