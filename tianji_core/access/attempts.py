"""Wrong passwords slow down the next attempt, for the address they came from and for the name they tried."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FREE = 5
"""Wrong attempts without a wait."""
LONGEST_WAIT_S = 60.0
FORGET_S = 3600.0
"""Seconds without a wrong attempt after which the earlier ones are forgotten."""
MOST = 10_000
"""Addresses and names that are remembered; the oldest is forgotten first."""


@dataclass(frozen=True)
class _Failures:
    number: int
    last: float


class Attempts:
    """Counts wrong passwords by key, an address or a name. ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, keys: Iterable[str]) -> float:
        """Returns the seconds until these keys may try again, 0.0 for at once: 1, 2, 4, … after the fifth
        wrong attempt, :data:`LONGEST_WAIT_S` at most."""
        now = self._clock()
        with self._lock:
            return max((self._wait(key, now) for key in keys), default=0.0)

    def failed(self, keys: Iterable[str]) -> None:
        """Counts a wrong attempt."""
        now = self._clock()
        with self._lock:
            for key in keys:
                number = self._number(key, now) + 1
                self._failures[key] = _Failures(number, now)
                self._failures.move_to_end(key)
            while len(self._failures) > MOST:
                self._failures.popitem(last=False)

    def succeeded(self, keys: Iterable[str]) -> None:
        """Forgets the wrong attempts of these keys."""
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)

    def _number(self, key: str, now: float) -> int:
        known = self._failures.get(key)
        return known.number if known is not None and now - known.last < FORGET_S else 0

    def _wait(self, key: str, now: float) -> float:
        number = self._number(key, now)
        if number < FREE:
            return 0.0
        pause = min(2.0 ** min(number - FREE, 10), LONGEST_WAIT_S)
        return max(0.0, self._failures[key].last + pause - now)


def address_key(address: str) -> str:
    """Returns the key of a client's address; an IPv6 client has a whole /64 network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address[:64]}"
    if found.version == 6:
        return f"address {ipaddress.ip_network((found, 64), strict=False)}"
    return f"address {found}"


def name_key(name: str) -> str:
    """Returns the key of a name that was tried."""
    return f"name {name[:200].casefold()}"
