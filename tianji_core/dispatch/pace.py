"""Limits how fast a teacher is asked: units per minute, and concurrent requests."""

import asyncio
from collections import deque
from typing import Protocol

from tianji_core.teachers import TeacherChoice


class TeacherLimits(Protocol):
    """The limits per minute of a teacher, in whichever processes it is asked."""

    async def book(self, tokens: int) -> float:
        """Books a request of about ``tokens``; returns the seconds to wait before it may be sent."""
        ...

    async def correct(self, tokens: int) -> None:
        """Adds tokens to what was booked; a negative number takes tokens away."""
        ...


class Pace:
    """Spaces requests so that no more than ``per_minute`` units are sent in a minute, without bursts."""

    def __init__(self, per_minute: int) -> None:
        self._interval = 60 / per_minute
        self._free_at = 0.0

    def book(self, amount: float, now: float) -> float:
        """Book ``amount`` units; returns the seconds to wait before they may be sent."""
        start = max(now, self._free_at)
        self._free_at = start + amount * self._interval
        return start - now

    def correct(self, amount: float) -> None:
        """Adds ``amount`` units to what was booked; a negative number takes units away."""
        self._free_at += amount * self._interval


class OwnLimits:
    """The limits per minute of a teacher that only this process asks."""

    def __init__(self, choice: TeacherChoice) -> None:
        self._requests = Pace(choice.requests_per_minute) if choice.requests_per_minute else None
        self._tokens = Pace(choice.tokens_per_minute) if choice.tokens_per_minute else None

    async def book(self, tokens: int) -> float:
        """Books a request of about ``tokens``; returns the seconds to wait before it may be sent."""
        now = asyncio.get_running_loop().time()
        wait = self._requests.book(1, now) if self._requests is not None else 0.0
        if self._tokens is not None:
            wait = max(wait, self._tokens.book(tokens, now))
        return wait

    async def correct(self, tokens: int) -> None:
        """Adds tokens to what was booked; a negative number takes tokens away."""
        if self._tokens is not None:
            self._tokens.correct(tokens)


class Turnstile:
    """Lets at most ``size`` in at once, in the order in which they ask."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._closed: Exception | None = None

    async def enter(self) -> None:
        """Waits until there is room for one more; :meth:`leave` must follow it.

        Raises:
            Exception: the one that :meth:`close` was called with.
        """
        if self._closed is not None:
            raise self._closed
        if self._busy < self._size:
            self._busy += 1
            return
        admission = asyncio.get_running_loop().create_future()
        self._queue.append(admission)
        try:
            await admission
        except asyncio.CancelledError:
            if admission.done() and not admission.cancelled() and admission.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        """Ends the stay of one that :meth:`enter` let in."""
        self._busy -= 1
        self._admit()

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(self, *_raised: object) -> None:
        self.leave()

    def resize(self, size: int) -> None:
        """Lets at most ``size`` in from now on, 0 for none; those inside stay."""
        self._size = size
        self._admit()

    def close(self, reason: Exception) -> None:
        """Lets nobody in any more; those that wait raise ``reason``."""
        self._closed = reason
        while self._queue:
            admission = self._queue.popleft()
            if not admission.done():
                admission.set_exception(reason)

    def _admit(self) -> None:
        while self._queue and self._busy < self._size:
            admission = self._queue.popleft()
            if not admission.done():
                self._busy += 1
                admission.set_result(None)


class Throttle(Turnstile):
    """Limits the concurrent requests: the level is halved when the server answers 429 and raised by one for
    each full round of answers, never above ``most`` (additive increase, multiplicative decrease, as in
    TCP)."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._most = most
        self._level = float(most)
        self._lowered_at = 0.0

    @property
    def level(self) -> int:
        """The number of requests that may be in flight now, at least 1."""
        return max(1, int(self._level))

    def succeeded(self) -> None:
        """Counts an answer towards a higher level."""
        if self._level < self._most:
            self._level = min(float(self._most), self._level + 1 / self._level)
            self.resize(self.level)

    def limited(self, sent_at: float, now: float) -> None:
        """Lowers the level after an answer 429 to a request sent at ``sent_at``. Requests that were in flight
        together lower it once, not once each."""
        if sent_at >= self._lowered_at:
            self._level = max(1.0, self._level / 2)
            self._lowered_at = now
            self.resize(self.level)
