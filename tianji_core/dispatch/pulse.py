"""The current figures of a run: a small file that the worker replaces every second and the page reads."""

import contextlib
import json
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tianji_core.errors import DiskFullError
from tianji_core.files import write_json
from tianji_core.workspace import Workspace

WINDOW = 30.0
"""Seconds over which rates are averaged."""
STALE = 10.0
"""Seconds after which a pulse is out of date."""


@dataclass(frozen=True)
class Pulse:
    """Rates per second over the last half minute; ``levels`` is the number of requests allowed in flight, by
    teacher; ``limited`` counts answers 429 since the start; ``paused`` seconds that the server asked to wait;
    ``updated`` in seconds since the epoch."""

    requests: int = 0
    requests_per_second: float = 0.0
    answers_per_second: float = 0.0
    tokens_per_second: float = 0.0
    in_flight: int = 0
    levels: list[int] = field(default_factory=list)
    limited: int = 0
    retries: int = 0
    paused: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    updated: float = 0.0


@dataclass
class Counters:
    """The counts of a worker since it started."""

    requests: int = 0
    answers: int = 0
    tokens: int = 0
    limited: int = 0
    retries: int = 0
    in_flight: int = 0

    def __post_init__(self) -> None:
        self._marks: deque[tuple[float, int, int, int]] = deque([(time.monotonic(), 0, 0, 0)])

    def pulse(self, levels: list[int], paused: float, tokens: int, cost: float) -> Pulse:
        """Returns the figures of this moment."""
        moment = time.monotonic()
        self._marks.append((moment, self.requests, self.answers, self.tokens))
        while len(self._marks) > 2 and moment - self._marks[0][0] > WINDOW:
            self._marks.popleft()
        then, requests, answers, used = self._marks[0]
        elapsed = max(moment - then, 1e-6)
        return Pulse(
            requests=self.requests,
            requests_per_second=(self.requests - requests) / elapsed,
            answers_per_second=(self.answers - answers) / elapsed,
            tokens_per_second=(self.tokens - used) / elapsed,
            in_flight=self.in_flight,
            levels=levels,
            limited=self.limited,
            retries=self.retries,
            paused=paused,
            tokens=tokens,
            cost=cost,
            updated=time.time(),
        )


def _path(workspace: Workspace, run_id: int) -> Path:
    return workspace.run_folder(run_id) / "pulse.json"


def write_pulse(workspace: Workspace, run_id: int, pulse: Pulse) -> None:
    """Replaces the run's pulse; a full disk leaves the last one."""
    with contextlib.suppress(DiskFullError):
        write_json(_path(workspace, run_id), asdict(pulse), indent=None)


def read_pulse(workspace: Workspace, run_id: int) -> Pulse | None:
    """Returns the run's last pulse, even one that is out of date; None where there is none."""
    try:
        return Pulse(**json.loads(_path(workspace, run_id).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
