"""One dispatch from its first request to its last stored result, with a client of its own and no network."""

import asyncio

import pytest

from tianji_core import dispatch
from tianji_core.dispatch import Budget, Failed, Lane, Outcome, Pulse, Retry, RunOptions, Usage, disk
from tianji_core.errors import (
    DiskFullError,
    PlanError,
    RunLimitError,
    StorageError,
    TeacherAuthError,
    TeacherRefusalError,
    TeacherUnreachableError,
)
from tianji_core.teachers import ModelEntry, TeacherChoice

QUICK = Retry(attempts=3, first_wait=0.001, longest_wait=0.002)
EACH = Usage(10, 5)


class Squares:
    """Answers a number with its square; ``errors`` are raised first, in order, for the number that they stand
    at."""

    def __init__(self, errors: dict[int, list[Exception]] | None = None) -> None:
        self.errors = errors or {}
        self.asked: list[tuple[int, int]] = []

    def expected(self, item: int) -> Usage:
        return EACH

    async def ask(self, item: int, attempts: int) -> Outcome[int]:
        self.asked.append((item, attempts))
        if self.errors.get(item):
            raise self.errors[item].pop(0)
        return Outcome(item * item, EACH)


class Stored:
    """What was stored and what failed, as ``store`` got it."""

    def __init__(self) -> None:
        self.results: list[int] = []
        self.failures: list[Failed[int]] = []

    def __call__(self, results: list[int], failures: list[Failed[int]]) -> None:
        self.results += results
        self.failures += failures


def lane(client: Squares, numbers: range) -> Lane[int, int]:
    return Lane(client, iter(numbers), TeacherChoice(), ModelEntry(name="m", input_price=1, output_price=1))


def test_results_and_failures_are_stored_and_reported() -> None:
    client = Squares(
        {
            2: [TeacherUnreachableError("reset")],
            3: [TeacherRefusalError("no")],
            4: [PlanError("gone")],
            5: [TeacherUnreachableError("down")] * 3,
        }
    )
    stored, reported, pulses = Stored(), Stored(), list[Pulse]()
    work = dispatch.run(
        [lane(client, range(1, 8))],
        stored,
        concurrency=2,
        items=7,
        on_stored=reported,
        retry=QUICK,
        on_pulse=pulses.append,
    )
    asyncio.run(work)
    assert sorted(stored.results) == sorted(reported.results) == [1, 4, 36, 49]
    assert {(f.item, f.kind, f.message, f.attempts) for f in stored.failures} == {
        (3, "refusal", "no", 1),
        (4, "plan", "gone", 1),
        (5, "unreachable", "down", 3),
    }
    assert client.asked.count((2, 2)) == 1, "asked again, and answered"
    assert pulses[-1].tokens == 4 * EACH.total and pulses[-1].in_flight == 0


def test_several_lanes_share_the_concurrency() -> None:
    first, second, stored = Squares(), Squares(), Stored()
    lanes = [lane(first, range(1, 11)), lane(second, range(11, 16))]
    asyncio.run(dispatch.run(lanes, stored, concurrency=3, items=10))
    assert sorted(stored.results) == [n * n for n in range(1, 16)]
    assert (len(first.asked), len(second.asked)) == (10, 5)


class Noted(Squares):
    """Answers after a turn of the event loop, and notes which lane was asked, in order."""

    def __init__(self, name: str, order: list[str]) -> None:
        super().__init__()
        self.name, self.order = name, order
        self.busy = self.most = 0

    async def ask(self, item: int, attempts: int) -> Outcome[int]:
        self.order.append(self.name)
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0)
        self.busy -= 1
        return await super().ask(item, attempts)


@pytest.mark.parametrize("allowed", [None, 2])
def test_several_lanes_take_turns(allowed: int | None) -> None:
    order, stored = list[str](), Stored()
    lanes = [lane(Noted("A", order), range(60)), lane(Noted("B", order), range(60))]
    asyncio.run(dispatch.run(lanes, stored, concurrency=4, items=60, allowed=allowed))
    assert len(stored.results) == 120
    ahead = [abs(order[:n].count("A") - order[:n].count("B")) for n in range(len(order))]
    assert max(ahead) <= (allowed or 4)


def test_the_number_in_flight_follows_what_is_allowed() -> None:
    client, stored = Noted("A", []), Stored()
    work = dispatch.run(
        [lane(client, range(20))],
        stored,
        concurrency=4,
        items=20,
        allowed=0,  # nothing may be sent until the first pulse
        on_pulse=lambda _pulse: 2,
    )
    asyncio.run(work)
    assert len(stored.results) == 20 and client.most == 2


def test_nothing_to_do_is_done_at_once() -> None:
    stored = Stored()
    asyncio.run(dispatch.run([lane(Squares(), range(0))], stored, concurrency=4, items=0))
    assert stored.results == []


def test_what_was_answered_before_a_fatal_error_is_stored() -> None:
    client, stored = Squares({3: [TeacherAuthError("wrong key")]}), Stored()
    with pytest.raises(TeacherAuthError, match="wrong key"):
        asyncio.run(dispatch.run([lane(client, range(1, 50))], stored, concurrency=1, items=49, retry=QUICK))
    assert stored.results == [1, 4] and stored.failures == []


def test_the_budget_counts_earlier_starts() -> None:
    stored = Stored()
    price = ModelEntry(name="m", input_price=1, output_price=1)
    budget = Budget(RunOptions(budget_tokens=5 * EACH.total), [(Usage(20, 10), price)])
    with pytest.raises(RunLimitError):
        asyncio.run(
            dispatch.run([lane(Squares(), range(1, 50))], stored, concurrency=1, items=49, budget=budget)
        )
    assert len(stored.results) == 3


def test_no_more_is_asked_once_storing_fails() -> None:
    def full(_results: list[int], _failures: list[Failed[int]]) -> None:
        raise OSError("disk full")

    class Slow(Squares):
        async def ask(self, item: int, attempts: int) -> Outcome[int]:
            await asyncio.sleep(0.02)
            return await super().ask(item, attempts)

    client = Slow()
    with pytest.raises(OSError, match="disk full"):
        asyncio.run(dispatch.run([lane(client, range(1, 1000))], full, concurrency=1, items=999))
    assert len(client.asked) < 500


def test_a_stop_leaves_the_rest_unsent() -> None:
    stored = Stored()

    async def story() -> None:
        stop = asyncio.Event()

        class Stops(Squares):
            async def ask(self, item: int, attempts: int) -> Outcome[int]:
                if item == 3:
                    stop.set()
                    await asyncio.sleep(0.01)
                return await super().ask(item, attempts)

        await dispatch.run([lane(Stops(), range(1, 50))], stored, concurrency=1, items=49, stop=stop)

    asyncio.run(story())
    assert 3 <= len(stored.results) < 49


def test_a_result_that_cannot_be_stored_becomes_a_failure_and_the_rest_of_its_batch_is_kept() -> None:
    class Strict(Stored):
        def __call__(self, results: list[int], failures: list[Failed[int]]) -> None:
            if 25 in results:
                raise StorageError("too square")
            super().__call__(results, failures)

    stored, reported = Strict(), Stored()
    client = Squares()
    work = dispatch.run(
        [lane(client, range(1, 8))], stored, concurrency=7, items=7, on_stored=reported, retry=QUICK
    )
    asyncio.run(work)
    assert sorted(stored.results) == sorted(reported.results) == [1, 4, 9, 16, 36, 49]
    assert [(f.item, f.kind, f.message, f.attempts) for f in stored.failures] == [
        (5, "storage", "too square", 1)
    ]
    assert reported.failures == stored.failures


def test_while_the_disk_is_full_nothing_is_sent_and_every_answer_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(disk, "LOOK", 0.05)
    client, stored, told, sent = Squares(), Stored(), list[bool](), list[int]()

    def store(results: list[int], failures: list[Failed[int]]) -> None:
        sent.append(len(client.asked))
        if 2 <= len(sent) < 6:
            raise DiskFullError("full")
        stored(results, failures)

    numbers = range(3000)
    work = dispatch.run([lane(client, numbers)], store, concurrency=2, items=3000, on_full=told.append)
    asyncio.run(work)
    assert sorted(stored.results) == [number * number for number in numbers] and told == [True, False]
    assert len(client.asked) == 3000
    assert sent[3] == sent[4] == sent[5]  # nothing was asked between the attempts


def test_a_stop_while_the_disk_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LOOK", 0.05)

    async def work() -> None:
        stop = asyncio.Event()

        def store(_results: list[int], _failures: list[Failed[int]]) -> None:
            raise DiskFullError("full")

        await dispatch.run(
            [lane(Squares(), range(100))],
            store,
            concurrency=2,
            items=100,
            stop=stop,
            on_full=lambda _full: stop.set(),
        )

    with pytest.raises(DiskFullError):
        asyncio.run(work())
