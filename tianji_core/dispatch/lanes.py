"""One teacher of a dispatch: what is sent to it, how fast, and what it has answered."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from tianji_core.dispatch.budget import Usage
from tianji_core.dispatch.hours import Hours
from tianji_core.dispatch.pace import OwnLimits, TeacherLimits, Throttle, Turnstile
from tianji_core.errors import TeacherRateLimitError
from tianji_core.teachers import ModelEntry, TeacherChoice

T = TypeVar("T")
R = TypeVar("R", covariant=True)
Result = TypeVar("Result")
Item = TypeVar("Item", contravariant=True)

LONGEST_PAUSE = 300.0
"""Seconds. A server that asks for a longer pause in effect refuses; the item fails after its attempts
instead."""


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """The result of an answered request, and the tokens that it used."""

    result: R
    usage: Usage


@dataclass(frozen=True)
class Failed(Generic[T]):
    """An item without a usable answer. ``kind`` is that of the error, ``message`` its sentence; ``attempts``
    counts the requests that were sent."""

    item: T
    kind: str
    message: str
    attempts: int


@dataclass(frozen=True)
class Answered(Generic[T, R]):
    """An item and its result, to be stored; ``attempts`` counts the requests that were sent."""

    item: T
    result: R
    attempts: int

    def failed(self, kind: str, message: str) -> Failed[T]:
        """Returns the failure of an item whose result cannot be stored."""
        return Failed(self.item, kind, message, self.attempts)


class Client(Protocol[Item, R]):
    """Turns items into requests to one teacher, and answers into results."""

    def expected(self, item: Item) -> Usage:
        """Returns the tokens that a request for this item is likely to use."""
        ...

    async def ask(self, item: Item, attempts: int) -> Outcome[R]:
        """Sends one request; ``attempts`` counts this one.

        Raises:
            TeacherError: no usable answer. PlanError, ComposerError: the item cannot be asked for at all.
        """
        ...


@dataclass(frozen=True)
class Lane(Generic[Item, R]):
    """One teacher and its items. ``price`` holds the prices that count against the budget, outside of the
    off-peak hours of ``hours``; ``answered_before`` is the number of answers that earlier starts of the same
    run got; ``limits`` None are those of the choice, for this process alone."""

    client: Client[Item, R]
    items: Iterator[Item]
    choice: TeacherChoice
    price: ModelEntry
    answered_before: int = 0
    limits: TeacherLimits | None = None
    hours: Hours = field(default_factory=Hours)


class OpenLane(Generic[T, Result]):
    """A lane while its items are sent: its throttle, its limits per minute, its hours and the pause that its
    server asked for. ``taking`` lets as many take an item as may send one; ``taken`` counts the items
    that have no result yet, ``waiting`` those of them that wait for the hours; ``exhausted`` says that none
    is left to take."""

    def __init__(self, lane: Lane[T, Result], concurrency: int) -> None:
        self.client = lane.client
        self.items = lane.items
        self._price = lane.price
        self.hours = lane.hours
        self.taken = 0
        self.waiting = 0
        self.exhausted = False
        self.taking = Turnstile(concurrency)
        self.throttle = Throttle(concurrency)
        self.answered = lane.answered_before
        self.failed_in_a_row = 0
        self.limits = lane.limits or OwnLimits(lane.choice)
        self._paused_until = 0.0

    @property
    def price(self) -> ModelEntry:
        """The prices of this moment."""
        return self.hours.price(self._price)

    def opens(self) -> datetime | None:
        """Returns the hour that this lane waits for; None where it may ask, or nothing waits."""
        return self.hours.opens() if self.waiting else None

    @property
    def ended(self) -> bool:
        """Whether nothing is left to ask for."""
        return self.exhausted and not self.taken

    def pause(self) -> float:
        """Returns the seconds until the server accepts requests again; 0 where it did not ask for a pause."""
        return max(0.0, self._paused_until - asyncio.get_running_loop().time())

    def limited(self, error: TeacherRateLimitError, sent_at: float) -> None:
        """Handles an answer 429: lowers the concurrency and pauses the lane for as long as the server
        asks."""
        self.throttle.limited(sent_at, asyncio.get_running_loop().time())
        self.pause_for(error.retry_after)

    def pause_for(self, seconds: float | None) -> None:
        """Sends nothing for as long as a server asks for; None where it asks for no time."""
        if seconds is not None:
            until = asyncio.get_running_loop().time() + min(seconds, LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, until)
