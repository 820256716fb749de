"""Sending items to teachers over the network: a fixed crew of workers, bounded retries, and stopping early when going
on makes no sense or costs more than was agreed."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from tianji_core.dispatch.budget import Purse, Usage
from tianji_core.dispatch.lane import LONGEST_PAUSE, Lane, Outcome
from tianji_core.dispatch.pulse import Counters, Pulse
from tianji_core.errors import (
    ComposerError,
    PlanError,
    RunLimitError,
    TeacherAuthError,
    TeacherError,
    TeacherRateLimitError,
    TeacherRequestError,
)
from tianji_core.i18n import _

T = TypeVar("T")
R = TypeVar("R")

STOP_GRACE = 2.0
"""Seconds that requests in flight get to finish after a stop; less than the supervisor's own grace."""
BUDGET_LOOK = 0.05
"""Seconds between looks at the budget while requests under way may turn out smaller than expected."""


@dataclass(frozen=True)
class Retry:
    """How stubborn a run is: ``attempts`` per task; waits in seconds double from ``first_wait`` to ``longest_wait``."""

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0


class _Halted(Exception):
    """The run ends while this item was waiting for its turn; the item stays pending."""


class Dispatch(Generic[T, R]):
    """Works off the items of one lane per teacher, at most ``concurrency`` requests at once over all of them. Results
    go to ``keep``; ``stop`` ends the run from outside."""

    def __init__(
        self,
        lanes: Sequence[Lane[T, R]],
        keep: Callable[[R], Awaitable[None]],
        concurrency: int,
        stop: asyncio.Event,
        retry: Retry,
        purse: Purse,
    ) -> None:
        self._lanes = lanes
        self._keep = keep
        self._concurrency = concurrency
        self._stop = stop
        self._retry = retry
        self._purse = purse
        self._shared = asyncio.Semaphore(concurrency) if len(lanes) > 1 else None
        self._halted = asyncio.Event()
        self._reason: Exception | None = None
        self.counters = Counters()

    def pulse(self) -> Pulse:
        """How the run is doing right now."""
        levels = [lane.throttle.level for lane in self._lanes]
        paused = max((lane.pause() for lane in self._lanes), default=0.0)
        return self.counters.pulse(levels, paused, self._purse.tokens, self._purse.cost)

    async def work(self, crew_size: int) -> None:
        """Send everything with at most ``crew_size`` workers a lane; returns when all is handed over, or the run was
        stopped.

        Raises:
            TeacherError: the reason why going on made no sense. RunLimitError: budget or time are used up.
        """
        crew = [
            asyncio.create_task(self._worker(lane))
            for lane in self._lanes
            for _number in range(min(self._concurrency, crew_size))
        ]
        watcher = asyncio.create_task(self._watch(crew))
        try:
            await asyncio.wait(crew)
        finally:
            for task in (watcher, *crew):
                task.cancel()
        if self._reason is not None:
            raise self._reason

    async def _watch(self, crew: list[asyncio.Task[None]]) -> None:
        """Wait for a stop from outside or for the deadline, then end the crew."""
        minutes = self._purse.options.minutes
        try:
            async with asyncio.timeout(None if minutes is None else minutes * 60):
                await self._stop.wait()
            self._halt(None)
        except TimeoutError:
            text = _("到了时限 {minutes:g} 分钟，先停下来；可以继续", minutes=minutes)
            self._halt(RunLimitError(text))
        await asyncio.sleep(STOP_GRACE)
        for worker in crew:
            worker.cancel()

    async def _worker(self, lane: Lane[T, R]) -> None:
        try:
            while not self._halted.is_set() and (item := next(lane.waiting, None)) is not None:
                if (result := await self._result(lane, item)) is not None:
                    await self._keep(result)
        except Exception as error:
            # Not a TeacherError but a fault of this program or the database: work() raises it.
            self._halt(error)

    async def _result(self, lane: Lane[T, R], item: T) -> R | None:
        """What became of an item; None leaves it pending."""
        attempts = 0
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._retry.attempts),
            wait=self._wait,
            retry=retry_if_exception(lambda error: isinstance(error, TeacherError) and error.retryable),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    if attempts:
                        self.counters.retries += 1
                    attempts += 1
                    outcome = await self._send(lane, item, attempts)
        except _Halted:
            return None
        except (PlanError, ComposerError) as error:
            kind = "plan" if isinstance(error, PlanError) else "composer"
            return lane.desk.failed(item, kind, str(error), attempts)
        except TeacherError as error:
            return self._failure(lane, item, error, attempts)
        lane.answered += 1
        lane.failed_in_a_row = 0
        return outcome.result

    async def _send(self, lane: Lane[T, R], item: T, attempts: int) -> Outcome[R]:
        """One request in its turn: money set aside, a place in the crew, the pace kept."""
        expected = lane.desk.expected(item)
        used = Usage()
        await self._afford(expected, lane)
        try:
            await lane.throttle.enter()
            try:
                outcome = await self._ask(lane, item, attempts, expected)
            finally:
                lane.throttle.leave()
            used = outcome.usage
            lane.throttle.succeeded()
            self.counters.answers += 1
            self.counters.tokens += used.total
            return outcome
        finally:
            self._purse.settle(expected, used, lane.price)

    async def _ask(self, lane: Lane[T, R], item: T, attempts: int, expected: Usage) -> Outcome[R]:
        if (wait := lane.book(expected)) > 0:
            await self._sleep(wait)
        shared: AbstractAsyncContextManager[object] = self._shared or nullcontext()
        while True:
            while (left := lane.pause()) > 0:
                await self._sleep(left)
            async with shared:
                if lane.pause() > 0:  # told to wait while this one waited for its place
                    continue
                if self._halted.is_set():
                    raise _Halted
                sent_at = asyncio.get_running_loop().time()
                self.counters.requests += 1
                self.counters.in_flight += 1
                try:
                    outcome = await lane.desk.ask(item, attempts)
                except TeacherRateLimitError as error:
                    self.counters.limited += 1
                    lane.limited(error, sent_at)
                    raise
                finally:
                    self.counters.in_flight -= 1
            lane.correct(expected, outcome.usage)
            return outcome

    async def _afford(self, expected: Usage, lane: Lane[T, R]) -> None:
        """Set aside what a request will use, or end the run where the budget does not reach."""
        while self._purse.limited and (refusal := self._purse.refusal(expected, lane.price)):
            if not self._purse.waiting_helps:
                self._halt(RunLimitError(refusal))
            await self._sleep(BUDGET_LOOK)
        if self._halted.is_set():
            raise _Halted
        self._purse.set_aside(expected, lane.price)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._halted.wait()
        except TimeoutError:
            return
        raise _Halted

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt. A server that says how long is taken at its word."""
        error = state.outcome.exception() if state.outcome is not None else None
        backoff = min(self._retry.longest_wait, self._retry.first_wait * 2 ** (state.attempt_number - 1))
        if isinstance(error, TeacherRateLimitError) and error.retry_after is not None:
            return min(error.retry_after, LONGEST_PAUSE) + random.uniform(0, 0.1) * self._retry.first_wait
        return random.uniform(0.5, 1.0) * backoff

    def _failure(self, lane: Lane[T, R], item: T, error: TeacherError, attempts: int) -> R | None:
        lane.failed_in_a_row += 1
        hopeless = isinstance(error, TeacherAuthError) or (
            isinstance(error, TeacherRequestError) and lane.answered == 0
        )
        if hopeless:
            self._halt(error)
            return None
        limit = max(20, 3 * self._concurrency)
        if lane.failed_in_a_row >= limit and error.kind != "refusal":
            text = _("连续 {n} 条都没有写成，先停下来；修好之后可以继续。{reason}", n=limit, reason=error)
            self._halt(type(error)(text))
        return lane.desk.failed(item, error.kind, str(error), attempts)

    def _halt(self, reason: Exception | None) -> None:
        if self._reason is None:
            self._reason = reason
        self._halted.set()
        for lane in self._lanes:
            lane.throttle.close(_Halted())
