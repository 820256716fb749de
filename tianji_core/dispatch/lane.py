"""One teacher of a run as the dispatch sees it: what is sent to it, how fast, and what it has answered."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tianji_core.dispatch.budget import Usage
from tianji_core.dispatch.pace import Pace, Throttle
from tianji_core.errors import TeacherRateLimitError
from tianji_core.teachers import ModelEntry, TeacherChoice

T = TypeVar("T")
R = TypeVar("R", covariant=True)
Item = TypeVar("Item", contravariant=True)

LONGEST_PAUSE = 300.0
"""Seconds: a longer Retry-After is a refusal in all but name; the task fails after its attempts instead."""


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """What a request led to, and what it used."""

    result: R
    usage: Usage


class Desk(Protocol[Item, R]):
    """Turns items into requests and answers into results. One desk per teacher."""

    def expected(self, item: Item) -> Usage:
        """What a request for this item will probably use."""
        ...

    async def ask(self, item: Item, attempts: int) -> Outcome[R]:
        """Send one request; ``attempts`` counts this one.

        Raises:
            TeacherError: no usable answer. PlanError: the item cannot be asked for at all.
        """
        ...

    def failed(self, item: Item, kind: str, sentence: str, attempts: int) -> R:
        """The result of an item that got no answer."""
        ...


class Lane(Generic[T, R]):
    """``waiting`` yields the items for this teacher; ``answered_before`` is how many answers earlier starts got."""

    def __init__(
        self,
        desk: Desk[T, R],
        waiting: Iterator[T],
        choice: TeacherChoice,
        price: ModelEntry,
        concurrency: int,
        answered_before: int = 0,
    ) -> None:
        self.desk = desk
        self.waiting = waiting
        self.price = price
        self.throttle = Throttle(concurrency)
        self.answered = answered_before
        self.failed_in_a_row = 0
        self.paused_until = 0.0
        self._requests = Pace(choice.requests_per_minute) if choice.requests_per_minute else None
        self._tokens = Pace(choice.tokens_per_minute) if choice.tokens_per_minute else None

    def book(self, expected: Usage) -> float:
        """Book a request; returns the seconds to wait before it may be sent."""
        now = asyncio.get_running_loop().time()
        wait = self._requests.book(1, now) if self._requests is not None else 0.0
        if self._tokens is not None:
            wait = max(wait, self._tokens.book(expected.total, now))
        return wait

    def correct(self, expected: Usage, used: Usage) -> None:
        """A booked request turned out to use something else."""
        if self._tokens is not None:
            self._tokens.correct(used.total - expected.total)

    def pause(self) -> float:
        """Seconds that the server still wants to be left alone."""
        return max(0.0, self.paused_until - asyncio.get_running_loop().time())

    def limited(self, error: TeacherRateLimitError, sent_at: float) -> None:
        """The server answered 429: fewer at once, and nobody before the time it named."""
        now = asyncio.get_running_loop().time()
        self.throttle.limited(sent_at, now)
        if error.retry_after is not None:
            self.paused_until = max(self.paused_until, now + min(error.retry_after, LONGEST_PAUSE))
