"""The hours in which the teacher of a lane is asked, and the price of each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tianji_core.teachers import ModelEntry, OffPeak


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """What the time is, with its zone. Who waits for an hour looks again every ``look`` seconds: the machine
    may sleep meanwhile, or its clock be put right."""

    now: Callable[[], datetime] = _now
    look: float = 20.0


class Hours:
    """``off_peak`` are the hours in which the teacher takes less, None where it takes the same at every hour;
    with ``only`` it is asked in them alone."""

    def __init__(
        self, off_peak: OffPeak | None = None, only: bool = False, clock: Clock | None = None
    ) -> None:
        self._off_peak = off_peak
        self._only = only
        self.clock = clock or Clock()
        self._opens: datetime | None = None

    def opens(self) -> datetime | None:
        """Returns when the teacher may be asked again, None where it may be asked now."""
        if self._off_peak is None or not self._only:
            return None
        now = self.clock.now()
        if self._off_peak.covers(now):
            return None
        if self._opens is None or self._opens.timestamp() <= now.timestamp():
            self._opens = self._off_peak.next_begin(now)
        return self._opens

    def closed(self) -> float:
        """Returns the seconds until the teacher may be asked; 0 where it may be asked now."""
        opens = self.opens()
        return 0.0 if opens is None else max(0.0, opens.timestamp() - self.clock.now().timestamp())

    def price(self, full: ModelEntry) -> ModelEntry:
        """Returns what an answer costs that comes now."""
        if self._off_peak is None or not self._off_peak.covers(self.clock.now()):
            return full
        return full.at_share(self._off_peak.price)
