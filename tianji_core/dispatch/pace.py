"""How fast a teacher may be asked: so much per minute, and so many at once as it bears."""

import asyncio
from collections import deque


class Pace:
    """Spaces what is sent so that no more than ``per_minute`` units go out in a minute, without bursts."""

    def __init__(self, per_minute: int) -> None:
        self._interval = 60 / per_minute
        self._free_at = 0.0

    def book(self, amount: float, now: float) -> float:
        """Book ``amount`` units; returns the seconds to wait before they may be sent."""
        start = max(now, self._free_at)
        self._free_at = start + amount * self._interval
        return start - now

    def correct(self, amount: float) -> None:
        """It was ``amount`` units more than booked (or fewer, where negative)."""
        self._free_at += amount * self._interval


class Throttle:
    """How many requests are under way at once: halved when the server says that it is too much, raised by one for each
    full round of answers, never above ``most`` (additive increase, multiplicative decrease, as TCP does it)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._level = float(most)
        self._busy = 0
        self._lowered_at = 0.0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._closed: Exception | None = None

    @property
    def level(self) -> int:
        """How many requests may be under way now, at least 1."""
        return max(1, int(self._level))

    async def enter(self) -> None:
        """Wait for a place; :meth:`leave` gives it back.

        Raises:
            Exception: the one that :meth:`close` was called with.
        """
        if self._closed is not None:
            raise self._closed
        if self._busy < self.level:
            self._busy += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._busy -= 1
        self._admit()

    def succeeded(self) -> None:
        """An answer came."""
        if self._level < self._most:
            self._level = min(float(self._most), self._level + 1 / self._level)
            self._admit()

    def limited(self, sent_at: float, now: float) -> None:
        """The server refused a request sent at ``sent_at`` because there were too many. Requests that were under way
        together lower the level once, not once each."""
        if sent_at >= self._lowered_at:
            self._level = max(1.0, self._level / 2)
            self._lowered_at = now

    def close(self, reason: Exception) -> None:
        """Let nobody in any more; whoever waits is told ``reason``."""
        self._closed = reason
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_exception(reason)

    def _admit(self) -> None:
        while self._queue and self._busy < self.level:
            place = self._queue.popleft()
            if not place.done():
                self._busy += 1
                place.set_result(None)
