"""Sending tasks to a teacher over the network: a fixed crew of workers, bounded retries, and stopping early when
going on makes no sense."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from tianji_core.errors import (
    PlanError,
    TeacherAuthError,
    TeacherError,
    TeacherRateLimitError,
    TeacherRequestError,
)
from tianji_core.generation.outbox import Outbox
from tianji_core.i18n import _
from tianji_core.recipe import Brief, Recipe, Task, brief
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import Answer, Sampling, Teacher

LONGEST_PAUSE = 300.0
"""Seconds: a longer Retry-After is a refusal in all but name; the task fails after its attempts instead."""
STOP_GRACE = 2.0
"""Seconds that requests in flight get to finish after a stop; less than the supervisor's own grace."""


@dataclass(frozen=True)
class Retry:
    """How stubborn a run is: ``attempts`` per task; waits in seconds double from ``first_wait`` to ``longest_wait``."""

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0


class _Halted(Exception):
    """The run ends while this task was waiting for its turn; the task stays pending."""


class Dispatch:
    """One run against one teacher. ``waiting`` yields the tasks to send; ``stop`` ends the run from outside."""

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        teacher: Teacher,
        sampling: Sampling,
        waiting: Iterator[Task],
        outbox: Outbox,
        stop: asyncio.Event,
        retry: Retry,
        requests_per_minute: int | None = None,
        answered_before: int = 0,
    ) -> None:
        self._run = run
        self._recipe = recipe
        self._teacher = teacher
        self._sampling = sampling
        self._waiting = waiting
        self._outbox = outbox
        self._stop = stop
        self._retry = retry
        self._limiter = AsyncLimiter(1, 60 / requests_per_minute) if requests_per_minute else None
        self._halted = asyncio.Event()
        self._paused_until = 0.0
        self._answered = answered_before
        self._failed_in_a_row = 0
        self._reason: Exception | None = None

    async def work(self) -> None:
        """Send everything; returns when all is stored, or the run was stopped.

        Raises:
            TeacherError: the reason why going on made no sense; what was answered until then is stored.
        """
        writer = asyncio.create_task(self._outbox.run())
        crew = [
            asyncio.create_task(self._worker())
            for _number in range(min(self._run.concurrency, self._run.total))
        ]
        watcher = asyncio.create_task(self._watch(crew))
        everyone = asyncio.create_task(_ended(crew))
        await asyncio.wait({writer, everyone}, return_when=asyncio.FIRST_COMPLETED)
        watcher.cancel()
        if not everyone.done():  # the writer died; there is no point in asking for more
            self._halted.set()
            for worker in crew:
                worker.cancel()
            await everyone
        else:
            await self._outbox.close()
        await writer
        if self._reason is not None:
            raise self._reason

    async def _watch(self, crew: list[asyncio.Task[None]]) -> None:
        await self._stop.wait()
        self._halted.set()
        await asyncio.sleep(STOP_GRACE)
        for worker in crew:
            worker.cancel()

    async def _worker(self) -> None:
        try:
            while not self._halted.is_set() and (task := next(self._waiting, None)) is not None:
                if (result := await self._result(task)) is not None:
                    await self._outbox.put(result)
        except Exception as error:
            # Not a TeacherError but a fault of this program or the database: work() raises it.
            self._halt(error)

    async def _result(self, task: Task) -> Written | Failure | None:
        """What became of a task; None leaves it pending."""
        attempts = 0
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._retry.attempts),
            wait=self._wait,
            retry=retry_if_exception(lambda error: isinstance(error, TeacherError) and error.retryable),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            asked = brief(self._recipe, task, self._run.plan.seed)
            async for attempt in retrying:
                with attempt:
                    await self._turn()
                    attempts += 1
                    answer = await self._teacher.answer(asked, self._sampling)
        except _Halted:
            return None
        except PlanError as error:
            return Failure(task, "plan", str(error))
        except TeacherError as error:
            return self._failure(task, error, attempts)
        self._answered += 1
        self._failed_in_a_row = 0
        return written(self._recipe, asked, answer, attempts)

    async def _turn(self) -> None:
        """Wait until a request may be sent."""
        while (left := self._paused_until - asyncio.get_running_loop().time()) > 0:
            await self._sleep(left)
        if self._limiter is not None:
            await self._limiter.acquire()
        if self._halted.is_set():
            raise _Halted

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._halted.wait()
        except TimeoutError:
            return
        raise _Halted

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt. A server that says how long makes everybody wait that long."""
        error = state.outcome.exception() if state.outcome is not None else None
        backoff = min(self._retry.longest_wait, self._retry.first_wait * 2 ** (state.attempt_number - 1))
        jittered = random.uniform(0.5, 1.0) * backoff
        if isinstance(error, TeacherRateLimitError) and error.retry_after is not None:
            asked = min(error.retry_after, LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + asked)
            return asked + random.uniform(0, 0.1) * self._retry.first_wait
        return jittered

    def _failure(self, task: Task, error: TeacherError, attempts: int) -> Failure | None:
        self._failed_in_a_row += 1
        hopeless = isinstance(error, TeacherAuthError) or (
            isinstance(error, TeacherRequestError) and self._answered == 0
        )
        if hopeless:
            self._halt(error)
            return None
        limit = max(20, 3 * self._run.concurrency)
        if self._failed_in_a_row >= limit and error.kind != "refusal":
            text = _("连续 {n} 条都没有写成，先停下来；修好之后可以继续。{reason}", n=limit, reason=error)
            self._halt(type(error)(text))
        return Failure(task, error.kind, str(error), attempts)

    def _halt(self, reason: Exception) -> None:
        if self._reason is None:
            self._reason = reason
        self._halted.set()


async def _ended(crew: list[asyncio.Task[None]]) -> None:
    """Return when every worker has ended, by itself or cancelled."""
    await asyncio.wait(crew)


def written(recipe: Recipe, asked: Brief, answer: Answer, attempts: int = 1) -> Written:
    """The sample that an answer becomes. The text is stripped and otherwise left as it came."""
    return Written(
        task=asked.task,
        system=recipe.prompts.system,
        input=asked.input,
        output=answer.text.strip(),
        prompt=asked.prompt,
        model=answer.model,
        attempts=attempts,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        latency=answer.latency,
        request_id=answer.request_id,
        finish_reason=answer.finish_reason,
        reasoning=answer.reasoning,
        planted=answer.planted,
    )


Stored = Callable[[int, int], None]
"""Called after each transaction with the number of texts and of failures in it."""
