"""What the server counts, for Prometheus. Imports no torch."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

FIRST_TOKEN = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
REQUEST = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of the histogram buckets, in seconds."""

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """Counters of one server since it started. Safe to use from any thread."""

    def __init__(self) -> None:
        disable_created_metrics()
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tianji_requests_total",
            "Requests by model and outcome.",
            ("model", "outcome"),
            registry=self._registry,
        )
        self._tokens = Counter(
            "tianji_tokens_total",
            "Tokens read and written by model.",
            ("model", "kind"),
            registry=self._registry,
        )
        self._first_token = Histogram(
            "tianji_time_to_first_token_seconds",
            "From request to first token.",
            buckets=FIRST_TOKEN,
            registry=self._registry,
        )
        self._request = Histogram(
            "tianji_request_seconds",
            "From request to the end of the answer.",
            buckets=REQUEST,
            registry=self._registry,
        )

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Adds a gauge whose value ``read`` returns at each scrape; ``text`` explains it."""
        Gauge(name, text, registry=self._registry).set_function(read)

    def refused(self, model: str) -> None:
        """Counts a request for which the queue has no room."""
        self._requests.labels(model, "refused").inc()

    def ended(
        self, model: str, outcome: str, prompt: int, answer: int, first: float | None, seconds: float
    ) -> None:
        """Counts a request that ended: ``outcome`` is answered, failed or aborted, ``prompt`` and ``answer``
        are tokens, ``first`` and ``seconds`` the seconds to the first token and to the end."""
        self._requests.labels(model, outcome).inc()
        self._tokens.labels(model, "prompt").inc(prompt)
        self._tokens.labels(model, "answer").inc(answer)
        if first is not None:
            self._first_token.observe(first)
        if outcome == "answered":
            self._request.observe(seconds)

    def text(self) -> str:
        """Returns all metrics in Prometheus' text format."""
        return generate_latest(self._registry).decode()
