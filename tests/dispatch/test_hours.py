"""Teachers that are asked in some hours only: when everything waits, when it goes on, and at which price."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.dispatch.test_running import EACH, QUICK, Squares, Stored, lane
from tianji_core import dispatch
from tianji_core.dispatch import Budget, Clock, Hours, Outcome, RunOptions, Usage
from tianji_core.errors import RunLimitError, TeacherUnreachableError
from tianji_core.teachers import ModelEntry, OffPeak

NIGHT = OffPeak.model_validate({"from": "22:00", "to": "06:00", "zone": "UTC", "price": 0.5})
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EVENING = datetime(2026, 3, 4, 22, tzinfo=UTC)


class HandClock:
    """A clock that stands until it is put to another time."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def looked_at(self) -> Clock:
        return Clock(lambda: self.moment, look=0.001)


class Noted(Squares):
    """Notes when each item was asked for; ``after`` puts the clock once so many were."""

    def __init__(self, hand: HandClock, after: dict[int, datetime] | None = None) -> None:
        super().__init__()
        self.hand = hand
        self.after = after or {}
        self.moments: list[datetime] = []

    async def ask(self, item: int, attempts: int) -> Outcome[int]:
        self.moments.append(self.hand.moment)
        self.hand.moment = self.after.get(len(self.moments), self.hand.moment)
        return await super().ask(item, attempts)


def test_nothing_is_asked_before_the_hour_and_everything_in_it() -> None:
    hand, stored = HandClock(NOON), Stored()
    client, told = Noted(hand), []

    def closed(opens: datetime | None) -> None:
        told.append(opens)
        assert not client.asked or opens is None
        if opens is not None:
            hand.moment = EVENING

    waiting = replace(lane(client, range(20)), hours=Hours(NIGHT, True, hand.looked_at()))
    asyncio.run(dispatch.run([waiting], stored, concurrency=4, items=20, retry=QUICK, on_closed=closed))
    assert told == [EVENING, None]
    assert sorted(stored.results) == [n * n for n in range(20)]
    assert set(client.moments) == {EVENING}


def test_it_waits_again_where_the_hours_end_in_the_middle() -> None:
    hand, stored = HandClock(EVENING), Stored()
    morning, next_evening = EVENING + timedelta(hours=8), EVENING + timedelta(days=1)
    client, told = Noted(hand, {7: morning}), []

    def closed(opens: datetime | None) -> None:
        told.append(opens)
        hand.moment = opens or hand.moment

    waiting = replace(lane(client, range(20)), hours=Hours(NIGHT, True, hand.looked_at()))
    asyncio.run(dispatch.run([waiting], stored, concurrency=1, items=20, retry=QUICK, on_closed=closed))
    assert told == [next_evening, None]
    assert sorted(item for item, _attempts in client.asked) == list(range(20)), "each once"
    assert client.moments == [EVENING] * 7 + [next_evening] * 13


def test_a_stop_ends_the_waiting_and_leaves_the_items() -> None:
    hand, stored = HandClock(NOON), Stored()
    client = Noted(hand)

    async def story() -> None:
        stop = asyncio.Event()
        waiting = replace(lane(client, range(20)), hours=Hours(NIGHT, True, hand.looked_at()))
        await dispatch.run(
            [waiting], stored, concurrency=4, items=20, stop=stop, on_closed=lambda _opens: stop.set()
        )

    asyncio.run(story())
    assert (stored.results, stored.failures, client.asked) == ([], [], [])


def test_it_waits_only_once_the_lanes_without_hours_are_done() -> None:
    hand, stored = HandClock(NOON), Stored()
    slow, always = Noted(hand), Noted(hand)

    def closed(opens: datetime | None) -> None:
        if opens is not None:
            assert len(always.asked) == 30 and not slow.asked
            hand.moment = EVENING

    waiting = replace(lane(slow, range(5)), hours=Hours(NIGHT, True, hand.looked_at()))
    lanes = [waiting, lane(always, range(100, 130))]
    asyncio.run(dispatch.run(lanes, stored, concurrency=3, items=30, retry=QUICK, on_closed=closed))
    assert len(stored.results) == 35 and set(slow.moments) == {EVENING}


def test_several_lanes_wait_for_the_one_that_opens_first() -> None:
    hand, stored, told = HandClock(NOON), Stored(), []
    late = OffPeak.model_validate({"from": "23:00", "to": "01:00", "zone": "Asia/Tokyo", "price": 0.1})
    first, second = Noted(hand), Noted(hand)

    def closed(opens: datetime | None) -> None:
        told.append(opens)
        hand.moment = opens or hand.moment

    lanes = [
        replace(lane(first, range(3)), hours=Hours(NIGHT, True, hand.looked_at())),
        replace(lane(second, range(10, 13)), hours=Hours(late, True, hand.looked_at())),
    ]
    asyncio.run(dispatch.run(lanes, stored, concurrency=4, items=3, retry=QUICK, on_closed=closed))
    tokyo = datetime(2026, 3, 4, 14, tzinfo=UTC)
    assert told == [tokyo, None, EVENING, None]
    assert (set(second.moments), set(first.moments)) == ({tokyo}, {EVENING})


@pytest.mark.parametrize(("moment", "answers"), [(NOON, 10), (EVENING, 20)])
def test_a_budget_counts_each_answer_at_the_price_of_its_hour(moment: datetime, answers: int) -> None:
    """Without waiting, too: half the price at night buys twice as much."""
    hand, stored = HandClock(moment), Stored()
    price = EACH.cost(ModelEntry(name="m", input_price=1, output_price=1))
    assert price is not None
    budget = Budget(RunOptions(budget_cost=10 * price))
    hourly = replace(lane(Noted(hand), range(50)), hours=Hours(NIGHT, False, hand.looked_at()))
    with pytest.raises(RunLimitError):
        asyncio.run(dispatch.run([hourly], stored, concurrency=1, items=50, budget=budget))
    assert len(stored.results) == answers and budget.cost == pytest.approx(10 * price)


def test_what_was_reserved_at_one_price_is_given_back_at_it() -> None:
    budget = Budget(RunOptions(budget_cost=1))
    full = ModelEntry(name="m", input_price=1, output_price=1)
    budget.reserve(Usage(10, 10), full)
    budget.settle(Usage(10, 10), Usage(4, 4), full.at_share(0.5), full)
    assert budget.taken == (8, pytest.approx(4e-6)) and not budget.waiting_helps


def test_an_item_that_fails_in_the_hours_is_tried_again_in_them_only() -> None:
    hand, stored = HandClock(EVENING), Stored()
    client, failures = Noted(hand, {1: NOON}), []

    def closed(opens: datetime | None) -> None:
        failures.append(opens)
        hand.moment = opens or hand.moment

    client.errors = {0: [TeacherUnreachableError("away")]}
    waiting = replace(lane(client, range(1)), hours=Hours(NIGHT, True, hand.looked_at()))
    asyncio.run(dispatch.run([waiting], stored, concurrency=1, items=1, retry=QUICK, on_closed=closed))
    assert failures == [EVENING, None] and client.asked == [(0, 1), (0, 2)]
    assert client.moments == [EVENING, EVENING] and stored.failures == []
