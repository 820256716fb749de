"""A process's part in a run that several share: its heartbeat, its orders and its leased tasks."""

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Iterator

from tianji_core.dispatch import Budget, Pulse
from tianji_core.errors import StudioError
from tianji_core.recipe import Task
from tianji_core.store import run_workers
from tianji_core.store.database import Engine
from tianji_core.store.run_workers import Heartbeat, Orders
from tianji_core.store.runs import Run
from tianji_core.teachers import TeacherChoice

BEAT = 1.0
"""Seconds between two heartbeats."""


class Membership:
    """One worker of a run on PostgreSQL. ``capacity`` is the most requests that this process sends at once;
    ``leads`` marks the job that a person started. ``budget`` learns what the other workers use. ``paused``
    becomes True once the run is paused, and stays so: whoever goes on may have changed its limits."""

    def __init__(self, engine: Engine, run: Run, capacity: int, leads: bool, budget: Budget) -> None:
        self._engine = engine
        self._run = run
        self._budget = budget
        self._before: tuple[int, float] | None = None
        self._beat_at = 0.0
        self.stored = 0
        self.capacity = min(capacity, run.concurrency)
        name = f"{socket.gethostname()}:{os.getpid()}"
        self._id = run_workers.join(engine, run.id, name, self.capacity, leads)
        self.orders = Orders(0, False, 0, 0.0, 0)
        self.paused = False
        self.beat()

    def beat(self, pulse: Pulse | None = None) -> Orders:
        """Renews the leases, reports the figures and returns the orders: the last ones where the database
        cannot be reached now."""
        tokens, cost = self._budget.taken
        rate, in_flight = (0.0, 0) if pulse is None else (pulse.answers_per_second, pulse.in_flight)
        report = Heartbeat(self.stored, rate, in_flight, tokens, cost)
        self._beat_at = time.monotonic()
        try:
            self.orders = run_workers.beat(self._engine, self._id, self._run.id, report)
        except StudioError as error:
            print(error, flush=True)
            return self.orders
        self.paused = self.paused or self.orders.paused
        elsewhere = self.orders.tokens_elsewhere, self.orders.cost_elsewhere
        self._before = self._before or elsewhere  # what was used by then is in the store, and counted there
        tokens, cost = elsewhere[0] - self._before[0], elsewhere[1] - self._before[1]
        self._budget.count_elsewhere(tokens, cost, self.orders.in_flight_elsewhere)
        return self.orders

    def beat_when_due(self) -> None:
        """Renews the leases where the last heartbeat is old enough."""
        if time.monotonic() - self._beat_at >= BEAT:
            self.beat()

    def tasks(self, teacher: int | None = None, at_once: int | None = None) -> Iterator[Task]:
        """Yields tasks leased to this worker, until the rest is leased to others or the run is paused.
        ``at_once`` are leased in one statement, by default as many as may be in flight."""
        while not self.paused:
            number = at_once or max(1, self.orders.share)
            page = run_workers.claim(self._engine, self._id, self._run.id, number, teacher)
            if not page:
                return
            yield from page

    def release(self) -> None:
        """Gives back the tasks that are not answered."""
        run_workers.release(self._engine, self._id, self._run.id)

    def leave(self) -> None:
        """Ends the part of this process in the run."""
        run_workers.leave(self._engine, self._id, self._run.id)


class SharedLimits:
    """The limits per minute of a teacher, booked in the database by all who ask it."""

    def __init__(self, engine: Engine, choice: TeacherChoice) -> None:
        self._engine = engine
        parts = "\n".join((choice.provider, choice.base_url, choice.model))
        self._teacher = hashlib.sha256(parts.encode()).hexdigest()
        self._request = 60 / choice.requests_per_minute if choice.requests_per_minute else 0.0
        self._token = 60 / choice.tokens_per_minute if choice.tokens_per_minute else 0.0

    async def book(self, tokens: int) -> float:
        """Books a request of about ``tokens``; returns the seconds to wait before it may be sent."""
        if not self._request and not self._token:
            return 0.0
        booked = self._request, self._token * tokens
        return await asyncio.to_thread(run_workers.book, self._engine, self._teacher, *booked)

    async def correct(self, tokens: int) -> None:
        """Adds tokens to what was booked; a negative number takes tokens away."""
        if self._token and tokens:
            await asyncio.to_thread(run_workers.correct, self._engine, self._teacher, self._token * tokens)
