"""What a load test measures, against a loopback server whose answers and failures are known."""

import pytest

from tests.loopback import LoopbackApi, fails, streams
from tianji_core.errors import InputError
from tianji_core.serving import Message
from tianji_core.serving.load_test import load_level, nearest_rank

QUESTIONS = [[Message("user", "甲")], [Message("user", "乙")]]


def test_every_question_is_asked_in_turn_and_no_more_at_once_than_said(api: LoopbackApi) -> None:
    api.default, api.latency = streams("祝", "您", "好"), 0.02
    seen: list[tuple[int, int]] = []
    level = load_level(api.url, "m", QUESTIONS, 3, 10, 7, each=lambda done, all_: seen.append((done, all_)))
    assert api.most_in_flight <= 3 and sorted(api.prompts()) == ["乙"] * 5 + ["甲"] * 5
    assert {request["max_tokens"] for request in api.requests} == {7}
    assert (level.concurrency, level.requests, level.errors, level.tokens) == (3, 10, 0, 30)
    assert 0 < level.first_p50 <= level.whole_p50 <= level.whole_p95 <= level.seconds
    assert level.tokens_per_second == pytest.approx(30 / level.seconds, rel=0.05)
    assert seen == [(number, 10) for number in range(1, 11)]


def test_what_fails_is_counted_and_not_asked_again(api: LoopbackApi) -> None:
    api.default = streams("好")
    api.script.extend([fails(500, "overloaded")] * 3)
    level = load_level(api.url, "m", QUESTIONS, 2, 8)
    assert (level.requests, level.errors, level.tokens, len(api.requests)) == (8, 3, 5, 8)
    assert "overloaded" in level.first_error


@pytest.mark.parametrize(("concurrency", "requests"), [(0, 1), (1, 0), (513, 600), (1, 100_001)])
def test_numbers_out_of_bounds_ask_nothing(api: LoopbackApi, concurrency: int, requests: int) -> None:
    with pytest.raises(InputError):
        load_level(api.url, "m", QUESTIONS, concurrency, requests)
    assert api.requests == []


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = [float(number) for number in range(1, 21)]
    assert (nearest_rank(values, 50), nearest_rank(values, 95), nearest_rank(values, 100)) == (10, 19, 20)
    assert nearest_rank([3.0], 95) == 3.0 and nearest_rank([], 50) == 0.0
