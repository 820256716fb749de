"""How many questions a shared model is asked: so many in a minute by one link, so many at once by all."""

import threading
import time
from collections import deque
from collections.abc import Callable

AT_ONCE = 4
"""Answers that may be open at the same time, of all links of a server."""
LONGEST_S = 180.0
"""Seconds after which an answer counts as ended, whatever became of it."""
MINUTE_S = 60.0


class SharePace:
    """Counts the questions of each link. ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[str, deque[float]] = {}
        self._open: dict[int, float] = {}
        self._number = 0

    def begin(self, share_id: str, per_minute: int) -> tuple[int, float]:
        """Returns (a ticket for :meth:`end`, 0.0), or (0, seconds to wait) where there were too many
        questions."""
        now = self._clock()
        with self._lock:
            self._open = {ticket: at for ticket, at in self._open.items() if now - at < LONGEST_S}
            recent = self._begun.setdefault(share_id, deque())
            while recent and now - recent[0] >= MINUTE_S:
                recent.popleft()
            if len(recent) >= per_minute:
                return 0, recent[0] + MINUTE_S - now
            if len(self._open) >= AT_ONCE:
                return 0, 2.0
            recent.append(now)
            self._number += 1
            self._open[self._number] = now
            return self._number, 0.0

    def end(self, ticket: int) -> None:
        """Says that an answer has ended."""
        with self._lock:
            self._open.pop(ticket, None)
