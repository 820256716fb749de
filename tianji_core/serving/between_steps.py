"""What is done to a model between two passes, by the thread that computes them. Imported by the server process only."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future


class BetweenSteps:
    """Work that waits for its turn; work that returns False is tried again at the next one."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], bool], Future[None]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, work: Callable[[], bool]) -> Future[None]:
        """Have something done; the result is there when it was."""
        done: Future[None] = Future()
        self._waiting.append((work, done))
        return done

    def run(self) -> None:
        """Try everything that waits once."""
        for _each in range(len(self._waiting)):
            work, done = self._waiting.popleft()
            try:
                if work():
                    done.set_result(None)
                else:
                    self._waiting.append((work, done))
            except Exception as error:  # the one who asked is told
                done.set_exception(error)

    def give_up(self, why: str) -> None:
        """Tell those who wait that nothing will be done."""
        while self._waiting:
            self._waiting.popleft()[1].set_exception(RuntimeError(why))
