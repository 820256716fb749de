"""What the server counts, in Prometheus' text form. No torch."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

FIRST_TOKEN = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WHOLE = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper ends of the classes, in seconds."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """Seconds in classes, as Prometheus adds them up."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def lines(self, name: str, text: str) -> list[str]:
        """The exposition of this histogram."""
        made = [f"# HELP {name} {text}", f"# TYPE {name} histogram"]
        total = 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            total += count
            made.append(f'{name}_bucket{{le="{bound}"}} {total}')
        return [*made, f"{name}_sum {self.sum:.6f}", f"{name}_count {total}"]


class Metrics:
    """Counters of one server since it started. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._tokens: Counter[tuple[str, str]] = Counter()
        self._first = Histogram(FIRST_TOKEN)
        self._whole = Histogram(WHOLE)

    def refused(self, model: str) -> None:
        """Count a request for which there was no room."""
        with self._lock:
            self._requests[model, "refused"] += 1

    def ended(
        self, model: str, outcome: str, prompt: int, answer: int, first: float | None, seconds: float
    ) -> None:
        """Count a request: ``outcome`` answered, failed or aborted; its tokens; seconds to first token and to the end."""
        with self._lock:
            self._requests[model, outcome] += 1
            self._tokens[model, "prompt"] += prompt
            self._tokens[model, "answer"] += answer
            if first is not None:
                self._first.add(first)
            if outcome == "answered":
                self._whole.add(seconds)

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """The exposition; ``gauges`` are name → (help, value as of now)."""
        with self._lock:
            lines = [
                *_counter(
                    "tianji_requests_total", "Requests by model and outcome.", "outcome", self._requests
                ),
                *_counter("tianji_tokens_total", "Tokens read and written by model.", "kind", self._tokens),
                *self._first.lines("tianji_time_to_first_token_seconds", "From request to first token."),
                *self._whole.lines("tianji_request_seconds", "From request to the end of the answer."),
            ]
        for name, (text, value) in gauges.items():
            lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _counter(name: str, text: str, label: str, values: Counter[tuple[str, str]]) -> list[str]:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} counter"]
    return lines + [
        f'{name}{{model="{_escaped(model)}",{label}="{kind}"}} {count}'
        for (model, kind), count in sorted(values.items())
    ]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
