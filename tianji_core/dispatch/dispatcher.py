"""Sends items to teachers over the network with a fixed pool of workers and bounded retries. Stops early when
going on makes no sense or exceeds the budget."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from tianji_core.dispatch.budget import Budget, Usage
from tianji_core.dispatch.lanes import LONGEST_PAUSE, Answered, Failed, Lane, OpenLane, Outcome
from tianji_core.dispatch.pace import Turnstile
from tianji_core.dispatch.pulse import Counters, Pulse
from tianji_core.errors import (
    ComposerError,
    PlanError,
    RunLimitError,
    TeacherAuthError,
    TeacherError,
    TeacherRateLimitError,
    TeacherRequestError,
    TeacherUnreachableError,
)
from tianji_core.i18n import _
from tianji_core.teachers import ModelEntry

T = TypeVar("T")
R = TypeVar("R")

STOP_GRACE = 2.0
"""Seconds that requests in flight get to finish after a stop; less than the grace period of the
supervisor."""
BUDGET_POLL = 0.05
"""Seconds between checks of the budget while requests in flight may turn out smaller than expected."""


@dataclass(frozen=True)
class Retry:
    """``attempts`` per item; the waits between them double from ``first_wait`` to ``longest_wait``
    seconds."""

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0


class _Halted(Exception):
    """The run ended while this item waited for its turn; the item stays pending."""


class Dispatcher(Generic[T, R]):
    """Sends the items of one lane per teacher, at most ``concurrency`` requests at once over all of them.
    Results and failures go to ``keep``; ``stop`` ends the run from outside. ``on_closed`` is told the hour
    that everything waits for, and None once it goes on."""

    def __init__(
        self,
        lanes: Sequence[Lane[T, R]],
        keep: Callable[[Answered[T, R] | Failed[T]], Awaitable[None]],
        concurrency: int,
        stop: asyncio.Event,
        retry: Retry,
        budget: Budget,
        on_closed: Callable[[datetime | None], None] = lambda _opens: None,
    ) -> None:
        self._lanes = [OpenLane(lane, concurrency) for lane in lanes]
        self._keep = keep
        self._concurrency = concurrency
        self._stop = stop
        self._retry = retry
        self._budget = budget
        self._on_closed = on_closed
        self._told: datetime | None = None
        self._sending = Turnstile(concurrency)
        self._halted = asyncio.Event()
        self._reason: Exception | None = None
        self._held = False
        self._allowed = concurrency
        self.counters = Counters()

    def hold(self, held: bool) -> None:
        """Sends no further request while ``held`` is True; those in flight go on."""
        self._held = held
        self._resize()

    def allow(self, number: int) -> None:
        """Has at most ``number`` requests in flight from now on, never more than the concurrency; those in
        flight go on."""
        self._allowed = min(number, self._concurrency)
        self._resize()

    def _resize(self) -> None:
        self._sending.resize(0 if self._held else self._allowed)
        for lane in self._lanes:
            lane.taking.resize(self._allowed)

    def pulse(self) -> Pulse:
        """Returns the figures of this moment."""
        levels = [lane.throttle.level for lane in self._lanes]
        paused = max((lane.pause() for lane in self._lanes), default=0.0)
        return self.counters.pulse(levels, paused, self._budget.tokens, self._budget.cost)

    async def work(self, pool_size: int) -> None:
        """Sends everything with at most ``pool_size`` workers per lane; returns when all results are handed
        over, or the run was stopped.

        Raises:
            TeacherError: the reason why going on makes no sense. RunLimitError: budget or time are used up.
        """
        pool = [
            asyncio.create_task(self._worker(lane))
            for lane in self._lanes
            for _number in range(min(self._concurrency, pool_size))
        ]
        watcher = asyncio.create_task(self._watch(pool))
        try:
            if pool:
                await asyncio.wait(pool)
        finally:
            for task in (watcher, *pool):
                task.cancel()
        if self._reason is not None:
            raise self._reason

    async def _watch(self, pool: list[asyncio.Task[None]]) -> None:
        """Waits for a stop from outside or for the deadline, then ends the workers."""
        minutes = self._budget.options.minutes
        try:
            async with asyncio.timeout(self._budget.seconds_left):
                await self._stop.wait()
            self._halt(None)
        except TimeoutError:
            text = _("到了时限 {minutes:g} 分钟，先停下来；可以继续", minutes=minutes)
            self._halt(RunLimitError(text))
        await asyncio.sleep(STOP_GRACE)
        for worker in pool:
            worker.cancel()

    async def _worker(self, lane: OpenLane[T, R]) -> None:
        try:
            while not self._halted.is_set():
                async with lane.taking:  # takes no item that it may not send
                    if (item := next(lane.items, None)) is None:
                        lane.exhausted = True
                        lane.taking.close(_Halted())
                        self._tell()
                    elif (result := await self._taken(lane, item)) is not None:
                        await self._keep(result)
        except _Halted:
            return
        except Exception as error:
            # A fault of this program or of the database; work() raises it.
            self._halt(error)

    async def _taken(self, lane: OpenLane[T, R], item: T) -> Answered[T, R] | Failed[T] | None:
        lane.taken += 1
        try:
            return await self._result(lane, item)
        finally:
            lane.taken -= 1
            self._tell()

    async def _result(self, lane: OpenLane[T, R], item: T) -> Answered[T, R] | Failed[T] | None:
        """Returns the result or the failure of an item; None leaves it pending."""
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
            return Failed(item, error.kind, str(error), attempts)
        except TeacherError as error:
            return self._failure(lane, item, error, attempts)
        lane.answered += 1
        lane.failed_in_a_row = 0
        return Answered(item, outcome.result, attempts)

    async def _send(self, lane: OpenLane[T, R], item: T, attempts: int) -> Outcome[R]:
        """Sends one request: reserves its cost, waits for a free place and keeps to the limits per minute."""
        expected = lane.client.expected(item)
        used = Usage()
        await self._until_open(lane)
        reserved = await self._afford(expected, lane)
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
            self._budget.settle(expected, used, lane.price, reserved)

    async def _ask(self, lane: OpenLane[T, R], item: T, attempts: int, expected: Usage) -> Outcome[R]:
        if (wait := await lane.limits.book(expected.total)) > 0:
            await self._sleep(wait)
        while True:
            await self._until_open(lane)
            while (left := lane.pause()) > 0:
                await self._sleep(left)
            async with self._sending:
                if self._held or lane.pause() > 0 or lane.hours.opens() is not None:
                    continue  # the disk is full, the server asked for a pause meanwhile, or the hours ended
                if self._halted.is_set():
                    raise _Halted
                sent_at = asyncio.get_running_loop().time()
                self.counters.requests += 1
                self.counters.in_flight += 1
                try:
                    outcome = await lane.client.ask(item, attempts)
                except TeacherRateLimitError as error:
                    self.counters.limited += 1
                    lane.limited(error, sent_at)
                    raise
                except TeacherUnreachableError as error:
                    lane.pause_for(error.retry_after)
                    raise
                finally:
                    self.counters.in_flight -= 1
            await lane.limits.correct(outcome.usage.total - expected.total)
            return outcome

    async def _until_open(self, lane: OpenLane[T, R]) -> None:
        """Waits for the hours in which the teacher is asked."""
        if lane.hours.opens() is None:
            return
        lane.waiting += 1
        try:
            while (left := lane.hours.closed()) > 0:
                self._tell()
                await self._sleep(min(left, lane.hours.clock.look))
        finally:
            lane.waiting -= 1
            self._tell()

    def _tell(self) -> None:
        """Tells which hour everything waits for, where that has changed."""
        left = [lane.opens() for lane in self._lanes if not lane.ended]
        hours = [opens for opens in left if opens is not None]
        waits = hours and len(hours) == len(left) and not self.counters.in_flight
        opens = min(hours, key=datetime.timestamp) if waits else None
        if opens != self._told and not self._halted.is_set():
            self._told = opens
            self._on_closed(opens)

    async def _afford(self, expected: Usage, lane: OpenLane[T, R]) -> ModelEntry:
        """Reserves what a request will use, or ends the run where the budget does not suffice; returns the
        price at which it is reserved."""
        while self._budget.limited and (refusal := self._budget.refusal(expected, lane.price)):
            if not self._budget.waiting_helps:
                self._halt(RunLimitError(refusal))
            await self._sleep(BUDGET_POLL)
            await self._until_open(lane)
        if self._halted.is_set():
            raise _Halted
        price = lane.price
        self._budget.reserve(expected, price)
        return price

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._halted.wait()
        except TimeoutError:
            return
        raise _Halted

    def _wait(self, state: RetryCallState) -> float:
        """Returns the seconds until the next attempt; the pause that a server asks for goes first."""
        error = state.outcome.exception() if state.outcome is not None else None
        backoff = min(self._retry.longest_wait, self._retry.first_wait * 2 ** (state.attempt_number - 1))
        if (
            isinstance(error, TeacherRateLimitError | TeacherUnreachableError)
            and error.retry_after is not None
        ):
            return min(error.retry_after, LONGEST_PAUSE) + random.uniform(0, 0.1) * self._retry.first_wait
        return random.uniform(0.5, 1.0) * backoff

    def _failure(self, lane: OpenLane[T, R], item: T, error: TeacherError, attempts: int) -> Failed[T] | None:
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
        return Failed(item, error.kind, str(error), attempts)

    def _halt(self, reason: Exception | None) -> None:
        if self._reason is None:
            self._reason = reason
        self._halted.set()
        for lane in self._lanes:
            lane.throttle.close(_Halted())
            lane.taking.close(_Halted())
        self._sending.close(_Halted())
