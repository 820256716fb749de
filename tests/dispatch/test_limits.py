"""What limits the requests to a teacher: units per minute, concurrent requests, and a budget."""

import asyncio

import pytest

from tianji_core.dispatch import Budget, RunOptions, Usage
from tianji_core.dispatch.pace import Pace, Throttle
from tianji_core.teachers import ModelEntry


def test_requests_under_way_together_do_not_overshoot_together():
    budget = Budget(RunOptions(budget_tokens=100))
    price, each = ModelEntry(name="m"), Usage(20, 20)
    budget.reserve(each, price)
    budget.reserve(each, price)
    assert budget.refusal(each, price) and budget.waiting_helps
    budget.settle(each, Usage(5, 5), price)
    assert not budget.refusal(each, price)


def test_waiting_helps_while_another_process_has_requests_in_flight():
    budget = Budget(RunOptions(budget_tokens=100))
    price, each = ModelEntry(name="m"), Usage(20, 20)
    budget.count_elsewhere(80, 0.0, in_flight=2)
    assert budget.refusal(each, price) and budget.waiting_helps
    budget.count_elsewhere(20, 0.0, in_flight=0)
    assert not budget.refusal(each, price) and not budget.waiting_helps


def test_too_many_requests_lower_the_concurrency_and_answers_raise_it_again():
    async def story() -> list[int]:
        throttle, levels = Throttle(16), []
        throttle.limited(sent_at=1.0, now=2.0)
        throttle.limited(sent_at=1.5, now=2.1)  # was under way already: the same wave
        levels.append(throttle.level)
        throttle.limited(sent_at=3.0, now=4.0)
        levels.append(throttle.level)
        for _number in range(200):
            throttle.succeeded()
        levels.append(throttle.level)
        return levels

    assert asyncio.run(story()) == [8, 4, 16]


def test_a_throttle_never_goes_under_one_and_lets_everybody_pass_in_the_end():
    async def story() -> int:
        throttle = Throttle(4)
        for moment in range(1, 10):
            throttle.limited(moment, moment + 0.5)
        most = busy = 0

        async def one() -> None:
            nonlocal most, busy
            await throttle.enter()
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1
            throttle.leave()

        await asyncio.gather(*(one() for _number in range(20)))
        return most

    assert asyncio.run(story()) == 1


def test_a_pace_leaves_no_more_than_its_share_in_a_minute():
    pace = Pace(120)
    waits = [pace.book(1, now=0.0) for _number in range(5)]
    assert waits == [0.0, 0.5, 1.0, 1.5, 2.0]
    pace.correct(-2)
    assert pace.book(1, now=0.0) == pytest.approx(1.5)
    assert pace.book(1, now=100.0) == 0.0
