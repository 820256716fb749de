"""What the server counts, read back by Prometheus' own parser."""

from prometheus_client.parser import text_string_to_metric_families

from tianji_core.serving.metrics import FIRST_TOKEN, Metrics


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_tokens_and_seconds_add_up() -> None:
    metrics = Metrics()
    metrics.refused("送祝福")
    metrics.ended("送祝福", "answered", prompt=30, answer=12, first=0.02, seconds=0.4)
    metrics.ended("送祝福", "aborted", prompt=30, answer=3, first=None, seconds=9.0)
    metrics.ended('名"字\\', "answered", prompt=5, answer=7, first=99.0, seconds=0.4)
    counted = samples(metrics.text())
    requests = {
        tuple(dict(labels).values()): value
        for (name, labels), value in counted.items()
        if name == "tianji_requests_total"
    }
    assert requests == {
        ("送祝福", "refused"): 1,
        ("送祝福", "answered"): 1,
        ("送祝福", "aborted"): 1,
        ('名"字\\', "answered"): 1,
    }
    assert counted["tianji_tokens_total", (("kind", "prompt"), ("model", "送祝福"))] == 60
    assert counted["tianji_tokens_total", (("kind", "answer"), ("model", "送祝福"))] == 15
    assert counted["tianji_time_to_first_token_seconds_bucket", (("le", "0.025"),)] == 1
    assert counted["tianji_time_to_first_token_seconds_bucket", (("le", str(FIRST_TOKEN[-1])),)] == 1
    assert counted["tianji_time_to_first_token_seconds_bucket", (("le", "+Inf"),)] == 2
    assert counted["tianji_request_seconds_count", ()] == 2
    assert round(counted["tianji_request_seconds_sum", ()], 6) == 0.8


def test_a_gauge_is_read_at_each_scrape_and_two_servers_do_not_share_counters() -> None:
    waiting, metrics, other = [3], Metrics(), Metrics()
    metrics.gauge("tianji_requests_waiting", "Requests in the queue.", lambda: waiting[0])
    assert samples(metrics.text())["tianji_requests_waiting", ()] == 3
    waiting[0] = 0
    metrics.ended("a", "answered", 1, 1, None, 1.0)
    assert samples(metrics.text())["tianji_requests_waiting", ()] == 0
    assert "tianji_requests_waiting" not in other.text() and 'model="a"' not in other.text()
    assert "_created" not in metrics.text()
