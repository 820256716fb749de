"""Changes to a model that the decode thread makes between two forward passes. Imported by the server
process only."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future


class BetweenSteps:
    """A queue of functions that run between two steps. A function that returns False runs again at the
    next opportunity."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], bool], Future[None]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, work: Callable[[], bool]) -> Future[None]:
        """Queues a function. The returned future completes when it has run."""
        done: Future[None] = Future()
        self._waiting.append((work, done))
        return done

    def run(self) -> None:
        """Runs each queued function once."""
        for _each in range(len(self._waiting)):
            work, done = self._waiting.popleft()
            try:
                if work():
                    done.set_result(None)
                else:
                    self._waiting.append((work, done))
            except Exception as error:  # reported to the caller of add
                done.set_exception(error)

    def give_up(self, why: str) -> None:
        """Fails all queued functions with a message."""
        while self._waiting:
            self._waiting.popleft()[1].set_exception(RuntimeError(why))
